/*
 * dead_spans: what rollbacks to a mark have killed of a transaction's writes.
 *
 * Knows positions only (1, 2, 3 ...), not what was written there.
 */
#ifndef BYRON_MERGE_DEAD_SPANS_H
#define BYRON_MERGE_DEAD_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byron.h"

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
/* The first span that has one of the positions (after, up_to]; NULL: none. */
const struct dead_span *dead_spans_meet(const struct dead_spans *dead,
                                        uint64_t after, uint64_t up_to);
/* The span that position lies in, NULL if it lives. */
const struct dead_span *dead_spans_find(const struct dead_spans *dead,
                                        uint64_t position);
bool dead_spans_has(const struct dead_spans *dead, uint64_t position);

#endif
