#include "service/leases.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct lease {
    struct lease *next; /* In the list, while it has not ended. */
    byron_snapshot *snapshot;
    uint64_t id;
    uint64_t ends_ms;
    unsigned refs; /* The list, and who has taken it. Needs mutex. */
};

struct leases {
    byron_db *db;
    struct lease_settings settings;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct lease *first; /* Needs mutex, as all below. */
    unsigned count;
    bool is_ending;
    bool has_thread;
    pthread_t thread;
};

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- One lease -------------------------------------------------------------*/

/* Needs mutex. True: it was the last, and the caller frees it. */
static bool unref(struct lease *lease)
{
    assert(lease->refs > 0);
    return --lease->refs == 0;
}

static void lease_free(struct lease *lease)
{
    byron_snapshot_close(lease->snapshot);
    free(lease);
}

/* Needs mutex. The place of a lease in the list, or NULL. */
static struct lease **find(struct leases *leases, uint64_t id)
{
    struct lease **place = &leases->first;

    while (*place && (*place)->id != id)
        place = &(*place)->next;
    return *place ? place : NULL;
}

/* Needs mutex. Returns it if it is to be freed. */
static struct lease *take_out(struct leases *leases, struct lease **place)
{
    struct lease *lease = *place;

    *place = lease->next;
    leases->count--;
    return unref(lease) ? lease : NULL;
}

/* --- The end of time -------------------------------------------------------*/

/* Needs mutex, and lets go of it for a moment. True: one has ended. */
static bool end_one(struct leases *leases, uint64_t now)
{
    struct lease **place = &leases->first;
    struct lease *last;

    while (*place && (*place)->ends_ms > now)
        place = &(*place)->next;
    if (!*place)
        return false;
    last = take_out(leases, place);
    pthread_mutex_unlock(&leases->mutex);
    if (last)
        lease_free(last);
    pthread_mutex_lock(&leases->mutex);
    return true;
}

/* Needs mutex. */
static void await_change(struct leases *leases)
{
    uint64_t next = UINT64_MAX;
    struct timespec at;

    for (struct lease *lease = leases->first; lease; lease = lease->next)
        if (lease->ends_ms < next)
            next = lease->ends_ms;
    if (next == UINT64_MAX) {
        pthread_cond_wait(&leases->changed, &leases->mutex);
        return;
    }
    at.tv_sec = (time_t)(next / 1000);
    at.tv_nsec = (long)(next % 1000) * 1000000;
    pthread_cond_timedwait(&leases->changed, &leases->mutex, &at);
}

static void *end_leases(void *context)
{
    struct leases *leases = context;

    pthread_mutex_lock(&leases->mutex);
    while (!leases->is_ending)
        if (!end_one(leases, clock_ms()))
            await_change(leases);
    pthread_mutex_unlock(&leases->mutex);
    return NULL;
}

/* --- Life ------------------------------------------------------------------*/

static byron_status start(struct leases *leases)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    leases->has_thread =
        pthread_create(&leases->thread, NULL, end_leases, leases) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return leases->has_thread ? BYRON_OK : BYRON_NO_MEMORY;
}

byron_status leases_new(byron_db *db, const struct lease_settings *settings,
                        struct leases **out)
{
    struct leases *leases = calloc(1, sizeof *leases);
    pthread_condattr_t monotonic;
    byron_status status;

