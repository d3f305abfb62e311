#include "sstable/block_cache.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "sstable/admission.h"
#include "sstable/block_chains.h"
#include "sstable/passing_blocks.h"
#include "sstable/room_pool.h"
#include "sstable/spare_rooms.h"

/*
 * A hit takes no lock. That works because slots (struct cached_block) live
 * until the cache is freed: a walk along a chain that changes meanwhile may
 * miss or stray into another chain, but never reads freed memory, and it
 * believes a slot only after pinning it and looking at its name again. Who
 * missed a block reads it from the file once more for nothing: block_cache_add
 * looks under the shard's mutex and finds it.
 */
#define DEAD     CACHED_BLOCK_DEAD
#define DETACHED CACHED_BLOCK_DETACHED

#define SHARD_COUNT_MAX    16u
#define SHARD_CAPACITY_MIN ((size_t)512 * 1024)
#define SLAB_SLOTS         64u
/* A slot, its share of the buckets, and what malloc adds to the bytes. */
#define BLOCK_OVERHEAD 96u
#define KEPT_SHARE     4u /* One part in so many of the capacity. */
/* A smaller cache takes everything in. */
#define PASSING_CAPACITY_MIN ((size_t)2 * 1024 * 1024)
/* A smaller one has no use for pages of 2 MB. Rooms not in use, this part of
 * the capacity, are no reason to drive out blocks: what takes memory from a
 * cache for a while, a memtable, would else empty it. */
#define POOL_CAPACITY_MIN ((size_t)32 * 1024 * 1024)
#define WASTE_SHARE       4u
#define SHRINK_ROUNDS     8u
/* As many misses are remembered as the cache has blocks of this size. */
#define REMEMBERED_BLOCK_SIZE 4096u

struct shard {
    _Alignas(64) struct mutex mutex; /* For all but lookups. */
    struct block_cache *cache;
    struct block_chains chains;
    struct cached_block *free_slots;
    struct cached_block **slabs; /* SLAB_SLOTS slots each. */
    size_t slab_count;
    size_t slab_capacity;
    size_t hand; /* Index of a slot. */
    size_t capacity;
    size_t bytes;
    struct spare_rooms spares;
    atomic_bool is_full; /* The next block has to drive out another. */
    /* Away from what every lookup reads. Counts may be lost to races. */
    _Alignas(64) atomic_uint_least64_t hits;
    atomic_uint_least64_t misses;
};

struct block_cache {
    size_t shard_count; /* A power of two. */
    atomic_size_t kept; /* Bytes. */
    atomic_size_t kept_most;
    atomic_size_t capacity;
    struct room_pool pool;
    struct admission admission;
    struct passing_blocks *passing; /* NULL in a cache too small for it. */
    void *allocation;
    struct shard *shards;
};

/* --- slots; the shard's mutex is held --- */

static struct shard *shard_of(struct block_cache *cache, uint64_t hash)
{
    return &cache->shards[(hash >> 56) & (cache->shard_count - 1)];
}

static byron_status add_slab(struct shard *shard)
{
    if (shard->slab_count == shard->slab_capacity) {
        size_t capacity = shard->slab_capacity ? shard->slab_capacity * 2 : 8;
        struct cached_block **slabs =
            alloc_resize(shard->slabs, capacity * sizeof *slabs);
        if (!slabs)
            return error_no_memory();
        shard->slabs = slabs;
        shard->slab_capacity = capacity;
    }
    struct cached_block *slab = alloc_lines(SLAB_SLOTS * sizeof *slab);
    if (!slab)
        return error_no_memory();
    memset(slab, 0, SLAB_SLOTS * sizeof *slab);
    shard->slabs[shard->slab_count++] = slab;
    for (size_t i = 0; i < SLAB_SLOTS; i++) {
        slab[i].shard = shard;
        atomic_init(&slab[i].pins, DEAD);
        atomic_store(&slab[i].next, shard->free_slots);
        shard->free_slots = &slab[i];
    }
    return BYRON_OK;
}

static struct cached_block *slot_at(const struct shard *shard, size_t index)
{
    return &shard->slabs[index / SLAB_SLOTS][index % SLAB_SLOTS];
}

