#include "pinned.h"

#include <time.h>

#define COUNT_BITS 16 /* Of a stamp. */

/* Some ms more or less do not matter, what it takes to ask does. Never 0. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

void pinned_list_init(struct pinned_list *list)
{
    pthread_mutex_init(&list->mutex, NULL);
    list->first = NULL;
}

void pinned_list_deinit(struct pinned_list *list)
{
    pthread_mutex_destroy(&list->mutex);
}

void pinned_add(struct pinned_list *list, struct pinned *pinned)
{
    pthread_mutex_lock(&list->mutex);
    pinned->next = list->first;
    list->first = pinned;
    pthread_mutex_unlock(&list->mutex);
}

/* The connection's. */
static byron_snapshot *take_out(struct pinned *pinned)
{
    /* A look first spares most callers the exchange. */
    if (atomic_load_explicit(&pinned->stamp, memory_order_relaxed) == 0 ||
        atomic_exchange(&pinned->stamp, 0) == 0)
        return NULL;
    return atomic_load_explicit(&pinned->snapshot, memory_order_relaxed);
}

void pinned_remove(struct pinned_list *list, struct pinned *pinned)
{
    struct pinned **link;

    pthread_mutex_lock(&list->mutex);
    link = &list->first;
    while (*link != pinned)
        link = &(*link)->next;
    *link = pinned->next;
    pthread_mutex_unlock(&list->mutex);
    byron_snapshot_close(take_out(pinned));
}

byron_snapshot *pinned_take(struct pinned *pinned, uint64_t commit)
{
    byron_snapshot *snapshot = take_out(pinned);

    if (!snapshot || pinned->commit == commit)
        return snapshot;
    byron_snapshot_close(snapshot);
    return NULL;
}

void pinned_keep(struct pinned *pinned, byron_snapshot *snapshot,
                 uint64_t commit)
{
    byron_snapshot_close(take_out(pinned));
    atomic_store_explicit(&pinned->snapshot, snapshot, memory_order_relaxed);
    pinned->commit = commit;
    pinned->holds++;
    atomic_store_explicit(&pinned->stamp,
                          now_ms() << COUNT_BITS | (uint16_t)pinned->holds,
                          memory_order_release);
}

void pinned_release(struct pinned *pinned)
{
    byron_snapshot_close(take_out(pinned));
}

/* What the connection keeps anew has another stamp, so that a snapshot that was
 * read here is the one of the stamp that is taken away. */
static void let_go(struct pinned *pinned, int64_t oldest)
{
    int64_t stamp = atomic_load_explicit(&pinned->stamp, memory_order_acquire);
    byron_snapshot *snapshot =
        atomic_load_explicit(&pinned->snapshot, memory_order_relaxed);

    if (stamp != 0 && stamp >> COUNT_BITS < oldest &&
        atomic_compare_exchange_strong(&pinned->stamp, &stamp, 0))
        byron_snapshot_close(snapshot);
}

void pinned_sweep(struct pinned_list *list, int64_t age_ms)
{
    int64_t oldest = now_ms() - age_ms;
    struct pinned *pinned;

    pthread_mutex_lock(&list->mutex);
    for (pinned = list->first; pinned; pinned = pinned->next)
        let_go(pinned, oldest);
    pthread_mutex_unlock(&list->mutex);
}
