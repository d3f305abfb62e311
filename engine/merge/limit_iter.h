/*
 * limit_iter: entries as they were right after a commit, all versions of them.
 *
 * Forward only: first and next (seek, seek_before, last, prev are misuse).
 */
#ifndef BYRON_MERGE_LIMIT_ITER_H
#define BYRON_MERGE_LIMIT_ITER_H

#include "entry/iter.h"

/* Entries of a higher sequence are stepped over. Takes child (even on
 * failure). */
BYRON_MUST_CHECK byron_status limit_iter_new(struct iter *child,
                                             uint64_t sequence,
                                             struct iter **out);

#endif