    if (!leases)
        return BYRON_NO_MEMORY;
    leases->db = db;
    leases->settings = *settings;
    pthread_mutex_init(&leases->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&leases->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    status = start(leases);
    if (status == BYRON_OK)
        *out = leases;
    else
        leases_free(leases);
    return status;
}

void leases_free(struct leases *leases)
{
    if (!leases)
        return;
    pthread_mutex_lock(&leases->mutex);
    leases->is_ending = true;
    pthread_cond_signal(&leases->changed);
    pthread_mutex_unlock(&leases->mutex);
    if (leases->has_thread)
        pthread_join(leases->thread, NULL);
    while (leases->first) {
        struct lease *lease = take_out(leases, &leases->first);
        assert(lease);
        lease_free(lease);
    }
    pthread_cond_destroy(&leases->changed);
    pthread_mutex_destroy(&leases->mutex);
    free(leases);
}

/* --- For clients -----------------------------------------------------------*/

/* When one ends that is given its time now; tells how long that is. */
static uint64_t grant(const struct leases *leases, uint32_t *ttl_ms)
{
    const struct lease_settings *settings = &leases->settings;

    if (*ttl_ms == 0)
        *ttl_ms = settings->ttl_ms;
    if (*ttl_ms > settings->most_ms)
        *ttl_ms = settings->most_ms;
    return clock_ms() + *ttl_ms;
}

/* Needs mutex. A number that nobody can guess, as what it opens is its
   client's. 0: there is none to be had. */
static uint64_t new_id(struct leases *leases)
{
    uint64_t id;

    do {
        if (getrandom(&id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id)
            return 0;
    } while (id == 0 || find(leases, id));
    return id;
}

/* Needs mutex. */
static byron_status add(struct leases *leases, struct lease *lease)
{
    if (leases->count >= leases->settings.max)
        return BYRON_BUSY;
    lease->id = new_id(leases);
    if (lease->id == 0)
        return BYRON_IO;
    lease->refs = 1;
    lease->next = leases->first;
    leases->first = lease;
    leases->count++;
    pthread_cond_signal(&leases->changed);
    return BYRON_OK;
}

byron_status leases_open(struct leases *leases, uint32_t *ttl_ms,
                         uint64_t *out_id)
{
    struct lease *lease = calloc(1, sizeof *lease);
    byron_status status;

    if (!lease)
        return BYRON_NO_MEMORY;
    status = byron_snapshot_open(leases->db, &lease->snapshot);
    if (status != BYRON_OK) {
        free(lease);
        return status;
    }
    lease->ends_ms = grant(leases, ttl_ms);
    pthread_mutex_lock(&leases->mutex);
    status = add(leases, lease);
    if (status == BYRON_OK)
        *out_id = lease->id; /* It may be gone once the mutex is free. */
    pthread_mutex_unlock(&leases->mutex);
    if (status != BYRON_OK)
        lease_free(lease);
    return status;
}

bool leases_renew(struct leases *leases, uint64_t id, uint32_t *ttl_ms)
{
    uint64_t ends_ms = grant(leases, ttl_ms);
    struct lease **place;

    pthread_mutex_lock(&leases->mutex);
    place = find(leases, id);
    if (place)
        (*place)->ends_ms = ends_ms;
    pthread_cond_signal(&leases->changed);
    pthread_mutex_unlock(&leases->mutex);
    return place;
}

void leases_close(struct leases *leases, uint64_t id)
{
    struct lease *last = NULL;
    struct lease **place;

    pthread_mutex_lock(&leases->mutex);
    place = find(leases, id);
    if (place)
        last = take_out(leases, place);
    pthread_mutex_unlock(&leases->mutex);
    if (last)
        lease_free(last);
}

struct lease *leases_take(struct leases *leases, uint64_t id)
{
    struct lease **place;
    struct lease *lease = NULL;

    pthread_mutex_lock(&leases->mutex);
    place = find(leases, id);
    if (place) {
        lease = *place;
        lease->refs++;
    }
    pthread_mutex_unlock(&leases->mutex);
    return lease;
}

void leases_drop(struct leases *leases, struct lease *lease)
{
    bool is_last;

    if (!lease)
        return;
    pthread_mutex_lock(&leases->mutex);
    is_last = unref(lease);
    pthread_mutex_unlock(&leases->mutex);
    if (is_last)
        lease_free(lease);
}

byron_snapshot *lease_snapshot(const struct lease *lease)
{
    return lease->snapshot;
}

unsigned leases_count(struct leases *leases)
{
    unsigned count;

    pthread_mutex_lock(&leases->mutex);
    count = leases->count;
    pthread_mutex_unlock(&leases->mutex);
    return count;
}
