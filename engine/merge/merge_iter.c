#include "merge/merge_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "merge/kept_key.h"
#include "merge/window.h"

/* After so many steps forth the children are asked for many at once. */
#define STEPS_FEW   8u
#define RESTING_MAX ((size_t)4096) /* Bytes of a key that are kept. */

/* A child that stands on an entry. */
struct source {
    uint64_t head; /* Of its key; inverted on the way back. */
    struct window *child;
};

/*
 * The heap holds the valid children, the next to be shown on top. On the way
 * forth every child but the top stands on its first entry after what is
 * shown, on the way back on its last entry before it. Where a child stands,
 * its window says; on the way back no window has anything left.
 */
struct merge_iter {
    struct iter base;
    byron_status error; /* Sticks. */
    bool is_backward;
    bool is_lent;   /* The children are not owned. */
    unsigned steps; /* Forth, since a seek, up to STEPS_FEW. */
    size_t live;    /* Sources in the heap. */
    size_t second;  /* Of the heap: next after the top. 0 if there is none. */
    struct source *heap;
    struct window *children;
    size_t room;
    size_t count;
    struct buf turned; /* The key that it turned round on last. */
};

static struct merge_iter *self(struct iter *iter)
{
    return (struct merge_iter *)iter;
}

static bool ties_before(const struct merge_iter *merge, const struct window *a,
                        const struct window *b)
{
    int order = entry_compare(a->key, a->sequence, b->key, b->sequence);
    return merge->is_backward ? order > 0 : order < 0;
}

static inline bool is_before(const struct merge_iter *merge,
                             const struct source *a, const struct source *b)
{
    if (a->head != b->head)
        return a->head < b->head;
    return ties_before(merge, a->child, b->child);
}

static inline void take_head(const struct merge_iter *merge,
                             struct source *source)
{
    uint64_t head = slice_head(source->child->key, 0);
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
    const struct window *top;

    merge->base.valid = merge->live > 0;
    if (merge->live == 0)
        return;
    top = merge->heap[0].child;
    merge->base.kind = top->kind;
    merge->base.sequence = top->sequence;
    merge->base.key = top->key;
}

