/*
 * crash: power cuts and kills at every call of a workload, and again at calls
 * of the recovery and of the first writes behind it.
 *
 * What may be found: torture/history.h. Copies that were made meanwhile:
 * torture/copies.h.
 */
#ifndef BYRON_TESTS_TORTURE_CRASH_H
#define BYRON_TESTS_TORTURE_CRASH_H

#include "torture/subject.h"

struct crash_totals {
    uint64_t commits;
    uint64_t images;
    uint64_t second_images; /* Of a recovery that was cut short. */
    uint64_t copies;        /* Looked at. */
};

/* steps: of the workload. share: of the calls, one in so many gives images. */
void crash_run(struct subject *subject, uint64_t steps, uint64_t share,
               struct crash_totals *totals);

#endif
