/*
 * pool: threads for what may wait for a disk, behind a bounded queue.
 *
 * A job is given by a loop, run by a thread of the pool, and comes back to the
 * loop as a task. With a batch of many and one thread it is a committer.
 */
#ifndef BYROND_SERVICE_POOL_H
#define BYROND_SERVICE_POOL_H

#include "net/loop.h"

struct pool;

struct job {
    struct task done; /* First; run on the loop when the job is done. */
    struct loop *loop;
    struct job *next; /* In the queue, and among those run together. */
    size_t size;      /* Bytes that it keeps in memory. */
    /* Of pool_run_each alone. */
    void (*run)(void *context, struct job *job);
};

struct pool_settings {
    unsigned threads;
    size_t max_jobs;  /* That wait. */
    size_t max_bytes; /* Of those that wait. */
    size_t batch;     /* That are run together, at most. */
    /* On a thread of the pool; jobs are linked by next. */
    void (*run)(void *context, struct job *jobs);
    void *context;
};

BYRON_MUST_CHECK byron_status pool_new(const struct pool_settings *settings,
                                       struct pool **out);
/* Runs what waits, and ends the threads. NULL is fine. */
void pool_free(struct pool *pool);
/* Borrows the job until it is done. BUSY: too many wait. */
BYRON_MUST_CHECK byron_status pool_submit(struct pool *pool, struct job *job);
/* The same, however many wait: for what its owner bounds, and for what ends
   something. */
void pool_push(struct pool *pool, struct job *job);
/* A pool's run, where every job knows its own. */
void pool_run_each(void *context, struct job *jobs);
/* Jobs that wait. */
size_t pool_waiting(struct pool *pool);

#endif
