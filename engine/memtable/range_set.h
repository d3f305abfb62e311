/*
 * range_set: range deletes that become more, one at a time.
 *
 * They lie in lists of doubling size: a new one makes a list of its own,
 * together with the last lists that are no larger. So adding one costs the
 * logarithm of their number, and a reader looks through as many lists.
 * One writer. Readers take the lists as they are at one moment, without a
 * lock; nothing that was ever published is freed before the set is.
 */
#ifndef BYRON_MEMTABLE_RANGE_SET_H
#define BYRON_MEMTABLE_RANGE_SET_H

#include <stdatomic.h>

#include "entry/range_list.h"

struct range_batch;

/* All zero is empty. */
struct range_set {
    _Atomic(struct range_lists *) lists; /* NULL: none. */
    struct range_batch *batches;         /* Newest first; all ever made. */
    struct range_batch *staged;          /* Not published yet, or NULL. */
    size_t staged_count;
    size_t staged_bytes;
    _Atomic size_t count; /* Of deletes. */
    _Atomic size_t bytes; /* Of their bounds. */
};

void range_set_deinit(struct range_set *set);
/*
 * Copies the deletes in; nobody sees them before range_set_publish.
 * Requires: nothing is staged.
 */
BYRON_MUST_CHECK byron_status
range_set_stage(struct range_set *set, const struct range_deletes *deletes);
/* Makes what was staged visible, if anything was. */
void range_set_publish(struct range_set *set);
/* Forgets what was staged, if anything was. */
void range_set_unstage(struct range_set *set);

/* Adds to out every delete at or below limit; bounds are the set's. */
BYRON_MUST_CHECK byron_status range_set_collect(const struct range_set *set,
                                                uint64_t limit,
                                                struct range_deletes *out);
static inline size_t range_set_count(const struct range_set *set)
{
    return atomic_load_explicit(&set->count, memory_order_relaxed);
}
static inline size_t range_set_bytes(const struct range_set *set)
{
    return atomic_load_explicit(&set->bytes, memory_order_relaxed);
}
/* NULL where there are none. They stay as they are as long as the set does. */
static inline struct range_lists *range_set_lists(const struct range_set *set)
{
    return atomic_load_explicit(&set->lists, memory_order_acquire);
}

#endif
