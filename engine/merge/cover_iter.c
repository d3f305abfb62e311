#include "merge/cover_iter.h"

#include "base/alloc.h"
#include "base/try.h"

struct cover_iter {
    struct iter base;
    struct iter *child;
    struct cover cover;
    uint64_t newest;
};

static struct cover_iter *self(struct iter *iter)
{
    return (struct cover_iter *)iter;
}

/* Ends every move: what child stands on is shown. */
static byron_status show(struct cover_iter *iter, byron_status status)
{
    const struct iter *child = iter->child;

    iter->base.valid = status == BYRON_OK && child->valid;
    if (iter->base.valid) {
        iter->base.kind = child->kind;
        iter->base.sequence = child->sequence;
        iter->base.key = child->key;
    }
    return status;
}

/* On to an entry that is not hidden. */
static byron_status go_forward(struct cover_iter *iter)
{
    struct iter *child = iter->child;
    struct cover_span span;
    byron_status status = BYRON_OK;

    while (child->valid &&
           cover_hides(&iter->cover, child->key, child->sequence, &span)) {
        if (span.below > iter->newest)
            TRY(iter_seek(child, span.upper, SEQUENCE_MAX));
        else
            TRY(iter_next(child));
    }
out:
    return show(iter, status);
}

static byron_status go_back(struct cover_iter *iter)
{
    struct iter *child = iter->child;
    struct cover_span span;
    byron_status status = BYRON_OK;

    while (child->valid &&
           cover_hides(&iter->cover, child->key, child->sequence, &span)) {
        if (span.below > iter->newest)
            TRY(iter_seek_before(child, span.lower));
        else
            TRY(iter_prev(child));
    }
out:
    return show(iter, status);
}

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_seek(iter->child, key, sequence);
    return status == BYRON_OK ? go_forward(iter) : show(iter, status);
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_seek_before(iter->child, key);
    return status == BYRON_OK ? go_back(iter) : show(iter, status);
}

static byron_status first(struct iter *base)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_first(iter->child);
    return status == BYRON_OK ? go_forward(iter) : show(iter, status);
}

static byron_status last(struct iter *base)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_last(iter->child);
    return status == BYRON_OK ? go_back(iter) : show(iter, status);
}

static byron_status next(struct iter *base)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_next(iter->child);
    return status == BYRON_OK ? go_forward(iter) : show(iter, status);
}

static byron_status prev(struct iter *base)
{
    struct cover_iter *iter = self(base);
    byron_status status = iter_prev(iter->child);
    return status == BYRON_OK ? go_back(iter) : show(iter, status);
}

/* No further than to where something may be hidden. */
static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct cover_iter *iter = self(base);
    struct skip_limits nearer = *limits;
    struct slice until;
    uint64_t count;

    if (!cover_is_clear(&iter->cover, base->key, &until))
        return 0;
    if (until.data &&
        (!nearer.key.data || slice_compare(until, nearer.key) < 0))
        nearer.key = until;
    count = iter_skip(iter->child, &nearer);
    if (count > 0)
        (void)show(iter, BYRON_OK);
    return count;
}

static byron_status value(struct iter *base, struct slice *out)
{
    return iter_value(self(base)->child, out);
}

static void release(struct iter *base)
{
    iter_free(self(base)->child);
    alloc_free(base);
}

static const struct iter_ops cover_iter_ops = {
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

byron_status cover_iter_new(struct iter *child, const struct cover *cover,
                            uint64_t newest, struct iter **out)
{
    struct cover_iter *iter = alloc_zeroed(1, sizeof *iter);

    if (!iter) {
        iter_free(child);
        return error_no_memory();
    }
    iter->base.ops = &cover_iter_ops;
    iter->child = child;
    iter->cover = *cover;
    iter->newest = newest;
    *out = &iter->base;
    return BYRON_OK;
}
