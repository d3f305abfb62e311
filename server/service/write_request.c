#include "service/write_request.h"

#include <stdlib.h>
#include <string.h>

#include "service/committer.h"
#include "service/permit.h"
#include "service/reply.h"

/* One request, from its message to its answer. */
struct write_request {
    struct write write; /* First. */
    struct call *call;  /* NULL: it is closed. */
    ProtobufCMessage *message;
    struct write_condition *conditions;
};

static void request_free(struct write_request *request)
{
    reply_free(request->message);
    free(request->write.ops);
    free(request->conditions);
    free(request);
}

/* --- Answers ---------------------------------------------------------------*/

static void done(struct task *task)
{
    struct write_request *request = (struct write_request *)task;
    const struct outcome *outcome = &request->write.outcome;
    Byron__V1__WriteResponse response = BYRON__V1__WRITE_RESPONSE__INIT;

    if (request->call) {
        *call_state(request->call) = NULL;
        response.already_done = request->write.is_repeat;
        if (outcome->code == GRPC_OK)
            reply_send(request->call, &response.base, CALL_PLAIN);
        call_finish(request->call, outcome->code,
                    outcome->words ? outcome->words : "");
    }
    request_free(request);
}

/* --- Requests --------------------------------------------------------------*/

static struct write_request *refuse(struct write_request *request,
                                    enum grpc_code code, const char *words)
{
    call_finish(request->call, code, words);
    request_free(request);
    return NULL;
}

/* NULL: the call has been answered. */
static struct write_request *
request_new(struct call *call, const ProtobufCMessageDescriptor *descriptor,
            struct byron_bytes bytes)
{
    struct write_request *request;
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
    request->write.job.done.run = done;
    request->write.job.loop = call_loop(call);
    request->write.job.size = bytes.size;
    return request;
}

