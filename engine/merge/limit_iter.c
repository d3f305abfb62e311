#include "merge/limit_iter.h"

#include "base/alloc.h"
#include "base/try.h"

struct limit_iter {
    struct iter base;
    struct iter *child;
    uint64_t sequence;
};

static struct limit_iter *self(struct iter *iter)
{
    return (struct limit_iter *)iter;
}

/* From where the child stands on. */
static byron_status show(struct limit_iter *limit)
{
    struct iter *child = limit->child;
    byron_status status = BYRON_OK;

    limit->base.valid = false;
    while (child->valid && child->sequence > limit->sequence)
        TRY(iter_next(child));
    limit->base.valid = child->valid;
    limit->base.kind = child->kind;
    limit->base.key = child->key;
    limit->base.sequence = child->sequence;
out:
    return status;
}

static byron_status first(struct iter *base)
{
    byron_status status;

    base->valid = false;
    TRY(iter_first(self(base)->child));
    TRY(show(self(base)));
out:
    return status;
}

static byron_status next(struct iter *base)
{
    byron_status status;

    base->valid = false;
    TRY(iter_next(self(base)->child));
    TRY(show(self(base)));
out:
    return status;
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

static byron_status refuse(struct iter *base)
{
    base->valid = false;
    return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                     "this iterator moves forward only");
}

static byron_status refuse_seek(struct iter *base, struct slice key,
                                uint64_t sequence)
{
    (void)key;
    (void)sequence;
    return refuse(base);
}

static byron_status refuse_seek_before(struct iter *base, struct slice key)
{
    (void)key;
    return refuse(base);
}

static const struct iter_ops limit_iter_ops = {
    .seek = refuse_seek,
    .seek_before = refuse_seek_before,
    .first = first,
    .last = refuse,
    .next = next,
    .prev = refuse,
    .value = value,
    .free = release,
};

byron_status limit_iter_new(struct iter *child, uint64_t sequence,
                            struct iter **out)
{
    struct limit_iter *limit = alloc_zeroed(1, sizeof *limit);

    if (!limit) {
        iter_free(child);
        return error_no_memory();
    }
    limit->base.ops = &limit_iter_ops;
    limit->child = child;
    limit->sequence = sequence;
    *out = &limit->base;
    return BYRON_OK;
}
