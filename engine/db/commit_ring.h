/*
 * commit_ring: the commits of the last moments: id, sequence, when published.
 *
 * A statement asks for the state right after a commit by its id. What the
 * ring holds is still readable: before a job may discard versions, the ring
 * forgets the commits that only those versions could show.
 */
#ifndef BYRON_DB_COMMIT_RING_H
#define BYRON_DB_COMMIT_RING_H

#include "base/error.h"

struct commit {
    uint64_t id;
    uint64_t sequence;
    uint64_t published_us;
};

/* The alias of a commit that the host has not heard of: it knows none. */
#define HOST_HAS_NONE UINT64_MAX

struct commit_ring {
    struct commit *commits;        /* Oldest at start, wrapping; owned. */
    size_t start, count, capacity; /* capacity: a power of two. */
    uint64_t alias;                /* Another name of alias_of, or 0. */
    uint64_t alias_of;
};

void commit_ring_deinit(struct commit_ring *ring);
/* Room for one more, so that the next add cannot fail. */
BYRON_MUST_CHECK byron_status commit_ring_reserve(struct commit_ring *ring);
/* Requires: room; sequence not below the last. */
void commit_ring_add(struct commit_ring *ring, const struct commit *commit);
/* A commit follows that the host does not name: it goes by the name that the
 * host has for its predecessor, the newest one now. */
void commit_ring_pass_name(struct commit_ring *ring, uint64_t id);
/* The newest commit. Requires: one was added. */
const struct commit *commit_ring_newest(const struct commit_ring *ring);
/* NULL if unknown or forgotten. */
const struct commit *commit_ring_find(const struct commit_ring *ring,
                                      uint64_t id);
/* Forgets what was superseded before moment_us; always keeps the newest.
 * Returns the sequence of the oldest that stays. */
uint64_t commit_ring_forget(struct commit_ring *ring, uint64_t moment_us);

#endif
