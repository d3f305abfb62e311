/*
 * index_writer: one entry per data block, in one or two levels of blocks.
 *
 * Index entry: a separator (key, sequence) at or after all entries of the data
 * block and before all of the next; its value says where the block is. Keeps
 * finished index blocks in memory, since they follow the last data block.
 */
#ifndef BYRON_SSTABLE_INDEX_WRITER_H
#define BYRON_SSTABLE_INDEX_WRITER_H

#include "sstable/block_output.h"
#include "sstable/block_writer.h"

/* All zero is a valid empty writer. */
struct index_writer {
    struct block_writer leaf; /* Of the index block being filled. */
    struct buf leaves;        /* Finished ones: first ordinal u64, last
                                 sequence u64, last separator and body sized. */
    size_t leaf_count;
    uint64_t leaf_ordinal;
    struct buf body; /* For building. */
};

void index_writer_deinit(struct index_writer *writer);
/* Borrows. Requires: (separator, sequence) sorts after the last. */
BYRON_MUST_CHECK byron_status index_writer_add(struct index_writer *writer,
                                               struct slice separator,
                                               uint64_t sequence,
                                               const struct index_value *value);
/* Bytes that the index would take, about, uncompressed. */
size_t index_writer_size(const struct index_writer *writer);
/* Writes all index blocks; *top is the last, *levels 1 or 2. */
BYRON_MUST_CHECK byron_status index_writer_finish(struct index_writer *writer,
                                                  struct block_output *output,
                                                  enum codec codec,
                                                  struct block_handle *top,
                                                  uint32_t *levels);
/* A short key at or after last and before next, into out (cleared first).
 * Requires: last < next. */
BYRON_MUST_CHECK byron_status index_separator(struct slice last,
                                              struct slice next,
                                              struct buf *out);

#endif
