#include <assert.h>

#include "base/alloc.h"
#include "db/sources.h"
#include "db/txn.h"
#include "merge/view_iter.h"

#define STEPS_FEW   4 /* After so many the next rows are had at once. */
#define READY_FIRST 8
#define READY_MOST  64
#define ENOUGH      4  /* Fewer at once are not worth asking for. */
#define PAUSE_MOST  64 /* Rows until it is tried again. */

/*
 * Rows that lie ready, so that a step is one in an array. The view stands on
 * the last of them.
 */
struct ready {
    struct byron_pair *rows;      /* Owned; NULL until first needed. */
    const struct byron_pair *row; /* The current one; NULL: it is the view's. */
    size_t left;                  /* Behind it. */
    unsigned steps;               /* Since a seek, up to STEPS_FEW. */
    size_t wanted;
    unsigned pause;
    unsigned next_pause;
};

/*
 * To build the iterators takes longer than to find a row with them. So a
 * cursor that is closed waits in its read state for the next one, with
 * iterators for the sources that it needed, but for those that depend on the
 * range: of the transaction, and of range deletes.
 */
struct byron_cursor {
    struct idle idle;         /* First. */
    struct read_state *state; /* Borrowed from the snapshot. */
    struct iter *view;
    struct iter *merge; /* NULL until it takes one. */
    struct iter *own;   /* Of the transaction; NULL: none. */
    bool is_covered;    /* Some iterators mind range deletes. */
    bool can_repeat;    /* The view is over what the sources have, and */
    bool has_live;      /* the live memtable was not empty. */
    /* The committed range deletes around; bounds are those of state. */
    struct range_list ranges;
    struct range_lists *lists; /* NULL: none. */
    struct ready ready;
    byron_status failed;       /* Sticks. */
    struct byron_error *error; /* How; NULL where there was no memory, too. */
    struct buf place;          /* The key that it went back to last. */
    size_t count;              /* Of the state's sources. */
    struct iter **active;      /* One more than count: what is merged. */
    struct iter *made[];       /* A place for each source. */
};

static void cursor_free(struct idle *idle)
{
    byron_cursor *cursor = (byron_cursor *)idle;
    iter_free(cursor->view);
    iter_free(cursor->merge);
    iter_free(cursor->own);
    for (size_t i = 0; i < cursor->count; i++)
        iter_free(cursor->made[i]);
    range_list_deinit(&cursor->ranges);
    alloc_free(cursor->lists);
    alloc_free(cursor->ready.rows);
    alloc_free(cursor->error);
    buf_deinit(&cursor->place);
    alloc_free(cursor);
}

static byron_cursor *cursor_new(struct read_state *state)
{
    size_t count = sources_count(state);
    byron_cursor *cursor = alloc_zeroed(
        1, sizeof *cursor + (2 * count + 1) * sizeof(struct iter *));
    if (!cursor)
        return NULL;
    cursor->idle.free = cursor_free;
    cursor->state = state;
    cursor->count = count;
    cursor->active = cursor->made + count;
    return cursor;
}

/* The view is moved by itself: what lies ready is not, any more. */
static void restart_ready(struct ready *ready)
{
    ready->row = NULL;
    ready->left = 0;
    ready->steps = 0;
    ready->wanted = READY_FIRST;
    ready->pause = 0;
    ready->next_pause = 1;
}

/* --- Failures ------------------------------------------------------------- */

static void keep_error(struct byron_cursor *cursor, byron_status status)
{
    cursor->failed = status;
    cursor->error = alloc_bytes(sizeof *cursor->error);
    if (!cursor->error)
        return;
    *cursor->error = *error_last();
    cursor->error->code = status;
}

static byron_status fail_again(const struct byron_cursor *cursor)
{
    if (cursor->error)
        return error_restore(cursor->error);
    return error_set(cursor->failed, NULL, BYRON_NO_OFFSET, 0,
                     "an earlier move of the cursor failed");
}

