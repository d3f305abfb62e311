/*
 * db_state: file numbers, installed edits, memory that is shared.
 */
#ifndef BYRON_DB_DB_STATE_H
#define BYRON_DB_DB_STATE_H

#include "db/db.h"

uint64_t db_take_number(struct byron_db *db); /* A fresh file number. */
/* Appends edit to the manifest, applies it, and publishes a read state in
 * which the first flushed frozen sources are gone. Needs work_mutex. */
BYRON_MUST_CHECK byron_status db_install(struct byron_db *db,
                                         struct version_edit *edit,
                                         size_t flushed);
/* Makes state (takes it) the newest. Needs mutex. */
void db_publish_state(struct byron_db *db, struct read_state *state);
/* The cache has what the memtables leave of the budget. Needs mutex. */
void db_share_memory(struct byron_db *db);
/* Room for one more WAL, and the WAL itself. Needs mutex. */
BYRON_MUST_CHECK byron_status db_reserve_wal(struct byron_db *db);
void db_add_wal(struct byron_db *db, uint64_t number);
/* With buffers of its own; nothing to free on failure. */
BYRON_MUST_CHECK byron_status db_copy_facts(const struct table_facts *facts,
                                            struct table_facts *out);
/* Keeps the error of this thread in status and error. */
void db_keep_error(byron_status status, byron_status *kept,
                   struct byron_error *error);
/* The same, where no commit can follow until the store is opened again. Needs
 * mutex. */
void db_keep_fatal(struct byron_db *db, byron_status status);
/* The host syncs its own files, if it has committed anything since it last
 * did, so that its commits are as safe as ours. */
BYRON_MUST_CHECK byron_status db_barrier(struct byron_db *db);

#endif
