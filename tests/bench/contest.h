/*
 * contest: peers do the same workloads in turns, each in a process of its own
 * that is stopped while another one's turn is, so that its threads work on its
 * own time only.
 */
#ifndef BYRON_TESTS_BENCH_CONTEST_H
#define BYRON_TESTS_BENCH_CONTEST_H

#include <stdio.h>

#include "bench/lane.h"
#include "bench/squeeze.h"
#include "bench/workload.h"

#define CONTEST_PEERS   8
#define CONTEST_SAMPLES 64

struct contest {
    const char *level;  /* "engine" or "sql". */
    const char *label;  /* Of this run, in the file of figures. */
    const char *folder; /* Where stores are made. */
    const char *only;   /* Workloads and stages, commas between; NULL: all. */
    bool is_mapped;     /* byron's option mmap. */
    const char *hash_index; /* byron's option: on, off, auto; NULL: default. */
    FILE *figures;          /* Tab-separated; NULL: none. */
    uint64_t rows;
    uint64_t memory; /* Bytes. */
    uint64_t rounds; /* Fresh stores, all over again. */
    uint64_t parts;  /* Turns that a workload is cut into. */
    uint64_t reads;  /* Of random reads at most; 0: no bound. */
    /* Seconds that a peer may take for one that reads, one that writes to
     * rows that are there, a load; 0: no bound. */
    uint64_t limit, write_limit, load_limit;
    uint64_t began; /* Seconds since 1970: what progress is counted from. */
    uint64_t squeeze_mb; /* As asked for. */
    struct squeeze squeeze;
    bool is_compressed;
    bool is_cold; /* Reads once more, in stores just opened, with no page
                     cache. */
    size_t peer_count;
    const struct peer *peers[CONTEST_PEERS];
};

/* What is known of one peer in one workload, all rounds together. */
struct standing {
    double rate[CONTEST_SAMPLES]; /* Ops a second, of parts or of rounds. */
    size_t samples;
    double least, most; /* Of all parts. */
    struct waits waits;
    uint64_t ops, ticks, row_bytes, written, dirtied, disk_read, syncs;
    uint64_t peak, disk, live; /* Bytes, the largest; of the last round. */
    double cpu_us;             /* Of all threads, settling too. */
    double own_us;             /* Of the thread that asks; its own work too. */
    double settle_s;
    uint64_t planned; /* Ops, had there been no limit. */
    bool is_cut;      /* By the limit. */
};

struct turn {
    const struct workload *workload;
    bool is_cold;
    struct standing *standings; /* By peer. */
};

struct stage {
    const char *name;
    enum key_order order;
    uint64_t value_bytes;
    double share;          /* Rows, as a share of the contest's. */
    uint64_t most;         /* Rows at most; 0: no bound. */
    bool is_durable;       /* Commits are synced. */
    const char *workloads; /* Names with spaces between. */
};

void contest_run(const struct contest *contest);
#endif
