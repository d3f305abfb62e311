#include "walk.h"

#include <assert.h>
#include <string.h>

#include "key_codec.h"
#include "status.h"

#define FIRST_BATCH  4
#define BATCH_GROWTH 4

void walk_init(struct walk *walk, struct table *table)
{
    memset(walk, 0, sizeof *walk);
    scan_init(&walk->scan, table);
    walk->scan.fetch = &walk->fetch;
}

/* What belongs to the view goes before it. */
static void forget_rows(struct walk *walk)
{
    if (view_is_forked(&walk->scan.view))
        fetch_abandon(&walk->fetch);
    fetch_clear(&walk->fetch);
    walk->has_row = false;
}

void walk_deinit(struct walk *walk)
{
    forget_rows(walk);
    fetch_deinit(&walk->fetch);
    scan_deinit(&walk->scan);
}

void walk_reset(struct walk *walk)
{
    forget_rows(walk);
    scan_reset(&walk->scan);
    walk->is_at_row = false;
}

int walk_set_plan(struct walk *walk, const struct plan *plan)
{
    struct table *table = walk->scan.table;

    if (plan->path < path_count(table))
        walk->path = path_of(table, plan->path);
    if (plan->path >= path_count(table) || walk->path.id != plan->id)
        return table_fail(table, SQLITE_ABORT,
                          "byron: the indexes of %s changed under a running "
                          "statement",
                          table->name);
    walk->plan = *plan;
    walk->is_fetching = walk->path.index && !plan->is_covering;
    walk->scan.skips_values = plan->is_key_enough;
    walk->is_at_row = false;
    forget_rows(walk);
    key_ranges_clear(&walk->scan.ranges);
    return SQLITE_OK;
}

static int fail(struct walk *walk, byron_status status)
{
    struct table *table = walk->scan.table;

    if (status == BYRON_CORRUPT)
        return table_fail(table, SQLITE_CORRUPT_VTAB,
                          "byron: index %s of %s is damaged",
                          walk->path.index->name, table->name);
    return status_fail(table, status);
}

/* --- Rows that entries lead to ------------------------------------------- */

/* Entries may be older than the rows where the transaction has gone on, or
 * back, or ended: to be asked before the view is opened anew. */
static bool has_changed(struct walk *walk)
{
    const struct scan *scan = &walk->scan;
    byron_txn *txn = scan->view.txn;

    walk->has_ended |= scan->is_copied || !scan->view.owner;
    return walk->has_ended ||
           (txn && (byron_txn_mark(txn) != walk->mark ||
                    scan->table->transaction->epoch != walk->epoch));
}

static int read_ahead(struct walk *walk)
{
    struct scan *scan = &walk->scan;
    int most = walk->batch;
    bool may_miss = has_changed(walk);
    int rc = SQLITE_OK;

    if (walk->has_limit && walk->left < most)
        most = (int)walk->left;
    walk->batch *= BATCH_GROWTH;
    if (walk->batch > FETCH_MOST)
        walk->batch = FETCH_MOST;
    fetch_clear(&walk->fetch);
    while (rc == SQLITE_OK && scan->is_at_row && walk->fetch.count < most) {
        rc = fail(walk, fetch_add(&walk->fetch, scan->table, walk->path.index,
                                  scan_key(scan)));
        if (rc == SQLITE_OK)
            rc = scan_next(scan);
    }
    walk->fetch.may_miss = may_miss;
    return rc;
}

/* After the rows that were read ahead, or found gone. */
static int read_on(struct walk *walk)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && !walk->is_at_row && walk->scan.is_at_row) {
        rc = read_ahead(walk);
        if (rc == SQLITE_OK)
            rc = scan_open_view(&walk->scan);
        if (rc == SQLITE_OK)
            rc = fail(walk, fetch_read(&walk->fetch, &walk->scan.view,
                                       &walk->is_at_row));
    }
    return rc;
}

static int reopen(struct walk *walk)
{
    walk->has_ended = true;
    return scan_open_view(&walk->scan);
}

static int next_fetched(struct walk *walk)
{
    int rc = SQLITE_OK;

    /* It is closed only if a transaction has ended, with rows yet to read. */
    if (!walk->scan.view.owner)
        rc = reopen(walk);
    if (rc == SQLITE_OK)
        rc = fail(walk,
                  fetch_next(&walk->fetch, &walk->scan.view, &walk->is_at_row));
    return rc == SQLITE_OK ? read_on(walk) : rc;
}

/* --- The walk ------------------------------------------------------------ */

