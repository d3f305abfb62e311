/*
 * table_writer: sorted entries into one SSTable file.
 *
 * Bytes: docs/sstable-format.md.
 */
#ifndef BYRON_SSTABLE_TABLE_WRITER_H
#define BYRON_SSTABLE_TABLE_WRITER_H

#include "entry/entry.h"
#include "entry/range_list.h"
#include "sstable/table.h"

struct table_writer;

/* Creates the file of that number in dir. os gives the random uid. */
BYRON_MUST_CHECK byron_status table_writer_new(
    struct byron_os *os, struct os_dir *dir, uint64_t number,
    const struct table_options *options, struct table_writer **out);
/* Borrows. Requires: (key, sequence) sorts after the last. */
BYRON_MUST_CHECK byron_status table_writer_add(struct table_writer *writer,
                                               const struct entry *entry);
/* Adds a piece of range deletes; copies it. Requires: its keys come after those
 * of the last piece. May be called any time before finish. */
BYRON_MUST_CHECK byron_status table_writer_add_range(
    struct table_writer *writer, const struct range_piece *piece);
/* Bytes that the file would have if it were finished now, about. */
uint64_t table_writer_size(const struct table_writer *writer);
/* Completes and syncs the file (not the directory), and frees the writer. One
 * that is passing is not synced.
 * On error the writer stays, to be abandoned. Requires: an entry was added. */
BYRON_MUST_CHECK byron_status table_writer_finish(struct table_writer *writer,
                                                  struct table_facts *out);
/* Removes the half-written file and frees the writer; NULL is fine. */
void table_writer_abandon(struct table_writer *writer);

#endif
