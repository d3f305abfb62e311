/*
 * file_pool: the open files of many tables, a bounded number of them.
 *
 * Files that nobody reads stay open, the longest unused is closed first, and
 * a closed one is opened again when asked for. Made and freed by the calls in
 * table_reader.h.
 */
#ifndef BYRON_SSTABLE_FILE_POOL_H
#define BYRON_SSTABLE_FILE_POOL_H

#include "sstable/table_reader.h"

struct pooled_file; /* Pinned while you hold it. */

/* Pins the open file of table number; one that is gone is damage. More files
 * than the bound are open only while more are pinned. */
BYRON_MUST_CHECK byron_status file_pool_open(struct file_pool *pool,
                                             uint64_t number,
                                             struct pooled_file **out);
void file_pool_release(struct file_pool *pool, struct pooled_file *file);
/* Closes the file of number, unless it is pinned. */
void file_pool_forget(struct file_pool *pool, uint64_t number);
/* Reads size bytes of table number at offset. */
BYRON_MUST_CHECK byron_status file_pool_read(struct file_pool *pool,
                                             uint64_t number, uint64_t offset,
                                             void *bytes, size_t size);
BYRON_MUST_CHECK byron_status file_pool_size(struct file_pool *pool,
                                             uint64_t number, uint64_t *out);
/* Whether files are mapped from now on, where the system can. At first not. */
void file_pool_set_mapping(struct file_pool *pool, bool is_mapping);
/* The file's first size bytes as memory, even if it is closed or removed, until
 * file_pool_unmap; NULL: read them. What os.h says of maps holds. */
const uint8_t *file_pool_map(struct file_pool *pool, uint64_t number,
                             uint64_t size);
void file_pool_unmap(struct file_pool *pool, const uint8_t *bytes,
                     uint64_t size);
/* Bytes of all maps. */
uint64_t file_pool_mapped(const struct file_pool *pool);
/* A hint that these bytes are read soon. */
void file_pool_prefetch(struct file_pool *pool, uint64_t number,
                        uint64_t offset, size_t size);
/* Records that the file of table number is damaged. */
byron_status file_pool_corrupt(struct file_pool *pool, uint64_t number,
                               uint64_t offset, const char *flaw);
/* Likewise for a file of a later format. */
byron_status file_pool_newer(struct file_pool *pool, uint64_t number,
                             const char *flaw);

#endif
