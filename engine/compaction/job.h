/*
 * job: a compaction (or the flush of a memtable), resumable in steps of
 * bytes; it ends as one edit. Touches no version: the database installs.
 *
 * output <- retain <- merge <- one iterator per input run (or the memtable).
 */
#ifndef BYRON_COMPACTION_JOB_H
#define BYRON_COMPACTION_JOB_H

#include "compaction/picker.h"
#include "compaction/table_output.h"

struct job;

/* What readers may still ask for (copied). Ascending; at least one. */
struct job_points {
    const uint64_t *points;
    size_t count;
    uint64_t expired_ms; /* Nor for what expired then or before, unix ms. */
};

/* A flush: source is the memtable's iterator; takes it (even on failure).
 * deletes are its range deletes (NULL: none), whose bounds it keeps.
 * state says what lies below: its version is referenced, its drops are copied.
 * Of output, cuts are set by the job. */
BYRON_MUST_CHECK byron_status
job_new_flush(struct iter *source, const struct range_deletes *deletes,
              const struct store_state *state, const struct job_points *points,
              const struct table_output_options *output, struct job **out);
/* A JOB_MERGE. Takes spec's content (even on failure; spec is zeroed). Of
 * output, level and run are set by the job too. */
BYRON_MUST_CHECK byron_status
job_new_merge(struct job_spec *spec, const struct store_state *state,
              const struct job_points *points,
              const struct table_output_options *output, struct job **out);
/* About budget bytes of input further. On error the job can only be freed; a
 * corrupt input table is marked so. At the end the counts are checked. */
BYRON_MUST_CHECK byron_status job_step(struct job *job, uint64_t budget,
                                       bool *done);
/* After done: adds and removes. The files are the edit's from then on; on
 * failure they are still the job's, whatever edit holds. */
BYRON_MUST_CHECK byron_status job_take_edit(struct job *job,
                                            struct version_edit *edit);
uint64_t job_bytes_written(const struct job *job); /* Finished tables. */
/* Input still to read, about; 0 for a flush. */
uint64_t job_bytes_left(const struct job *job);
void job_free(struct job *job); /* Removes what was not taken; NULL is fine. */

#endif
