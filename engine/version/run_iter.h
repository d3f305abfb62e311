/*
 * run_iter: the tables of one run (or a stretch of it) as one iterator.
 */
#ifndef BYRON_VERSION_RUN_ITER_H
#define BYRON_VERSION_RUN_ITER_H

#include "version/version.h"

/*
 * Holds references to the tables, and the array is copied; with
 * TABLE_ITER_LENT neither. Opens them lazily.
 */
BYRON_MUST_CHECK byron_status run_iter_new(struct table_meta *const *tables,
                                           size_t count,
                                           unsigned table_iter_flags,
                                           struct iter **out);

/* Without what cover (copied; NULL: nothing) hides: a table of which nothing
 * is left is not even opened. */
BYRON_MUST_CHECK byron_status run_iter_new_covered(
    struct table_meta *const *tables, size_t count, unsigned table_iter_flags,
    const struct cover *cover, struct iter **out);

#endif
