/*
 * cached_block: a block in memory, pinned while you hold it.
 *
 * Lives in a block_cache, or passes through one: then its place is free again
 * as soon as its last pin is gone.
 */
#ifndef BYRON_SSTABLE_CACHED_BLOCK_H
#define BYRON_SSTABLE_CACHED_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/slice.h"

struct block_cache;
struct shard;

/*
 * A block's pins word is a count with two flags. DEAD: holds no block; free or
 * about to be. DETACHED: no longer in the cache; goes with its last pin. Pins
 * taken in error on a DEAD slot are harmless, they are given back at once;
 * so the word is only ever added to while others may do so.
 */
#define CACHED_BLOCK_DEAD     (1u << 31)
#define CACHED_BLOCK_DETACHED (1u << 30)

/* The fields are for the files of the cache. */
struct cached_block {
    _Alignas(64) atomic_uint_least64_t file; /* A line for each. */
    atomic_uint_least64_t offset;
    _Atomic(struct cached_block *) next; /* In its chain, or the free list. */
    atomic_uint pins;
    atomic_bool was_used; /* Since the clock's hand came by. */
    struct shard *shard;  /* NULL: a block that passes. */
    uint8_t *bytes;       /* These two do not change while it is pinned. */
    size_t size;
};

/* Of block_cache: the last pin of a detached block is gone. */
void cached_block_drop(struct cached_block *block);
/*
 * Of block_cache: pins a block that was in the cache once, if it still is,
 * under that name. Whatever became of it, it may be asked for as long as the
 * cache lives. Not for one that passed.
 */
bool cached_block_pin_again(struct cached_block *block, uint64_t file,
                            uint64_t offset);

/* Of block_cache: takes back memory that a block was to be read to, and was not
 * added with. NULL is fine. */
void cached_block_free_room(struct block_cache *cache, uint8_t *bytes);

static inline struct slice cached_block_bytes(const struct cached_block *block)
{
    return slice_of(block->bytes, block->size);
}

/* NULL is fine. */
static inline void cached_block_unpin(struct cached_block *block)
{
    if (block &&
        atomic_fetch_sub_explicit(&block->pins, 1, memory_order_release) ==
            (CACHED_BLOCK_DETACHED | 1u))
        cached_block_drop(block);
}

#endif
