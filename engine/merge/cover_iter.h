/*
 * cover_iter: what range deletes leave of an iterator.
 *
 * Moves both ways, as its child does. A stretch in which nothing can be left
 * is passed with one seek.
 */
#ifndef BYRON_MERGE_COVER_ITER_H
#define BYRON_MERGE_COVER_ITER_H

#include "entry/iter.h"
#include "merge/cover.h"

/* For a child of which no more is known. */
#define COVER_ANY_SEQUENCE (UINT64_MAX - 1)

/* Takes child (even on failure). Copies cover. newest: no sequence of child
 * is above. */
BYRON_MUST_CHECK byron_status cover_iter_new(struct iter *child,
                                             const struct cover *cover,
                                             uint64_t newest,
                                             struct iter **out);

#endif
