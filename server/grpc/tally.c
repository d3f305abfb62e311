#include "grpc/tally.h"

#include <time.h>

static const uint64_t bounds_us[TALLY_BUCKETS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

/* There is one writer: nobody's count is lost between the two. */
static void count(_Atomic uint64_t *counter, uint64_t more)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void tally_begin(struct tally *tally)
{
    count(&tally->begun, 1);
}

void tally_end(struct tally *tally, const struct tally_call *call)
{
    unsigned bucket = 0;

    while (bucket < TALLY_BUCKETS && call->us > bounds_us[bucket])
        bucket++;
    if (bucket < TALLY_BUCKETS)
        count(&tally->within[bucket], 1);
    if ((unsigned)call->code < TALLY_CODES)
        count(&tally->ended[call->code], 1);
    count(&tally->us, call->us);
    count(&tally->bytes_in, call->bytes_in);
    count(&tally->bytes_out, call->bytes_out);
}

void tally_add(const struct tally *tally, struct tally_sum *sum)
{
    /* Ends first: more can have begun than have ended, never fewer. */
    for (unsigned i = 0; i < TALLY_CODES; i++)
        sum->ended[i] += look(&tally->ended[i]);
    for (unsigned i = 0; i < TALLY_BUCKETS; i++)
        sum->within[i] += look(&tally->within[i]);
    sum->us += look(&tally->us);
    sum->bytes_in += look(&tally->bytes_in);
    sum->bytes_out += look(&tally->bytes_out);
    sum->begun += look(&tally->begun);
}

uint64_t tally_bound_us(unsigned bucket)
{
    return bounds_us[bucket];
}

const char *tally_code_words(enum grpc_code code)
{
    static const char *const words[TALLY_CODES] = {"OK",
                                                   "CANCELLED",
                                                   "UNKNOWN",
                                                   "INVALID_ARGUMENT",
                                                   "DEADLINE_EXCEEDED",
                                                   "NOT_FOUND",
                                                   "ALREADY_EXISTS",
                                                   "PERMISSION_DENIED",
                                                   "RESOURCE_EXHAUSTED",
                                                   "FAILED_PRECONDITION",
                                                   "ABORTED",
                                                   "OUT_OF_RANGE",
                                                   "UNIMPLEMENTED",
                                                   "INTERNAL",
                                                   "UNAVAILABLE",
                                                   "DATA_LOSS",
                                                   "UNAUTHENTICATED"};
    return (unsigned)code < TALLY_CODES ? words[code] : "UNKNOWN";
}

uint64_t tally_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
