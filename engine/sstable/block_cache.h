/*
 * block_cache: decoded blocks in memory, shared by all tables of a store.
 *
 * Sharded CLOCK. A pinned block stays, whatever the capacity says. Holds data,
 * index and filter blocks alike, so one capacity bounds them all.
 */
#ifndef BYRON_SSTABLE_BLOCK_CACHE_H
#define BYRON_SSTABLE_BLOCK_CACHE_H

#include "sstable/cached_block.h"

struct block_cache;

BYRON_MUST_CHECK byron_status block_cache_new(size_t capacity,
                                              struct block_cache **out);
void block_cache_free(struct block_cache *cache); /* Requires: no pins. */
/* May be called at any time; shrinks by evicting. */
void block_cache_set_capacity(struct block_cache *cache, size_t capacity);

/* NULL where the cache has not got it. Pins. */
struct cached_block *block_cache_get(struct block_cache *cache, uint64_t file,
                                     uint64_t offset);
/* The block will be asked for soon. */
void block_cache_expect(struct block_cache *cache, uint64_t file,
                        uint64_t offset);
/*
 * For a block of that name, just missed: where to read it if a full cache is
 * better off without it, pinned, with room for size bytes; the caller sets its
 * size. NULL: it should be added.
 */
struct cached_block *block_cache_pass(struct block_cache *cache, uint64_t file,
                                      uint64_t offset, size_t size);
/*
 * Memory for a block of that name, to be added, or given back by
 * cached_block_free_room. A
 * block that has to go for it leaves its own. But for small and very large ones
 * it begins with a line of the processor's caches. NULL: out of memory.
 */
uint8_t *block_cache_room(struct block_cache *cache, uint64_t file,
                          uint64_t offset, size_t size);
/*
 * Takes bytes (from block_cache_room, at least size of them) and pins them. If
 * another thread was faster, that block is pinned instead and bytes are freed.
 * May keep the block out of the cache if all is pinned; it is freed with its
 * pin.
 */
BYRON_MUST_CHECK byron_status block_cache_add(struct block_cache *cache,
                                              uint64_t file, uint64_t offset,
                                              uint8_t *bytes, size_t size,
                                              struct cached_block **out);
/* Whether a pinned block may stay so for good, being needed all the time: true
 * for a part of the capacity. Then the pin is given back by unkeep. */
bool block_cache_keep(struct block_cache *cache,
                      const struct cached_block *block);
void block_cache_unkeep(struct block_cache *cache, struct cached_block *block);
/* A file is gone: forget its unpinned blocks. */
void block_cache_forget(struct block_cache *cache, uint64_t file);

struct block_cache_stats {
    uint64_t capacity, bytes, hits, misses;
};
void block_cache_stats(const struct block_cache *cache,
                       struct block_cache_stats *out);

#endif
