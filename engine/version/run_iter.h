/*
 * run_iter: the tables of one run (or a stretch of it) as one iterator.
 */
#ifndef BYRON_VERSION_RUN_ITER_H
#define BYRON_VERSION_RUN_ITER_H

#include "version/version.h"

/* Holds references to the tables; the array is copied. Opens them lazily. */
BYRON_MUST_CHECK byron_status run_iter_new(struct table_meta *const *tables,
                                           size_t count,
                                           unsigned table_iter_flags,
                                           struct iter **out);

/*
 * Makes *iter one over the tables of run that touch [lower, upper) (open where
 * data is NULL): what it was before, over tables of the same run, or new where
 * it is NULL. *touches: there are any; if not, *iter stays as it is. run is
 * borrowed. Nothing is shown of what cover (copied; NULL: nothing) hides, and a
 * table of which nothing is left is not even opened; it is taken when the
 * iterator is made, and never after.
 */
BYRON_MUST_CHECK byron_status
run_iter_stretch(struct iter **iter, const struct run *run, struct slice lower,
                 struct slice upper, const struct cover *cover, bool *touches);
/* Entries before the one that it stands on, of the same table. Requires: valid,
 * and no cover. */
uint64_t run_iter_ordinal(const struct iter *iter);
/* One without a cover will not be moved until it is stretched anew: lets go of
 * what is large. */
void run_iter_rest(struct iter *iter);

#endif