int walk_start(struct walk *walk, int64_t limit, int64_t offset)
{
    struct scan *scan = &walk->scan;
    int rc;

    walk->has_limit = walk->plan.has_limit && limit >= 0;
    walk->left = limit;
    walk->batch = FIRST_BATCH;
    walk->is_whole = false;
    walk->has_ended = false;
    rc = scan_start(scan, walk->plan.is_descending);
    if (rc == SQLITE_OK && walk->path.index)
        rc = view_check_index(scan->table, &scan->view, walk->path.index);
    if (rc == SQLITE_OK && scan->view.txn) {
        walk->mark = byron_txn_mark(scan->view.txn);
        walk->epoch = scan->table->transaction->epoch;
    }
    if (rc == SQLITE_OK && offset > 0)
        rc = scan_pass(scan, offset);
    scan->may_run = !walk->is_fetching && walk->plan.distinct == 0;
    walk->is_plain = scan->may_run && !walk->has_limit;
    if (rc != SQLITE_OK || (walk->has_limit && walk->left == 0))
        return rc;
    if (walk->is_fetching)
        return read_on(walk);
    walk->is_at_row = scan->is_at_row;
    return SQLITE_OK;
}

/* Bytes of the current key that all rows of its group begin with. */
static size_t group_size(const struct walk *walk)
{
    struct byron_bytes key = scan_key(&walk->scan);
    struct byron_bytes rest = {(const uint8_t *)key.data + KEY_ID_SIZE,
                               key.size - KEY_ID_SIZE};

    for (int i = 0; i < walk->plan.distinct; i++)
        if (key_codec_skip(&rest, key_style_of(walk->path.entry, i)) !=
            BYRON_OK)
            return key.size; /* xColumn has said that it is damaged. */
    return key.size - rest.size;
}

int walk_next(struct walk *walk)
{
    bool is_group_done = walk->plan.distinct > 0 && !walk->is_whole;
    int rc;

    assert(walk->is_at_row);
    /* Of a statement that was open at a fork() this is the child. */
    if (view_is_forked(&walk->scan.view))
        return view_ready(walk->scan.table);
    if (walk->has_limit && --walk->left <= 0) {
        walk->is_at_row = false;
        return SQLITE_OK;
    }
    if (walk->is_fetching)
        return next_fetched(walk);
    walk->has_row = false;
    walk->is_whole = false;
    rc = is_group_done ? scan_next_group(&walk->scan, group_size(walk))
                       : scan_next(&walk->scan);
    walk->is_at_row = walk->scan.is_at_row;
    return rc;
}

/* Of the entry that the scan is at. */
static int find_row_key(struct walk *walk)
{
    fetch_clear(&walk->fetch);
    return fail(walk, fetch_add(&walk->fetch, walk->scan.table,
                                walk->path.index, scan_key(&walk->scan)));
}

/* An index that was to suffice: the row all the same. */
static int fetch_one(struct walk *walk)
{
    struct fetch *fetch = &walk->fetch;
    bool is_there = false;
    int rc;

    if (walk->has_row)
        return SQLITE_OK;
    if (view_is_forked(&walk->scan.view))
        return view_ready(walk->scan.table);
    rc = find_row_key(walk);
    if (rc == SQLITE_OK)
        rc = scan_open_view(&walk->scan);
    fetch->may_miss = has_changed(walk);
    if (rc == SQLITE_OK)
        rc = fail(walk, fetch_read(fetch, &walk->scan.view, &is_there));
    walk->has_row = rc == SQLITE_OK && is_there;
    if (rc == SQLITE_OK && !is_there)
        rc = fail(walk, BYRON_CORRUPT);
    return rc;
}

int walk_row_key(struct walk *walk, struct byron_bytes *out)
{
    int rc = SQLITE_OK;

    if (!walk->path.index) {
        *out = scan_key(&walk->scan);
        return SQLITE_OK;
    }
    if (!walk->is_fetching && !walk->has_row)
        rc = find_row_key(walk);
    if (rc == SQLITE_OK)
        *out = fetch_key(&walk->fetch);
    return rc;
}

int walk_row(struct walk *walk, struct byron_bytes *key,
             struct byron_bytes *value)
{
    int rc = SQLITE_OK;

    if (walk->path.index && !walk->is_fetching)
        rc = fetch_one(walk);
    if (rc == SQLITE_OK)
        rc = walk_row_key(walk, key);
    if (rc != SQLITE_OK)
        return rc;
    if (!walk->path.index)
        return scan_value(&walk->scan, value);
    *value = fetch_value(&walk->fetch);
    return walk->fetch.is_kept
               ? status_fail(walk->scan.table, walk->scan.copy_status)
               : SQLITE_OK;
}
