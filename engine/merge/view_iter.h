/*
 * view_iter: what a reader may see: of each key the newest version at or
 * below its sequence, no tombstones, nothing that has expired, only keys
 * inside its bounds. Of values that expire, the expiry is not shown.
 *
 * Moves both ways. Checks bounds on every raw entry, so tombstones past them
 * are never stepped over. A raw entry of sequence SEQUENCE_MAX (the reader's
 * own open transaction) is always visible.
 */
#ifndef BYRON_MERGE_VIEW_ITER_H
#define BYRON_MERGE_VIEW_ITER_H

#include "entry/iter.h"
#include "entry/timed.h"

/*
 * Makes *view one over child, which stays the caller's: what it was before,
 * or new where it is NULL; the caller's to free, even on failure. Copies the
 * bounds; data NULL is open. moment (borrowed; NULL: none) tells what has
 * expired, and so is not shown. Its seek treats keys outside the bounds as the
 * nearest bound, and ignores sequence.
 */
BYRON_MUST_CHECK byron_status
view_iter_start(struct iter *child, uint64_t sequence, struct slice lower,
                struct slice upper, struct moment *moment, struct iter **view);
/* Starts anew over the same child if the bounds are the same, too; or answers
 * false. */
bool view_iter_restart(struct iter *view, uint64_t sequence, struct slice lower,
                       struct slice upper, struct moment *moment);
/* It will not be moved until it is started anew: lets go of what is large.
 * False if it had better be freed: it has failed, which sticks, or is itself
 * large. */
bool view_iter_restart(struct iter *view, uint64_t sequence, struct slice lower,
                       struct slice upper, struct moment *moment);
/* It will not be moved until it is started anew: lets go of what is large.
 * False if it has failed: it can not be, then, nor is its child of use. */
bool view_iter_rest(struct iter *view);
/* When the shown entry expires, unix ms; 0: never. Requires: valid. */
uint64_t view_iter_expiry(const struct iter *view);
/* Raw entries that were stepped over without being shown, so far. */
uint64_t view_iter_skipped(const struct iter *view);

#endif
