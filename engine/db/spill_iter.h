/*
 * spill_iter: a table of an open transaction whose entries lie as they were
 * written, shown with their positions for sequences.
 *
 * Used by txn.c and spill.c. The table itself has the sequence of the commit.
 */
#ifndef BYRON_DB_SPILL_ITER_H
#define BYRON_DB_SPILL_ITER_H

#include "version/run_iter.h"

/* after: the position before that of the table's first entry. Holds a
 * reference to meta, a table of one entry per key. */
BYRON_MUST_CHECK byron_status spill_iter_new(struct table_meta *meta,
                                             uint64_t after, struct iter **out);

#endif
