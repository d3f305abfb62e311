#include "scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "try.h"

#define KEPT_CAPACITY 65536 /* Bytes of a buffer for the next scan. */
#define GROUP_STEPS   8     /* A seek is worth as many steps. */
#define UNSEEN_ENOUGH 8     /* After so many it runs ahead. */
#define RUN_MOST      1024
#define FIRST_READY   4
#define READY_GROWTH  2
#define READY_ENOUGH  4  /* Fewer at once are not worth asking for. */
#define PAUSE_MOST    64 /* Rows until it is tried again. */

void scan_init(struct scan *scan, struct table *table)
{
    memset(scan, 0, sizeof *scan);
    scan->table = table;
}

static void release_batch(struct scan *scan)
{
    for (int i = 0; scan->batch && i < scan->batch_count; i++)
        byron_value_release(&scan->batch[i]);
    scan->batch_count = 0;
}

/* The row is where the cursor is. */
static void forget_ready(struct scan *scan)
{
    scan->row = NULL;
    scan->row_left = 0;
}

/* Lets go of all that belongs to the view. */
static void release(struct scan *scan)
{
    forget_ready(scan);
    if (view_is_forked(&scan->view)) {
        scan->rows = NULL;
        memset(&scan->value, 0, sizeof scan->value);
        scan->batch_count = 0;
        return;
    }
    byron_cursor_close(scan->rows);
    scan->rows = NULL;
    byron_value_release(&scan->value);
    release_batch(scan);
}

void scan_deinit(struct scan *scan)
{
    release(scan);
    view_close(&scan->view);
    key_ranges_deinit(&scan->ranges);
    bytes_deinit(&scan->place_key);
    bytes_deinit(&scan->place_value);
    bytes_deinit(&scan->group);
    hop_deinit(&scan->hop);
    free(scan->batch);
    free(scan->ready);
    memset(scan, 0, sizeof *scan);
}

void scan_reset(struct scan *scan)
{
    release(scan);
    view_close(&scan->view);
    key_ranges_clear(&scan->ranges);
    if (scan->ranges.bytes.capacity > KEPT_CAPACITY)
        key_ranges_deinit(&scan->ranges);
    bytes_shrink(&scan->place_key, KEPT_CAPACITY);
    bytes_shrink(&scan->place_value, KEPT_CAPACITY);
    bytes_shrink(&scan->group, KEPT_CAPACITY);
    bytes_shrink(&scan->hop.text, KEPT_CAPACITY);
    bytes_shrink(&scan->hop.key, KEPT_CAPACITY);
    bytes_shrink(&scan->hop.scratch, KEPT_CAPACITY);
    scan->is_at_row = false;
    scan->is_copied = false;
    scan->done = 0;
}

/* --- Segments ------------------------------------------------------------ */

/* The segment begun last, in key order. */
static int current(const struct scan *scan)
{
    return scan->is_descending ? scan->ranges.count - scan->done
                               : scan->done - 1;
}

/* Points ahead, from the current one on, that one call may read. */
static int count_points(const struct scan *scan)
{
    int step = scan->is_descending ? -1 : 1;
    int count = 0;

    for (int i = current(scan);
         i >= 0 && i < scan->ranges.count && count < SCAN_BATCH &&
         scan->ranges.segments[i].is_point;
         i += step)
        count++;
    return count;
}

static byron_status read_batch(struct scan *scan, int count)
{
    struct byron_bytes keys[SCAN_BATCH];
    int step = scan->is_descending ? -1 : 1;
    byron_status status;

    if (!scan->batch && !scan->skips_values &&
        !(scan->batch = calloc(SCAN_BATCH, sizeof *scan->batch)))
        return BYRON_NO_MEMORY;
    for (int i = 0; i < count; i++)
        keys[i] = key_ranges_lower(&scan->ranges, current(scan) + i * step);
    status = byron_multi_get(scan->view.db, scan->view.snapshot, (size_t)count,
                             keys, scan->skips_values ? NULL : scan->batch,
                             scan->has_point);
    if (status != BYRON_OK)
        return status;
    scan->batch_first = scan->done;
    scan->batch_count = count;
    return BYRON_OK;
}

/* One of those that were read at once. */
static byron_status take_point(struct scan *scan, int index)
{
    if (!scan->has_point[index])
        return BYRON_NOT_FOUND;
    if (!scan->skips_values) {
        scan->value = scan->batch[index];
        memset(&scan->batch[index], 0, sizeof scan->batch[index]);
    }
    return BYRON_OK;
}