/* Ends every move. After one that failed nothing is shown any more: what lay
 * ready may be gone, and the view is somewhere else. */
static byron_status settle(struct byron_cursor *cursor, byron_status status)
{
    if (status == BYRON_OK)
        return BYRON_OK;
    restart_ready(&cursor->ready);
    cursor->view->valid = false;
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    keep_error(cursor, status);
    return status;
}

/* --- Opening -------------------------------------------------------------- */

/* The committed range deletes that touch range, if there are any. */
static byron_status collect_deletes(struct byron_cursor *cursor,
                                    const byron_snapshot *snapshot,
                                    const struct byron_range *range)
{
    byron_status status;
    struct range_deletes deletes = {0};
    TRY(read_state_collect_ranges(cursor->state, slice_from(range->lower),
                                  slice_from(range->upper), snapshot->sequence,
                                  &deletes));
    if (deletes.count == 0)
        goto out;
    TRY(range_list_build(&cursor->ranges, &deletes));
    cursor->lists =
        alloc_bytes(sizeof *cursor->lists + sizeof(struct range_list *));
    if (!cursor->lists) {
        status = error_no_memory();
        goto out;
    }
    cursor->lists->count = 1;
    cursor->lists->lists[0] = &cursor->ranges;
out:
    range_deletes_deinit(&deletes);
    return status;
}

/* Iterators that mind no range deletes are of no use where there are some. */
static void forget_made(struct byron_cursor *cursor)
{
    for (size_t i = 0; i < cursor->count; i++) {
        iter_free(cursor->made[i]);
        cursor->made[i] = NULL;
    }
    cursor->is_covered = true;
}

static byron_status collect_iters(struct byron_cursor *cursor,
                                  struct byron_txn *txn,
                                  const byron_snapshot *snapshot,
                                  const struct byron_range *range,
                                  size_t *count)
{
    byron_status status;
    struct cover cover = {.deletes = {cursor->lists, snapshot->sequence, NULL}};
    if (txn) {
        cover.own = txn_deletes(txn, txn->position);
        TRY(txn_iter_new(txn, txn->position, &cursor->own));
        cursor->active[(*count)++] = cursor->own;
    }
    if (cursor->lists || cover.own.lists)
        forget_made(cursor);
    TRY(sources_add_iters(cursor->state, slice_from(range->lower),
                          slice_from(range->upper),
                          cursor->is_covered ? &cover : NULL, cursor->made,
                          cursor->active, count));
out:
    return status;
}

static bool has_live(const struct byron_cursor *cursor)
{
    return memtable_count(cursor->state->live) > 0;
}

/* Where the range and the sources are those of the last time, they need not be
 * looked up again. */
static bool repeat_view(struct byron_cursor *cursor,
                        const struct byron_txn *txn, byron_snapshot *snapshot,
                        const struct byron_range *range)
{
    return cursor->can_repeat && !txn && !cursor->lists &&
           cursor->has_live == has_live(cursor) &&
           view_iter_restart(cursor->view, snapshot->sequence,
                             slice_from(range->lower), slice_from(range->upper),
                             &snapshot->moment);
}

static byron_status open_view(struct byron_cursor *cursor,
                              struct byron_txn *txn, byron_snapshot *snapshot,
                              const struct byron_range *range)
{
    byron_status status = BYRON_OK;
    size_t count = 0;
    struct iter *all;
    /* One time for all that a transaction reads. */
    struct moment *moment = txn ? &txn->snapshot->moment : &snapshot->moment;
    if (read_state_has_ranges(cursor->state))
        TRY(collect_deletes(cursor, snapshot, range));
    if (repeat_view(cursor, txn, snapshot, range))
        return BYRON_OK;
    cursor->can_repeat = !txn;
    cursor->has_live = has_live(cursor); /* Or soon: then it is looked up. */
    TRY(collect_iters(cursor, txn, snapshot, range, &count));
    all = cursor->active[0];
    if (count > 1) {
        if (!cursor->merge)
            TRY(merge_iter_new_lent(cursor->count + 1, &cursor->merge));
        merge_iter_lend(cursor->merge, cursor->active, count);
        all = cursor->merge;
    }
    TRY(view_iter_start(all, snapshot->sequence, slice_from(range->lower),
                        slice_from(range->upper), moment, &cursor->view));
out:
    return status;
}

