#include "service/store.h"

#include <assert.h>
#include <stdlib.h>

#include "service/committer.h"
#include "service/load.h"
#include "service/range.h"
#include "service/read_request.h"
#include "service/snapshots.h"
#include "service/stats.h"
#include "service/store_parts.h"
#include "service/write_request.h"

#define READERS        4
#define MAX_READS      4096
#define MAX_WRITES     4096
#define MAX_READ_BYTES ((size_t)64 * 1024 * 1024)
/* A batch is copied into the log as one. */
#define MAX_WRITE_BYTES ((size_t)64 * 1024 * 1024)
#define BATCH           256

#define USUAL_LEASE_MS (60 * 1000)

const char store_no_lease[] = "no such snapshot: perhaps its lease has ended";

void store_default_settings(struct store_settings *out)
{
    static const struct store_settings defaults = {.lease_seconds = 600,
                                                   .max_leases = 256,
                                                   .max_ranges = 1024,
                                                   .max_loads = 8};
    *out = defaults;
}

void store_methods(struct store *store, struct method out[STORE_METHODS])
{
    struct method *next = out;

    read_methods(next);
    next += READ_METHODS;
    write_methods(next);
    next += WRITE_METHODS;
    load_methods(next);
    next += LOAD_METHODS;
    range_methods(next);
    next += RANGE_METHODS;
    snapshots_methods(next);
    next += SNAPSHOTS_METHODS;
    stats_methods(next);
    next += STATS_METHODS;
    assert(next == out + STORE_METHODS);
    for (size_t i = 0; i < STORE_METHODS; i++)
        out[i].service = store;
}

/* --- Life ------------------------------------------------------------------*/

/* Requires: the database is open. */
static byron_status start(struct store *store)
{
    struct lease_settings leases = {.max = store->settings.max_leases,
                                    .ttl_ms = USUAL_LEASE_MS,
                                    .most_ms =
                                        store->settings.lease_seconds * 1000};
    struct pool_settings readers = {.threads = READERS,
                                    .max_jobs = MAX_READS,
                                    .max_bytes = MAX_READ_BYTES,
                                    .batch = 1,
                                    .run = pool_run_each,
                                    .context = store};
    struct pool_settings committer = {.threads = 1,
                                      .max_jobs = MAX_WRITES,
                                      .max_bytes = MAX_WRITE_BYTES,
                                      .batch = BATCH,
                                      .run = committer_run,
                                      .context = store->db};
    byron_status status = leases_new(store->db, &leases, &store->leases);

    if (status == BYRON_OK)
        status = pool_new(&readers, &store->readers);
    return status == BYRON_OK ? pool_new(&committer, &store->committer)
                              : status;
}

byron_status store_open(const char *path, const struct store_settings *settings,
                        struct store **out)
{
    struct store *store = calloc(1, sizeof *store);
    struct byron_options options = {.create = true};
    byron_status status;

    if (!store)
        return BYRON_NO_MEMORY;
    store->settings = *settings;
    status = byron_open(path, &options, &store->db);
    if (status == BYRON_OK)
        status = start(store);
    if (status == BYRON_OK) {
        *out = store;
        return BYRON_OK;
    }
    store_stop(store);
    (void)!store_close(store);
    return status;
}

void store_attach(struct store *store, const struct server *server)
{
    store->server = server;
}

void store_stop(struct store *store)
{
    if (!store)
        return;
    pool_free(store->readers);
    pool_free(store->committer);
    store->readers = NULL;
    store->committer = NULL;
}

byron_status store_close(struct store *store)
{
    byron_status status = BYRON_OK;

    if (!store)
        return BYRON_OK;
    leases_free(store->leases);
    if (store->db)
        status = byron_close(store->db);
    free(store);
    return status;
}