/* Every child has been moved. */
static void rebuild(struct merge_iter *merge)
{
    merge->live = 0;
    merge->steps = 0;
    for (size_t i = 0; i < merge->count; i++) {
        struct source *source = &merge->heap[merge->live];
        struct window *child = &merge->children[i];
        window_restart(child);
        if (!child->valid)
            continue;
        source->child = child;
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

    if (top->child->valid) {
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
        status = iter_seek(merge->children[i].iter, key, sequence);
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
        status = iter_seek_before(merge->children[i].iter, key);
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
        status = iter_first(merge->children[i].iter);
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
        status = iter_last(merge->children[i].iter);
    if (status != BYRON_OK)
        return fail(merge, status);
    merge->is_backward = true;
    rebuild(merge);
    return BYRON_OK;
}

/* To the last entry before (key, sequence). */
static byron_status seek_left_of(struct iter *child, struct slice key,
                                 uint64_t sequence)
{
    byron_status status;

    TRY(iter_seek(child, key, sequence));
    status = child->valid ? iter_prev(child) : iter_last(child);
out:
    return status;
}

/* Turns round on the current entry. Its child may be ahead of it. */
static byron_status turn(struct merge_iter *merge)
{
    struct window *current = merge->heap[0].child;
    uint64_t sequence = current->sequence;
    bool to_back = !merge->is_backward;
    struct slice key;
    byron_status status;

    TRY(kept_key_set(&merge->turned, current->key));
    key = buf_slice(&merge->turned);
    for (size_t i = 0; i < merge->count; i++) {
        struct window *child = &merge->children[i];
        if (to_back && (child != current || child->left > 0))
            TRY(seek_left_of(child->iter, key, sequence));
        else if (to_back)
            TRY(iter_prev(child->iter));
        else if (child != current)
            TRY(iter_seek(child->iter, key, sequence));
        else
            TRY(iter_next(child->iter));
    }
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
        bool is_long = merge->steps == STEPS_FEW;

        merge->steps += !is_long;
        status = window_next(merge->heap[0].child, is_long);
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
        status = iter_prev(merge->heap[0].child->iter);
        if (status == BYRON_OK) {
            window_stand(merge->heap[0].child);
            settle_top(merge);
        }
    }
    return status == BYRON_OK ? status : fail(merge, status);
}

/* --- Many at once -------------------------------------------------------- */

/* Whether the entry that the child stands on needs no look of its own. */
static bool is_plain(const struct window *child,
                     const struct skip_limits *limits)
{
    return child->is_lent && child->sequence <= limits->sequence &&
           (!limits->key.data || slice_compare(child->key, limits->key) < 0);
}

/* Whether the same holds for the next one of the child's window. */
static bool is_next_plain(const struct window *child,
                          const struct skip_limits *limits)
{
    return child->entries->sequences[child->next] <= limits->sequence &&
           (!limits->key.data ||
            slice_compare(window_next_key(child), limits->key) < 0);
}

/*
 * Moves other children past older versions of what is shown, if they may be
 * left out. False where that takes more than a step in a window.
 */
static bool pass_older(struct merge_iter *merge,
                       const struct skip_limits *limits)
{
    const struct source *top = merge->heap;

    while (merge->second > 0) {
        struct source *second = &merge->heap[merge->second];

        if (second->head != top->head ||
            !slice_equal(second->child->key, top->child->key))
            return true;
        if (!limits->passes_older || second->child->left == 0)
            return false;
        window_step(second->child);
        take_head(merge, second);
        sift_down(merge, merge->second);
        find_second(merge);
    }
    return true;
}

/* Whether the second comes before the next of the top's window, whose head is
 * given. */
static inline bool second_is_next(const struct merge_iter *merge, uint64_t head)
{
    const struct source *second = &merge->heap[merge->second];
    const struct window *top = merge->heap[0].child;

    if (merge->second == 0)
        return false;
    if (second->head != head)
        return second->head < head;
    return entry_compare(second->child->key, second->child->sequence,
                         window_next_key(top),
                         top->entries->sequences[top->next]) < 0;
}

/* To the next entry if it needs no look of its own. Requires: the top has
 * something left in its window. */
static inline bool step_plain(struct merge_iter *merge,
                              const struct skip_limits *limits)
{
    struct source *top = merge->heap;
    uint64_t head = slice_head(window_next_key(top->child), 0);
    bool is_second = second_is_next(merge, head);

    if (is_second ? !is_plain(merge->heap[merge->second].child, limits)
                  : !is_next_plain(top->child, limits))
        return false;
    window_step(top->child);
    top->head = head;
    if (is_second) {
        sift_down(merge, 0);
        find_second(merge);
    }
    return true;
}

/* What is lent by all the children whose turn it is, up to the end of one of
 * their windows. */
static uint64_t skip_merged(struct merge_iter *merge,
                            const struct skip_limits *limits)
{
    uint64_t count = 0;

    while (count < limits->most && pass_older(merge, limits)) {
        struct window *top = merge->heap[0].child;

        /* What a window had before is gone once it is filled: at the start
         * only, and if the entry that comes next is sure to be one. */
        if (top->left == 0 &&
            (count > 0 || !is_plain(merge->heap[merge->second].child, limits) ||
             !window_fill(top, limits)))
            break;
        if (!step_plain(merge, limits))
            break;
        top = merge->heap[0].child;
        if (limits->pairs)
            limits->pairs[count] = *window_pair(top);
        if (limits->sequences)
            limits->sequences[count] = top->sequence;
        count++;
    }
    return count;
}

/* What lies between the top and the second is the top's alone. */
static uint64_t skip_top(struct merge_iter *merge,
                         const struct skip_limits *limits)
{
    struct source *top = merge->heap;
    struct skip_limits nearer = *limits;
    uint64_t count;

    if (merge->second > 0) {
        struct slice other = merge->heap[merge->second].child->key;

        if (!nearer.key.data || slice_compare(other, nearer.key) < 0)
            nearer.key = other;
    }
    count = iter_skip(top->child->iter, &nearer);
    if (count > 0) {
        window_stand(top->child);
        take_head(merge, top);
    }
    return count;
}

static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct merge_iter *merge = self(base);
    const struct window *second;
    uint64_t count;

    if (merge->error != BYRON_OK || merge->is_backward)
        return 0;
    merge->steps = STEPS_FEW; /* Whoever asks for many goes far. */
    second = merge->second > 0 ? merge->heap[merge->second].child : NULL;
    if (merge->heap[0].child->left > 0 || (second && second->is_lent))
        count = skip_merged(merge, limits);
    else
        count = skip_top(merge, limits);
    if (count > 0)
        show_top(merge);
    return count;
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct merge_iter *merge = self(base);
    byron_status status = merge->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    status = window_value(merge->heap[0].child, out);
    return status == BYRON_OK ? status : fail(merge, status);
}

static void release(struct iter *base)
{
    struct merge_iter *merge = self(base);

    for (size_t i = 0; !merge->is_lent && i < merge->count; i++)
        iter_free(merge->children[i].iter);
    for (size_t i = 0; merge->children && i < merge->room; i++)
        alloc_free(merge->children[i].entries);
    buf_deinit(&merge->turned);
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
    merge->children = alloc_zeroed(room, sizeof *merge->children);
    merge->room = room;
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
    for (size_t i = 0; i < count; i++) {
        merge->children[i].iter = children[i];
        merge->children[i].left = 0;
    }
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
    if (merge->turned.capacity > RESTING_MAX)
        buf_deinit(&merge->turned);
    merge->error = BYRON_OK;
    merge->live = 0;
    base->valid = false;
}
