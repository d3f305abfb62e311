#include "memtable/range_set.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

/* Where many deletes overlap, each piece of a list knows of all that do. A list
 * of more than so many deletes is made only where that comes to no more than so
 * many sequences for each. */
#define BATCH_MAX     256
#define SEQUENCES_MAX 8

struct range_batch {
    struct range_batch *older;    /* In the order in which they were made. */
    struct range_deletes deletes; /* Bounds are in this batch or older ones. */
    struct range_list list;
    struct range_lists *lists; /* With this batch as the last. */
    uint8_t *bytes;            /* Bounds of the deletes that came with it. */
    struct range_batch *next;  /* In lists: the batch before; or NULL. */
};

static void batch_free(struct range_batch *batch)
{
    if (!batch)
        return;
    range_deletes_deinit(&batch->deletes);
    range_list_deinit(&batch->list);
    alloc_free(batch->lists);
    alloc_free(batch->bytes);
    alloc_free(batch);
}

void range_set_deinit(struct range_set *set)
{
    range_set_unstage(set);
    while (set->batches) {
        struct range_batch *older = set->batches->older;
        batch_free(set->batches);
        set->batches = older;
    }
    atomic_store_explicit(&set->lists, NULL, memory_order_relaxed);
}

static struct slice copy_slice(uint8_t **to, struct slice from)
{
    struct slice copy = slice_of(*to, from.size);

    if (from.size > 0)
        memcpy(*to, from.data, from.size);
    *to += from.size;
    return copy;
}

static size_t bytes_of(const struct range_deletes *deletes)
{
    size_t bytes = 0;

    for (size_t i = 0; i < deletes->count; i++)
        bytes += deletes->items[i].lower.size + deletes->items[i].upper.size;
    return bytes;
}

static byron_status copy_deletes(struct range_batch *batch,
                                 const struct range_deletes *deletes)
{
    uint8_t *to;
    byron_status status = BYRON_OK;

    /* Bounds may be empty, allocations not. */
    batch->bytes = to = alloc_bytes(bytes_of(deletes) + 1);
    if (!to)
        return error_no_memory();
    for (size_t i = 0; i < deletes->count; i++) {
        struct range_delete copy = deletes->items[i];
        copy.lower = copy_slice(&to, copy.lower);
        copy.upper = copy_slice(&to, copy.upper);
        TRY(range_deletes_add(&batch->deletes, &copy));
    }
out:
    return status;
}

/* Takes over the deletes of the last batch. */
static byron_status take_next(struct range_batch *batch)
{
    const struct range_deletes *last = &batch->next->deletes;
    byron_status status = BYRON_OK;

    for (size_t i = 0; i < last->count; i++)
        TRY(range_deletes_add(&batch->deletes, &last->items[i]));
    batch->next = batch->next->next;
out:
    return status;
}

/* The last batches that are no larger, as far as few can overlap. */
static byron_status take_few(struct range_batch *batch)
{
    byron_status status = BYRON_OK;

    while (batch->next && batch->next->deletes.count <= batch->deletes.count &&
           batch->next->deletes.count + batch->deletes.count <= BATCH_MAX)
        TRY(take_next(batch));
out:
    return status;
}

/* Those that come before them, as far as few do overlap. */
static byron_status take_many(struct range_batch *batch)
{
    byron_status status = BYRON_OK;
    bool fits = true;

    while (fits && batch->next &&
           batch->next->deletes.count <= batch->deletes.count) {
        struct range_batch *next = batch->next;
        struct range_list list = {0};
        size_t count = batch->deletes.count;
        TRY(take_next(batch));
        TRY(range_list_build_within(&list, &batch->deletes,
                                    SEQUENCES_MAX * batch->deletes.count,
                                    &fits));
        if (fits) {
            range_list_deinit(&batch->list);
            batch->list = list;
        } else {
            batch->deletes.count = count;
            batch->next = next;
        }
    }
out:
    return status;
}

static byron_status make_lists(struct range_batch *batch)
{
    size_t count = 0;

    for (const struct range_batch *b = batch; b; b = b->next)
        count++;
    batch->lists = alloc_bytes(sizeof *batch->lists +
                               count * sizeof(const struct range_list *));
    if (!batch->lists)
        return error_no_memory();
    batch->lists->count = 0;
    /* Newest first. */
    for (const struct range_batch *b = batch; b; b = b->next)
        batch->lists->lists[batch->lists->count++] = &b->list;
    return BYRON_OK;
}

byron_status range_set_stage(struct range_set *set,
                             const struct range_deletes *deletes)
{
    struct range_batch *batch = alloc_zeroed(1, sizeof *batch);
    byron_status status;

    assert(!set->staged);
    if (!batch)
        return error_no_memory();
    batch->next = set->batches;
    TRY(copy_deletes(batch, deletes));
    TRY(take_few(batch));
    TRY(range_list_build(&batch->list, &batch->deletes));
    TRY(take_many(batch));
    TRY(make_lists(batch));
    set->staged = batch;
    set->staged_count = deletes->count;
    set->staged_bytes = bytes_of(deletes);
    batch = NULL;
out:
    batch_free(batch);
    return status;
}

void range_set_publish(struct range_set *set)
{
    size_t count = range_set_count(set);
    size_t bytes = range_set_bytes(set);

    if (!set->staged)
        return;
    set->staged->older = set->batches;
    set->batches = set->staged;
    set->staged = NULL;
    atomic_store_explicit(&set->count, count + set->staged_count,
                          memory_order_relaxed);
    atomic_store_explicit(&set->bytes, bytes + set->staged_bytes,
                          memory_order_relaxed);
    atomic_store_explicit(&set->lists, set->batches->lists,
                          memory_order_release);
}

void range_set_unstage(struct range_set *set)
{
    batch_free(set->staged);
    set->staged = NULL;
}

static byron_status collect_piece(const struct range_piece *piece,
                                  uint64_t limit, struct range_deletes *out)
{
    byron_status status = BYRON_OK;

    for (size_t i = 0; i < piece->count; i++) {
        struct range_delete delete = {piece->lower, piece->upper,
                                      piece->sequences[i]};
        if (delete.sequence <= limit)
            TRY(range_deletes_add(out, &delete));
    }
out:
    return status;
}

byron_status range_set_collect(const struct range_set *set, uint64_t limit,
                               struct range_deletes *out)
{
    const struct range_lists *lists = range_set_lists(set);
    byron_status status = BYRON_OK;

    for (size_t i = 0; lists && i < lists->count; i++)
        for (size_t j = 0; j < lists->lists[i]->count; j++)
            TRY(collect_piece(&lists->lists[i]->pieces[j], limit, out));
out:
    return status;
}
