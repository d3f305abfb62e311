#include "memtable/memtable_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "memtable/memtable.h"

/*
 * Stands on a slot of a leaf. The order it knows of the leaf may grow old:
 * each move looks whether it is still the newest, or the leaf replaced.
 */
struct memtable_iter {
    struct iter base;
    struct memtable *memtable;
    const struct tree *tree;
    struct place place; /* Its rank is the current record's. */
    uint64_t splits;    /* Of the tree, before it looked for the place. */
    const struct record *record;
};

static struct memtable_iter *self(struct iter *iter)
{
    return (struct memtable_iter *)iter;
}

static void show(struct memtable_iter *iter, const struct record *record)
{
    iter->record = record;
    iter->base.valid = true;
    iter->base.kind = (enum entry_kind)record->kind;
    iter->base.sequence = record->sequence;
    iter->base.key = record_key(record);
}

static uint64_t splits_of(const struct memtable_iter *iter)
{
    return atomic_load_explicit(&iter->tree->splits, memory_order_acquire);
}

/* All of a leaf's records are cold: ask for them together. */
static void prefetch_records(const struct place *place)
{
    for (unsigned slot = 0; slot < order_count(place->order); slot++)
        __builtin_prefetch(place->leaf->records[slot]);
}

static void find_from(struct memtable_iter *iter, const struct target *target)
{
    const struct record *record;

    iter->splits = splits_of(iter);
    tree_find(iter->tree, target, &iter->place);
    record = place_record(&iter->place);
    if (!record) {
        iter->base.valid = false;
        return;
    }
    if (record == iter->place.upper) {
        struct target first = record_target(record, false);
        tree_find(iter->tree, &first, &iter->place);
        record = place_record(&iter->place);
    }
    prefetch_records(&iter->place);
    show(iter, record);
}

/* Moves to the record left of the place, if there is one. */
static void stand_left_of(struct memtable_iter *iter)
{
    struct place *place = &iter->place;

    iter->base.valid = place->rank > 0;
    if (!iter->base.valid)
        return;
    place->rank--;
    show(iter, node_record(place->leaf, place->order, place->rank));
}

static void find_before(struct memtable_iter *iter, const struct target *target)
{
    iter->splits = splits_of(iter);
    tree_find_left(iter->tree, target, &iter->place);
    prefetch_records(&iter->place);
    stand_left_of(iter);
}

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct target target = {key, sequence, false};
    find_from(self(base), &target);
    return BYRON_OK;
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    struct target target = {key, SEQUENCE_MAX, false};
    find_before(self(base), &target);
    return BYRON_OK;
}

static byron_status first(struct iter *base)
{
    struct target target = {slice_of(NULL, 0), SEQUENCE_MAX, false};
    find_from(self(base), &target);
    return BYRON_OK;
}

static byron_status last(struct iter *base)
{
    struct memtable_iter *iter = self(base);

    iter->splits = splits_of(iter);
    tree_find_end(iter->tree, &iter->place);
    stand_left_of(iter);
    return BYRON_OK;
}

/* Brings the place up to date. False if the leaf was replaced. */
static bool renew_place(struct memtable_iter *iter)
{
    struct place *place = &iter->place;
    uint64_t order = node_order(place->leaf);

    if (atomic_load_explicit(&place->leaf->is_replaced, memory_order_acquire))
        return false;
    if (order != place->order) {
        unsigned slot = order_slot(place->order, place->rank);
        place->order = order;
        place->rank = 0;
        while (order_slot(order, place->rank) != slot)
            place->rank++;
    }
    return true;
}

/*
 * From a leaf's last record to the next leaf. What was right of the leaf
 * still is, unless leaves were split since; and while one is being split, a
 * reader may find it with the new separator beside it.
 */
static void leave_leaf(struct memtable_iter *iter)
{
    const struct record *upper = iter->place.upper;
    struct target target = record_target(iter->record, true);

    if (iter->splits != splits_of(iter)) {
        find_from(iter, &target);
    } else if (!upper) {
        iter->base.valid = false;
    } else {
        if (!record_is_before(upper, &target))
            target = record_target(upper, false);
        find_from(iter, &target);
    }
}

