#include "db/batch.h"

#include "base/try.h"

/* An operation, and the beginning of its key. */
struct place {
    uint64_t head; /* After what all keys begin with. */
    const struct byron_op *op;
};

struct batch_iter {
    struct iter base;
    const struct byron_op *op; /* That it stands on. */
    size_t next;               /* The place after it. */
    size_t count;
    struct place *places; /* In order. */
    struct place room[];  /* For the places, and as many to sort them. */
};

static struct batch_iter *self(struct iter *iter)
{
    return (struct batch_iter *)iter;
}

bool batch_suits(const struct byron_op *ops, size_t count, uint64_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct byron_op *op = &ops[i];
        size_t size = op->kind == BYRON_OP_PUT ? op->value.size : 0;
        if ((op->kind != BYRON_OP_PUT && op->kind != BYRON_OP_DELETE) ||
            (op->kind == BYRON_OP_PUT && op->expires_ms != 0) ||
            op->key.size > BYRON_MAX_KEY || size > BYRON_MAX_VALUE)
            return false;
        *bytes += op->key.size + size;
    }
    return true;
}

/* --- Order --------------------------------------------------------------- */

static struct slice key_of(const struct place *place)
{
    return slice_from(place->op->key);
}

static bool is_before(const struct place *a, const struct place *b)
{
    if (__builtin_expect(a->head == b->head, 0))
        return slice_compare(key_of(a), key_of(b)) < 0;
    return a->head < b->head;
}

/* Two sorted stretches as one. Of equal keys those of left come first. Written
 * without a branch on the order, which nobody can foresee. */
static void merge(const struct place *left, const struct place *middle,
                  const struct place *end, struct place *to)
{
    const struct place *right = middle;
    while (left < middle && right < end) {
        bool takes_right = is_before(right, left);
        *to++ = *(takes_right ? right : left);
        right += takes_right;
        left += !takes_right;
    }
    while (left < middle)
        *to++ = *left++;
    while (right < end)
        *to++ = *right++;
}

/* Lends the sorted ones: places, or spare, which has as much room. */
static struct place *sort(struct place *places, struct place *spare,
                          size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        struct place *sorted = spare;
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = count - at < width ? count : at + width;
            size_t end = count - at < 2 * width ? count : at + 2 * width;
            merge(places + at, places + middle, places + end, spare + at);
        }
        spare = places;
        places = sorted;
    }
    return places;
}

/* How many bytes all keys begin with. */
static size_t shared_by_all(const struct byron_op *ops, size_t count)
{
    struct slice shared = slice_from(ops[0].key);
    for (size_t i = 1; i < count && shared.size > 0; i++)
        shared.size = slice_shared(shared, slice_from(ops[i].key));
    return shared.size;
}

static void order(struct batch_iter *batch, const struct byron_op *ops)
{
    struct place *places = batch->room;
    size_t count = batch->count;
    size_t skip = count > 1 ? shared_by_all(ops, count) : 0;
    bool is_sorted = true;
    for (size_t i = 0; i < count; i++) {
        places[i].op = &ops[i];
        places[i].head = slice_head(slice_from(ops[i].key), skip);
        is_sorted &= i == 0 || !is_before(&places[i], &places[i - 1]);
    }
    batch->places = is_sorted ? places : sort(places, places + count, count);
}

/* --- Moves --------------------------------------------------------------- */

static bool is_same_key(const struct place *a, const struct place *b)
{
    return a->head == b->head && slice_equal(key_of(a), key_of(b));
}

static byron_status next(struct iter *base)
{
    struct batch_iter *batch = self(base);
    const struct place *places = batch->places;
    size_t at = batch->next;
    base->valid = at < batch->count;
    if (!base->valid)
        return BYRON_OK;
    while (at + 1 < batch->count && is_same_key(&places[at], &places[at + 1]))
        at++;
    batch->op = places[at].op;
    batch->next = at + 1;
    base->kind = batch->op->kind == BYRON_OP_PUT ? ENTRY_PUT : ENTRY_DELETE;
    base->key = key_of(&places[at]);
    return BYRON_OK;
}

static byron_status first(struct iter *base)
{
    self(base)->next = 0;
    return next(base);
}

static byron_status value(struct iter *base, struct slice *out)
{
    *out = base->kind == ENTRY_PUT ? slice_from(self(base)->op->value)
                                   : slice_of(NULL, 0);
    return BYRON_OK;
}

/* It lies in the room that its maker was given. */
static void release(struct iter *base)
{
    (void)base;
}

byron_status batch_iter_init(const struct byron_op *ops, size_t count,
                             struct buf *room, struct iter **out)
{
    static const struct iter_ops batch_ops = {
        .first = first, .next = next, .value = value, .free = release};
    byron_status status;
    struct batch_iter *batch;
    if (count > SIZE_MAX / 4 / sizeof batch->room[0])
        return error_no_memory();
    buf_clear(room);
    TRY(buf_reserve(room, sizeof *batch + 2 * count * sizeof batch->room[0]));
    batch = (void *)room->data;
    batch->base = (struct iter){.ops = &batch_ops, .sequence = SEQUENCE_MAX};
    batch->count = count;
    order(batch, ops);
    *out = &batch->base;
out:
    return status;
}