/* Room for count operations; NULL: the call has been answered. */
static struct write_request *set_ops(struct write_request *request,
                                     size_t count,
                                     Byron__V1__Durability durability)
{
    struct write *write = &request->write;

    write->is_sync = durability != BYRON__V1__DURABILITY__DURABILITY_BUFFERED;
    write->count = count;
    write->ops = calloc(count + 1, sizeof *write->ops);
    return write->ops
               ? request
               : refuse(request, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

static struct write_request *set_one(struct write_request *request,
                                     enum byron_op_kind kind,
                                     ProtobufCBinaryData key,
                                     Byron__V1__Durability durability)
{
    if (!keys_is_key(keys_of(key)))
        return refuse(request, GRPC_INVALID_ARGUMENT, keys_words);
    request = set_ops(request, 1, durability);
    if (!request)
        return NULL;
    request->write.ops[0].kind = kind;
    request->write.ops[0].key = keys_of(key);
    return request;
}

static const char *read_range(const Byron__V1__DeleteRange *from,
                              struct byron_op *to)
{
    to->kind = BYRON_OP_DELETE_RANGE;
    to->key = keys_of(from->start);
    to->value = keys_clip(keys_of(from->end));
    return keys_is_key(to->key) && from->end.len > 0 &&
                   from->end.len <= BYRON_MAX_KEY
               ? NULL
               : "a range has a start and an end, each 1 byte to 1 MiB";
}

/* NULL, or what is wrong with it. */
static const char *read_op(const Byron__V1__Op *from, struct byron_op *to)
{
    switch (from->op_case) {
    case BYRON__V1__OP__OP_PUT:
        to->kind = BYRON_OP_PUT;
        to->key = keys_of(from->put->key);
        to->value = keys_of(from->put->value);
        return keys_is_key(to->key) ? NULL : keys_words;
    case BYRON__V1__OP__OP_DELETE_KEY:
        to->kind = BYRON_OP_DELETE;
        to->key = keys_of(from->delete_key);
        return keys_is_key(to->key) ? NULL : keys_words;
    case BYRON__V1__OP__OP_DELETE_RANGE:
        return read_range(from->delete_range, to);
    default:
        return "an operation is empty";
    }
}

const char *write_read_ops(Byron__V1__Op *const *from, size_t count,
                           struct byron_op *to)
{
    const char *wrong = NULL;

    for (size_t i = 0; i < count && !wrong; i++)
        wrong = read_op(from[i], &to[i]);
    return wrong;
}

static const char *read_condition(const Byron__V1__Condition *from,
                                  struct write_condition *to)
{
    to->key = keys_of(from->key);
    if (!keys_is_key(to->key))
        return keys_words;
    switch (from->expect_case) {
    case BYRON__V1__CONDITION__EXPECT_ABSENT:
        to->expect = WRITE_EXPECTS_ABSENT;
        return from->absent ? NULL : "absent: false says nothing";
    case BYRON__V1__CONDITION__EXPECT_PRESENT:
        to->expect = WRITE_EXPECTS_PRESENT;
        return from->present ? NULL : "present: false says nothing";
    case BYRON__V1__CONDITION__EXPECT_VALUE:
        to->expect = WRITE_EXPECTS_VALUE;
        to->value = keys_of(from->value);
        return NULL;
    default:
        return "a condition expects nothing";
    }
}

/* FNV-1a: tells a client that mixes up its ids, no more. */
static uint64_t digest_of(struct byron_bytes bytes)
{
    const uint8_t *byte = bytes.data;
    uint64_t digest = 0xcbf29ce484222325u;

    for (size_t i = 0; i < bytes.size; i++)
        digest = (digest ^ byte[i]) * 0x100000001b3u;
    return digest;
}

static const char *read_write(struct write_request *request,
                              const Byron__V1__WriteRequest *message)
{
    struct write *write = &request->write;
    const char *wrong =
        write_read_ops(message->ops, message->n_ops, write->ops);

    for (size_t i = 0; i < message->n_conditions && !wrong; i++)
        wrong = read_condition(message->conditions[i], &request->conditions[i]);
    write->conditions = request->conditions;
    write->condition_count = message->n_conditions;
    write->id = keys_of(message->request_id);
    if (!wrong && write->id.size > KEYS_MAX_ID)
        wrong = "a request id has at most 64 bytes";
    return wrong;
}

/* What a condition finds out has been read. */
static bool is_permitted(const struct write_request *request)
{
    const struct write *write = &request->write;

    for (size_t i = 0; i < write->condition_count; i++)
        if (!permit_key(request->call, RIGHT_READ, write->conditions[i].key))
            return false;
    return permit_ops(request->call, write->ops, write->count);
}

/* --- Methods ---------------------------------------------------------------*/

static void submit(struct call *call, struct write_request *request)
{
    struct store *store = call_service(call);

    if (!request)
        return; /* The call has been answered. */
    if (!is_permitted(request)) {
        request_free(request);
        return;
    }
    request->write.scope = rights_scope(caller_rights(call));
    *call_state(call) = request;
    if (pool_submit(store->committer, &request->write.job) == BYRON_OK)
        return;
    *call_state(call) = NULL;
    refuse(request, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
}

static void put(struct call *call, struct byron_bytes bytes)
{
    struct write_request *request =
        request_new(call, &byron__v1__put_request__descriptor, bytes);
    const Byron__V1__PutRequest *message;

    if (!request)
        return;
    message = (Byron__V1__PutRequest *)request->message;
    request = set_one(request, BYRON_OP_PUT, message->key, message->durability);
    if (request)
        request->write.ops[0].value = keys_of(message->value);
    submit(call, request);
}

static void delete_key(struct call *call, struct byron_bytes bytes)
{
    struct write_request *request =
        request_new(call, &byron__v1__delete_request__descriptor, bytes);
    const Byron__V1__DeleteRequest *message;

    if (!request)
        return;
    message = (Byron__V1__DeleteRequest *)request->message;
    submit(call, set_one(request, BYRON_OP_DELETE, message->key,
                         message->durability));
}

static void write_all(struct call *call, struct byron_bytes bytes)
{
    struct write_request *request =
        request_new(call, &byron__v1__write_request__descriptor, bytes);
    const Byron__V1__WriteRequest *message;
    const char *wrong;

    if (!request)
        return;
    message = (Byron__V1__WriteRequest *)request->message;
    if (message->n_ops == 0 || message->n_ops > STORE_MAX_KEYS ||
        message->n_conditions > STORE_MAX_KEYS) {
        refuse(request, GRPC_INVALID_ARGUMENT,
               "1 to 10,000 operations, and conditions, please");
        return;
    }
    request = set_ops(request, message->n_ops, message->durability);
    if (!request)
        return;
    request->conditions =
        calloc(message->n_conditions + 1, sizeof *request->conditions);
    if (!request->conditions) {
        refuse(request, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    request->write.digest = digest_of(bytes);
    wrong = read_write(request, message);
    if (wrong)
        refuse(request, GRPC_INVALID_ARGUMENT, wrong);
    else
        submit(call, request);
}

/* The write goes on, but nobody is there to be told. */
static void closed(struct call *call)
{
    struct write_request *request = *call_state(call);

    if (request)
        request->call = NULL;
}

void write_methods(struct method out[WRITE_METHODS])
{
    static const struct method methods[WRITE_METHODS] = {
        {.path = "/byron.v1.Byron/Put",
         .needs = RIGHT_WRITE,
         .message = put,
         .closed = closed},
        {.path = "/byron.v1.Byron/Delete",
         .needs = RIGHT_WRITE,
         .message = delete_key,
         .closed = closed},
        {.path = "/byron.v1.Byron/Write",
         .needs = RIGHT_WRITE,
         .message = write_all,
         .closed = closed},
    };

    memcpy(out, methods, sizeof methods);
}
