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

/*
 * The wall clock as one reader sees it: it is looked at when the first timed
 * entry is met, and never again, so that whatever reads at one moment agrees.
 */
struct moment {
    struct byron_os *os;
    _Atomic uint64_t ms; /* 0: not looked yet. */
};

static inline void moment_init(struct moment *moment, struct byron_os *os)
{
    moment->os = os;
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
