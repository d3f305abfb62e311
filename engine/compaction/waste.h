/*
 * waste: what a store that nobody writes holds without need. Pure.
 */
#ifndef BYRON_COMPACTION_WASTE_H
#define BYRON_COMPACTION_WASTE_H

#include "compaction/job_spec.h"

/* Whether what lies above the largest level, which may all be newer versions of
 * what is there, is more than levels of their target sizes would hold, and
 * level 0 enough of it to be worth a rewrite of the base level. */
bool waste_is_top_heavy(const struct version *version, uint32_t base);
/* The first tables of which a rewrite in place rids the store of much that no
 * reader asks for, about piece bytes of them; none asks for less than
 * oldest_point. */
BYRON_MUST_CHECK byron_status waste_choose(const struct version *version,
                                           uint64_t oldest_point,
                                           uint64_t piece,
                                           struct job_spec *out);

#endif
