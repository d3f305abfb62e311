/*
 * kept_blocks: blocks that nearly every search of a table needs, held pinned
 * once they have been read, as far as the cache allows.
 *
 * Used for the chunks of filters and the lower level of indexes: a search that
 * finds them here asks the cache for nothing but its data block.
 */
#ifndef BYRON_SSTABLE_KEPT_BLOCKS_H
#define BYRON_SSTABLE_KEPT_BLOCKS_H

#include <stdatomic.h>

#include "sstable/table_source.h"

/* Where a kept block is, without a look at what keeps it there. */
struct kept_block {
    _Atomic(const uint8_t *) bytes; /* NULL: not kept. */
    atomic_size_t size;             /* Known before bytes. */
};

/* All zero is valid and empty. */
struct kept_blocks {
    struct kept_block *blocks;            /* Owned. */
    _Atomic(struct cached_block *) *pins; /* Owned. What keeps each. */
    size_t count;
};

BYRON_MUST_CHECK byron_status kept_blocks_init(struct kept_blocks *kept,
                                               size_t count);
void kept_blocks_deinit(struct kept_blocks *kept,
                        const struct table_source *source);
/*
 * Lends the block of that index and handle. *pin is the caller's, to unpin
 * once it is done; NULL where the block is kept.
 */
BYRON_MUST_CHECK byron_status kept_blocks_load(
    const struct kept_blocks *kept, size_t index,
    const struct table_source *source, const struct block_handle *handle,
    enum block_kind kind, struct slice *body, struct cached_block **pin);

/* The block if it is kept, else without bytes. */
static inline struct slice kept_blocks_at(const struct kept_blocks *kept,
                                          size_t index)
{
    const struct kept_block *block = &kept->blocks[index];
    const uint8_t *bytes =
        atomic_load_explicit(&block->bytes, memory_order_acquire);

    return slice_of(
        bytes,
        bytes ? atomic_load_explicit(&block->size, memory_order_relaxed) : 0);
}

#endif
