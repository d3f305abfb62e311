/*
 * settings: the words on a benchmark's command line.
 */
#ifndef BYRON_TESTS_BENCH_SETTINGS_H
#define BYRON_TESTS_BENCH_SETTINGS_H

#include "bench/contest.h"

/* Runs the contest as the words say; answers what main returns. */
int settings_main(struct contest *contest, int argc, char **argv);
#endif
