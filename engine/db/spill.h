/*
 * spill: transactions larger than memory, whose writes go to table files.
 */
#ifndef BYRON_DB_SPILL_H
#define BYRON_DB_SPILL_H

#include "db/txn.h"

/* Moves writes to table files and starts an empty memtable, if memory is full
 * or they are as the commit needs them. */
BYRON_MUST_CHECK byron_status txn_spill(struct byron_txn *txn);
/* The newest live spilled version of key; BYRON_NOT_FOUND. */
BYRON_MUST_CHECK byron_status txn_spill_get(struct byron_txn *txn,
                                            struct slice key,
                                            struct table_found *out);
/* One spill as an iterator. */
BYRON_MUST_CHECK byron_status txn_spill_iter_new(const struct spill *spill,
                                                 struct iter **out);
/* All writes as finished tables, listed in prepared.edit and prepared.run. */
BYRON_MUST_CHECK byron_status txn_spill_finish(struct byron_txn *txn);
/* Forgets what finish made. wal: a record there names it, which is no commit;
 * 0: none does. */
void txn_spill_unfinish(struct byron_txn *txn, uint64_t wal);
/* prepared.run is the commit's from here on. */
void txn_spill_publish(struct byron_txn *txn);
/* Lets go of all spilled tables; the files that nothing names go. */
void txn_spill_end(struct byron_txn *txn);

#endif
