#include "service/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct pool {
    struct pool_settings settings;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct job *jobs; /* Needs mutex, as all below. */
    struct job **jobs_end;
    size_t count;
    size_t bytes;
    bool is_ending;
    unsigned started; /* Threads that are to be joined. */
    pthread_t threads[];
};

/* The next jobs, linked; NULL: the pool ends. */
static struct job *take(struct pool *pool)
{
    struct job *first;
    struct job *last = NULL;

    pthread_mutex_lock(&pool->mutex);
    while (!pool->jobs && !pool->is_ending)
        pthread_cond_wait(&pool->filled, &pool->mutex);
    first = pool->jobs;
    for (size_t i = 0; i < pool->settings.batch && pool->jobs; i++) {
        last = pool->jobs;
        pool->jobs = last->next;
        pool->count--;
        pool->bytes -= last->size;
    }
    if (last)
        last->next = NULL;
    if (!pool->jobs)
        pool->jobs_end = &pool->jobs;
    pthread_mutex_unlock(&pool->mutex);
    return first;
}

static void *work(void *context)
{
    struct pool *pool = context;
    struct job *jobs;

    while ((jobs = take(pool)) != NULL) {
        pool->settings.run(pool->settings.context, jobs);
        while (jobs) {
            struct job *next = jobs->next; /* The loop may free it at once. */
            loop_post(jobs->loop, &jobs->done);
            jobs = next;
        }
    }
    return NULL;
}

static byron_status start(struct pool *pool)
{
    sigset_t all;
    sigset_t before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < pool->settings.threads && !failed; i++) {
        failed = pthread_create(&pool->threads[i], NULL, work, pool);
        pool->started += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? BYRON_NO_MEMORY : BYRON_OK;
}

byron_status pool_new(const struct pool_settings *settings, struct pool **out)
{
    struct pool *pool =
        calloc(1, sizeof *pool + settings->threads * sizeof *pool->threads);
    byron_status status;

    if (!pool)
        return BYRON_NO_MEMORY;
    pool->settings = *settings;
    pool->jobs_end = &pool->jobs;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->filled, NULL);
    status = start(pool);
    if (status == BYRON_OK)
        *out = pool;
    else
        pool_free(pool);
    return status;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->filled);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* Needs mutex. */
static void add(struct pool *pool, struct job *job)
{
    job->next = NULL;
    *pool->jobs_end = job;
    pool->jobs_end = &job->next;
    pool->count++;
    pool->bytes += job->size;
    pthread_cond_signal(&pool->filled);
}

byron_status pool_submit(struct pool *pool, struct job *job)
{
    byron_status status = BYRON_BUSY;

    pthread_mutex_lock(&pool->mutex);
    if (pool->count < pool->settings.max_jobs &&
        pool->bytes + job->size <= pool->settings.max_bytes) {
        add(pool, job);
        status = BYRON_OK;
    }
    pthread_mutex_unlock(&pool->mutex);
    return status;
}

void pool_push(struct pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    add(pool, job);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_run_each(void *context, struct job *jobs)
{
    for (; jobs; jobs = jobs->next)
        jobs->run(context, jobs);
}

size_t pool_waiting(struct pool *pool)
{
    size_t count;

    pthread_mutex_lock(&pool->mutex);
    count = pool->count;
    pthread_mutex_unlock(&pool->mutex);
    return count;
}
