/*
 * hash_writer: the hash index of a table that is being written.
 *
 * Notes the place of every key and of every data block, and at the end makes
 * the section of them: chunks of lines, then chunks of block handles. Used by
 * table_writer.
 */
#ifndef BYRON_SSTABLE_HASH_WRITER_H
#define BYRON_SSTABLE_HASH_WRITER_H

#include "sstable/block_output.h"
#include "sstable/hash_lines.h"

/* All zero is a valid empty writer. */
struct hash_writer {
    struct buf places;  /* Of each key: block number and index, u32 each. */
    struct buf handles; /* Of each data block. */
    uint32_t index_max;
    bool is_too_large; /* For a hash index: nothing is noted any more. */
};

void hash_writer_deinit(struct hash_writer *writer);
/* The newest version of the next key is entry index of data block block. */
BYRON_MUST_CHECK byron_status hash_writer_add_key(struct hash_writer *writer,
                                                  uint64_t block, size_t index);
/* In the order of their numbers, from 0. */
BYRON_MUST_CHECK byron_status hash_writer_add_block(
    struct hash_writer *writer, const struct block_handle *handle);
/* Bytes that the section would take, about. */
uint64_t hash_writer_size(const struct hash_writer *writer);
/*
 * Writes the section. hashes: a u64 for each key, in native order. Where there
 * cannot be a hash index, shape->lines is 0 and nothing is written.
 */
BYRON_MUST_CHECK byron_status hash_writer_finish(struct hash_writer *writer,
                                                 const struct buf *hashes,
                                                 struct block_output *output,
                                                 struct table_section *section,
                                                 struct hash_shape *shape);

#endif
