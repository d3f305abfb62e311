#include "service/read_request.h"

#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "service/keys.h"
#include "service/outcome.h"
#include "service/permit.h"
#include "service/reply.h"

#define KEYS_AT_ONCE 16
#define MAX_ANSWER   ((size_t)16 * 1024 * 1024) /* Bytes of values. */

/* One request. */
struct read_request {
    struct job job;    /* First. */
    struct call *call; /* NULL: it is closed. */
    ProtobufCMessage *message;
    size_t count;
    bool is_many; /* A MultiGet. */
    struct byron_bytes *keys;
    struct byron_value *values;
    bool *is_there;
    uint64_t snapshot_id; /* 0: the newest state. */
    struct outcome outcome;
};

static void request_free(struct read_request *request)
{
    for (size_t i = 0; request->values && i < request->count; i++)
        byron_value_release(&request->values[i]);
    reply_free(request->message);
    free(request->keys);
    free(request->values);
    free(request->is_there);
    free(request);
}

/* --- Answers, on the loop --------------------------------------------------*/

static void set_result(Byron__V1__GetResponse *result,
                       const struct read_request *request, size_t i)
{
    const struct byron_value *value = &request->values[i];

    byron__v1__get_response__init(result);
    result->found = request->is_there[i];
    result->value.len = value->size;
    result->value.data = (uint8_t *)(uintptr_t)value->data;
}

static void answer_many(const struct read_request *request)
{
    Byron__V1__MultiGetResponse response = BYRON__V1__MULTI_GET_RESPONSE__INIT;
    Byron__V1__GetResponse *results =
        calloc(request->count + 1, sizeof *results);
    Byron__V1__GetResponse **places =
        calloc(request->count + 1, sizeof(Byron__V1__GetResponse *));

    if (results && places) {
        for (size_t i = 0; i < request->count; i++) {
            set_result(&results[i], request, i);
            places[i] = &results[i];
        }
        response.n_results = request->count;
        response.results = places;
        reply_send(request->call, &response.base, CALL_PLAIN);
    } else {
        call_finish(request->call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    free(results);
    free(places);
}

static void answer(const struct read_request *request)
{
    Byron__V1__GetResponse got;

    if (request->is_many) {
        answer_many(request);
    } else {
        set_result(&got, request, 0);
        reply_send(request->call, &got.base, CALL_PLAIN);
    }
    call_finish(request->call, GRPC_OK, "");
}

static void done(struct task *task)
{
    struct read_request *request = (struct read_request *)task;

    if (request->call && request->outcome.code == GRPC_OK)
        answer(request);
    else if (request->call)
        call_finish(request->call, request->outcome.code,
                    request->outcome.words);
    if (request->call)
        *call_state(request->call) = NULL;
    request_free(request);
}

/* --- Requests, on the loop -------------------------------------------------*/

static struct read_request *refuse(struct read_request *request,
                                   const char *words)
{
    call_finish(request->call, GRPC_INVALID_ARGUMENT, words);
    request_free(request);
    return NULL;
}

static struct read_request *
request_new(struct call *call, const ProtobufCMessageDescriptor *descriptor,
            struct byron_bytes bytes)
{
    struct read_request *request;
    ProtobufCMessage *message = reply_unpack(call, descriptor, bytes);

    if (!message)
        return NULL;
    request = calloc(1, sizeof *request);
    if (!request) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        reply_free(message);
        return NULL;
    }
    request->message = message;
    request->call = call;
    request->job.done.run = done;
    request->job.loop = call_loop(call);
    request->job.size = bytes.size;
    return request;
}

static struct read_request *set_keys(struct read_request *request,
                                     const ProtobufCBinaryData *keys,
                                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!keys_is_key(keys_of(keys[i])))
            return refuse(request, keys_words);
        if (!permit_key(request->call, RIGHT_READ, keys_of(keys[i]))) {
            request_free(request);
            return NULL;
        }
    }
    request->keys = calloc(count + 1, sizeof *request->keys);
    request->values = calloc(count + 1, sizeof *request->values);
    request->is_there = calloc(count + 1, sizeof *request->is_there);
    if (!request->keys || !request->values || !request->is_there) {
        call_finish(request->call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        request_free(request);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        request->keys[i] = keys_of(keys[i]);
    request->count = count;
    return request;
}

static struct read_request *get_new(struct call *call, struct byron_bytes bytes)
{
    struct read_request *request =
        request_new(call, &byron__v1__get_request__descriptor, bytes);
    const Byron__V1__GetRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__GetRequest *)request->message;
    request->snapshot_id = message->snapshot_id;
    return set_keys(request, &message->key, 1);
}

