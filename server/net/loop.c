#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

struct loop {
    int epoll_fd;
    bool is_stopped;
    uint64_t now_ms;
    struct timers timers;
    struct deferred *deferred;
    struct deferred **deferred_end;
    struct watch wake;     /* An eventfd: tasks are there. */
    pthread_mutex_t mutex; /* Of the tasks. */
    struct task *tasks;
    struct task **tasks_end;
    uint8_t scratch[LOOP_SCRATCH_SIZE];
};

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct task *take_tasks(struct loop *loop)
{
    struct task *tasks;

    pthread_mutex_lock(&loop->mutex);
    tasks = loop->tasks;
    loop->tasks = NULL;
    loop->tasks_end = &loop->tasks;
    pthread_mutex_unlock(&loop->mutex);
    return tasks;
}

static void run_list(struct task *task)
{
    while (task) {
        struct task *next = task->next; /* The task may free itself. */
        task->run(task);
        task = next;
    }
}

/* The wake watch lies in the loop at a known place. */
static void run_tasks(struct watch *wake, uint32_t events)
{
    struct loop *loop =
        (struct loop *)((char *)wake - offsetof(struct loop, wake));
    uint64_t count;

    (void)events;
    if (read(wake->fd, &count, sizeof count) < 0)
        return; /* Nobody has posted after all. */
    run_list(take_tasks(loop));
}

byron_status loop_new(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return BYRON_NO_MEMORY;
    pthread_mutex_init(&loop->mutex, NULL);
    loop->deferred_end = &loop->deferred;
    loop->tasks_end = &loop->tasks;
    loop->now_ms = clock_ms();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->wake.ready = run_tasks;
    if (loop->epoll_fd < 0 || loop->wake.fd < 0 ||
        loop_watch(loop, &loop->wake, EPOLLIN) != BYRON_OK) {
        loop_free(loop);
        return BYRON_IO;
    }
    *out = loop;
    return BYRON_OK;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    run_list(take_tasks(loop));
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    timers_deinit(&loop->timers);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}

static void run_deferred(struct loop *loop)
{
    /* What is deferred meanwhile gets its turn as well. */
    while (loop->deferred) {
        struct deferred *deferred = loop->deferred;
        loop->deferred = deferred->next;
        if (!loop->deferred)
            loop->deferred_end = &loop->deferred;
        deferred->is_queued = false;
        deferred->run(deferred);
    }
}

static int patience_ms(const struct loop *loop)
{
    uint64_t next_ms = timers_next_ms(&loop->timers);
    uint64_t now_ms = clock_ms();

    if (next_ms == UINT64_MAX)
        return -1;
    if (next_ms <= now_ms)
        return 0;
    return next_ms - now_ms > INT_MAX ? INT_MAX : (int)(next_ms - now_ms);
}

void loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    run_deferred(loop);
    while (!loop->is_stopped) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE,
                               patience_ms(loop));
        loop->now_ms = clock_ms();
        for (int i = 0; i < count; i++) {
            struct watch *watch = events[i].data.ptr;
            /* One before it may have lost interest on its behalf. */
            if (watch->events)
                watch->ready(watch, events[i].events);
        }
        timers_run(&loop->timers, loop->now_ms);
        run_deferred(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

byron_status loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
    struct epoll_event wanted = {.events = events, .data.ptr = watch};
    int how = watch->events == 0 ? EPOLL_CTL_ADD
              : events == 0      ? EPOLL_CTL_DEL
                                 : EPOLL_CTL_MOD;

    if (watch->events == events)
        return BYRON_OK;
    if (epoll_ctl(loop->epoll_fd, how, watch->fd, &wanted) != 0)
        return BYRON_IO;
    watch->events = events;
    return BYRON_OK;
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
    if (deferred->is_queued)
        return;
    deferred->is_queued = true;
    deferred->next = NULL;
    *loop->deferred_end = deferred;
    loop->deferred_end = &deferred->next;
}

void loop_post(struct loop *loop, struct task *task)
{
    uint64_t one = 1;
    bool was_empty;

    task->next = NULL;
    pthread_mutex_lock(&loop->mutex);
    was_empty = !loop->tasks;
    *loop->tasks_end = task;
    loop->tasks_end = &task->next;
    /* Under the mutex: the loop may be freed once the task has run. */
    while (was_empty && write(loop->wake.fd, &one, sizeof one) < 0 &&
           errno == EINTR)
        continue;
    pthread_mutex_unlock(&loop->mutex);
}

byron_status loop_set_timer(struct loop *loop, struct timer *timer,
                            uint64_t after_ms)
{
    return timers_set(&loop->timers, timer, loop->now_ms + after_ms);
}

void loop_clear_timer(struct loop *loop, struct timer *timer)
{
    timers_clear(&loop->timers, timer);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

uint8_t *loop_scratch(struct loop *loop)
{
    return loop->scratch;
}
