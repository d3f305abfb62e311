/*
 * loop: one thread's events: descriptors, timers, tasks from other threads.
 *
 * Everything but loop_post belongs to the thread that runs the loop. What is
 * deferred runs when all events that came together have been seen, so the
 * storage of a watch may be freed there and nowhere else.
 */
#ifndef BYROND_NET_LOOP_H
#define BYROND_NET_LOOP_H

#include "net/timer.h"

struct loop;

/* A descriptor whose events (EPOLLIN, EPOLLOUT, ...) are waited for. */
struct watch {
    int fd;
    uint32_t events; /* What is waited for now; 0 = nothing. */
    void (*ready)(struct watch *watch, uint32_t events);
};

/* All zero but for run is one that is not queued. */
struct deferred {
    struct deferred *next;
    bool is_queued;
    void (*run)(struct deferred *deferred);
};

/* Borrowed from loop_post until it runs. */
struct task {
    struct task *next;
    void (*run)(struct task *task);
};

BYRON_MUST_CHECK byron_status loop_new(struct loop **out);
/* NULL is fine. Tasks that were posted and have not run yet run now. */
void loop_free(struct loop *loop);
/* Until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Waits for these events from now on; 0 = for none. */
BYRON_MUST_CHECK byron_status loop_watch(struct loop *loop, struct watch *watch,
                                         uint32_t events);
/* Queues it for the end of this round, once. */
void loop_defer(struct loop *loop, struct deferred *deferred);
/* From any thread. */
void loop_post(struct loop *loop, struct task *task);
/* As timers_set and timers_clear; after_ms from now. */
BYRON_MUST_CHECK byron_status loop_set_timer(struct loop *loop,
                                             struct timer *timer,
                                             uint64_t after_ms);
void loop_clear_timer(struct loop *loop, struct timer *timer);
/* The monotonic clock, as it was when this round began. */
uint64_t loop_now_ms(const struct loop *loop);
/* Room for what is read off a socket, shared by all of the loop. */
#define LOOP_SCRATCH_SIZE ((size_t)64 * 1024)
uint8_t *loop_scratch(struct loop *loop);

#endif
