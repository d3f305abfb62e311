/*
 * timer: what is to happen at a time, earliest first.
 *
 * A binary heap of timers in their owners' storage. Knows no clock.
 */
#ifndef BYROND_NET_TIMER_H
#define BYROND_NET_TIMER_H

#include "byron.h"

/* All zero but for run is a timer that is not set. */
struct timer {
    uint64_t at_ms;
    size_t place; /* In the heap, from 1; 0 = not set. */
    void (*run)(struct timer *timer);
};

/* All zero is a valid empty one. */
struct timers {
    struct timer **heap;
    size_t count;
    size_t capacity;
};

void timers_deinit(struct timers *timers);
/* Sets the timer, or moves it. Borrows it until it has run or is cleared. */
BYRON_MUST_CHECK byron_status timers_set(struct timers *timers,
                                         struct timer *timer, uint64_t at_ms);
void timers_clear(struct timers *timers, struct timer *timer);
/* Runs what is due at now_ms, and what that sets for now or before. */
void timers_run(struct timers *timers, uint64_t now_ms);
/* When the next is due; UINT64_MAX = never. */
uint64_t timers_next_ms(const struct timers *timers);

#endif
