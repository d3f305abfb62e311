/*
 * view_iter: what a reader may see: of each key the newest version at or
 * below its sequence, no tombstones, only keys inside its bounds.
 *
 * Moves both ways. Checks bounds on every raw entry, so tombstones past them
 * are never stepped over. A raw entry of sequence SEQUENCE_MAX (the reader's
 * own open transaction) is always visible.
 */
#ifndef BYRON_MERGE_VIEW_ITER_H
#define BYRON_MERGE_VIEW_ITER_H

#include "entry/iter.h"

/* Takes child (even on failure). Copies the bounds; data NULL is open.
 * The result's seek treats keys outside the bounds as the nearest bound;
 * its seek ignores sequence. */
BYRON_MUST_CHECK byron_status view_iter_new(struct iter *child,
                                            uint64_t sequence,
                                            struct slice lower,
                                            struct slice upper,
                                            struct iter **out);
/* Raw entries that were stepped over without being shown, so far. */
uint64_t view_iter_skipped(const struct iter *view);

#endif