static struct read_request *multi_get_new(struct call *call,
                                          struct byron_bytes bytes)
{
    struct read_request *request =
        request_new(call, &byron__v1__multi_get_request__descriptor, bytes);
    const Byron__V1__MultiGetRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__MultiGetRequest *)request->message;
    request->is_many = true;
    request->snapshot_id = message->snapshot_id;
    if (message->n_keys > STORE_MAX_KEYS)
        return refuse(request, "more than 10,000 keys");
    return set_keys(request, message->keys, message->n_keys);
}

/* --- On a thread that may wait ---------------------------------------------*/

/* A few at a time, so that an answer that is too large is not read as a whole.
 */
static byron_status read_all(struct read_request *request, byron_db *db,
                             byron_snapshot *snapshot)
{
    size_t size = 0;

    for (size_t i = 0; i < request->count;) {
        size_t count = request->count - i < KEYS_AT_ONCE ? request->count - i
                                                         : KEYS_AT_ONCE;
        byron_status status =
            byron_multi_get(db, snapshot, count, request->keys + i,
                            request->values + i, request->is_there + i);
        if (status != BYRON_OK)
            return status;
        for (size_t end = i + count; i < end; i++)
            size += request->values[i].size;
        if (size > MAX_ANSWER)
            return BYRON_TOO_BIG;
    }
    return BYRON_OK;
}

static void run(void *context, struct job *job)
{
    struct store *store = context;
    struct read_request *request = (struct read_request *)job;
    byron_snapshot *snapshot = NULL; /* The newest, which one get sees alike. */
    byron_snapshot *own = NULL;
    struct lease *lease = NULL;
    byron_status status = BYRON_OK;

    if (request->snapshot_id != 0) {
        lease = leases_take(store->leases, request->snapshot_id);
        if (!lease) {
            request->outcome.code = GRPC_NOT_FOUND;
            request->outcome.words = store_no_lease;
            return;
        }
        snapshot = lease_snapshot(lease);
    } else if (request->count > KEYS_AT_ONCE) {
        status = byron_snapshot_open(store->db, &own);
        snapshot = own;
    }
    if (status == BYRON_OK)
        status = read_all(request, store->db, snapshot);
    byron_snapshot_close(own);
    leases_drop(store->leases, lease);
    request->outcome = outcome_of(status);
}

/* --- Methods ---------------------------------------------------------------*/

static void submit(struct call *call, struct read_request *request)
{
    struct store *store = call_service(call);

    if (!request)
        return; /* The call has been answered. */
    *call_state(call) = request;
    request->job.run = run;
    if (pool_submit(store->readers, &request->job) == BYRON_OK)
        return;
    *call_state(call) = NULL;
    request_free(request);
    call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
}

static void get(struct call *call, struct byron_bytes bytes)
{
    submit(call, get_new(call, bytes));
}

static void multi_get(struct call *call, struct byron_bytes bytes)
{
    submit(call, multi_get_new(call, bytes));
}

/* The job goes on, but nobody is there to be told. */
static void closed(struct call *call)
{
    struct read_request *request = *call_state(call);

    if (request)
        request->call = NULL;
}

void read_methods(struct method out[READ_METHODS])
{
    static const struct method methods[READ_METHODS] = {
        {.path = "/byron.v1.Byron/Get", .message = get, .closed = closed},
        {.path = "/byron.v1.Byron/MultiGet",
         .message = multi_get,
         .closed = closed},
    };

    memcpy(out, methods, sizeof methods);
}
