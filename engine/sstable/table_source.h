/*
 * table_source: where the blocks of one table come from: map, cache or file.
 *
 * A block is believed only after its trailer, checksum, unpacked size and
 * structure are checked; who gets one needs no checks of his own, except that
 * handles inside it are only numbers until the next call here.
 */
#ifndef BYRON_SSTABLE_TABLE_SOURCE_H
#define BYRON_SSTABLE_TABLE_SOURCE_H

#include "sstable/block.h"
#include "sstable/cached_block.h"
#include "sstable/sstable_format.h"
#include "sstable/table_map.h"

struct table_source {
    struct file_pool *pool;    /* Borrowed. */
    struct block_cache *cache; /* Borrowed. */
    struct table_map *map;     /* Owned by the reader; NULL: not mapped. */
    uint64_t number;
    uint64_t uid;
    uint64_t blocks_end; /* Where the footer begins. */
};

/* Pins the block if it is in the cache, else NULL. */
struct cached_block *table_source_find(const struct table_source *source,
                                       uint64_t offset, enum block_kind kind);
/* cached_block_pin_again. */
bool table_source_pin_again(const struct table_source *source,
                            struct cached_block *block, uint64_t offset,
                            enum block_kind kind);
/* Pins the block, through the cache. A handle's raw_size 0 means unknown. */
BYRON_MUST_CHECK byron_status table_source_load(
    const struct table_source *source, const struct block_handle *handle,
    enum block_kind kind, struct cached_block **out);
/*
 * A data block or a large value in place, if the table is mapped and the block
 * is not packed; body->data is NULL if not. It is checked the first time. Stays
 * there as long as the table is open, or table_map_pin holds it.
 */
BYRON_MUST_CHECK byron_status table_source_map(
    const struct table_source *source, const struct block_handle *handle,
    enum block_kind kind, struct slice *body);
/* The block where it is mapped, with *pin NULL, else as table_source_load. */
BYRON_MUST_CHECK byron_status table_source_lend(
    const struct table_source *source, const struct block_handle *handle,
    enum block_kind kind, struct slice *body, struct cached_block **pin);
/* Views a data block at offset that was lent: a mapped one may have changed
 * since it was checked. */
BYRON_MUST_CHECK byron_status
table_source_view(const struct table_source *source, uint64_t offset,
                  struct slice body, struct block *out);
/*
 * The same as load for a block that is not in the cache, out of disk, which
 * must be the bytes at handle. Requires: the handle was checked.
 */
BYRON_MUST_CHECK byron_status table_source_take(
    const struct table_source *source, const struct block_handle *handle,
    enum block_kind kind, struct slice disk, struct cached_block **out);
/* The block at offset is about to be asked for. */
void table_source_expect(const struct table_source *source, uint64_t offset,
                         enum block_kind kind);
/*
 * For blocks that are not to enter the cache: checks and unpacks disk, which
 * must be the bytes at handle. *body lies in disk, or in room if they were
 * compressed.
 */
BYRON_MUST_CHECK byron_status
table_source_unpack(const struct table_source *source,
                    const struct block_handle *handle, enum block_kind kind,
                    struct slice disk, struct buf *room, struct slice *body);
/* Reads the block past the cache: disk takes its bytes, then as unpack. */
BYRON_MUST_CHECK byron_status
table_source_read(const struct table_source *source,
                  const struct block_handle *handle, enum block_kind kind,
                  struct buf *disk, struct buf *room, struct slice *body);
/* Whether the handle can be one of this table: records the flaw if not. */
BYRON_MUST_CHECK byron_status table_source_check_handle(
    const struct table_source *source, const struct block_handle *handle);
byron_status table_source_corrupt(const struct table_source *source,
                                  uint64_t offset, const char *flaw);

#endif
