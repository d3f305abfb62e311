/*
 * retain_iter: what must survive a rewrite.
 *
 * Somebody may still read at each of the points, ascending sequences of which
 * the last is the window: everything newer than it is kept. Of a key's other
 * versions only the newest at or below each point stays. A tombstone at or
 * below the first point goes too where nothing deeper can hold its key; there
 * a put's sequence becomes 0. A range delete counts as a newer version of every
 * key it covers. Keys inside a dropped range go altogether.
 *
 * Forward only: first and next (seek, seek_before, last, prev are misuse).
 */
#ifndef BYRON_MERGE_RETAIN_ITER_H
#define BYRON_MERGE_RETAIN_ITER_H

#include "entry/iter.h"
#include "entry/range_list.h"

struct retain_rules {
    const uint64_t *points; /* Borrowed while the iterator lives. */
    size_t point_count;     /* At least 1. */
    /* What expires at or before, unix ms, becomes a tombstone: no reader sees
     * it any more. */
    uint64_t expired_ms;
    /* Range deletes among the input, without those that no point tells from a
     * newer one. NULL: none. Borrowed, as kept is. */
    const struct range_list *ranges;
    /* Those of them that stay: above one, no sequence may become 0. */
    const struct range_list *kept;
    /* Whether a level below the output may hold key; keys come ascending. */
    bool (*deeper_may_hold)(void *context, struct slice key);
    /* Whether key lies in a dropped range; keys come ascending. */
    bool (*is_dropped)(void *context, struct slice key);
    void *context;
};

struct retain_counts {
    uint64_t in;      /* Entries taken from the child. */
    uint64_t out;     /* Entries shown. */
    uint64_t dropped; /* in == out + dropped at the end. */
};

/* Takes child (even on failure). Copies rules. */
BYRON_MUST_CHECK byron_status retain_iter_new(struct iter *child,
                                              const struct retain_rules *rules,
                                              struct iter **out);
void retain_iter_counts(const struct iter *retain, struct retain_counts *out);

#endif
