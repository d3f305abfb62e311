/*
 * guard: how much nuisance one connection may make.
 *
 * Frames that cost us work and the peer nothing (resets, pings, settings, empty
 * data, priorities) draw from one bucket that refills with time. Pings that
 * come too often while nothing was sent to the peer are counted apart, as
 * gRPC's keepalive rules have it. Pure: knows no clock and no HTTP.
 */
#ifndef BYROND_HTTP_GUARD_H
#define BYROND_HTTP_GUARD_H

#include "byron.h"

#define GUARD_BUCKET     3000 /* Tokens of a new connection, and at most. */
#define GUARD_PER_SECOND 100
#define GUARD_STRIKES    2 /* Pings too early that are let pass. */

/* What an offence draws. */
enum guard_cost {
    GUARD_COST_EMPTY = 1, /* An empty DATA, a PRIORITY, an unknown frame. */
    GUARD_COST_PING = 1,
    GUARD_COST_RESET = 3, /* 1000 at once, 33 a second. */
    GUARD_COST_SETTINGS = 30,
};

struct guard {
    uint64_t tokens;
    uint64_t filled_ms;
    uint64_t ping_ms; /* Of the last ping; 0 = none yet. */
    unsigned strikes;
};

void guard_init(struct guard *guard, uint64_t now_ms);
/* False: it is enough. */
bool guard_draw(struct guard *guard, uint64_t now_ms, enum guard_cost cost);
/* A ping came in. False: one too many closer than apart_ms. */
bool guard_ping(struct guard *guard, uint64_t now_ms, uint64_t apart_ms);
/* Headers or data went out: pings may be measuring them. */
void guard_sent(struct guard *guard);

#endif
