#include "merge/view_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/try.h"

/* After so many raw entries of one key in a row, seek instead. */
#define STEPS_MAX 8

struct bound {
    bool is_set;
    uint64_t head;
    struct buf key;
};

/*
 * Forward the child stands on the entry that is shown, and lends its key and
 * value. Backward it stands left of it: whether an entry is the newest
 * visible one of its key shows only when the child has left it. So backward
 * the key is kept, and the value too if values are being asked for; a value
 * that was not kept sends the child back to the entry, as if forward.
 */
struct view_iter {
    struct iter base;
    struct iter *child;
    uint64_t sequence;
    byron_status error; /* Sticks. */
    bool is_backward;   /* The child stands left of what is shown. */
    bool is_asked;      /* The value that is shown was asked for. */
    bool keeps_values;  /* The one before was. */
    bool has_value;     /* The value is kept. */
    uint64_t skipped;
    struct bound lower;
    struct bound upper;
    struct buf key; /* Of what is shown (backward) or passed (forward). */
    struct buf value;
};

static struct view_iter *self(struct iter *iter)
{
    return (struct view_iter *)iter;
}

static byron_status fail(struct view_iter *view, byron_status status)
{
    view->error = status;
    view->base.valid = false;
    return status;
}

static inline bool is_visible(const struct view_iter *view, uint64_t sequence)
{
    return sequence <= view->sequence || sequence == SEQUENCE_MAX;
}

/* Heads decide most often. */
static inline bool is_below(const struct bound *bound, struct slice key)
{
    uint64_t head = slice_head(key, 0);

    if (head != bound->head)
        return head < bound->head;
    return slice_compare(key, buf_slice(&bound->key)) < 0;
}

static byron_status keep(struct buf *buf, struct slice bytes)
{
    buf_clear(buf);
    return buf_add(buf, bytes.data, bytes.size);
}

static bool stands_on_key(const struct view_iter *view)
{
    return view->child->valid &&
           slice_equal(view->child->key, buf_slice(&view->key));
}

/* --- Forward ------------------------------------------------------------ */

static void show_child(struct view_iter *view)
{
    const struct iter *child = view->child;

    view->base.kind = child->kind;
    view->base.sequence = child->sequence;
    view->base.key = child->key;
    view->base.valid = true;
}

/*
 * Past all versions of the key that the child stands on. Sequences descend
 * within a key: nothing of the key follows sequence 0, and a sequence that
 * does not descend belongs to another key.
 */
static byron_status pass_key(struct view_iter *view)
{
    struct iter *child = view->child;
    uint64_t sequence = child->sequence;
    byron_status status;

    if (sequence == 0)
        return iter_next(child);
    TRY(keep(&view->key, child->key));
    TRY(iter_next(child));
    for (unsigned steps = 1;
         child->valid && child->sequence < sequence && stands_on_key(view);
         steps++) {
        view->skipped++;
        sequence = child->sequence;
        if (steps == STEPS_MAX && sequence > 0)
            TRY(iter_seek(child, buf_slice(&view->key), 0));
        else
            TRY(iter_next(child));
    }
out:
    return status;
}

/*
 * Past an entry that is too new. After some versions of one key (as the
 * sequences suggest) straight to the one that is not.
 */
static byron_status pass_newer(struct view_iter *view, unsigned steps)
{
    struct iter *child = view->child;
    byron_status status;

    view->skipped++;
    if (steps < STEPS_MAX)
        return iter_next(child);
    TRY(keep(&view->key, child->key));
    TRY(iter_seek(child, buf_slice(&view->key), view->sequence));
out:
    return status;
}

/* Shows the first entry to be seen from where the child stands on. */
static byron_status find_forward(struct view_iter *view)
{
    struct iter *child = view->child;
    uint64_t before = 0;
    unsigned steps = 0;
    byron_status status;

    view->is_backward = false;
    view->is_asked = false;
    view->base.valid = false;
    while (child->valid &&
           (!view->upper.is_set || is_below(&view->upper, child->key))) {
        if (!is_visible(view, child->sequence)) {
            steps = child->sequence < before ? steps + 1 : 0;
            before = child->sequence;
            TRY(pass_newer(view, steps));
        } else if (child->kind == ENTRY_PUT) {
            show_child(view);
            return BYRON_OK;
        } else {
            view->skipped++;
            TRY(pass_key(view));
        }
    }
    return BYRON_OK;
out:
    return fail(view, status);
}

/* --- Backward ----------------------------------------------------------- */

/* Takes note of the version that the child stands on. */
static byron_status keep_version(struct view_iter *view)
{
    struct iter *child = view->child;
    struct slice value;
    byron_status status = BYRON_OK;

    view->base.kind = child->kind;
    view->base.sequence = child->sequence;
    view->has_value = view->keeps_values && child->kind == ENTRY_PUT;
    if (view->has_value) {
        TRY(iter_value(child, &value));
        TRY(keep(&view->value, value));
    }
out:
    return status;
}

/* To the newest visible version of the key, when there are many. */
static byron_status jump_to_newest(struct view_iter *view)
{
    struct slice key = buf_slice(&view->key);
    byron_status status;

    TRY(iter_seek(view->child, key, SEQUENCE_MAX));
    if (stands_on_key(view) && !is_visible(view, view->child->sequence))
        TRY(iter_seek(view->child, key, view->sequence));
    if (stands_on_key(view) && view->child->kind == ENTRY_PUT) {
        show_child(view);
        view->is_backward = false;
    } else {
        TRY(iter_seek_before(view->child, key));
    }
out:
    return status;
}

