/*
 * newest_iter: of each key the newest entry that may be seen.
 *
 * What view_iter and live_iter have in common. Moves both ways.
 */
#ifndef BYRON_MERGE_NEWEST_ITER_H
#define BYRON_MERGE_NEWEST_ITER_H

#include "entry/iter.h"
#include "entry/timed.h"
#include "merge/dead_spans.h"

struct newest_rules {
    /* Sequences above it are not seen, except SEQUENCE_MAX. */
    uint64_t limit;
    const struct dead_spans *dead; /* Not seen either. Borrowed; or NULL. */
    struct slice lower;            /* lower <= key < upper; data NULL: open. */
    struct slice upper;
    /*
     * A transaction's own writes: tombstones are shown too, all under the
     * sequence SEQUENCE_MAX, and seek minds it. Otherwise tombstones hide
     * their key, and seek is by key alone.
     */
    bool is_own;
    /* Tells what has expired; NULL: nothing has. Borrowed. */
    struct moment *moment;
};

/* Takes child (even on failure). Copies the rules, and the bounds. */
BYRON_MUST_CHECK byron_status newest_iter_new(struct iter *child,
                                              const struct newest_rules *rules,
                                              struct iter **out);
/* The same for a child that stays the caller's. *newest is one that was made
 * so before, and starts anew, or NULL, and is made; the caller's to free, even
 * on failure. */
BYRON_MUST_CHECK byron_status newest_iter_lend(struct iter *child,
                                               const struct newest_rules *rules,
                                               struct iter **newest);
/* Such a one starts anew over the same child, if the bounds are the same, too;
 * or answers false. */
bool newest_iter_restart(struct iter *newest, const struct newest_rules *rules);
/* Such a one will not be moved until then: lets go of what is large. False if
 * it had better be freed: it has failed, which sticks, or is itself large. */
bool newest_iter_rest(struct iter *newest);
/* When the shown entry expires, unix ms; 0: never. Requires: valid, not own. */
uint64_t newest_iter_expiry(const struct iter *newest);
/* Raw entries that were stepped over without being shown, so far. */
uint64_t newest_iter_skipped(const struct iter *newest);

#endif
