/*
 * lend: entries of a block, many at once.
 *
 * Keys are put together side by side in memory of the caller's, values stay
 * where they are. Used by table_iter.
 */
#ifndef BYRON_SSTABLE_LEND_H
#define BYRON_SSTABLE_LEND_H

#include "entry/iter.h"
#include "sstable/block.h"

/* A prefix is copied without a call: so much is read and written there. */
#define LEND_PREFIX_ROOM 16u

/* The last entry up to `to` that puts of keys of their own lead to. */
uint32_t lend_plain(const struct block *block, uint32_t from, uint32_t to);
/*
 * Lends the entries after from, up to `to` at most, to limits->pairs and
 * sequences; returns the last of them. It stops before a large value; keys so
 * long that they need much memory at once are not worth it. Where it is from,
 * keys is as it was. Requires: from < to, and they are plain; prefix is that of
 * the block, in memory of LEND_PREFIX_ROOM bytes at least.
 */
uint32_t lend_entries(const struct block *from_block, const uint8_t *prefix,
                      uint32_t from, uint32_t to,
                      const struct skip_limits *limits, struct buf *keys);

#endif
