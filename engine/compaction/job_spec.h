/*
 * job_spec: what a job is to do: which tables go in, where the result goes.
 *
 * Made by the picker, carried out by job (merges) or by the database alone
 * (deletes and moves, which are edits without bytes).
 */
#ifndef BYRON_COMPACTION_JOB_SPEC_H
#define BYRON_COMPACTION_JOB_SPEC_H

#include "version/version.h"

enum job_kind {
    JOB_NONE,
    JOB_DELETE, /* Tables that lie wholly in dropped ranges: just remove. */
    JOB_MOVE,   /* Tables of one run go down as they are. */
    JOB_MERGE,
};

struct job_input {
    uint32_t level;
    uint64_t run;
    struct table_meta **tables; /* A reference each; ascending keys. */
    size_t count;
};

struct job_spec {
    enum job_kind kind;
    uint32_t output_level;    /* 0: the newest input's run takes the result. */
    struct job_input *inputs; /* Newest first. */
    size_t input_count;
    uint64_t input_bytes;
};

/* Releases the tables; all zero (JOB_NONE) afterwards. */
void job_spec_deinit(struct job_spec *spec);
/* Appends count tables of run, from the first on, as one more input. */
BYRON_MUST_CHECK byron_status job_spec_add(struct job_spec *spec,
                                           uint32_t level,
                                           const struct run *run, size_t first,
                                           size_t count);

#endif
