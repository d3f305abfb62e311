/*
 * picker: version + options -> the next job, or none. Pure: no I/O, no clock,
 * no state.
 *
 * Leveled with dynamic sizes: the last level is as large as it is, each level
 * above it is fanout times smaller, down to the first that would be smaller
 * than what level 0 sends down at a time; level 0 compacts into that one.
 * Rules and reasons: docs/compaction.md.
 */
#ifndef BYRON_COMPACTION_PICKER_H
#define BYRON_COMPACTION_PICKER_H

#include "compaction/job_spec.h"
#include "version/manifest.h"

struct picker_options {
    uint64_t memtable_bytes; /* Of a flushed run, about. */
    uint64_t file_size;
    uint32_t fanout;
    uint32_t level0_runs;     /* So many runs at level 0 make it due: 4. */
    uint64_t now_s;           /* Wall clock, for tombstone age. */
    uint64_t tombstone_age_s; /* A table with tombstones older than that is
                                 due; 0 = never. */
    uint64_t expired_ms;   /* What expires at or before goes with a job that is
                              started now. */
    uint64_t oldest_point; /* The first point that a job started now would get:
                              no reader asks for less. 0 = not known. */
    bool is_quiet; /* Nobody writes: there is time to give back space. */
};

/* Corrupt tables are never input. */
BYRON_MUST_CHECK byron_status
picker_choose(const struct store_state *state,
              const struct picker_options *options, struct job_spec *out);
/* Everything that touches [lower, upper) goes to the last level that holds
 * any of it: one step of it per call, JOB_NONE when nothing is left. Open
 * bounds have data NULL. */
BYRON_MUST_CHECK byron_status picker_choose_range(
    const struct store_state *state, const struct picker_options *options,
    struct slice lower, struct slice upper, struct job_spec *out);
/* Bytes that due compactions still have to rewrite; 0 where none is due. */
uint64_t picker_debt(const struct version *version,
                     const struct picker_options *options);
/* Target of each level; 0 for levels above the base. Returns the base level:
 * the one that level 0 compacts into. */
uint32_t picker_targets(const struct version *version,
                        const struct picker_options *options,
                        uint64_t targets[BYRON_LEVELS]);
/* How due level is: at 1 or more its tables should go down. */
double picker_score(const struct version *version,
                    const struct picker_options *options,
                    const uint64_t targets[BYRON_LEVELS], uint32_t level);

#endif
