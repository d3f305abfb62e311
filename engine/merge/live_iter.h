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

/* Dead positions: disjoint (after, up_to] in ascending order. */
struct dead_span {
    uint64_t after;
    uint64_t up_to;
};
struct dead_spans {
    struct dead_span *spans;
    size_t count;
    size_t capacity;
};
void dead_spans_deinit(struct dead_spans *dead);
/* Room for one more, so that the next add cannot fail. */
BYRON_MUST_CHECK byron_status dead_spans_reserve(struct dead_spans *dead);
/* Kills (after, up_to]; swallows spans inside. Requires: up_to is above every
 * span's, and dead_spans_reserve was called since the last add. */
void dead_spans_add(struct dead_spans *dead, uint64_t after, uint64_t up_to);
bool dead_spans_has(const struct dead_spans *dead, uint64_t position);

/* Takes child (even on failure). Borrows dead, which may grow meanwhile. */
BYRON_MUST_CHECK byron_status live_iter_new(struct iter *child,
                                            const struct dead_spans *dead,
                                            uint64_t limit, struct iter **out);

#endif
