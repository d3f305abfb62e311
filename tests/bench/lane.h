/*
 * lane: one peer at work, in a process of its own, and what its store must
 * hold by now. Only calls of the peer are timed, and the comparison of what
 * they yield with what was written; making keys and values is not.
 */
#ifndef BYRON_TESTS_BENCH_LANE_H
#define BYRON_TESTS_BENCH_LANE_H

#include "bench/keys.h"
#include "bench/peer.h"
#include "bench/waits.h"

#define ROW_DELETED 255 /* As a version. */

struct sorted_row;

struct lane {
    const struct peer *peer;
    struct store *store;
    struct peer_settings settings;
    enum key_order order;
    size_t value_bytes;
    uint64_t rows;     /* That were ever inserted: rows 0 to rows - 1. */
    uint64_t capacity; /* Of versions. */
    uint8_t *versions; /* By row. */
    uint64_t live;     /* Rows that are there. */
    uint64_t sum;      /* Of the first 8 bytes of their values. */
    uint64_t random;   /* The state of chance. */
    struct zipf zipf;
    uint8_t *expected;              /* Room for one value. */
    uint64_t deadline;              /* In ticks; UINT64_MAX: none. */
    const struct sorted_row *queue; /* To be inserted next. */
};

/* What one part of a workload took. */
struct outcome {
    uint64_t ops;
    bool is_cut;        /* The deadline passed before all was done. */
    uint64_t ticks;     /* In the peer. */
    uint64_t row_bytes; /* Of keys and values written. */
    struct waits waits; /* Of each op. */
};

void lane_init(struct lane *lane, const struct peer *peer,
               const struct peer_settings *settings, enum key_order order,
               uint64_t capacity);
uint64_t lane_random(struct lane *lane);
/* Whether the deadline has passed, which is noted. */
bool lane_is_late(const struct lane *lane, struct outcome *out);
/* Some row that is there. */
uint64_t lane_live_row(struct lane *lane);
/* All of these end the program where an answer is wrong. */
void lane_get(struct lane *lane, uint64_t row, struct outcome *out);
/* The batch of count writes; which ones, choose tells. */
struct lane_write {
    enum write_kind kind;
    uint64_t row;
};
void lane_write(struct lane *lane, uint64_t count,
                struct lane_write (*choose)(struct lane *lane),
                struct outcome *out);
void lane_scan_all(struct lane *lane, bool is_backward, struct outcome *out);
void lane_seek(struct lane *lane, uint64_t row, uint64_t count,
               struct outcome *out);
/* Scans all rows, or those it gets to in time, and compares every byte. */
void lane_verify(struct lane *lane, struct outcome *out);
/* A new store in place of this one: that many rows, sorted by key. */
void lane_reload(struct lane *lane, uint64_t rows);
_Noreturn void lane_wrong(const struct lane *lane, const char *what,
                          uint64_t row);
#endif
