#include "merge/merge_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"

/* A child that stands on an entry. */
struct source {
    uint64_t head; /* Of its key; inverted on the way back. */
    struct iter *iter;
};

/*
 * The heap holds the valid children, the next to be shown on top. On the way
 * forth every child but the top stands on its first entry after what is
 * shown, on the way back on its last entry before it.
 */
struct merge_iter {
    struct iter base;
    byron_status error; /* Sticks. */
    bool is_backward;
    bool is_lent;  /* The children are not owned. */
    size_t live;   /* Sources in the heap. */
    size_t second; /* Of the heap: next after the top. 0 if there is none. */
    struct source *heap;
    struct iter **children;
    size_t count;
};

static struct merge_iter *self(struct iter *iter)
{
    return (struct merge_iter *)iter;
}

static bool ties_before(const struct merge_iter *merge, const struct iter *a,
                        const struct iter *b)
{
    int order = entry_compare(a->key, a->sequence, b->key, b->sequence);
    return merge->is_backward ? order > 0 : order < 0;
}

static inline bool is_before(const struct merge_iter *merge,
                             const struct source *a, const struct source *b)
{
    if (a->head != b->head)
        return a->head < b->head;
    return ties_before(merge, a->iter, b->iter);
}

static inline void take_head(const struct merge_iter *merge,
                             struct source *source)
{
    uint64_t head = slice_head(source->iter->key, 0);
    source->head = merge->is_backward ? ~head : head;
}

/* --- Heap -------------------------------------------------------------- */

static void sift_down(struct merge_iter *merge, size_t at)
{
    struct source *heap = merge->heap;
    struct source moved = heap[at];

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= merge->live)
            break;
        if (child + 1 < merge->live &&
            is_before(merge, &heap[child + 1], &heap[child]))
            child++;
        if (!is_before(merge, &heap[child], &moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static void find_second(struct merge_iter *merge)
{
    merge->second = merge->live > 1;
    if (merge->live > 2 && is_before(merge, &merge->heap[2], &merge->heap[1]))
        merge->second = 2;
}

static inline void show_top(struct merge_iter *merge)
{
    const struct iter *top;

    merge->base.valid = merge->live > 0;
    if (merge->live == 0)
        return;
    top = merge->heap[0].iter;
    merge->base.kind = top->kind;
    merge->base.sequence = top->sequence;
    merge->base.key = top->key;
}

/* Every child has been moved. */
static void rebuild(struct merge_iter *merge)
{
    merge->live = 0;
    for (size_t i = 0; i < merge->count; i++) {
        struct source *source = &merge->heap[merge->live];
        if (!merge->children[i]->valid)
            continue;
        source->iter = merge->children[i];
        take_head(merge, source);
        merge->live++;
    }
    for (size_t i = merge->live / 2; i-- > 0;)
        sift_down(merge, i);
    find_second(merge);
    show_top(merge);
}

/* The top has been moved. */
static void settle_top(struct merge_iter *merge)
{
    struct source *top = &merge->heap[0];

    if (top->iter->valid) {
        take_head(merge, top);
        if (merge->second == 0 ||
            is_before(merge, top, &merge->heap[merge->second])) {
            show_top(merge);
            return;
        }
    } else {
        *top = merge->heap[--merge->live];
    }
    if (merge->live > 0)
        sift_down(merge, 0);
    find_second(merge);
    show_top(merge);
}

/* --- Moves --------------------------------------------------------------- */

static byron_status fail(struct merge_iter *merge, byron_status status)
{
    merge->error = status;
    merge->base.valid = false;
    return status;
}

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    for (size_t i = 0; i < merge->count && status == BYRON_OK; i++)
        status = iter_seek(merge->children[i], key, sequence);
    if (status != BYRON_OK)
        return fail(merge, status);
    merge->is_backward = false;
    rebuild(merge);
    return BYRON_OK;
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    for (size_t i = 0; i < merge->count && status == BYRON_OK; i++)
        status = iter_seek_before(merge->children[i], key);
    if (status != BYRON_OK)
        return fail(merge, status);
    merge->is_backward = true;
    rebuild(merge);
    return BYRON_OK;
}

static byron_status first(struct iter *base)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    for (size_t i = 0; i < merge->count && status == BYRON_OK; i++)
        status = iter_first(merge->children[i]);
    if (status != BYRON_OK)
        return fail(merge, status);
    merge->is_backward = false;
    rebuild(merge);
    return BYRON_OK;
}

static byron_status last(struct iter *base)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    for (size_t i = 0; i < merge->count && status == BYRON_OK; i++)
        status = iter_last(merge->children[i]);
    if (status != BYRON_OK)
        return fail(merge, status);
    merge->is_backward = true;
    rebuild(merge);
    return BYRON_OK;
}

