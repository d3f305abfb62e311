/*
 * log_writer: appends checksummed records to one log file.
 *
 * A file is never reused, truncated or rewritten. After an error of storage
 * the writer is poisoned: it answers the same error for ever, and the log must
 * go on in another file. (A full disk refuses appends only: what was appended
 * before can be synced. Lack of memory leaves the writer as it was.) One
 * thread at a time.
 */
#ifndef BYRON_LOG_LOG_WRITER_H
#define BYRON_LOG_LOG_WRITER_H

#include "log/log_format.h"

struct log_writer;

/* Creates the file (salt is filled in from os), writes and syncs the header,
 * and syncs the directory. On failure the file is removed again. */
BYRON_MUST_CHECK byron_status log_writer_create(struct byron_os *os,
                                                struct os_dir *dir,
                                                const struct log_header *header,
                                                struct log_writer **out);
void log_writer_close(struct log_writer *writer); /* NULL is fine. No sync. */
/*
 * One record, in one write where it fits; a payload beyond 64 MB goes in
 * several, of which only the last counts. parts are laid end to end.
 * Requires: they are not all empty.
 */
BYRON_MUST_CHECK byron_status log_writer_append(struct log_writer *writer,
                                                enum record_type type,
                                                uint64_t sequence,
                                                const struct slice *parts,
                                                size_t part_count);
/* Syncs what is not yet synced; from now on a WAL prewrites zeros ahead. */
BYRON_MUST_CHECK byron_status log_writer_sync(struct log_writer *writer);
/*
 * Appends, without a sync, a record that says how far the log is durable: so
 * that damage of the last durable record is not taken for a torn tail.
 * Readers never see it.
 */
BYRON_MUST_CHECK byron_status log_writer_seal(struct log_writer *writer);
uint64_t log_writer_end(const struct log_writer *writer); /* File offset. */
uint64_t log_writer_synced(const struct log_writer *writer);
/* The error that poisoned it, or OK. */
byron_status log_writer_poison(const struct log_writer *writer);
/* Tests: payloads beyond size go in chunks of it. */
void log_writer_set_chunk_size(struct log_writer *writer, size_t size);

#endif
