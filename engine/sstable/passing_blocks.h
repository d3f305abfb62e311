/*
 * passing_blocks: memory for blocks that are needed for a moment only.
 *
 * A few places that are used again and again, the same one by a thread that
 * reads block after block: so it stays in the processor's cache, which memory
 * that a large cache gives up next never is.
 */
#ifndef BYRON_SSTABLE_PASSING_BLOCKS_H
#define BYRON_SSTABLE_PASSING_BLOCKS_H

#include "sstable/cached_block.h"

#define PASSING_BLOCK_MAX ((size_t)16 * 1024)

struct passing_blocks;

BYRON_MUST_CHECK byron_status passing_blocks_new(struct passing_blocks **out);
void passing_blocks_free(struct passing_blocks *blocks); /* No pins. */
/*
 * A block with room for size bytes, pinned; NULL if all places are taken, size
 * is above PASSING_BLOCK_MAX, or there is no memory. The caller fills its bytes
 * and sets its size.
 */
struct cached_block *passing_blocks_take(struct passing_blocks *blocks,
                                         size_t size);

#endif
