/*
 * wait: how a call waits for other threads, and who has the log.
 */
#ifndef BYRON_DB_WAIT_H
#define BYRON_DB_WAIT_H

#include "db/db.h"

/* When patience with others ends, on the clock of os->now_us. */
uint64_t wait_deadline(const struct byron_db *db,
                       const struct byron_patience *patience);
/*
 * Waits on condition; now and then asks whether to go on, and comes back then,
 * too. Needs mutex, which it lets go of meanwhile.
 */
BYRON_MUST_CHECK byron_status wait_for(struct byron_db *db,
                                       struct condition *condition,
                                       const struct byron_patience *patience);
/* The same for what others are about: BYRON_BUSY, in these words, once the
 * deadline has passed. */
BYRON_MUST_CHECK byron_status
wait_for_others(struct byron_db *db, struct condition *condition,
                const struct byron_patience *patience, uint64_t deadline_us,
                const char *words);

/* Takes the log; BYRON_BUSY where a prepared commit keeps it for too long. */
BYRON_MUST_CHECK byron_status
wait_take_log(struct byron_db *db, const struct byron_patience *patience);
void wait_give_log(struct byron_db *db);
void wait_log_is_free(struct byron_db *db); /* The same. Needs mutex. */

#endif