/* What a block takes of the capacity. */
static size_t charge_of(size_t size)
{
    return spare_room_size(size) + BLOCK_OVERHEAD;
}

static void free_room(struct shard *shard, uint8_t *bytes, size_t size)
{
    if (!room_pool_put(&shard->cache->pool, bytes))
        spare_rooms_put(&shard->spares, bytes, size);
}

/* Takes the bytes from a slot that has just become DEAD. */
static void recycle(struct shard *shard, struct cached_block *block)
{
    shard->bytes -= charge_of(block->size);
    free_room(shard, block->bytes, block->size);
    block->bytes = NULL;
    block->size = 0;
    atomic_store_explicit(&block->file, 0, memory_order_relaxed);
    atomic_store_explicit(&block->next, shard->free_slots,
                          memory_order_relaxed);
    shard->free_slots = block;
}

/* True if nobody held it: then it is out of the cache and its bytes free. */
static bool evict(struct shard *shard, struct cached_block *block)
{
    unsigned unpinned = 0;

    if (!atomic_compare_exchange_strong(&block->pins, &unpinned, DEAD))
        return false;
    block_chains_remove(&shard->chains, block);
    recycle(shard, block);
    return true;
}

/* Bytes in use of nobody, as far as they count against the capacity. */
static size_t excess_waste(const struct block_cache *cache)
{
    size_t waste = room_pool_waste(&cache->pool);
    size_t spared =
        atomic_load_explicit(&cache->capacity, memory_order_relaxed) /
        WASTE_SHARE;

    return waste > spared ? waste - spared : 0;
}

/* The capacity, less the shard's part of what blocks that went have left in use
 * of nobody. */
static size_t limit_of(const struct shard *shard)
{
    const struct block_cache *cache = shard->cache;
    size_t part = excess_waste(cache) / cache->shard_count;

    return part < shard->capacity ? shard->capacity - part : 0;
}

/* Full from when a block first has no room until a good part is free again. */
static void note_fullness(struct shard *shard, size_t more)
{
    size_t limit = limit_of(shard);
    bool is_full = shard->bytes + more > limit;
    bool is_roomy = shard->bytes + more <= limit / 16 * 15;

    if (is_full || is_roomy)
        atomic_store_explicit(&shard->is_full, is_full, memory_order_relaxed);
}

/* Turns the hand until more bytes fit, or everything was seen twice. */
static void make_room(struct shard *shard, size_t more)
{
    size_t slots = shard->slab_count * SLAB_SLOTS;

    note_fullness(shard, more);
    for (size_t left = 2 * slots; left && shard->bytes + more > limit_of(shard);
         left--) {
        shard->hand = shard->hand + 1 < slots ? shard->hand + 1 : 0;
        struct cached_block *block = slot_at(shard, shard->hand);
        if (atomic_load_explicit(&block->pins, memory_order_relaxed) != 0)
            continue; /* Pinned, dead or detached. */
        if (atomic_load_explicit(&block->was_used, memory_order_relaxed))
            atomic_store_explicit(&block->was_used, false,
                                  memory_order_relaxed);
        else
            evict(shard, block);
    }
}

/* --- pins --- */

void cached_block_drop(struct cached_block *block)
{
    struct shard *shard = block->shard;
    unsigned unpinned = DETACHED;

    mutex_lock(&shard->mutex);
    /* Fails where a stray pin is held: its holder will come here too. */
    if (atomic_compare_exchange_strong(&block->pins, &unpinned, DEAD))
        recycle(shard, block);
    mutex_unlock(&shard->mutex);
}

/* --- lookup --- */

static void count_lookup(atomic_uint_least64_t *counter)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
        memory_order_relaxed);
}

struct cached_block *block_cache_get(struct block_cache *cache, uint64_t file,
                                     uint64_t offset)
{
    uint64_t hash = block_name_hash(file, offset);
    struct shard *shard = shard_of(cache, hash);
    struct cached_block *block =
        block_chains_find(&shard->chains, hash, file, offset);

    count_lookup(block ? &shard->hits : &shard->misses);
    return block;
}

void block_cache_expect(struct block_cache *cache, uint64_t file,
                        uint64_t offset)
{
    uint64_t hash = block_name_hash(file, offset);
    struct shard *shard = shard_of(cache, hash);

    block_chains_expect(&shard->chains, hash);
    admission_expect(&cache->admission, hash);
}

