#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

void timers_deinit(struct timers *timers)
{
    free(timers->heap);
    memset(timers, 0, sizeof *timers);
}

static void put(struct timers *timers, struct timer *timer, size_t place)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void rise(struct timers *timers, struct timer *timer, size_t place)
{
    while (place > 1 && timers->heap[place / 2 - 1]->at_ms > timer->at_ms) {
        put(timers, timers->heap[place / 2 - 1], place);
        place /= 2;
    }
    put(timers, timer, place);
}

static void sink(struct timers *timers, struct timer *timer, size_t place)
{
    while (place * 2 <= timers->count) {
        size_t child = place * 2;
        if (child < timers->count &&
            timers->heap[child]->at_ms < timers->heap[child - 1]->at_ms)
            child++;
        if (timers->heap[child - 1]->at_ms >= timer->at_ms)
            break;
        put(timers, timers->heap[child - 1], place);
        place = child;
    }
    put(timers, timer, place);
}

/* The timer at place has a new time. */
static void settle(struct timers *timers, struct timer *timer, size_t place)
{
    if (place > 1 && timers->heap[place / 2 - 1]->at_ms > timer->at_ms)
        rise(timers, timer, place);
    else
        sink(timers, timer, place);
}

byron_status timers_set(struct timers *timers, struct timer *timer,
                        uint64_t at_ms)
{
    if (timer->place == 0 && timers->count == timers->capacity) {
        size_t capacity = timers->capacity ? timers->capacity * 2 : 16;
        struct timer **heap =
            realloc(timers->heap, capacity * sizeof *timers->heap);
        if (!heap)
            return BYRON_NO_MEMORY;
        timers->heap = heap;
        timers->capacity = capacity;
    }
    timer->at_ms = at_ms;
    if (timer->place == 0)
        put(timers, timer, ++timers->count);
    settle(timers, timer, timer->place);
    return BYRON_OK;
}

void timers_clear(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last;

    if (place == 0)
        return;
    timer->place = 0;
    last = timers->heap[--timers->count];
    if (last != timer) {
        put(timers, last, place);
        settle(timers, last, place);
    }
}

void timers_run(struct timers *timers, uint64_t now_ms)
{
    while (timers->count > 0 && timers->heap[0]->at_ms <= now_ms) {
        struct timer *timer = timers->heap[0];
        timers_clear(timers, timer);
        timer->run(timer);
    }
}

uint64_t timers_next_ms(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->at_ms : UINT64_MAX;
}