/* The value of the current point: BYRON_NOT_FOUND if there is none. */
static byron_status read_point(struct scan *scan)
{
    struct byron_bytes key = key_ranges_lower(&scan->ranges, current(scan));
    int ahead = scan->done - scan->batch_first;
    byron_status status;
    int count;

    if (scan->view.txn)
        return byron_txn_get(scan->view.txn, key, &scan->value);
    if (scan->batch_count > 0 && ahead < scan->batch_count)
        return take_point(scan, ahead);
    count = count_points(scan);
    release_batch(scan);
    if (count < 2)
        return byron_get(scan->view.db, scan->view.snapshot, key,
                         scan->skips_values ? NULL : &scan->value);
    status = read_batch(scan, count);
    return status == BYRON_OK ? take_point(scan, 0) : status;
}

static byron_status open_range(struct scan *scan, struct byron_range range)
{
    byron_status status;

    TRY(byron_cursor_open(scan->view.snapshot, scan->view.txn, &range,
                          &scan->rows));
    status = scan->is_descending ? byron_cursor_last(scan->rows)
                                 : byron_cursor_first(scan->rows);
out:
    return status;
}

/* The cursor has moved. */
static byron_status arrive(struct scan *scan, byron_status status)
{
    if (status == BYRON_OK && scan->hop.is_on)
        return hop_on(&scan->hop, scan->rows, scan->is_descending,
                      &scan->is_at_row);
    scan->is_at_row = status == BYRON_OK && byron_cursor_valid(scan->rows);
    return status;
}

static byron_status begin_segment(struct scan *scan)
{
    const struct segment *segment;
    struct byron_range range;
    byron_status status;
    int index;

    scan->done++;
    index = current(scan);
    segment = &scan->ranges.segments[index];
    hop_set(&scan->hop, segment);
    if (segment->is_point) {
        status = read_point(scan);
        scan->is_at_row = status == BYRON_OK;
        return status == BYRON_NOT_FOUND ? BYRON_OK : status;
    }
    range.lower = key_ranges_lower(&scan->ranges, index);
    range.upper = key_ranges_upper(&scan->ranges, index);
    return arrive(scan, open_range(scan, range));
}

/* To the first row of the segments not yet begun. */
static byron_status begin_next(struct scan *scan)
{
    byron_status status = BYRON_OK;

    scan->is_at_row = false;
    while (!scan->is_at_row && scan->done < scan->ranges.count) {
        byron_cursor_close(scan->rows);
        scan->rows = NULL;
        byron_value_release(&scan->value);
        TRY(begin_segment(scan));
    }
out:
    return status;
}

/* --- The end of a transaction -------------------------------------------- */

/* Back to the row that it shows; then it goes step by step. */
static byron_status go_back(struct scan *scan)
{
    byron_status status = BYRON_OK;

    scan->may_run = false;
    for (; scan->ahead > 0 && status == BYRON_OK; scan->ahead--)
        status = byron_cursor_prev(scan->rows);
    return status;
}

/* The value of the current point, which may not have been read yet: only a
 * view without a transaction puts it off, and in that nothing changes. */
static byron_status point_value(struct scan *scan, struct byron_bytes *out)
{
    struct byron_bytes key = key_ranges_lower(&scan->ranges, current(scan));
    byron_status status = BYRON_OK;

    if (!scan->value.data)
        status =
            byron_get(scan->view.db, scan->view.snapshot, key, &scan->value);
    *out = (struct byron_bytes){scan->value.data, scan->value.size};
    return status;
}

static byron_status copy_row(struct scan *scan)
{
    struct byron_bytes value;
    struct byron_bytes key;
    byron_status status;

    TRY(go_back(scan));
    key = scan_key(scan);
    scan->place_key.size = 0;
    scan->place_value.size = 0;
    if (scan->row)
        value = scan->row->value;
    else if (scan->rows)
        TRY(byron_cursor_value(scan->rows, &value));
    else
        TRY(point_value(scan, &value));
    TRY(bytes_add(&scan->place_key, key.data, key.size));
    TRY(bytes_add(&scan->place_value, value.data, value.size));
out:
    return status;
}

/* The view is about to lose its transaction: keep the row as a copy. */
static void keep_place(struct view *view)
{
    struct scan *scan = (struct scan *)view;

    if (scan->is_at_row && !scan->is_copied) {
        scan->copy_status = copy_row(scan);
        scan->is_copied = true;
    }
    if (scan->fetch) {
        byron_status status = fetch_keep(scan->fetch);

        if (status != BYRON_OK)
            scan->copy_status = status;
    }
    release(scan);
    view_close(view);
}

