#include "entry/timed.h"

#include "base/error.h"
#include "base/integer.h"

uint64_t store_clock_ms(struct store_clock *clock)
{
    uint64_t now = clock->os->wall_ms(clock->os);
    uint64_t latest = atomic_load(&clock->latest_ms);

    if (now == 0)
        now = 1;
    do {
        if (latest > now && latest - now <= TIMED_GRACE_MS)
            return latest;
    } while (!atomic_compare_exchange_weak(&clock->latest_ms, &latest, now));
    return now;
}

uint64_t moment_ms(struct moment *moment)
{
    uint64_t ms = atomic_load_explicit(&moment->ms, memory_order_relaxed);
    uint64_t now;

    if (ms != 0)
        return ms;
    now = store_clock_ms(moment->clock);
    /* Where two threads look at once, the first has seen right. */
    if (atomic_compare_exchange_strong(&moment->ms, &ms, now))
        return now;
    return ms;
}

byron_status timed_split(struct slice raw, uint64_t *expires_ms,
                         struct slice *value)
{
    if (raw.size < TIMED_HEAD)
        return error_corrupt(NULL, BYRON_NO_OFFSET,
                             "a value that expires is too short");
    *expires_ms = load_u64(raw.data);
    *value = slice_of(raw.data + TIMED_HEAD, raw.size - TIMED_HEAD);
    return BYRON_OK;
}
