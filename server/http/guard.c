#include "http/guard.h"

void guard_init(struct guard *guard, uint64_t now_ms)
{
    guard->tokens = GUARD_BUCKET;
    guard->filled_ms = now_ms;
    guard->ping_ms = 0;
    guard->strikes = 0;
}

static void fill(struct guard *guard, uint64_t now_ms)
{
    uint64_t more = (now_ms - guard->filled_ms) * GUARD_PER_SECOND / 1000;

    if (more == 0)
        return; /* The fraction counts next time. */
    guard->filled_ms = now_ms;
    guard->tokens = more >= GUARD_BUCKET - guard->tokens ? GUARD_BUCKET
                                                         : guard->tokens + more;
}

bool guard_draw(struct guard *guard, uint64_t now_ms, enum guard_cost cost)
{
    fill(guard, now_ms);
    if (guard->tokens < (uint64_t)cost)
        return false;
    guard->tokens -= (uint64_t)cost;
    return true;
}

bool guard_ping(struct guard *guard, uint64_t now_ms, uint64_t apart_ms)
{
    if (guard->ping_ms && now_ms - guard->ping_ms < apart_ms)
        guard->strikes++;
    guard->ping_ms = now_ms;
    return guard->strikes <= GUARD_STRIKES &&
           guard_draw(guard, now_ms, GUARD_COST_PING);
}

void guard_sent(struct guard *guard)
{
    guard->strikes = 0;
    guard->ping_ms = 0;
}
