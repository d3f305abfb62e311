#include "service/store.h"

#include <stdlib.h>
#include <string.h>

#include "service/pool.h"
#include "service/store_request.h"

#define READERS        4
#define MAX_READS      4096
#define MAX_WRITES     4096
#define MAX_READ_BYTES ((size_t)64 * 1024 * 1024)
/* A batch is copied into the log as one. */
#define MAX_WRITE_BYTES ((size_t)64 * 1024 * 1024)
#define BATCH           256

struct store {
    byron_db *db;
    struct pool *readers;
    struct pool *committer;
};

/* --- On threads that may wait ----------------------------------------------*/

static void read_keys(void *context, struct job *jobs)
{
    struct store *store = context;

    for (; jobs; jobs = jobs->next)
        store_request_read((struct store_request *)jobs, store->db);
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

void store_methods(struct store *store, struct method out[STORE_METHODS])
{
    static const struct method methods[STORE_METHODS] = {
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
    for (size_t i = 0; i < STORE_METHODS; i++)
        out[i].service = store;
}

/* --- Life ------------------------------------------------------------------*/

byron_status store_open(const char *path, struct store **out)
{
    struct store *store = calloc(1, sizeof *store);
    struct pool_settings readers = {.threads = READERS,
                                    .max_jobs = MAX_READS,
                                    .max_bytes = MAX_READ_BYTES,
                                    .batch = 1,
                                    .run = read_keys,
                                    .context = store};
    struct pool_settings committer = {.threads = 1,
                                      .max_jobs = MAX_WRITES,
                                      .max_bytes = MAX_WRITE_BYTES,
                                      .batch = BATCH,
                                      .run = write_batch,
                                      .context = store};
    struct byron_options options = {.create = true};
    byron_status status;

    if (!store)
        return BYRON_NO_MEMORY;
    status = byron_open(path, &options, &store->db);
    if (status == BYRON_OK)
        status = pool_new(&readers, &store->readers);
    if (status == BYRON_OK)
        status = pool_new(&committer, &store->committer);
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

    if (store && store->db)
        status = byron_close(store->db);
    free(store);
    return status;
}
