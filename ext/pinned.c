#include "pinned.h"

#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

/* Needs mutex. What is taken out is closed without it. */
static byron_snapshot *take_out(struct pinned *pinned)
{
    return atomic_exchange(&pinned->snapshot, NULL);
}

void pinned_remove(struct pinned_list *list, struct pinned *pinned)
{
    byron_snapshot *snapshot;
    struct pinned **link;

    pthread_mutex_lock(&list->mutex);
    link = &list->first;
    while (*link != pinned)
        link = &(*link)->next;
    *link = pinned->next;
    snapshot = take_out(pinned);
    pthread_mutex_unlock(&list->mutex);
    byron_snapshot_close(snapshot);
}

byron_snapshot *pinned_take(struct pinned_list *list, struct pinned *pinned,
                            uint64_t commit)
{
    byron_snapshot *snapshot;
    bool is_same;

    if (!atomic_load_explicit(&pinned->snapshot, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&list->mutex);
    is_same = pinned->commit == commit;
    snapshot = take_out(pinned);
    pthread_mutex_unlock(&list->mutex);
    if (is_same)
        return snapshot;
    byron_snapshot_close(snapshot);
    return NULL;
}

void pinned_keep(struct pinned_list *list, struct pinned *pinned,
                 byron_snapshot *snapshot, uint64_t commit)
{
    byron_snapshot *old;

    pthread_mutex_lock(&list->mutex);
    old = take_out(pinned);
    atomic_store(&pinned->snapshot, snapshot);
    pinned->commit = commit;
    pinned->since_ms = now_ms();
    pthread_mutex_unlock(&list->mutex);
    byron_snapshot_close(old);
}

void pinned_release(struct pinned_list *list, struct pinned *pinned)
{
    byron_snapshot *snapshot;

    if (!atomic_load_explicit(&pinned->snapshot, memory_order_relaxed))
        return;
    pthread_mutex_lock(&list->mutex);
    snapshot = take_out(pinned);
    pthread_mutex_unlock(&list->mutex);
    byron_snapshot_close(snapshot);
}

void pinned_sweep(struct pinned_list *list, int64_t age_ms)
{
    int64_t oldest = now_ms() - age_ms;
    struct pinned *pinned;

    pthread_mutex_lock(&list->mutex);
    for (pinned = list->first; pinned; pinned = pinned->next)
        if (atomic_load(&pinned->snapshot) && pinned->since_ms < oldest)
            byron_snapshot_close(take_out(pinned));
    pthread_mutex_unlock(&list->mutex);
}
