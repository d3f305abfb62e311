/*
 * block_output: sealed blocks, appended to one file in large pieces.
 *
 * Sealing compresses where it pays and adds the trailer with the checksum, for
 * which the block's place in the file is part of the seed. Keeps the hash of
 * the whole file. Used by table_writer and index_writer.
 */
#ifndef BYRON_SSTABLE_BLOCK_OUTPUT_H
#define BYRON_SSTABLE_BLOCK_OUTPUT_H

#include "base/hash.h"
#include "base/os.h"
#include "sstable/sstable_format.h"

struct block_output {
    struct byron_os *os;  /* Borrowed. */
    struct os_file *file; /* Borrowed. */
    bool is_awaited;      /* False until set: no sync begins by itself. */
    uint64_t uid;
    uint64_t offset;     /* Where the next byte goes in the file. */
    struct buf pending;  /* Bytes that end there, not appended yet. */
    struct buf squeezed; /* The compressor's. */
    struct hash_stream *hash;
};

/* Borrows os and file until deinit. */
BYRON_MUST_CHECK byron_status block_output_init(struct block_output *output,
                                                struct byron_os *os,
                                                struct os_file *file,
                                                uint64_t uid);
void block_output_deinit(struct block_output *output); /* All zero is fine. */
/* Adds bytes as they are. */
BYRON_MUST_CHECK byron_status block_output_add(struct block_output *output,
                                               struct slice bytes);
/* Seals body and adds it; *out says where. */
BYRON_MUST_CHECK byron_status block_output_seal(struct block_output *output,
                                                enum block_kind kind,
                                                enum codec codec,
                                                struct slice body,
                                                struct block_handle *out);
/* Appends what is pending. */
BYRON_MUST_CHECK byron_status block_output_flush(struct block_output *output);
/* Of all bytes flushed so far. */
uint64_t block_output_hash(const struct block_output *output);

#endif