int scan_open_view(struct scan *scan)
{
    int rc;

    if (scan->view.owner)
        return SQLITE_OK;
    rc = transaction_view(scan->table, &scan->view);
    if (rc == SQLITE_OK)
        scan->view.ended = keep_place;
    return rc;
}

/* After keep_place: a new view, and the rest of the range that was begun. */
static int resume(struct scan *scan)
{
    struct byron_bytes key = bytes_view(&scan->place_key);
    struct byron_range range;
    int index = current(scan);
    byron_status status = scan->copy_status;
    int rc;

    if (status != BYRON_OK)
        return status_fail(scan->table, status);
    rc = scan_open_view(scan);
    if (rc != SQLITE_OK)
        return rc;
    scan->is_copied = false;
    scan->is_at_row = false;
    if (scan->ranges.segments[index].is_point)
        return SQLITE_OK;
    range.lower = key_ranges_lower(&scan->ranges, index);
    range.upper = key_ranges_upper(&scan->ranges, index);
    if (scan->is_descending) {
        range.upper = key;
    } else {
        status = bytes_add_u8(&scan->place_key, 0); /* The next key there is. */
        range.lower = bytes_view(&scan->place_key);
    }
    if (status == BYRON_OK)
        status = arrive(scan, open_range(scan, range));
    return status_fail(scan->table, status);
}

/* --- Rows ---------------------------------------------------------------- */

/* Lets go of what was read, and opens the view anew. */
static int begin(struct scan *scan)
{
    struct view old = {0};
    int rc;

    release(scan);
    scan->is_at_row = false;
    scan->is_copied = false;
    scan->ahead = 0;
    /* Closed after the new one is open, so that they share a snapshot. */
    if (scan->view.snapshot) {
        old = scan->view;
        memset(&scan->view, 0, sizeof scan->view);
    }
    view_close(&scan->view);
    rc = scan->ranges.count > 0 ? scan_open_view(scan) : SQLITE_OK;
    view_close(&old);
    return rc;
}

int scan_start(struct scan *scan, bool is_descending)
{
    int rc = begin(scan);

    scan->is_descending = is_descending;
    scan->done = 0;
    scan->may_run = false;
    scan->unseen = 0;
    scan->wanted = FIRST_READY;
    scan->pause = 0;
    scan->next_pause = 1;
    if (rc != SQLITE_OK)
        return rc;
    return status_fail(scan->table, begin_next(scan));
}

int scan_narrow(struct scan *scan)
{
    struct key_ranges *ranges = &scan->ranges;
    byron_status status = BYRON_OK;
    int count = ranges->count;
    int rc = begin(scan);

    if (rc != SQLITE_OK)
        return rc;
    scan->is_descending = false;
    ranges->count = 0;
    for (int i = 0; i < count && status == BYRON_OK; i++) {
        struct segment segment = ranges->segments[i];

        scan->done = i;
        scan->is_at_row = true;
        if (segment.is_number) {
            status = begin_segment(scan);
            if (status == BYRON_OK && scan->is_at_row && scan->hop.is_on)
                status = hop_narrow(&scan->hop, scan->rows, ranges, &segment);
            byron_cursor_close(scan->rows);
            scan->rows = NULL;
        }
        if (scan->is_at_row)
            ranges->segments[ranges->count++] = segment;
    }
    scan->is_at_row = false;
    return status_fail(scan->table, status);
}

/* To the next row, seen or not. */
static int step(struct scan *scan)
{
    byron_status status = BYRON_OK;

    assert(scan->row_left == 0);
    scan->row = NULL;
    if (scan->is_copied) {
        int rc = resume(scan);

        if (rc != SQLITE_OK || scan->is_at_row)
            return rc;
    } else if (scan->rows) {
        status = scan->is_descending ? byron_cursor_prev(scan->rows)
                                     : byron_cursor_next(scan->rows);
        status = arrive(scan, status);
        if (status != BYRON_OK || scan->is_at_row)
            return status_fail(scan->table, status);
    }
    return status_fail(scan->table, begin_next(scan));
}

static bool can_run(const struct scan *scan)
{
    return scan->rows && !scan->is_descending && !scan->is_copied &&
           !scan->hop.is_on;
}

/* Ahead of rows that nobody looks at. */
static bool run_ahead(struct scan *scan)
{
    scan->ahead = byron_cursor_skip(scan->rows, RUN_MOST);
    if (scan->ahead == 0)
        return false;
    scan->ahead--;
    forget_ready(scan);
    return true;
}

/* Where few lie side by side it is tried ever less often; and not where it
 * has just stopped short. */
