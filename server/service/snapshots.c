#include "service/snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "service/outcome.h"
#include "service/permit.h"
#include "service/reply.h"

/* One request. */
struct lease_job {
    struct job job;    /* First. */
    struct call *call; /* NULL: it is closed. */
    uint64_t id;
    uint32_t ttl_ms;
    bool is_close;
    struct outcome outcome;
};

/* --- On a thread that may wait ---------------------------------------------*/

/* What a client that has left has opened would pin files for nothing; but that
   it leaves meanwhile cannot be helped, and so the lease ends by itself. */
static void open_lease(void *context, struct job *job)
{
    struct store *store = context;
    struct lease_job *request = (struct lease_job *)job;
    byron_status status =
        leases_open(store->leases, &request->ttl_ms, &request->id);

    request->outcome = outcome_of(status);
    if (status == BYRON_BUSY) {
        request->outcome.code = GRPC_RESOURCE_EXHAUSTED;
        request->outcome.words = "too many snapshots are open";
    }
}

static void renew_lease(void *context, struct job *job)
{
    struct store *store = context;
    struct lease_job *request = (struct lease_job *)job;

    if (leases_renew(store->leases, request->id, &request->ttl_ms))
        return;
    request->outcome.code = GRPC_NOT_FOUND;
    request->outcome.words = store_no_lease;
}

static void close_lease(void *context, struct job *job)
{
    struct store *store = context;
    leases_close(store->leases, ((struct lease_job *)job)->id);
}

/* --- On the loop -----------------------------------------------------------*/

static void answer(const struct lease_job *request)
{
    Byron__V1__Snapshot snapshot = BYRON__V1__SNAPSHOT__INIT;
    Byron__V1__CloseSnapshotResponse closed =
        BYRON__V1__CLOSE_SNAPSHOT_RESPONSE__INIT;

    snapshot.id = request->id;
    snapshot.ttl_seconds = request->ttl_ms / 1000;
    reply_send(request->call, request->is_close ? &closed.base : &snapshot.base,
               CALL_PLAIN);
    call_finish(request->call, GRPC_OK, "");
}

static void done(struct task *task)
{
    struct lease_job *request = (struct lease_job *)task;

    if (request->call) {
        *call_state(request->call) = NULL;
        if (request->outcome.code == GRPC_OK)
            answer(request);
        else
            call_finish(request->call, request->outcome.code,
                        request->outcome.words);
    }
    free(request);
}

static void submit(struct call *call, struct lease_job asked)
{
    struct store *store = call_service(call);
    struct lease_job *request;

    if (!permit_some(call, RIGHTS_KEYS))
        return;
    request = malloc(sizeof *request);
    if (!request) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    *request = asked;
    request->call = call;
    request->job.done.run = done;
    request->job.loop = call_loop(call);
    if (pool_submit(store->readers, &request->job) == BYRON_OK) {
        *call_state(call) = request;
        return;
    }
    free(request);
    call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
}

static uint32_t milliseconds(uint32_t seconds)
{
    return seconds < UINT32_MAX / 1000 ? seconds * 1000 : UINT32_MAX;
}

static void open_snapshot(struct call *call, struct byron_bytes bytes)
{
    struct lease_job request = {.job.run = open_lease};
    ProtobufCMessage *message = reply_unpack(
        call, &byron__v1__open_snapshot_request__descriptor, bytes);

    if (!message)
        return;
    request.ttl_ms =
        milliseconds(((Byron__V1__OpenSnapshotRequest *)message)->ttl_seconds);
    reply_free(message);
    submit(call, request);
}

static void renew_snapshot(struct call *call, struct byron_bytes bytes)
{
    struct lease_job request = {.job.run = renew_lease};
    ProtobufCMessage *message = reply_unpack(
        call, &byron__v1__renew_snapshot_request__descriptor, bytes);

    if (!message)
        return;
    request.id = ((Byron__V1__RenewSnapshotRequest *)message)->id;
    request.ttl_ms =
        milliseconds(((Byron__V1__RenewSnapshotRequest *)message)->ttl_seconds);
    reply_free(message);
    submit(call, request);
}

static void close_snapshot(struct call *call, struct byron_bytes bytes)
{
    struct lease_job request = {.job.run = close_lease, .is_close = true};
    ProtobufCMessage *message = reply_unpack(
        call, &byron__v1__close_snapshot_request__descriptor, bytes);

    if (!message)
        return;
    request.id = ((Byron__V1__CloseSnapshotRequest *)message)->id;
    reply_free(message);
    submit(call, request);
}

static void closed(struct call *call)
{
    struct lease_job *request = *call_state(call);

    if (request)
        request->call = NULL;
}

void snapshots_methods(struct method out[SNAPSHOTS_METHODS])
{
    static const struct method methods[SNAPSHOTS_METHODS] = {
        {.path = "/byron.v1.Byron/OpenSnapshot",
         .message = open_snapshot,
         .closed = closed},
        {.path = "/byron.v1.Byron/RenewSnapshot",
         .message = renew_snapshot,
         .closed = closed},
        {.path = "/byron.v1.Byron/CloseSnapshot",
         .message = close_snapshot,
         .closed = closed},
    };

    memcpy(out, methods, sizeof methods);
}
