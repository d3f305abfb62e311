/*
 * tuning: the options that can change while the store is open.
 */
#ifndef BYRON_DB_TUNING_H
#define BYRON_DB_TUNING_H

#include "db/db.h"

/* derived: no zeros left; given: what was asked for. */
void tuning_set(struct byron_db *db, const struct byron_options *given,
                const struct byron_options *derived);
/* How tables of the last level are written. */
struct table_options tuning_table_options(const struct byron_db *db);
/* One thread does all work, or none. Needs tuning_mutex, or to be alone. */
BYRON_MUST_CHECK byron_status tuning_start_thread(struct byron_db *db);
void tuning_stop_thread(struct byron_db *db);

#endif
