/*
 * wal: the WAL in use, and the live memtable that goes with it. Whoever calls
 * these has the log.
 */
#ifndef BYRON_DB_WAL_H
#define BYRON_DB_WAL_H

#include "db/db.h"

/*
 * A sync of a log that failed leaves a file of this name: the system may show
 * bytes of the log that the disk does not have. It need not be durable, for
 * after a power cut all see what the disk has.
 */
#define DOUBT_NAME "DOUBT"

/* An empty memtable for commits. */
BYRON_MUST_CHECK byron_status db_new_live(const struct byron_db *db,
                                          struct memtable **out);
/* A WAL that takes records: the first, or one in place of a failed one. Logs in
 * doubt are flushed first. */
BYRON_MUST_CHECK byron_status db_ensure_wal(struct byron_db *db);
/* Freezes the live memtable and starts the next WAL and memtable. */
BYRON_MUST_CHECK byron_status db_switch(struct byron_db *db);
/* A read state to be filled, with room for two more frozen sources. */
BYRON_MUST_CHECK byron_status db_new_state(struct byron_db *db,
                                           struct memtable *live,
                                           struct read_state **out);
/* Until fewer than MAX_FROZEN wait; does the work itself without a thread. */
BYRON_MUST_CHECK byron_status db_wait_for_flush(struct byron_db *db);
/* Room in the live memtable: switches if it is full, waits for the flush. */
BYRON_MUST_CHECK byron_status db_make_room(struct byron_db *db);
/* Whether all WAL bytes so far are on the disk. */
bool db_is_log_safe(struct byron_db *db);
/* All WAL bytes so far on the disk. A failure is for good. */
BYRON_MUST_CHECK byron_status db_sync_wal(struct byron_db *db);
/* Takes back the batch that there was no room to take back before: commit.c. */
BYRON_MUST_CHECK byron_status db_settle_abort(struct byron_db *db);
/* One record of the payload; its bytes count in the statistics. */
BYRON_MUST_CHECK byron_status db_append_wal(struct byron_db *db,
                                            enum record_type type,
                                            uint64_t sequence);
/* The next WAL's writer and number; the current one stays in use. */
BYRON_MUST_CHECK byron_status db_create_wal(struct byron_db *db,
                                            struct log_writer **out,
                                            uint64_t *number);

#endif
