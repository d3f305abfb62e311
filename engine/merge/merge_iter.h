/*
 * merge_iter: many sorted iterators as one.
 *
 * A binary heap on cached 8-byte heads (taken after nothing: heads decide,
 * ties look at keys) with a runner-up bound: as long as the top stays before
 * the second best, no heap work is done. Turning round seeks every child anew.
 */
#ifndef BYRON_MERGE_MERGE_ITER_H
#define BYRON_MERGE_MERGE_ITER_H

#include "entry/iter.h"

/* Takes the children (even on failure), the array is borrowed. No two may hold
 * the same (key, sequence). */
BYRON_MUST_CHECK byron_status merge_iter_new(struct iter **children,
                                             size_t count, struct iter **out);
/* One that only borrows its children, up to room of them; none as yet. */
BYRON_MUST_CHECK byron_status merge_iter_new_lent(size_t room,
                                                  struct iter **out);
/* Such a one starts anew, over other children. */
void merge_iter_lend(struct iter *merge, struct iter *const *children,
                     size_t count);

#endif
