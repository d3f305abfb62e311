/*
 * block_writer: packs sorted entries into the body of one block.
 *
 * Bytes: docs/sstable-format.md, "Block body". Knows nothing of files,
 * checksums or compression.
 */
#ifndef BYRON_SSTABLE_BLOCK_WRITER_H
#define BYRON_SSTABLE_BLOCK_WRITER_H

#include "entry/entry.h"

struct block_slot; /* One entry: where its pieces end. */

/* All zero is a valid empty writer. */
struct block_writer {
    struct buf keys;   /* Whole keys, side by side. */
    struct buf values; /* Likewise. */
    struct block_slot *slots;
    size_t count;
    size_t capacity;
    size_t prefix_size; /* Shared by all keys so far. */
};

void block_writer_deinit(struct block_writer *writer);
/*
 * Borrows. Requires: the entry sorts after the last. is_large: its value is a
 * block handle to where the value is.
 */
BYRON_MUST_CHECK byron_status block_writer_add(struct block_writer *writer,
                                               const struct entry *entry,
                                               bool is_large);
/* Bytes of the body, about, if an entry of this key and value were added;
 * an upper bound but for sequences. */
size_t block_writer_size_with(const struct block_writer *writer,
                              struct slice key, size_t value_size);
/* Bytes of the body as it is, about; 0 when empty. */
size_t block_writer_size(const struct block_writer *writer);
/* Of the newest entry; lent until the next add. Requires: not empty. */
struct slice block_writer_last_key(const struct block_writer *writer);
uint64_t block_writer_last_sequence(const struct block_writer *writer);
/* Appends the body to out and empties the writer. Requires: not empty. */
BYRON_MUST_CHECK byron_status block_writer_finish(struct block_writer *writer,
                                                  struct buf *out);

#endif
