#include <assert.h>

#include "base/alloc.h"
#include "db/txn.h"
#include "merge/view_iter.h"

struct byron_cursor {
    struct read_state *state; /* A reference. */
    struct iter *view;
    /* The committed range deletes around; bounds are those of state. */
    struct range_list ranges;
    struct range_lists *lists; /* NULL: none. */
};

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

static byron_status collect_iters(struct byron_cursor *cursor,
                                  struct byron_txn *txn,
                                  const byron_snapshot *snapshot,
                                  const struct byron_range *range,
                                  struct iter **iters, size_t *count)
{
    byron_status status;
    struct cover cover = {.deletes = {cursor->lists, snapshot->sequence, NULL}};
    if (txn) {
        cover.own = txn_deletes(txn, txn->position);
        TRY(txn_iter_new(txn, txn->position, &iters[*count]));
        (*count)++;
    }
    TRY(read_state_add_iters(
        snapshot->state, slice_from(range->lower), slice_from(range->upper),
        cursor->lists || cover.own.lists ? &cover : NULL, iters, count));
out:
    return status;
}

static byron_status open_view(struct byron_cursor *cursor,
                              struct byron_txn *txn, byron_snapshot *snapshot,
                              const struct byron_range *range)
{
    byron_status status;
    struct iter *merged;
    size_t count = 0;
    /* One time for all that a transaction reads. */
    struct moment *moment = txn ? &txn->snapshot->moment : &snapshot->moment;
    size_t room = 1 + read_state_source_count(snapshot->state);
    struct iter **iters = alloc_zeroed(room, sizeof(struct iter *));
    if (!iters)
        return error_no_memory();
    if (read_state_has_ranges(cursor->state))
        TRY(collect_deletes(cursor, snapshot, range));
    TRY(collect_iters(cursor, txn, snapshot, range, iters, &count));
    size_t taken = count;
    count = 0; /* The merge takes them, even if it fails. */
    TRY(merge_iter_new(iters, taken, &merged));
    TRY(view_iter_new(merged, snapshot->sequence, slice_from(range->lower),
                      slice_from(range->upper), moment, &cursor->view));
out:
    while (count > 0)
        iter_free(iters[--count]);
    alloc_free(iters);
    return status;
}

byron_status byron_cursor_open(byron_snapshot *snapshot, byron_txn *txn,
                               const struct byron_range *range,
                               byron_cursor **out)
{
    static const struct byron_range all;
    byron_status status;
    if (!snapshot && txn)
        snapshot = txn->snapshot;
    if (!snapshot)
        return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                         "a cursor needs a snapshot or a transaction");
    byron_cursor *cursor = alloc_zeroed(1, sizeof *cursor);
    if (!cursor)
        return error_no_memory();
    cursor->state = read_state_ref(snapshot->state);
    TRY(open_view(cursor, txn, snapshot, range ? range : &all));
    *out = cursor;
out:
    if (status != BYRON_OK)
        byron_cursor_close(cursor);
    return status;
}

void byron_cursor_close(byron_cursor *cursor)
{
    if (!cursor)
        return;
    iter_free(cursor->view);
    if (cursor->ranges.count > 0) {
        range_list_deinit(&cursor->ranges);
        alloc_free(cursor->lists);
    }
    read_state_unref(cursor->state);
    alloc_free(cursor);
}

byron_status byron_cursor_first(byron_cursor *cursor)
{
    return iter_first(cursor->view);
}

byron_status byron_cursor_last(byron_cursor *cursor)
{
    return iter_last(cursor->view);
}

byron_status byron_cursor_seek(byron_cursor *cursor, struct byron_bytes key)
{
    return iter_seek(cursor->view, slice_from(key), SEQUENCE_MAX);
}

byron_status byron_cursor_seek_back(byron_cursor *cursor,
                                    struct byron_bytes key)
{
    struct slice wanted = slice_from(key);
    byron_status status = iter_seek(cursor->view, wanted, SEQUENCE_MAX);
    if (status != BYRON_OK)
        return status;
    if (cursor->view->valid && slice_equal(cursor->view->key, wanted))
        return BYRON_OK;
    return iter_seek_before(cursor->view, wanted);
}

byron_status byron_cursor_next(byron_cursor *cursor)
{
    return iter_next(cursor->view);
}

uint64_t byron_cursor_skip(byron_cursor *cursor, uint64_t most)
{
    struct skip_limits limits = {.most = most, .sequence = SEQUENCE_MAX};

    assert(cursor->view->valid);
    return iter_skip(cursor->view, &limits);
}

size_t byron_cursor_next_many(byron_cursor *cursor, size_t most,
                              struct byron_pair *pairs)
{
    struct skip_limits limits = {
        .most = most, .sequence = SEQUENCE_MAX, .pairs = pairs};

    assert(cursor->view->valid);
    return (size_t)iter_skip(cursor->view, &limits);
}

byron_status byron_cursor_prev(byron_cursor *cursor)
{
    return iter_prev(cursor->view);
}

bool byron_cursor_valid(const byron_cursor *cursor)
{
    return cursor->view->valid;
}

struct byron_bytes byron_cursor_key(const byron_cursor *cursor)
{
    assert(cursor->view->valid);
    return slice_bytes(cursor->view->key);
}

byron_status byron_cursor_value(byron_cursor *cursor, struct byron_bytes *out)
{
    struct slice value;
    byron_status status = iter_value(cursor->view, &value);
    if (status == BYRON_OK)
        *out = slice_bytes(value);
    return status;
}

uint64_t byron_cursor_expiry(const byron_cursor *cursor)
{
    assert(cursor->view->valid);
    return view_iter_expiry(cursor->view);
}
