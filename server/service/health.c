#include "service/health.h"

#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "service/reply.h"

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING                                                            \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define UNKNOWN                                                                \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

/* A Watch that is open. */
struct watcher {
    struct watcher *next;
    struct watcher *previous;
    struct shard *shard;
    struct call *call;
};

/* One loop's part: no other thread touches it. */
struct shard {
    struct loop *loop;
    struct task drain;
    struct watcher *watchers;
    bool is_drained;
};

struct health {
    const char *const *names;
    size_t name_count;
    struct shard *shards;
    unsigned shard_count;
};

static bool is_known(const struct health *health, const char *name)
{
    for (size_t i = 0; i < health->name_count; i++)
        if (strcmp(health->names[i], name) == 0)
            return true;
    return !*name;
}

static struct shard *shard_of(struct call *call)
{
    struct health *health = call_service(call);
    unsigned i = 0;

    while (i + 1 < health->shard_count &&
           health->shards[i].loop != call_loop(call))
        i++;
    return &health->shards[i];
}

static void
send_status(struct call *call,
            Grpc__Health__V1__HealthCheckResponse__ServingStatus code)
{
    Grpc__Health__V1__HealthCheckResponse response =
        GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    response.status = code;
    reply_send(call, &response.base, CALL_PLAIN);
}

/* False: the call is finished. */
static bool read_request(struct call *call, struct byron_bytes bytes,
                         bool *out_is_known)
{
    ProtobufCMessage *message = reply_unpack(
        call, &grpc__health__v1__health_check_request__descriptor, bytes);

    if (!message)
        return false;
    *out_is_known =
        is_known(call_service(call),
                 ((Grpc__Health__V1__HealthCheckRequest *)message)->service);
    reply_free(message);
    return true;
}

static void check(struct call *call, struct byron_bytes bytes)
{
    bool known;

    if (!read_request(call, bytes, &known))
        return;
    if (!known) {
        call_finish(call, GRPC_NOT_FOUND, "no service of this name");
        return;
    }
    send_status(call, shard_of(call)->is_drained ? NOT_SERVING : SERVING);
    call_finish(call, GRPC_OK, "");
}

static void watch(struct call *call, struct byron_bytes bytes)
{
    struct shard *shard = shard_of(call);
    struct watcher *watcher;
    bool known;

    if (!read_request(call, bytes, &known))
        return;
    if (shard->is_drained) {
        send_status(call, known ? NOT_SERVING : UNKNOWN);
        call_finish(call, GRPC_UNAVAILABLE, "the server is going");
        return;
    }
    watcher = calloc(1, sizeof *watcher);
    if (!watcher) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    watcher->shard = shard;
    watcher->call = call;
    watcher->next = shard->watchers;
    if (watcher->next)
        watcher->next->previous = watcher;
    shard->watchers = watcher;
    *call_state(call) = watcher;
    send_status(call, known ? SERVING : UNKNOWN);
}

static void watch_closed(struct call *call)
{
    struct watcher *watcher = *call_state(call);

    if (!watcher)
        return;
    if (watcher->previous)
        watcher->previous->next = watcher->next;
    else
        watcher->shard->watchers = watcher->next;
    if (watcher->next)
        watcher->next->previous = watcher->previous;
    free(watcher);
}

static void drain_shard(struct task *task)
{
    struct shard *shard =
        (struct shard *)((char *)task - offsetof(struct shard, drain));

    shard->is_drained = true;
    for (struct watcher *watcher = shard->watchers; watcher;
         watcher = watcher->next) {
        send_status(watcher->call, NOT_SERVING);
        call_finish(watcher->call, GRPC_UNAVAILABLE, "the server is going");
    }
}

byron_status health_new(const char *const *names, size_t name_count,
                        struct health **out)
{
    struct health *health = calloc(1, sizeof *health);

    if (!health)
        return BYRON_NO_MEMORY;
    health->names = names;
    health->name_count = name_count;
    *out = health;
    return BYRON_OK;
}

void health_free(struct health *health)
{
    if (health)
        free(health->shards);
    free(health);
}

void health_methods(struct health *health, struct method out[HEALTH_METHODS])
{
    static const struct method methods[HEALTH_METHODS] = {
        {.path = "/grpc.health.v1.Health/Check", .message = check},
        {.path = "/grpc.health.v1.Health/Watch",
         .has_many_responses = true,
         .message = watch,
         .closed = watch_closed},
    };

    memcpy(out, methods, sizeof methods);
    for (size_t i = 0; i < HEALTH_METHODS; i++)
        out[i].service = health;
}

byron_status health_attach(struct health *health, struct server *server)
{
    unsigned count = server_loop_count(server);

    health->shards = calloc(count, sizeof *health->shards);
    if (!health->shards)
        return BYRON_NO_MEMORY;
    health->shard_count = count;
    for (unsigned i = 0; i < count; i++) {
        health->shards[i].loop = server_loop(server, i);
        health->shards[i].drain.run = drain_shard;
    }
    return BYRON_OK;
}

void health_drain(struct health *health)
{
    for (unsigned i = 0; i < health->shard_count; i++)
        loop_post(health->shards[i].loop, &health->shards[i].drain);
}
