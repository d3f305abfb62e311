#include "memtable/memtable.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/try.h"
#include "memtable/memtable_get.h"
#include "memtable/memtable_iter.h"
#include "memtable/tree.h"

/* Small enough for a transaction of one row. */
#define CHUNK_SIZE ALLOC_KEPT_SIZE

/* Nobody reserves for a transaction's writes, which come one by one: where they
 * are small, room is found for some at once. */
#define SMALL_BYTES 512
#define SMALL_AHEAD 4

struct memtable {
    struct tree tree;
    struct arena *arena;
    /* Three bits in one word for each key; NULL: none. */
    _Atomic uint64_t *filter;
    uint32_t filter_words;
    struct range_set ranges;
    atomic_size_t refs;
    /* What is promised to memtable_add_later and not yet used. */
    size_t reserved_count;
    size_t reserved_bytes;
    size_t record_bytes;
    atomic_size_t footprint;
    _Atomic uint64_t count;
    _Atomic uint64_t data_bytes;
    const struct record *group[TREE_GROUP]; /* Not in the tree yet. */
    size_t group_count;
};

byron_status memtable_new(bool is_large, struct memtable **out)
{
    byron_status status;
    struct memtable *memtable = alloc_zeroed(1, sizeof *memtable);

    if (!memtable)
        return error_no_memory();
    TRY(arena_new(is_large ? ALLOC_HUGE_SIZE : CHUNK_SIZE, &memtable->arena));
    TRY(tree_init(&memtable->tree, memtable->arena));
    atomic_init(&memtable->refs, 1);
    atomic_init(&memtable->footprint, memtable->tree.node_bytes);
    *out = memtable;
    memtable = NULL;
out:
    if (memtable) {
        arena_free(memtable->arena);
        alloc_free(memtable);
    }
    return status;
}

byron_status memtable_add_filter(struct memtable *memtable, size_t bytes)
{
    size_t words = bytes / sizeof *memtable->filter + 1;

    assert(!memtable->filter && memtable_count(memtable) == 0);
    if (words > UINT32_MAX)
        words = UINT32_MAX;
    memtable->filter = alloc_zeroed(words, sizeof *memtable->filter);
    if (!memtable->filter)
        return error_no_memory();
    memtable->filter_words = (uint32_t)words;
    return BYRON_OK;
}

struct memtable *memtable_ref(struct memtable *memtable)
{
    atomic_fetch_add_explicit(&memtable->refs, 1, memory_order_relaxed);
    return memtable;
}

