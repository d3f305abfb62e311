/*
 * tally: how many calls a method had, how they ended, how long they took.
 *
 * One thread counts, any may look.
 */
#ifndef BYROND_GRPC_TALLY_H
#define BYROND_GRPC_TALLY_H

#include <stdatomic.h>

#include "byron.h"
#include "grpc/code.h"

#define TALLY_CODES   17
#define TALLY_BUCKETS 16 /* Of time; longer ones are in none. */

struct tally {
    _Atomic uint64_t begun;
    _Atomic uint64_t ended[TALLY_CODES];
    _Atomic uint64_t within[TALLY_BUCKETS];
    _Atomic uint64_t us;
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t bytes_out;
};

/* The same of several threads. */
struct tally_sum {
    uint64_t begun;
    uint64_t ended[TALLY_CODES];
    uint64_t within[TALLY_BUCKETS]; /* Not longer than this bound but the last.
                                     */
    uint64_t us;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* A call that has ended. */
struct tally_call {
    const char *method; /* "" = none that is known. */
    enum grpc_code code;
    uint64_t us;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

void tally_begin(struct tally *tally);
void tally_end(struct tally *tally, const struct tally_call *call);
void tally_add(const struct tally *tally, struct tally_sum *sum);
/* The upper bound of a bucket. */
uint64_t tally_bound_us(unsigned bucket);
const char *tally_code_words(enum grpc_code code);
/* The monotonic clock. */
uint64_t tally_now_us(void);

#endif
