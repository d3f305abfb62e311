/*
 * report: figures for a reader, and the same for a program.
 */
#ifndef BYRON_TESTS_BENCH_REPORT_H
#define BYRON_TESTS_BENCH_REPORT_H

#include "bench/contest.h"

void report_begin(const struct contest *contest);
/* One workload, all peers. */
void report_turn(const struct contest *contest, const struct stage *stage,
                 const struct turn *turn, uint64_t rows, size_t count,
                 const struct peer *const *peers);
#endif
