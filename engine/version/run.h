/*
 * run: tables in key order that share no key, searched as one.
 */
#ifndef BYRON_VERSION_RUN_H
#define BYRON_VERSION_RUN_H

#include "version/table_meta.h"

struct run {
    uint64_t id;                /* Grows with time; newest first in a level. */
    struct table_meta **tables; /* Ascending keys; a reference each. */
    size_t count;
    uint64_t bytes;  /* Of the files. */
    uint64_t *heads; /* Of the largest keys, and then of the smallest ones,
                        behind what all keys share; owned. NULL where run_seal
                        was not called. */
    size_t shared;
};

/* Sums up and makes heads, so that a search need not touch the tables. */
BYRON_MUST_CHECK byron_status run_seal(struct run *run);
/* A copy with references of its own. Requires: run is sealed. */
BYRON_MUST_CHECK byron_status run_copy(const struct run *run, struct run *out);
void run_deinit(struct run *run);
/* The first table of run that does not end before key; run->count if none. */
size_t run_find(const struct run *run, struct slice key);
/* The table of run whose keys key is among; NULL if there is none. */
struct table_meta *run_cover(const struct run *run, struct slice key);
/* Tables [*begin, *end) touch [lower, upper); open bounds have data NULL. */
void run_overlap(const struct run *run, struct slice lower, struct slice upper,
                 size_t *begin, size_t *end);
/* CORRUPT where the tables are not in order, or share a key. */
BYRON_MUST_CHECK byron_status run_check(const struct run *run,
                                        const char *path);
/* Adds entries (minus tombstones, and what hidden hides, or NULL) and file
 * bytes with keys in the range, about. */
BYRON_MUST_CHECK byron_status run_estimate(const struct run *run,
                                           struct slice lower,
                                           struct slice upper,
                                           const struct range_list *hidden,
                                           uint64_t *entries, uint64_t *bytes);

#endif