/* To the last entry before the current one of another child. */
static byron_status seek_left_of(struct iter *child, const struct iter *current)
{
    byron_status status;

    TRY(iter_seek(child, current->key, current->sequence));
    status = child->valid ? iter_prev(child) : iter_last(child);
out:
    return status;
}

/*
 * Turns round on the current entry. Its child moves last, for it lends the
 * key that the others look for.
 */
static byron_status turn(struct merge_iter *merge)
{
    struct iter *current = merge->heap[0].iter;
    bool to_back = !merge->is_backward;
    byron_status status;

    for (size_t i = 0; i < merge->count; i++) {
        struct iter *child = merge->children[i];
        if (child == current)
            continue;
        if (to_back)
            TRY(seek_left_of(child, current));
        else
            TRY(iter_seek(child, current->key, current->sequence));
    }
    TRY(to_back ? iter_prev(current) : iter_next(current));
    merge->is_backward = to_back;
    rebuild(merge);
out:
    return status;
}

static byron_status next(struct iter *base)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    if (merge->is_backward) {
        status = turn(merge);
    } else {
        status = iter_next(merge->heap[0].iter);
        if (status == BYRON_OK)
            settle_top(merge);
    }
    return status == BYRON_OK ? status : fail(merge, status);
}

static byron_status prev(struct iter *base)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    if (!merge->is_backward) {
        status = turn(merge);
    } else {
        status = iter_prev(merge->heap[0].iter);
        if (status == BYRON_OK)
            settle_top(merge);
    }
    return status == BYRON_OK ? status : fail(merge, status);
}

/* What lies between the top and the second is the top's alone. */
static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct merge_iter *merge = self(base);
    struct source *top = merge->heap;
    struct skip_limits nearer = *limits;
    uint64_t count;

    if (merge->error != BYRON_OK || merge->is_backward)
        return 0;
    if (merge->second > 0) {
        struct slice other = merge->heap[merge->second].iter->key;

        if (!nearer.key.data || slice_compare(other, nearer.key) < 0)
            nearer.key = other;
    }
    count = iter_skip(top->iter, &nearer);
    if (count > 0) {
        take_head(merge, top);
        show_top(merge);
    }
    return count;
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    status = iter_value(merge->heap[0].iter, out);
    return status == BYRON_OK ? status : fail(merge, status);
}

static void release(struct iter *base)
{
    struct merge_iter *merge = self(base);

    for (size_t i = 0; !merge->is_lent && i < merge->count; i++)
        iter_free(merge->children[i]);
    alloc_free(merge->children);
    alloc_free(merge->heap);
    alloc_free(merge);
}

static const struct iter_ops merge_iter_ops = {
    .seek = seek,
    .seek_before = seek_before,
    .first = first,
    .last = last,
    .next = next,
    .prev = prev,
    .value = value,
    .free = release,
    .skip = skip,
};

/* With room for so many children. */
static byron_status make(size_t room, struct merge_iter **out)
{
    struct merge_iter *merge = alloc_zeroed(1, sizeof *merge);

    if (!merge)
        return error_no_memory();
    merge->base.ops = &merge_iter_ops;
    merge->heap = alloc_zeroed(room, sizeof *merge->heap);
    merge->children = alloc_zeroed(room, sizeof(struct iter *));
    if (!merge->heap || !merge->children) {
        release(&merge->base);
        return error_no_memory();
    }
    *out = merge;
    return BYRON_OK;
}

static void take_children(struct merge_iter *merge,
                          struct iter *const *children, size_t count)
{
    if (count > 0)
        memcpy(merge->children, children, count * sizeof(struct iter *));
    merge->count = count;
}

byron_status merge_iter_new(struct iter **children, size_t count,
                            struct iter **out)
{
    byron_status status;
    struct merge_iter *merge;

    if (count == 1) {
        *out = children[0];
        return BYRON_OK;
    }
    TRY(make(count, &merge));
    take_children(merge, children, count);
    *out = &merge->base;
out:
    for (size_t i = 0; status != BYRON_OK && i < count; i++)
        iter_free(children[i]);
    return status;
}

byron_status merge_iter_new_lent(size_t room, struct iter **out)
{
    byron_status status;
    struct merge_iter *merge;

    TRY(make(room, &merge));
    merge->is_lent = true;
    *out = &merge->base;
out:
    return status;
}

void merge_iter_lend(struct iter *base, struct iter *const *children,
                     size_t count)
{
    struct merge_iter *merge = self(base);

    assert(merge->is_lent);
    take_children(merge, children, count);
    merge->error = BYRON_OK;
    merge->live = 0;
    base->valid = false;
}
