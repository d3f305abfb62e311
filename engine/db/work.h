/*
 * work: one unit of flush or compaction at a time, and the thread that does it.
 */
#ifndef BYRON_DB_WORK_H
#define BYRON_DB_WORK_H

#include "db/db.h"

/* One unit of due work; *did_some is false if there was none. */
BYRON_MUST_CHECK byron_status db_work(struct byron_db *db, uint64_t budget,
                                      bool *did_some);
/* Ends a manual compaction; what it has not finished is thrown away. */
void db_give_up_compact(struct byron_db *db);
void db_thread_run(void *context);
/* Where flushes, compactions and spills write. */
void db_output_options(struct byron_db *db, uint32_t level, uint64_t run,
                       struct table_output_options *out);
/* Needs mutex. */
void db_picker_options(const struct byron_db *db, struct picker_options *out);

#endif