void memtable_unref(struct memtable *memtable)
{
    if (!memtable ||
        atomic_fetch_sub_explicit(&memtable->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_free(memtable->arena);
    alloc_free(memtable->filter);
    range_set_deinit(&memtable->ranges);
    alloc_free(memtable);
}

byron_status memtable_reserve(struct memtable *memtable, size_t count,
                              size_t bytes)
{
    size_t node_bytes;
    size_t node_count;
    byron_status status;

    if (count > SIZE_MAX >> 24 || bytes > SIZE_MAX >> 8)
        return error_no_memory();
    tree_worst_case(&memtable->tree, count, &node_bytes, &node_count);
    TRY(arena_reserve(memtable->arena,
                      node_bytes + bytes +
                          count * offsetof(struct record, bytes),
                      node_count + count));
    memtable->reserved_count = count;
    memtable->reserved_bytes = bytes;
out:
    return status;
}

/* Only the writer changes it, so no locked addition is needed. */
static void count_up(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

static byron_status use_reserve(struct memtable *memtable, size_t bytes)
{
    byron_status status = BYRON_OK;

    if (memtable->reserved_count == 0 || memtable->reserved_bytes < bytes) {
        size_t count = bytes <= SMALL_BYTES ? SMALL_AHEAD : 1;
        TRY(memtable_reserve(memtable, count, count * bytes));
    }
    memtable->reserved_count--;
    memtable->reserved_bytes -= bytes;
out:
    return status;
}

/* The word of the filter that a key's bits are in. */
static _Atomic uint64_t *filter_word(const struct memtable *memtable,
                                     uint64_t hash)
{
    return &memtable->filter[((hash >> 32) * memtable->filter_words) >> 32];
}

static uint64_t filter_bits(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63);
}

/* Readers that may look for the key come after its sequence is published. */
static void add_to_filter(struct memtable *memtable, struct slice key)
{
    uint64_t hash = hash_bytes(key, 0);
    _Atomic uint64_t *word = filter_word(memtable, hash);
    uint64_t now = atomic_load_explicit(word, memory_order_relaxed);

    atomic_store_explicit(word, now | filter_bits(hash), memory_order_relaxed);
}

static bool may_have(const struct memtable *memtable, uint64_t hash)
{
    uint64_t bits = filter_bits(hash);

    if (!memtable->filter)
        return true;
    return (atomic_load_explicit(filter_word(memtable, hash),
                                 memory_order_relaxed) &
            bits) == bits;
}

static void copy_bytes(uint8_t *to, struct slice from)
{
    if (from.size > 0)
        memcpy(to, from.data, from.size);
}

/* The entry as a record of the arena, and counted. */
static byron_status add_record(struct memtable *memtable,
                               const struct entry *entry,
                               const struct record **out)
{
    size_t data_bytes = entry->key.size + entry->value.size;
    struct record *record;
    byron_status status;

    assert(entry->key.size <= BYRON_MAX_KEY &&
           entry->value.size <= BYRON_MAX_VALUE);
    TRY(use_reserve(memtable, data_bytes));
    record = arena_take(memtable->arena, record_size(entry));
    record->sequence = entry->sequence;
    record->key_size = (uint32_t)entry->key.size;
    record->value_size = (uint32_t)entry->value.size;
    record->kind = (uint8_t)entry->kind;
    copy_bytes(record->bytes, entry->key);
    copy_bytes(record->bytes + entry->key.size, entry->value);
    if (memtable->filter)
        add_to_filter(memtable, entry->key);
    memtable->record_bytes += record_size(entry);
    count_up(&memtable->count, 1);
    count_up(&memtable->data_bytes, data_bytes);
    *out = record;
out:
    return status;
}

byron_status memtable_add_later(struct memtable *memtable,
                                const struct entry *entry)
{
    byron_status status;

    TRY(add_record(memtable, entry, &memtable->group[memtable->group_count]));
    memtable->group_count++;
    if (memtable->group_count == TREE_GROUP)
        memtable_settle(memtable);
out:
    return status;
}

void memtable_settle(struct memtable *memtable)
{
    size_t footprint;

    tree_insert(&memtable->tree, memtable->group, memtable->group_count);
    memtable->group_count = 0;
    footprint = memtable->record_bytes + memtable->tree.node_bytes;
    atomic_store_explicit(&memtable->footprint, footprint,
                          memory_order_relaxed);
}

/* Of the delete that covers key and its entry the newer. */
static bool choose_newer(uint64_t deleted, struct slice key, bool is_found,
                         struct entry *out)
{
    if (is_found && out->sequence >= deleted)
        return true;
    *out =
        (struct entry){.key = key, .sequence = deleted, .kind = ENTRY_DELETE};
    return true;
}

/* place->leaf is NULL where it was not looked for. */
static inline bool get(const struct memtable *memtable, struct slice key,
                       uint64_t hash, uint64_t sequence, struct entry *out,
                       struct place *place)
{
    const struct range_lists *lists = range_set_lists(&memtable->ranges);
    uint64_t deleted = lists ? range_lists_newest(lists, key, sequence) : 0;
    struct target target = {key, sequence, false};
    const struct record *record = NULL;

    place->leaf = NULL;
    if (!tree_is_past(&memtable->tree, &target) && may_have(memtable, hash)) {
        tree_find_left(&memtable->tree, &target, place);
        record = place_record(place);
    }
    if (record && slice_equal(record_key(record), key)) {
        out->key = record_key(record);
        out->value = record_value(record);
        out->sequence = record->sequence;
        out->kind = (enum entry_kind)record->kind;
    } else {
        record = NULL;
    }
    return deleted ? choose_newer(deleted, key, record != NULL, out)
                   : record != NULL;
}

void memtable_expect(const struct memtable *memtable, uint64_t hash)
{
    if (memtable->filter)
        __builtin_prefetch(filter_word(memtable, hash));
}

bool memtable_get(const struct memtable *memtable, struct slice key,
                  uint64_t hash, uint64_t sequence, struct entry *out)
{
    struct place place;

    return get(memtable, key, hash, sequence, out, &place);
}

bool memtable_get_before_add(struct memtable *memtable, struct slice key,
                             uint64_t sequence, struct entry *out)
{
    struct place place;
    bool is_there = get(memtable, key, 0, sequence, out, &place);

    assert(!memtable->filter);
    if (place.leaf)
        tree_tell(&memtable->tree, &place);
    return is_there;
}

struct range_set *memtable_ranges(struct memtable *memtable)
{
    return &memtable->ranges;
}

byron_status memtable_iter_new(struct memtable *memtable, struct iter **out)
{
    return tree_iter_new(&memtable->tree, memtable_ref(memtable), out);
}

size_t memtable_footprint(const struct memtable *memtable)
{
    return atomic_load_explicit(&memtable->footprint, memory_order_relaxed) +
           range_set_bytes(&memtable->ranges);
}

uint64_t memtable_count(const struct memtable *memtable)
{
    return atomic_load_explicit(&memtable->count, memory_order_relaxed) +
           range_set_count(&memtable->ranges);
}

uint64_t memtable_data_bytes(const struct memtable *memtable)
{
    return atomic_load_explicit(&memtable->data_bytes, memory_order_relaxed) +
           range_set_bytes(&memtable->ranges);
}
