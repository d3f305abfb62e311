/*
 * seams: keys that no table of a job's result should reach across, so that what
 * goes down later goes in pieces.
 */
#ifndef BYRON_COMPACTION_SEAMS_H
#define BYRON_COMPACTION_SEAMS_H

#include "compaction/dropped.h"
#include "version/version.h"

/* All zero: there are none. */
struct seams {
    struct slice *keys; /* Ascending; owned. Lent by version and dropped. */
    size_t count;
};

/*
 * The ends of the dropped ranges; and, where below_bytes is not 0, firsts of
 * tables of the next level below level that has any, so that between two of
 * them lie no more than so many bytes of it, or one table.
 */
BYRON_MUST_CHECK byron_status seams_init(struct seams *seams,
                                         const struct version *version,
                                         uint32_t level, uint64_t below_bytes,
                                         const struct dropped *dropped);
void seams_deinit(struct seams *seams);

#endif
