/*
 * workload: what the peers are asked to do, by the names of db_bench and YCSB.
 */
#ifndef BYRON_TESTS_BENCH_WORKLOAD_H
#define BYRON_TESTS_BENCH_WORKLOAD_H

#include "bench/lane.h"

struct workload {
    const char *name;
    const char *words; /* What an op is. */
    bool is_load;      /* Its ops are the rows of the store, no more. */
    bool writes;
    bool is_whole;      /* A part of it is one go over all rows. */
    bool is_plain_read; /* Worth doing with cold caches too. */
    uint64_t batch;     /* Rows in a commit; 0: all of a part. */
    double share;       /* Ops, as a share of the rows. */
    uint64_t most;      /* Ops at most; 0: no bound. */
    void (*run)(struct lane *lane, const struct workload *workload,
                uint64_t ops, struct outcome *out);
};

/* NULL: there is none. */
const struct workload *workload_find(const char *name);
#endif
