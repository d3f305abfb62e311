/*
 * orphans: files that nothing names any more, and when they may go.
 */
#ifndef BYRON_DB_ORPHANS_H
#define BYRON_DB_ORPHANS_H

#include "db/db.h"

/* Lists a file for db_collect. Needs work_mutex. */
BYRON_MUST_CHECK byron_status db_add_orphan(struct byron_db *db,
                                            enum file_kind kind,
                                            uint64_t number, uint64_t wal);
/* Best effort; this thread's last error stays what it was. */
void db_remove_file(struct byron_db *db, enum file_kind kind, uint64_t number);
/* Deletes files that nothing names any more; true if there were any. Needs
 * work_mutex. */
bool db_collect(struct byron_db *db);
/* Files may go once the manifest knows their numbers as used. In a store that
 * has nothing else to write down, that is written for them: did_some is set.
 * Where the disk is full, tables of an earlier process go before that.
 * Needs work_mutex. */
BYRON_MUST_CHECK byron_status db_release_orphans(struct byron_db *db,
                                                 bool *did_some);

#endif
