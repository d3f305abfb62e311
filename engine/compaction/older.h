/*
 * older: whether tables that a job does not read may hold an older version of
 * a key, asked with ascending keys.
 *
 * Knows key ranges only, no filters: a yes may be wrong, a no never is.
 */
#ifndef BYRON_COMPACTION_OLDER_H
#define BYRON_COMPACTION_OLDER_H

#include "compaction/job_spec.h"

struct older_run {
    struct table_meta **tables; /* Ascending keys; lent by the version. */
    size_t count;
    size_t at; /* The first table that does not end before the last key. */
};

/* All zero: nothing is older. */
struct older {
    struct version *version; /* A reference. */
    struct older_run *runs;  /* Deepest first: the most likely to hold a key. */
    size_t count;
};

/* Whatever is older than the newest input of spec and not among its inputs;
 * all of version where spec is NULL. */
BYRON_MUST_CHECK byron_status older_init(struct older *older,
                                         struct version *version,
                                         const struct job_spec *spec);
void older_deinit(struct older *older);
/* Requires: key is not before that of the last call. */
bool older_may_hold(struct older *older, struct slice key);
/* Whether they may hold any key in [lower, upper). */
bool older_may_touch(const struct older *older, struct slice lower,
                     struct slice upper);
/* How many entries they have in [lower, upper), about. */
uint64_t older_count(const struct older *older, struct slice lower,
                     struct slice upper);

#endif
