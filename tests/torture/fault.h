/*
 * fault: calls on files that fail, or do only a part of what they are asked,
 * under a workload of SQL.
 *
 * A statement may fail then, with a code and words that say what it was; no
 * wrong row may be seen, readers go on, and another opening finds the newest
 * commit that was acknowledged. A backup that fails leaves nothing.
 */
#ifndef BYRON_TESTS_TORTURE_FAULT_H
#define BYRON_TESTS_TORTURE_FAULT_H

#include "torture/subject.h"

struct fault_totals {
    uint64_t armed;
    uint64_t struck;
    uint64_t failed; /* Statements. */
    uint64_t copies; /* Begun. */
};

void fault_run(struct subject *subject, uint64_t steps,
               struct fault_totals *totals);
/* Short and interrupted reads and writes: nothing may come of it. */
void fault_disturb(struct subject *subject, uint64_t steps);

#endif
