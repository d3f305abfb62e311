#include "service/store_request.h"

#include <stdlib.h>

#include "byron/v1/byron.pb-c.h"
#include "service/reply.h"
#include "service/store_parts.h"

#define KEYS_AT_ONCE 16
#define MAX_ANSWER   ((size_t)16 * 1024 * 1024) /* Bytes of values. */

/* --- Answers, on the loop --------------------------------------------------*/

static void set_result(Byron__V1__GetResponse *result,
                       const struct store_request *request, size_t i)
{
    const struct byron_value *value = &request->values[i];

    byron__v1__get_response__init(result);
    result->found = request->is_there[i];
    result->value.len = value->size;
    result->value.data = (uint8_t *)(uintptr_t)value->data;
}

static void answer_many(const struct store_request *request)
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

static void answer(const struct store_request *request)
{
    Byron__V1__WriteResponse written = BYRON__V1__WRITE_RESPONSE__INIT;
    Byron__V1__GetResponse got;

    if (request->ops) {
        reply_send(request->call, &written.base, CALL_PLAIN);
    } else if (request->is_many) {
        answer_many(request);
    } else {
        set_result(&got, request, 0);
        reply_send(request->call, &got.base, CALL_PLAIN);
    }
    call_finish(request->call, GRPC_OK, "");
}

static void done(struct task *task)
{
    struct store_request *request = (struct store_request *)task;

    if (request->call && request->outcome.code == GRPC_OK)
        answer(request);
    else if (request->call)
        call_finish(request->call, request->outcome.code,
                    request->outcome.words);
    if (request->call)
        *call_state(request->call) = NULL;
    store_request_free(request);
}

/* --- Requests, on the loop -------------------------------------------------*/

static struct store_request *refuse(struct store_request *request,
                                    const char *words)
{
    call_finish(request->call, GRPC_INVALID_ARGUMENT, words);
    store_request_free(request);
    return NULL;
}