/* From the oldest version of a key to left of them all. */
static byron_status pass_versions(struct view_iter *view)
{
    bool is_found = false;
    byron_status status;

    TRY(keep(&view->key, view->child->key));
    for (unsigned steps = 0; steps == 0 || stands_on_key(view); steps++) {
        view->skipped++;
        if (steps == STEPS_MAX)
            return jump_to_newest(view);
        if (is_visible(view, view->child->sequence)) {
            is_found = true;
            TRY(keep_version(view));
        }
        TRY(iter_prev(view->child));
    }
    if (is_found && view->base.kind == ENTRY_PUT) {
        view->skipped--;
        view->base.key = buf_slice(&view->key);
        view->base.valid = true;
    }
out:
    return status;
}

/* Shows the last key to be seen from where the child stands back. */
static byron_status find_backward(struct view_iter *view)
{
    struct iter *child = view->child;
    byron_status status;

    view->is_backward = true;
    view->is_asked = false;
    view->base.valid = false;
    while (!view->base.valid && child->valid &&
           !(view->lower.is_set && is_below(&view->lower, child->key)))
        TRY(pass_versions(view));
    return BYRON_OK;
out:
    return fail(view, status);
}

/* --- Moves -------------------------------------------------------------- */

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    (void)sequence;
    if (status != BYRON_OK)
        return status;
    if (view->lower.is_set && is_below(&view->lower, key))
        key = buf_slice(&view->lower.key);
    status = iter_seek(view->child, key, SEQUENCE_MAX);
    return status == BYRON_OK ? find_forward(view) : fail(view, status);
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    if (view->upper.is_set && !is_below(&view->upper, key))
        key = buf_slice(&view->upper.key);
    view->keeps_values = true;
    status = iter_seek_before(view->child, key);
    return status == BYRON_OK ? find_backward(view) : fail(view, status);
}

static byron_status first(struct iter *base)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    if (view->lower.is_set)
        return seek(base, buf_slice(&view->lower.key), SEQUENCE_MAX);
    status = iter_first(view->child);
    return status == BYRON_OK ? find_forward(view) : fail(view, status);
}

static byron_status last(struct iter *base)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    if (view->upper.is_set)
        return seek_before(base, buf_slice(&view->upper.key));
    view->keeps_values = true;
    status = iter_last(view->child);
    return status == BYRON_OK ? find_backward(view) : fail(view, status);
}

/* From left of the shown key's versions to right of them. */
static byron_status turn_forward(struct view_iter *view)
{
    byron_status status;

    TRY(iter_seek(view->child, buf_slice(&view->key), 0));
    if (stands_on_key(view))
        TRY(iter_next(view->child));
out:
    return status;
}

static byron_status next(struct iter *base)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    status = view->is_backward ? turn_forward(view) : pass_key(view);
    return status == BYRON_OK ? find_forward(view) : fail(view, status);
}

static byron_status turn_backward(struct view_iter *view)
{
    byron_status status;

    TRY(keep(&view->key, view->child->key));
    TRY(iter_seek_before(view->child, buf_slice(&view->key)));
out:
    return status;
}

static byron_status prev(struct iter *base)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    view->keeps_values = view->is_asked;
    if (!view->is_backward)
        status = turn_backward(view);
    return status == BYRON_OK ? find_backward(view) : fail(view, status);
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct view_iter *view = self(base);
    byron_status status = view->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    view->is_asked = true;
    if (view->is_backward && view->has_value) {
        *out = buf_slice(&view->value);
        return BYRON_OK;
    }
    if (view->is_backward) {
        TRY(iter_seek(view->child, base->key, base->sequence));
        view->is_backward = false;
    }
    TRY(iter_value(view->child, out));
    return BYRON_OK;
out:
    return fail(view, status);
}

static void release(struct iter *base)
{
    struct view_iter *view = self(base);

    iter_free(view->child);
    buf_deinit(&view->lower.key);
    buf_deinit(&view->upper.key);
    buf_deinit(&view->key);
    buf_deinit(&view->value);
    alloc_free(view);
}

static const struct iter_ops view_iter_ops = {
    .seek = seek,
    .seek_before = seek_before,
    .first = first,
    .last = last,
    .next = next,
    .prev = prev,
    .value = value,
    .free = release,
};

static byron_status set_bound(struct bound *bound, struct slice key)
{
    bound->is_set = key.data != NULL;
    bound->head = slice_head(key, 0);
    return keep(&bound->key, key);
}

byron_status view_iter_new(struct iter *child, uint64_t sequence,
                           struct slice lower, struct slice upper,
                           struct iter **out)
{
    struct view_iter *view = alloc_zeroed(1, sizeof *view);
    byron_status status;

    if (!view) {
        iter_free(child);
        return error_no_memory();
    }
    view->base.ops = &view_iter_ops;
    view->child = child;
    view->sequence = sequence;
    TRY(set_bound(&view->lower, lower));
    TRY(set_bound(&view->upper, upper));
    *out = &view->base;
    view = NULL;
out:
    if (view)
        release(&view->base);
    return status;
}

uint64_t view_iter_skipped(const struct iter *view)
{
    return ((const struct view_iter *)view)->skipped;
}
