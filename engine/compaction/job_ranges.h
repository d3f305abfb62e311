/*
 * job_ranges: the range deletes of a job: which of them count, and which stay.
 */
#ifndef BYRON_COMPACTION_JOB_RANGES_H
#define BYRON_COMPACTION_JOB_RANGES_H

#include "compaction/dropped.h"
#include "compaction/older.h"

/* All zero: there are none. Bounds are lent by the inputs and by dropped. */
struct job_ranges {
    struct range_list all;  /* Without those that no point tells apart. */
    struct range_list kept; /* What goes into the output. */
};

/*
 * Takes the range deletes of the inputs as they are. points as in struct
 * retain_rules. What lies in a dropped range goes, and of each piece the oldest
 * if every reader sees it and nothing older can lie below it.
 */
BYRON_MUST_CHECK byron_status
job_ranges_init(struct job_ranges *ranges, const struct range_deletes *deletes,
                const uint64_t *points, size_t point_count,
                const struct dropped *dropped, const struct older *older);
void job_ranges_deinit(struct job_ranges *ranges);
/* Adds the range deletes of table to out, with all their sequences. */
BYRON_MUST_CHECK byron_status job_ranges_collect(struct table_meta *table,
                                                 struct range_deletes *out);
/* Whether nobody at point or later sees any entry of table. */
bool job_ranges_hide(const struct job_ranges *ranges,
                     const struct table_meta *table, uint64_t point);

#endif
