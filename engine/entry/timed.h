/*
 * timed: entries that expire. In front of the value of such an entry stands
 * the moment from which on it counts as absent.
 *
 * raw value = expires_ms(u64, unix time) value
 */
#ifndef BYRON_ENTRY_TIMED_H
#define BYRON_ENTRY_TIMED_H

#include <stdatomic.h>

#include "base/os.h"
#include "entry/entry.h"

#define TIMED_HEAD 8 /* Bytes in front of the value. */

/* What expired so long ago is let go. */
#define TIMED_GRACE_MS UINT64_C(60000)

/*
 * The wall clock of a store. Where the system's is set back by no more than
 * the grace, this one stands still meanwhile: what has expired for one reader
 * must not come back for another, since writers have taken it for gone.
 */
struct store_clock {
    struct byron_os *os;
    _Atomic uint64_t latest_ms; /* That was told. */
};

static inline void store_clock_init(struct store_clock *clock,
                                    struct byron_os *os)
{
    clock->os = os;
    atomic_init(&clock->latest_ms, 0);
}
/* Unix time in ms, not 0. Any thread. */
uint64_t store_clock_ms(struct store_clock *clock);

/*
 * That clock as one reader sees it: it is looked at when the first timed entry
 * is met, and never again, so that whatever reads at one moment agrees.
 */
struct moment {
    struct store_clock *clock;
    _Atomic uint64_t ms; /* 0: not looked yet. */
};

static inline void moment_init(struct moment *moment, struct store_clock *clock)
{
    moment->clock = clock;
    atomic_init(&moment->ms, 0);
}
/* Unix time in ms; always the same answer. Any thread. */
uint64_t moment_ms(struct moment *moment);

/* Parts a raw value. BYRON_CORRUPT if it is too short. */
BYRON_MUST_CHECK byron_status timed_split(struct slice raw,
                                          uint64_t *expires_ms,
                                          struct slice *value);
/* Whether what expires then is still there at now_ms. */
static inline bool timed_lives(uint64_t expires_ms, uint64_t now_ms)
{
    return now_ms < expires_ms;
}

#endif
