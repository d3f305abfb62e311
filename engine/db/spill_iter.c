#include "db/spill_iter.h"

#include "base/alloc.h"
#include "base/try.h"

struct spill_iter {
    struct iter base;
    struct iter *child;
    uint64_t after;
};

static struct spill_iter *self(struct iter *iter)
{
    return (struct spill_iter *)iter;
}

/* Ends every move: takes over where child stands. */
static byron_status show(struct spill_iter *iter, byron_status status)
{
    const struct iter *child = iter->child;

    iter->base.valid = status == BYRON_OK && child->valid;
    if (iter->base.valid) {
        iter->base.kind = child->kind;
        iter->base.key = child->key;
        iter->base.sequence = iter->after + 1 + run_iter_ordinal(child);
    }
    return status;
}

static byron_status next(struct iter *base)
{
    return show(self(base), iter_next(self(base)->child));
}

/* What the key has is one entry: before (key, sequence) or after. */
static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct spill_iter *iter = self(base);
    byron_status status;

    status = show(iter, iter_seek(iter->child, key, SEQUENCE_MAX));
    if (status == BYRON_OK && base->valid && base->sequence > sequence &&
        slice_equal(base->key, key))
        status = next(base);
    return status;
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    return show(self(base), iter_seek_before(self(base)->child, key));
}

static byron_status first(struct iter *base)
{
    return show(self(base), iter_first(self(base)->child));
}

static byron_status last(struct iter *base)
{
    return show(self(base), iter_last(self(base)->child));
}

static byron_status prev(struct iter *base)
{
    return show(self(base), iter_prev(self(base)->child));
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

static const struct iter_ops spill_iter_ops = {
    .seek = seek,
    .seek_before = seek_before,
    .first = first,
    .last = last,
    .next = next,
    .prev = prev,
    .value = value,
    .free = release,
};

byron_status spill_iter_new(struct table_meta *meta, uint64_t after,
                            struct iter **out)
{
    byron_status status;
    struct spill_iter *iter = alloc_zeroed(1, sizeof *iter);

    if (!iter)
        return error_no_memory();
    TRY(run_iter_new(&meta, 1, 0, &iter->child));
    iter->base.ops = &spill_iter_ops;
    iter->after = after;
    *out = &iter->base;
    iter = NULL;
out:
    alloc_free(iter);
    return status;
}