bool cached_block_pin_again(struct cached_block *block, uint64_t file,
                            uint64_t offset)
{
    if (!cached_block_try_pin(block, file, offset))
        return false;
    count_lookup(&block->shard->hits);
    return true;
}

/* --- adding --- */

/* Fills a free slot and pins it. */
static struct cached_block *fill_slot(struct shard *shard, uint64_t file,
                                      uint64_t offset, uint8_t *bytes,
                                      size_t size, unsigned flags)
{
    struct cached_block *block = shard->free_slots;

    shard->free_slots = atomic_load(&block->next);
    block->bytes = bytes;
    block->size = size;
    atomic_store_explicit(&block->file, file, memory_order_relaxed);
    atomic_store_explicit(&block->offset, offset, memory_order_relaxed);
    atomic_store_explicit(&block->was_used, false, memory_order_relaxed);
    shard->bytes += charge_of(size);
    /* From DEAD to one pin; strays that come and go meanwhile are kept. */
    atomic_fetch_add_explicit(&block->pins, flags + 1u - DEAD,
                              memory_order_release);
    return block;
}

struct cached_block *block_cache_pass(struct block_cache *cache, uint64_t file,
                                      uint64_t offset, size_t size)
{
    uint64_t hash = block_name_hash(file, offset);
    struct shard *shard = shard_of(cache, hash);

    if (!cache->passing ||
        !atomic_load_explicit(&shard->is_full, memory_order_relaxed) ||
        admission_ask(&cache->admission, hash))
        return NULL;
    return passing_blocks_take(cache->passing, size);
}

uint8_t *block_cache_room(struct block_cache *cache, uint64_t file,
                          uint64_t offset, size_t size)
{
    struct shard *shard = shard_of(cache, block_name_hash(file, offset));
    uint8_t *bytes = NULL;

    if (spare_room_suits(size)) {
        mutex_lock(&shard->mutex);
        make_room(shard, charge_of(size));
        bytes = room_pool_take(&cache->pool, spare_room_size(size));
        if (!bytes)
            bytes = spare_rooms_take(&shard->spares, size);
        mutex_unlock(&shard->mutex);
        return bytes ? bytes : alloc_lines(spare_room_size(size));
    }
    return alloc_bytes(size);
}

void cached_block_free_room(struct block_cache *cache, uint8_t *bytes)
{
    if (!room_pool_put(&cache->pool, bytes))
        alloc_free(bytes);
}

byron_status block_cache_add(struct block_cache *cache, uint64_t file,
                             uint64_t offset, uint8_t *bytes, size_t size,
                             struct cached_block **out)
{
    byron_status status = BYRON_OK;
    uint64_t hash = block_name_hash(file, offset);
    struct shard *shard = shard_of(cache, hash);
    size_t charge = charge_of(size);

    mutex_lock(&shard->mutex);
    *out = block_chains_find_surely(&shard->chains, hash, file, offset);
    if (*out)
        goto out;
    make_room(shard, charge);
    if (!shard->free_slots) {
        status = add_slab(shard);
        if (status != BYRON_OK)
            goto out;
    }
    bool fits = shard->bytes + charge <= shard->capacity;
    *out = fill_slot(shard, file, offset, bytes, size, fits ? 0 : DETACHED);
    bytes = NULL;
    if (fits)
        block_chains_add(&shard->chains, *out);
out:
    mutex_unlock(&shard->mutex);
    cached_block_free_room(cache, bytes);
    return status;
}

/* --- keeping --- */

bool block_cache_keep(struct block_cache *cache,
                      const struct cached_block *block)
{
    size_t charge = charge_of(block->size);
    size_t before = atomic_fetch_add(&cache->kept, charge);

    if (before + charge <= atomic_load(&cache->kept_most))
        return true;
    atomic_fetch_sub(&cache->kept, charge);
    return false;
}

void block_cache_unkeep(struct block_cache *cache, struct cached_block *block)
{
    atomic_fetch_sub(&cache->kept, charge_of(block->size));
    cached_block_unpin(block);
}

/* --- the whole --- */

