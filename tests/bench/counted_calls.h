/*
 * counted_calls: the write and sync calls of the whole program, its shared
 * libraries among it. They are counted and go on to the kernel.
 */
#ifndef BYRON_TESTS_BENCH_COUNTED_CALLS_H
#define BYRON_TESTS_BENCH_COUNTED_CALLS_H

#include <stdint.h>

uint64_t counted_bytes(void);
uint64_t counted_syncs(void);
#endif
