#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"

struct start {
    void (*run)(void *context);
    void *context;
};

/* Locks fail only when we misuse them, and then nothing can be trusted. */
static void require(int result)
{
    if (result != 0)
        abort();
}

void mutex_init(struct mutex *mutex)
{
    require(pthread_mutex_init(&mutex->native, NULL));
}

void mutex_deinit(struct mutex *mutex)
{
    require(pthread_mutex_destroy(&mutex->native));
}

void mutex_lock(struct mutex *mutex)
{
    require(pthread_mutex_lock(&mutex->native));
}

void mutex_unlock(struct mutex *mutex)
{
    require(pthread_mutex_unlock(&mutex->native));
}

void condition_init(struct condition *condition)
{
    pthread_condattr_t attributes;

    require(pthread_condattr_init(&attributes));
    require(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
    require(pthread_cond_init(&condition->native, &attributes));
    require(pthread_condattr_destroy(&attributes));
}

void condition_deinit(struct condition *condition)
{
    require(pthread_cond_destroy(&condition->native));
}

void condition_wait(struct condition *condition, struct mutex *mutex)
{
    require(pthread_cond_wait(&condition->native, &mutex->native));
}

bool condition_wait_us(struct condition *condition, struct mutex *mutex,
                       uint64_t us)
{
    const uint64_t longest_us = UINT64_C(1000000) * 3600 * 24 * 365;
    struct timespec until;
    int result;

    require(clock_gettime(CLOCK_MONOTONIC, &until));
    if (us > longest_us)
        us = longest_us;
    until.tv_sec += (time_t)(us / 1000000);
    until.tv_nsec += (long)(us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000;
    }
    result = pthread_cond_timedwait(&condition->native, &mutex->native, &until);
    if (result == ETIMEDOUT)
        return false;
    require(result);
    return true;
}

void condition_wake_one(struct condition *condition)
{
    require(pthread_cond_signal(&condition->native));
}

void condition_wake_all(struct condition *condition)
{
    require(pthread_cond_broadcast(&condition->native));
}

static void *run_thread(void *argument)
{
    struct start start = *(struct start *)argument;

    alloc_free(argument);
    start.run(start.context);
    return NULL;
}

byron_status thread_start(struct thread *thread, void (*run)(void *context),
                          void *context)
{
    struct start *start = alloc_bytes(sizeof *start);
    sigset_t all;
    sigset_t before;
    int result;

    if (!start)
        return error_no_memory();
    start->run = run;
    start->context = context;
    /* A new thread inherits the mask: the host's signals are the host's. */
    sigfillset(&all);
    require(pthread_sigmask(SIG_SETMASK, &all, &before));
    result = pthread_create(&thread->native, NULL, run_thread, start);
    require(pthread_sigmask(SIG_SETMASK, &before, NULL));
    if (result == 0)
        return BYRON_OK;
    alloc_free(start);
    return error_set(BYRON_NO_MEMORY, NULL, BYRON_NO_OFFSET, result,
                     "a thread cannot be started");
}

void thread_join(struct thread *thread)
{
    require(pthread_join(thread->native, NULL));
}
