/*
 * waits: how long things took, so that any percentile can be told to within
 * 3 percent.
 */
#ifndef BYRON_TESTS_BENCH_WAITS_H
#define BYRON_TESTS_BENCH_WAITS_H

#include <stdint.h>

#define WAITS_STEPS   32 /* Buckets for each power of two. */
#define WAITS_BUCKETS (40 * WAITS_STEPS)

struct waits {
    uint64_t bucket[WAITS_BUCKETS];
    uint64_t count;
    uint64_t max_ns;
};

void waits_add(struct waits *waits, uint64_t ns);
void waits_merge(struct waits *waits, const struct waits *more);
/* In microseconds, that share of them took no longer. */
double waits_at(const struct waits *waits, double share);

/* A clock that costs next to nothing to read, and what its ticks are. */
static inline uint64_t ticks_now(void);
void ticks_calibrate(void);
extern double ns_per_tick;

#if defined __x86_64__
static inline uint64_t ticks_now(void)
{
    return __builtin_ia32_rdtsc();
}
#else
#include <time.h>
static inline uint64_t ticks_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
#endif
#endif