static void note_ready(struct scan *scan, size_t count)
{
    bool is_worth_it = count >= READY_ENOUGH;

    scan->pause = count < scan->wanted;
    if (is_worth_it) {
        scan->next_pause = 1;
    } else {
        scan->pause = scan->next_pause;
        if (scan->next_pause < PAUSE_MOST)
            scan->next_pause *= 2;
    }
    scan->wanted *= READY_GROWTH;
    if (scan->wanted > SCAN_READY)
        scan->wanted = SCAN_READY;
}

/* Makes the next rows ready, and goes to the first. */
static bool make_ready(struct scan *scan)
{
    size_t count;

    if (scan->pause > 0) {
        scan->pause--;
        return false;
    }
    if (!scan->ready)
        scan->ready = malloc(SCAN_READY * sizeof *scan->ready);
    if (!scan->ready)
        return false;
    count = byron_cursor_next_many(scan->rows, scan->wanted, scan->ready);
    note_ready(scan, count);
    if (count == 0)
        return false;
    scan->row = scan->ready;
    scan->row_left = count - 1;
    scan->unseen += count;
    return true;
}

int scan_next(struct scan *scan)
{
    bool is_unseen = scan->may_run && scan->unseen >= UNSEEN_ENOUGH;

    assert(scan->is_at_row);
    if (scan->ahead > 0) {
        scan->ahead--;
        return SQLITE_OK;
    }
    if (scan_next_ready(scan))
        return SQLITE_OK;
    if (can_run(scan) && (is_unseen ? run_ahead(scan) : make_ready(scan)))
        return SQLITE_OK;
    scan->unseen++;
    return step(scan);
}

int scan_return(struct scan *scan)
{
    return status_fail(scan->table, go_back(scan));
}

int scan_pass(struct scan *scan, int64_t count)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && scan->is_at_row && count > 0) {
        uint64_t passed = 0;

        if (can_run(scan))
            passed = byron_cursor_skip(scan->rows, (uint64_t)count);
        if (passed == 0) {
            rc = step(scan);
            passed = 1;
        }
        count -= (int64_t)passed;
    }
    return rc;
}

static bool is_in_group(const struct scan *scan)
{
    struct byron_bytes key = scan_key(scan);

    return key.size >= scan->group.size &&
           memcmp(key.data, scan->group.data, scan->group.size) == 0;
}

/* Behind the group, which the range that was begun last may reach into. */
static byron_status seek_behind(struct scan *scan)
{
    struct bytes *group = &scan->group;
    byron_status status;

    forget_ready(scan);
    scan->wanted = FIRST_READY;
    if (scan->is_descending) {
        status = byron_cursor_seek_back(scan->rows, bytes_view(group));
    } else {
        /* The next key that does not begin so; ids never are 0xff only. */
        bytes_raise(group, 0);
        status = byron_cursor_seek(scan->rows, bytes_view(group));
    }
    scan->is_at_row = status == BYRON_OK && byron_cursor_valid(scan->rows);
    if (status == BYRON_OK && !scan->is_at_row)
        status = begin_next(scan);
    return status;
}

int scan_next_group(struct scan *scan, size_t size)
{
    struct byron_bytes key = scan_key(scan);
    byron_status status;

    scan->group.size = 0;
    status = bytes_add(&scan->group, key.data, size);
    for (int i = 0; status == BYRON_OK && i < GROUP_STEPS; i++) {
        int rc = scan_next(scan);

        if (rc != SQLITE_OK || !scan->is_at_row || !is_in_group(scan))
            return rc;
    }
    if (status == BYRON_OK && scan->rows)
        status = seek_behind(scan);
    return status_fail(scan->table, status);
}

struct byron_bytes scan_key(const struct scan *scan)
{
    assert(scan->is_at_row && scan->ahead == 0);
    if (scan->row)
        return scan->row->key;
    if (scan->is_copied)
        return bytes_view(&scan->place_key);
    if (scan->rows)
        return byron_cursor_key(scan->rows);
    return key_ranges_lower(&scan->ranges, current(scan));
}

int scan_value(struct scan *scan, struct byron_bytes *out)
{
    assert(scan->is_at_row && scan->ahead == 0);
    if (scan->row) {
        *out = scan->row->value;
        return SQLITE_OK;
    }
    if (scan->is_copied) {
        *out = bytes_view(&scan->place_value);
        return status_fail(scan->table, scan->copy_status);
    }
    if (scan->rows)
        return status_fail(scan->table, byron_cursor_value(scan->rows, out));
    return status_fail(scan->table, point_value(scan, out));
}