byron_status byron_cursor_open(byron_snapshot *snapshot, byron_txn *txn,
                               const struct byron_range *range,
                               byron_cursor **out)
{
    static const struct byron_range all;
    byron_status status;
    byron_cursor *cursor;
    if (!snapshot && txn)
        snapshot = txn->snapshot;
    if (!snapshot)
        return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                         "a cursor needs a snapshot or a transaction");
    cursor = (byron_cursor *)idle_take(&snapshot->state->idle);
    if (!cursor)
        cursor = cursor_new(snapshot->state);
    if (!cursor)
        return error_no_memory();
    restart_ready(&cursor->ready);
    TRY(open_view(cursor, txn, snapshot, range ? range : &all));
    *out = cursor;
out:
    if (status != BYRON_OK)
        cursor_free(&cursor->idle);
    return status;
}

void byron_cursor_close(byron_cursor *cursor)
{
    if (!cursor)
        return;
    if (!view_iter_rest(cursor->view) || cursor->is_covered ||
        cursor->failed != BYRON_OK) {
        cursor_free(&cursor->idle);
        return;
    }
    iter_free(cursor->own);
    cursor->own = NULL;
    buf_deinit(&cursor->place);
    sources_rest(cursor->state, cursor->made, cursor->count);
    if (!idle_put(&cursor->state->idle, &cursor->idle))
        cursor_free(&cursor->idle);
}

/* --- Moving --------------------------------------------------------------- */

byron_status byron_cursor_first(byron_cursor *cursor)
{
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    restart_ready(&cursor->ready);
    return settle(cursor, iter_first(cursor->view));
}

byron_status byron_cursor_last(byron_cursor *cursor)
{
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    restart_ready(&cursor->ready);
    return settle(cursor, iter_last(cursor->view));
}

byron_status byron_cursor_seek(byron_cursor *cursor, struct byron_bytes key)
{
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    restart_ready(&cursor->ready);
    return settle(cursor,
                  iter_seek(cursor->view, slice_from(key), SEQUENCE_MAX));
}

byron_status byron_cursor_seek_back(byron_cursor *cursor,
                                    struct byron_bytes key)
{
    struct slice wanted = slice_from(key);
    byron_status status = byron_cursor_seek(cursor, key);
    if (status != BYRON_OK)
        return status;
    if (cursor->view->valid && slice_equal(cursor->view->key, wanted))
        return BYRON_OK;
    return settle(cursor, iter_seek_before(cursor->view, wanted));
}

/* Where few lie side by side it is tried ever less often. */
static void note_ready(struct ready *ready, size_t count)
{
    if (count >= ENOUGH) {
        ready->next_pause = 1;
    } else {
        ready->pause = ready->next_pause;
        if (ready->next_pause < PAUSE_MOST)
            ready->next_pause *= 2;
    }
    if (ready->wanted < READY_MOST)
        ready->wanted *= 2;
}

/* Makes the next rows ready, and goes to the first. Not in a transaction,
 * whose own writes change. */
static bool make_ready(struct byron_cursor *cursor)
{
    struct ready *ready = &cursor->ready;
    struct skip_limits limits = {.sequence = SEQUENCE_MAX};
    size_t count;

    if (ready->steps < STEPS_FEW || ready->pause > 0) {
        ready->pause -= ready->pause > 0;
        ready->steps += ready->steps < STEPS_FEW;
        return false;
    }
    if (!ready->rows && !cursor->own)
        ready->rows = alloc_bytes(READY_MOST * sizeof *ready->rows);
    if (!ready->rows || cursor->own)
        return false;
    limits.most = ready->wanted;
    limits.pairs = ready->rows;
    count = (size_t)iter_skip(cursor->view, &limits);
    note_ready(ready, count);
    if (count == 0)
        return false;
    ready->row = ready->rows;
    ready->left = count - 1;
    return true;
}

