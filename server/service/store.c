#include "service/store.h"

#include <stdlib.h>
#include <string.h>

#include "service/range.h"
#include "service/snapshots.h"
#include "service/store_parts.h"
#include "service/store_request.h"

#define READERS        4
#define MAX_READS      4096
#define MAX_WRITES     4096
#define MAX_READ_BYTES ((size_t)64 * 1024 * 1024)
/* A batch is copied into the log as one. */
#define MAX_WRITE_BYTES ((size_t)64 * 1024 * 1024)
#define BATCH           256
#define OWN_METHODS     5

#define USUAL_LEASE_MS (60 * 1000)

const char store_no_lease[] = "no such snapshot: perhaps its lease has ended";

void store_default_settings(struct store_settings *out)
{
    static const struct store_settings defaults = {
        .lease_seconds = 600, .max_leases = 256, .max_ranges = 1024};
    *out = defaults;
}

/* --- On threads that may wait ----------------------------------------------*/

static void read_keys(void *context, struct job *job)
{
    struct store *store = context;
    store_request_read((struct store_request *)job, store->db, store->leases);
}

static void write_each(struct store *store, struct job *jobs)
{
    for (; jobs; jobs = jobs->next)
        store_request_commit((struct store_request *)jobs, store->db);
}

/* All that wait as one commit; if that fails, each by itself, so that nobody
   fails for another's sake. */
static void write_batch(void *context, struct job *jobs)
{
    struct store *store = context;
    struct byron_op *ops;
    size_t count = 0;
    bool is_sync = false;

    for (struct job *job = jobs; job; job = job->next)
        count += ((struct store_request *)job)->count;
    ops = jobs->next ? calloc(count, sizeof *ops) : NULL;
    if (!ops) {
        write_each(store, jobs);
        return;
    }
    count = 0;
    for (struct job *job = jobs; job; job = job->next) {
        struct store_request *request = (struct store_request *)job;
        memcpy(ops + count, request->ops, request->count * sizeof *ops);
        count += request->count;
        is_sync = is_sync || request->is_sync;
    }
    if (byron_write(store->db, ops, count, is_sync) != BYRON_OK)
        write_each(store, jobs);
    free(ops);
}

/* --- On the loops ----------------------------------------------------------*/

static void submit(struct call *call, struct pool *pool,
                   struct store_request *request)
{
    if (!request)
        return; /* The call has been answered. */
    *call_state(call) = request;
    request->job.run = read_keys;
    if (pool_submit(pool, &request->job) == BYRON_OK)
        return;
    *call_state(call) = NULL;
    store_request_free(request);
    call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
}

static void get(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    submit(call, store->readers, store_request_get(call, bytes));
}

static void multi_get(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    submit(call, store->readers, store_request_multi_get(call, bytes));
}

static void put(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    submit(call, store->committer, store_request_put(call, bytes));
}

static void delete_key(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    submit(call, store->committer, store_request_delete(call, bytes));
}

static void write_ops(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    submit(call, store->committer, store_request_write(call, bytes));
}

/* The job goes on, but nobody is there to be told. */
static void closed(struct call *call)
{
    struct store_request *request = *call_state(call);

    if (request)
        request->call = NULL;
}

static void add_methods(struct method out[])
{
    static const struct method methods[OWN_METHODS] = {
        {.path = "/byron.v1.Byron/Get", .message = get, .closed = closed},
        {.path = "/byron.v1.Byron/MultiGet",
         .message = multi_get,
         .closed = closed},
        {.path = "/byron.v1.Byron/Put", .message = put, .closed = closed},
        {.path = "/byron.v1.Byron/Delete",
         .message = delete_key,
         .closed = closed},
        {.path = "/byron.v1.Byron/Write",
         .message = write_ops,
         .closed = closed},
    };

    memcpy(out, methods, sizeof methods);
}

void store_methods(struct store *store, struct method out[STORE_METHODS])
{
    add_methods(out);
    range_methods(out + OWN_METHODS);
    snapshots_methods(out + OWN_METHODS + RANGE_METHODS);
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
                                      .run = write_batch,
                                      .context = store};
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