static size_t choose_shard_count(size_t capacity)
{
    size_t count = SHARD_COUNT_MAX;
    while (count > 1 && capacity / count < SHARD_CAPACITY_MIN)
        count /= 2;
    return count;
}

static void set_shares(struct block_cache *cache, size_t capacity)
{
    atomic_store(&cache->capacity, capacity);
    atomic_store(&cache->kept_most, capacity / KEPT_SHARE);
    room_pool_set_limit(&cache->pool,
                        capacity >= POOL_CAPACITY_MIN ? capacity : 0);
}

byron_status block_cache_new(size_t capacity, struct block_cache **out)
{
    byron_status status = BYRON_OK;
    struct block_cache *cache = alloc_zeroed(1, sizeof *cache);
    size_t count = choose_shard_count(capacity);

    if (!cache)
        return error_no_memory();
    cache->allocation = alloc_zeroed(count + 1, sizeof(struct shard));
    if (!cache->allocation) {
        alloc_free(cache);
        return error_no_memory();
    }
    room_pool_init(&cache->pool);
    uintptr_t start = ((uintptr_t)cache->allocation + 63) & ~(uintptr_t)63;
    cache->shards = (struct shard *)start;
    cache->shard_count = count;
    if (capacity >= PASSING_CAPACITY_MIN) {
        status = passing_blocks_new(&cache->passing);
        if (status == BYRON_OK)
            status = admission_init(&cache->admission,
                                    capacity / REMEMBERED_BLOCK_SIZE);
    }
    set_shares(cache, capacity);
    for (size_t i = 0; i < count; i++) {
        struct shard *shard = &cache->shards[i];
        mutex_init(&shard->mutex);
        shard->cache = cache;
        shard->capacity = capacity / count;
        if (status == BYRON_OK)
            status = block_chains_init(&shard->chains);
    }
    if (status != BYRON_OK)
        block_cache_free(cache);
    else
        *out = cache;
    return status;
}

static void shard_deinit(struct shard *shard)
{
    for (size_t i = 0; i < shard->slab_count * SLAB_SLOTS; i++) {
        struct cached_block *block = slot_at(shard, i);
        assert((atomic_load(&block->pins) & ~(DEAD | DETACHED)) == 0);
        free_room(shard, block->bytes, block->size);
    }
    for (size_t i = 0; i < shard->slab_count; i++)
        alloc_free(shard->slabs[i]);
    alloc_free(shard->slabs);
    spare_rooms_deinit(&shard->spares);
    block_chains_deinit(&shard->chains);
    mutex_deinit(&shard->mutex);
}

void block_cache_free(struct block_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->shard_count; i++)
        shard_deinit(&cache->shards[i]);
    room_pool_deinit(&cache->pool);
    passing_blocks_free(cache->passing);
    admission_deinit(&cache->admission);
    alloc_free(cache->allocation);
    alloc_free(cache);
}

void block_cache_set_capacity(struct block_cache *cache, size_t capacity)
{
    set_shares(cache, capacity);
    /* What the last shards leave in use of nobody concerns the first, too. */
    for (size_t round = 0; round < SHRINK_ROUNDS; round++) {
        for (size_t i = 0; i < cache->shard_count; i++) {
            struct shard *shard = &cache->shards[i];
            mutex_lock(&shard->mutex);
            shard->capacity = capacity / cache->shard_count;
            make_room(shard, 0);
            mutex_unlock(&shard->mutex);
        }
        if (excess_waste(cache) == 0)
            break;
    }
}

void block_cache_forget(struct block_cache *cache, uint64_t file)
{
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        for (size_t j = 0; j < shard->slab_count * SLAB_SLOTS; j++) {
            struct cached_block *block = slot_at(shard, j);
            if (atomic_load(&block->file) == file &&
                atomic_load(&block->pins) == 0)
                evict(shard, block);
        }
        mutex_unlock(&shard->mutex);
    }
}

void block_cache_stats(const struct block_cache *cache,
                       struct block_cache_stats *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        mutex_lock(&shard->mutex);
        out->capacity += shard->capacity;
        out->bytes += shard->bytes;
        out->hits += atomic_load(&shard->hits);
        out->misses += atomic_load(&shard->misses);
        mutex_unlock(&shard->mutex);
    }
    out->bytes += room_pool_waste(&cache->pool);
}
