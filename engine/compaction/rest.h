/*
 * rest: what is left of a stretch of a level that goes down in pieces, one job
 * each, from the first key to the last.
 */
#ifndef BYRON_COMPACTION_REST_H
#define BYRON_COMPACTION_REST_H

#include "base/buf.h"
#include "compaction/descent.h"

/* All zero: nothing is left. */
struct rest {
    uint32_t level;  /* 0: nothing. */
    struct buf from; /* No table that ends before is left. */
    struct buf last; /* Nor one that begins behind. */
};

void rest_deinit(struct rest *rest);
/* What wide, a merge of two levels, would bring down, is left. */
BYRON_MUST_CHECK byron_status rest_begin(struct rest *rest,
                                         const struct job_spec *wide);
/* The next piece, of descent's run and size; descent's begin and end do not
 * count. JOB_NONE: nothing was left, or damage bars it; nothing is then. */
BYRON_MUST_CHECK byron_status rest_choose(struct rest *rest,
                                          const struct descent *descent,
                                          struct job_spec *out);

#endif