static byron_status next(struct iter *base)
{
    struct memtable_iter *iter = self(base);
    struct place *place = &iter->place;

    if (!renew_place(iter)) {
        struct target target = record_target(iter->record, true);
        find_from(iter, &target);
    } else if (place->rank + 1 < order_count(place->order)) {
        place->rank++;
        show(iter, node_record(place->leaf, place->order, place->rank));
    } else {
        leave_leaf(iter);
    }
    return BYRON_OK;
}

/* Whether the record after the current one needs no look of its own. */
static inline bool is_plain(const struct memtable_iter *iter, unsigned slot,
                            unsigned next_slot,
                            const struct skip_limits *limits)
{
    const struct node *leaf = iter->place.leaf;
    const struct record *next = leaf->records[next_slot];

    if (next->kind != ENTRY_PUT || next->sequence > limits->sequence)
        return false;
    if (leaf->heads[slot] == leaf->heads[next_slot] &&
        slice_equal(record_key(leaf->records[slot]), record_key(next)))
        return false;
    return !limits->key.data ||
           slice_compare(record_key(next), limits->key) < 0;
}

/* A limit that no record of the leaf reaches is none. */
static void drop_limit(const struct place *place, struct skip_limits *limits)
{
    const struct record *last =
        node_record(place->leaf, place->order, order_count(place->order) - 1);

    if (limits->key.data && slice_compare(record_key(last), limits->key) < 0)
        limits->key = slice_of(NULL, 0);
}

/* No further than to the end of the leaf. */
static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct memtable_iter *iter = self(base);
    struct place *place = &iter->place;
    struct skip_limits nearer = *limits;
    uint64_t passed = 0;
    unsigned slot;
    unsigned left;

    if (iter->record->kind != ENTRY_PUT || !renew_place(iter))
        return 0;
    drop_limit(place, &nearer);
    slot = order_slot(place->order, place->rank);
    left = order_count(place->order) - place->rank - 1;
    for (; passed < left && passed < limits->most; passed++) {
        unsigned next_slot =
            order_slot(place->order, place->rank + (unsigned)passed + 1);
        const struct record *next = place->leaf->records[next_slot];

        if (!is_plain(iter, slot, next_slot, &nearer))
            break;
        if (limits->pairs) {
            limits->pairs[passed].key = slice_bytes(record_key(next));
            limits->pairs[passed].value = slice_bytes(record_value(next));
        }
        if (limits->sequences)
            limits->sequences[passed] = next->sequence;
        slot = next_slot;
    }
    if (passed > 0) {
        place->rank += (unsigned)passed;
        show(iter, place->leaf->records[slot]);
    }
    return passed;
}

static byron_status prev(struct iter *base)
{
    struct memtable_iter *iter = self(base);

    if (!renew_place(iter) || iter->place.rank == 0) {
        struct target target = record_target(iter->record, false);
        find_before(iter, &target);
    } else {
        stand_left_of(iter);
    }
    return BYRON_OK;
}

static byron_status value(struct iter *base, struct slice *out)
{
    *out = record_value(self(base)->record);
    return BYRON_OK;
}

static void release(struct iter *base)
{
    memtable_unref(self(base)->memtable);
    alloc_free(base);
}

static const struct iter_ops memtable_iter_ops = {
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

byron_status tree_iter_new(const struct tree *tree, struct memtable *memtable,
                           struct iter **out)
{
    struct memtable_iter *iter = alloc_zeroed(1, sizeof *iter);

    if (!iter) {
        memtable_unref(memtable);
        return error_no_memory();
    }
    iter->base.ops = &memtable_iter_ops;
    iter->memtable = memtable;
    iter->tree = tree;
    *out = &iter->base;
    return BYRON_OK;
}

bool memtable_iter_is_as_written(const struct iter *base)
{
    return !((const struct memtable_iter *)base)->tree->is_mixed;
}

uint64_t memtable_iter_left(const struct iter *base, struct slice upper)
{
    const struct memtable_iter *iter = (const struct memtable_iter *)base;
    struct target from = record_target(iter->record, false);
    struct target to = {upper, SEQUENCE_MAX, false};
    double share = upper.data ? tree_share(iter->tree, &to) : 1;

    assert(base->valid);
    share -= tree_share(iter->tree, &from);
    if (share < 0)
        return 0;
    return (uint64_t)(share * (double)memtable_count(iter->memtable));
}