byron_status byron_cursor_next(byron_cursor *cursor)
{
    struct ready *ready = &cursor->ready;

    if (ready->left > 0) {
        ready->left--;
        ready->row++;
        return BYRON_OK;
    }
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    ready->row = NULL;
    if (make_ready(cursor))
        return BYRON_OK;
    return settle(cursor, iter_next(cursor->view));
}

/* Ahead among the rows that lie ready; the view is at the last of them. */
static size_t pass_ready(struct ready *ready, uint64_t most)
{
    size_t count = ready->left < most ? ready->left : (size_t)most;

    ready->row = ready->left > count ? ready->row + count : NULL;
    ready->left -= count;
    ready->steps = 0; /* Who asks for many need not be given them unasked. */
    return count;
}

uint64_t byron_cursor_skip(byron_cursor *cursor, uint64_t most)
{
    struct skip_limits limits = {.most = most, .sequence = SEQUENCE_MAX};
    uint64_t count;

    assert(byron_cursor_valid(cursor));
    count = pass_ready(&cursor->ready, most);
    return count > 0 ? count : iter_skip(cursor->view, &limits);
}

size_t byron_cursor_next_many(byron_cursor *cursor, size_t most,
                              struct byron_pair *pairs)
{
    struct skip_limits limits = {
        .most = most, .sequence = SEQUENCE_MAX, .pairs = pairs};
    const struct byron_pair *row = cursor->ready.row;
    size_t count;

    assert(byron_cursor_valid(cursor));
    count = pass_ready(&cursor->ready, most);
    if (count == 0)
        return (size_t)iter_skip(cursor->view, &limits);
    memcpy(pairs, row + 1, count * sizeof *pairs);
    return count;
}

/* Has the view stand on the current row. */
static byron_status return_to_row(struct byron_cursor *cursor)
{
    struct slice key;
    byron_status status = BYRON_OK;

    if (cursor->ready.left > 0) {
        key = slice_from(cursor->ready.row->key);
        buf_clear(&cursor->place);
        TRY(buf_add(&cursor->place, key.data, key.size));
        TRY(iter_seek(cursor->view, buf_slice(&cursor->place), SEQUENCE_MAX));
    }
    restart_ready(&cursor->ready);
out:
    return status;
}

byron_status byron_cursor_prev(byron_cursor *cursor)
{
    byron_status status;

    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    TRY(return_to_row(cursor));
    status = iter_prev(cursor->view);
out:
    return settle(cursor, status);
}

bool byron_cursor_valid(const byron_cursor *cursor)
{
    return cursor->ready.row || cursor->view->valid;
}

struct byron_bytes byron_cursor_key(const byron_cursor *cursor)
{
    if (cursor->ready.row)
        return cursor->ready.row->key;
    assert(cursor->view->valid);
    return slice_bytes(cursor->view->key);
}

byron_status byron_cursor_value(byron_cursor *cursor, struct byron_bytes *out)
{
    struct slice value;
    byron_status status;
    if (cursor->ready.row) {
        *out = cursor->ready.row->value;
        return BYRON_OK;
    }
    if (cursor->failed != BYRON_OK)
        return fail_again(cursor);
    status = iter_value(cursor->view, &value);
    if (status == BYRON_OK)
        *out = slice_bytes(value);
    return settle(cursor, status);
}

uint64_t byron_cursor_expiry(const byron_cursor *cursor)
{
    if (cursor->ready.row)
        return 0; /* What expires needs a look, and never lies ready. */
    assert(cursor->view->valid);
    return view_iter_expiry(cursor->view);
}
