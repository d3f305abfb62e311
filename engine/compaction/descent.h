/*
 * descent: some neighbouring tables of a run go down, as a move where nothing
 * is in their way, else merged with what they overlap. Pure.
 */
#ifndef BYRON_COMPACTION_DESCENT_H
#define BYRON_COMPACTION_DESCENT_H

#include "compaction/job_spec.h"

struct descent {
    const struct version *version;
    uint32_t level;        /* Where the tables are. */
    const struct run *run; /* At that level; none of its level is older. */
    size_t begin, end;     /* Of run: the tables that may be chosen. */
    uint32_t output_level; /* Below level; nothing between touches the run. */
    uint64_t job_bytes;    /* A job should not grow beyond. */
    uint64_t move_bytes;   /* So much may be moved at once. */
};

/* The table that meets the fewest bytes for each of its own, and neighbours
 * that come cheaply with it. JOB_NONE where damage bars every one. */
BYRON_MUST_CHECK byron_status descent_cheapest(const struct descent *descent,
                                               struct job_spec *out);
/* The table at index, and neighbours that come cheaply with it. JOB_NONE where
 * damage bars it. */
BYRON_MUST_CHECK byron_status descent_of(const struct descent *descent,
                                         size_t index, struct job_spec *out);

#endif
