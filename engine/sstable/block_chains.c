#include "sstable/block_chains.h"

#include "base/alloc.h"
#include "base/error.h"

#define BUCKETS_MIN 64u
#define WALK_MAX    16u

struct bucket {
    _Atomic(struct cached_block *) first;
    /* One bit for each block of the chain, and for some that are gone: a look
     * here spares most searches in vain the look at a block. */
    atomic_uint_least64_t names;
};

struct buckets {
    size_t mask;
    struct buckets *older; /* Kept: someone may still be walking there. */
    struct bucket heads[];
};

static bool has_name(struct cached_block *block, uint64_t file, uint64_t offset)
{
    return atomic_load_explicit(&block->offset, memory_order_relaxed) ==
               offset &&
           atomic_load_explicit(&block->file, memory_order_relaxed) == file;
}

static struct buckets *buckets_new(size_t count)
{
    struct buckets *buckets =
        alloc_zeroed(1, sizeof *buckets + count * sizeof(struct bucket));

    if (buckets)
        buckets->mask = count - 1;
    return buckets;
}

static struct bucket *bucket_of(struct buckets *buckets, uint64_t hash)
{
    return &buckets->heads[hash & buckets->mask];
}

static uint64_t hash_of(struct cached_block *block)
{
    return block_name_hash(
        atomic_load_explicit(&block->file, memory_order_relaxed),
        atomic_load_explicit(&block->offset, memory_order_relaxed));
}

/* The bit of a block in its bucket's names. */
static uint64_t name_bit(uint64_t hash)
{
    return UINT64_C(1) << (hash >> 48 & 63);
}

byron_status block_chains_init(struct block_chains *chains)
{
    struct buckets *buckets = buckets_new(BUCKETS_MIN);

    atomic_init(&chains->buckets, buckets);
    chains->count = 0;
    return buckets ? BYRON_OK : error_no_memory();
}

void block_chains_deinit(struct block_chains *chains)
{
    struct buckets *buckets = atomic_load(&chains->buckets);

    while (buckets) {
        struct buckets *older = buckets->older;
        alloc_free(buckets);
        buckets = older;
    }
}

/* --- search --- */

bool cached_block_try_pin(struct cached_block *block, uint64_t file,
                          uint64_t offset)
{
    unsigned pins =
        atomic_fetch_add_explicit(&block->pins, 1, memory_order_acquire);

    if (!(pins & (CACHED_BLOCK_DEAD | CACHED_BLOCK_DETACHED)) &&
        has_name(block, file, offset)) {
        if (!atomic_load_explicit(&block->was_used, memory_order_relaxed))
            atomic_store_explicit(&block->was_used, true, memory_order_relaxed);
        return true;
    }
    cached_block_unpin(block);
    return false;
}

/* Looks at so many blocks at most: a chain that changes meanwhile may lead
 * anywhere. */
static inline struct cached_block *find(const struct block_chains *chains,
                                        uint64_t hash, uint64_t file,
                                        uint64_t offset, size_t steps_max)
{
    struct bucket *bucket = bucket_of(
        atomic_load_explicit(&chains->buckets, memory_order_acquire), hash);
    struct cached_block *block;

    if (!(atomic_load_explicit(&bucket->names, memory_order_acquire) &
          name_bit(hash)))
        return NULL;
    block = atomic_load_explicit(&bucket->first, memory_order_acquire);
    for (size_t steps = 0; block && steps < steps_max; steps++) {
        if (has_name(block, file, offset) &&
            cached_block_try_pin(block, file, offset))
            return block;
        block = atomic_load_explicit(&block->next, memory_order_acquire);
    }
    return NULL;
}

struct cached_block *block_chains_find(const struct block_chains *chains,
                                       uint64_t hash, uint64_t file,
                                       uint64_t offset)
{
    return find(chains, hash, file, offset, WALK_MAX);
}

struct cached_block *block_chains_find_surely(const struct block_chains *chains,
                                              uint64_t hash, uint64_t file,
                                              uint64_t offset)
{
    return find(chains, hash, file, offset, SIZE_MAX);
}

void block_chains_expect(const struct block_chains *chains, uint64_t hash)
{
    __builtin_prefetch(bucket_of(
        atomic_load_explicit(&chains->buckets, memory_order_acquire), hash));
}

/* --- change --- */

static void put_in_bucket(struct buckets *buckets, struct cached_block *block)
{
    uint64_t hash = hash_of(block);
    struct bucket *bucket = bucket_of(buckets, hash);

    atomic_store_explicit(&block->next, atomic_load(&bucket->first),
                          memory_order_relaxed);
    atomic_store_explicit(&bucket->first, block, memory_order_release);
    atomic_store_explicit(&bucket->names,
                          atomic_load(&bucket->names) | name_bit(hash),
                          memory_order_release);
}

/* More buckets once chains get long; without memory they stay long. */
static void widen(struct block_chains *chains)
{
    struct buckets *old = atomic_load(&chains->buckets);
    struct buckets *new;

    if (chains->count <= old->mask + 1)
        return;
    new = buckets_new((old->mask + 1) * 4);
    if (!new)
        return;
    for (size_t i = 0; i <= old->mask; i++) {
        struct cached_block *block = atomic_load(&old->heads[i].first);
        while (block) {
            struct cached_block *next = atomic_load(&block->next);
            put_in_bucket(new, block);
            block = next;
        }
    }
    new->older = old;
    atomic_store(&chains->buckets, new);
}

void block_chains_add(struct block_chains *chains, struct cached_block *block)
{
    put_in_bucket(atomic_load(&chains->buckets), block);
    chains->count++;
    widen(chains);
}

void block_chains_remove(struct block_chains *chains,
                         struct cached_block *block)
{
    struct bucket *bucket =
        bucket_of(atomic_load(&chains->buckets), hash_of(block));
    _Atomic(struct cached_block *) *at = &bucket->first;

    while (atomic_load(at) != block)
        at = &atomic_load(at)->next;
    atomic_store(at, atomic_load(&block->next));
    /* Whose bits are whose is not known: they go with the last block. */
    if (!atomic_load(&bucket->first))
        atomic_store(&bucket->names, 0);
    chains->count--;
}