static struct store_request *
request_new(struct call *call, const ProtobufCMessageDescriptor *descriptor,
            struct byron_bytes bytes)
{
    struct store_request *request;
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

void store_request_free(struct store_request *request)
{
    for (size_t i = 0; request->values && i < request->count; i++)
        byron_value_release(&request->values[i]);
    reply_free(request->message);
    free(request->keys);
    free(request->values);
    free(request->is_there);
    free(request->ops);
    free(request);
}

static bool is_key(ProtobufCBinaryData key)
{
    return key.len > 0 && key.len <= BYRON_MAX_KEY;
}

static struct byron_bytes bytes_of(ProtobufCBinaryData data)
{
    struct byron_bytes bytes = {data.data, data.len};
    return bytes;
}

static struct store_request *set_keys(struct store_request *request,
                                      const ProtobufCBinaryData *keys,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_key(keys[i]))
            return refuse(request, "a key has 1 byte to 1 MiB");
    request->keys = calloc(count + 1, sizeof *request->keys);
    request->values = calloc(count + 1, sizeof *request->values);
    request->is_there = calloc(count + 1, sizeof *request->is_there);
    if (!request->keys || !request->values || !request->is_there) {
        call_finish(request->call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        store_request_free(request);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        request->keys[i] = bytes_of(keys[i]);
    request->count = count;
    return request;
}

struct store_request *store_request_get(struct call *call,
                                        struct byron_bytes bytes)
{
    struct store_request *request =
        request_new(call, &byron__v1__get_request__descriptor, bytes);
    const Byron__V1__GetRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__GetRequest *)request->message;
    request->snapshot_id = message->snapshot_id;
    return set_keys(request, &message->key, 1);
}

struct store_request *store_request_multi_get(struct call *call,
                                              struct byron_bytes bytes)
{
    struct store_request *request =
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

/* Room for count operations; NULL: the call has been answered. */
static struct store_request *set_ops(struct store_request *request,
                                     size_t count,
                                     Byron__V1__Durability durability)
{
    request->is_sync = durability != BYRON__V1__DURABILITY__DURABILITY_BUFFERED;
    request->count = count;
    request->ops = calloc(count + 1, sizeof *request->ops);
    if (request->ops)
        return request;
    call_finish(request->call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    store_request_free(request);
    return NULL;
}

struct store_request *store_request_put(struct call *call,
                                        struct byron_bytes bytes)
{
    struct store_request *request =
        request_new(call, &byron__v1__put_request__descriptor, bytes);
    const Byron__V1__PutRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__PutRequest *)request->message;
    if (!is_key(message->key))
        return refuse(request, "a key has 1 byte to 1 MiB");
    request = set_ops(request, 1, message->durability);
    if (!request)
        return NULL;
    request->ops[0].kind = BYRON_OP_PUT;
    request->ops[0].key = bytes_of(message->key);
    request->ops[0].value = bytes_of(message->value);
    return request;
}

struct store_request *store_request_delete(struct call *call,
                                           struct byron_bytes bytes)
{
    struct store_request *request =
        request_new(call, &byron__v1__delete_request__descriptor, bytes);
    const Byron__V1__DeleteRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__DeleteRequest *)request->message;
    if (!is_key(message->key))
        return refuse(request, "a key has 1 byte to 1 MiB");
    request = set_ops(request, 1, message->durability);
    if (!request)
        return NULL;
    request->ops[0].kind = BYRON_OP_DELETE;
    request->ops[0].key = bytes_of(message->key);
    return request;
}

/* NULL, or what is wrong with it. */
static const char *read_op(const Byron__V1__Op *from, struct byron_op *to)
{
    static const char bad_key[] = "a key has 1 byte to 1 MiB";

    switch (from->op_case) {
    case BYRON__V1__OP__OP_PUT:
        to->kind = BYRON_OP_PUT;
        to->key = bytes_of(from->put->key);
        to->value = bytes_of(from->put->value);
        return is_key(from->put->key) ? NULL : bad_key;
    case BYRON__V1__OP__OP_DELETE_KEY:
        to->kind = BYRON_OP_DELETE;
        to->key = bytes_of(from->delete_key);
        return is_key(from->delete_key) ? NULL : bad_key;
    case BYRON__V1__OP__OP_DELETE_RANGE:
        to->kind = BYRON_OP_DELETE_RANGE;
        to->key = bytes_of(from->delete_range->start);
        to->value = bytes_of(from->delete_range->end);
        return is_key(from->delete_range->start) &&
                       is_key(from->delete_range->end)
                   ? NULL
                   : "a range has a start and an end, each 1 byte to 1 MiB";
    default:
        return "an operation is empty";
    }
}

struct store_request *store_request_write(struct call *call,
                                          struct byron_bytes bytes)
{
    struct store_request *request =
        request_new(call, &byron__v1__write_request__descriptor, bytes);
    const Byron__V1__WriteRequest *message;

    if (!request)
        return NULL;
    message = (Byron__V1__WriteRequest *)request->message;
    if (message->n_ops == 0 || message->n_ops > STORE_MAX_KEYS)
        return refuse(request, "1 to 10,000 operations, please");
    request = set_ops(request, message->n_ops, message->durability);
    for (size_t i = 0; request && i < message->n_ops; i++) {
        const char *wrong = read_op(message->ops[i], &request->ops[i]);
        if (wrong)
            return refuse(request, wrong);
    }
    return request;
}

/* --- On a thread that may wait ---------------------------------------------*/

/* A few at a time, so that an answer that is too large is not read as a whole.
 */
static byron_status read_all(struct store_request *request, byron_db *db,
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

void store_request_read(struct store_request *request, byron_db *db,
                        struct leases *leases)
{
    byron_snapshot *snapshot = NULL; /* The newest, which one get sees alike. */
    byron_snapshot *own = NULL;
    struct lease *lease = NULL;
    byron_status status = BYRON_OK;

    if (request->snapshot_id != 0) {
        lease = leases_take(leases, request->snapshot_id);
        if (!lease) {
            request->outcome.code = GRPC_NOT_FOUND;
            request->outcome.words = store_no_lease;
            return;
        }
        snapshot = lease_snapshot(lease);
    } else if (request->count > KEYS_AT_ONCE) {
        status = byron_snapshot_open(db, &own);
        snapshot = own;
    }
    if (status == BYRON_OK)
        status = read_all(request, db, snapshot);
    byron_snapshot_close(own);
    leases_drop(leases, lease);
    request->outcome = outcome_of(status);
}

void store_request_commit(struct store_request *request, byron_db *db)
{
    request->outcome = outcome_of(
        byron_write(db, request->ops, request->count, request->is_sync));
}
