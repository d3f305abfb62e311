/*
 * thread: mutex, condition, one kind of thread. All signals are blocked in
 * engine threads. Lock calls do not fail (a failure is our mistake: abort).
 */
#ifndef BYRON_BASE_THREAD_H
#define BYRON_BASE_THREAD_H

#include <pthread.h>

#include "byron.h"

struct mutex {
    pthread_mutex_t native;
};
struct condition {
    pthread_cond_t native; /* On the monotonic clock. */
};
struct thread {
    pthread_t native;
};

void mutex_init(struct mutex *mutex);
void mutex_deinit(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
void condition_init(struct condition *condition);
void condition_deinit(struct condition *condition);
void condition_wait(struct condition *condition, struct mutex *mutex);
/* False if us passed without a wake-up. */
bool condition_wait_us(struct condition *condition, struct mutex *mutex,
                       uint64_t us);
void condition_wake_one(struct condition *condition);
void condition_wake_all(struct condition *condition);
BYRON_MUST_CHECK byron_status thread_start(struct thread *thread,
                                           void (*run)(void *context),
                                           void *context);
void thread_join(struct thread *thread);

#endif
