/*
 * live_iter: the writes of an open transaction that still stand.
 *
 * A transaction's entries carry positions (1, 2, 3 ...) for sequences. A
 * rollback to a mark kills the positions after it. The iterator shows of each
 * key the newest entry that lives and is at or below its limit, tombstones
 * included, under the sequence SEQUENCE_MAX.
 */
#ifndef BYRON_MERGE_LIVE_ITER_H
#define BYRON_MERGE_LIVE_ITER_H

#include "entry/iter.h"
#include "merge/dead_spans.h"

/* Takes child (even on failure). Borrows dead, which may grow meanwhile. */
BYRON_MUST_CHECK byron_status live_iter_new(struct iter *child,
                                            const struct dead_spans *dead,
                                            uint64_t limit, struct iter **out);

#endif
