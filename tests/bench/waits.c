#include "bench/waits.h"

#include <stddef.h>
#include <unistd.h>

#include "bench/rows.h"

double ns_per_tick = 1;

void ticks_calibrate(void)
{
    uint64_t ticks = ticks_now();
    double start = seconds();

    usleep(50000);
    ns_per_tick = (seconds() - start) * 1e9 / (double)(ticks_now() - ticks);
}

static size_t bucket_of(uint64_t ns)
{
    unsigned power;
    size_t bucket;

    ns += WAITS_STEPS;
    power = 63 - (unsigned)__builtin_clzll(ns);
    bucket =
        (power - 5) * WAITS_STEPS + ((ns >> (power - 5)) & (WAITS_STEPS - 1));
    return bucket < WAITS_BUCKETS ? bucket : WAITS_BUCKETS - 1;
}

static double bucket_limit(size_t bucket)
{
    unsigned power = (unsigned)(bucket / WAITS_STEPS);
    uint64_t ns = ((uint64_t)WAITS_STEPS + bucket % WAITS_STEPS + 1) << power;

    return (double)(ns - WAITS_STEPS);
}

void waits_add(struct waits *waits, uint64_t ns)
{
    waits->bucket[bucket_of(ns)]++;
    waits->count++;
    if (ns > waits->max_ns)
        waits->max_ns = ns;
}

void waits_merge(struct waits *waits, const struct waits *more)
{
    for (size_t i = 0; i < WAITS_BUCKETS; i++)
        waits->bucket[i] += more->bucket[i];
    waits->count += more->count;
    if (more->max_ns > waits->max_ns)
        waits->max_ns = more->max_ns;
}

double waits_at(const struct waits *waits, double share)
{
    uint64_t below = (uint64_t)((double)waits->count * share);
    uint64_t seen = 0;

    for (size_t i = 0; i < WAITS_BUCKETS; i++) {
        seen += waits->bucket[i];
        if (seen > below) {
            double limit = bucket_limit(i);

            return (limit < (double)waits->max_ns ? limit
                                                  : (double)waits->max_ns) /
                   1e3;
        }
    }
    return (double)waits->max_ns / 1e3;
}
