#include "server/interop_service.h"

#include <stdlib.h>
#include <string.h>

#include "grpc/testing/test.pb-c.h"
#include "service/reply.h"

#define MAX_RESPONSE (32 * 1024 * 1024)
#define MAX_PENDING  100000

/* One response of a stream, to be sent in its turn. */
struct pending {
    int32_t size;
    int32_t interval_us;
    bool is_compressed;
};

struct exchange {
    struct call *call;
    struct timer pause;
    bool has_paused; /* Before the next response, as long as it asks for. */
    bool has_ended;
    int64_t received; /* Bytes of payloads. */
    struct pending *pending;
    size_t count;
    size_t next;
};

/* Metadata that the client wants to see again. */
static void begin(struct call *call)
{
    static const char header[] = "x-grpc-test-echo-initial";
    static const char trailer[] = "x-grpc-test-echo-trailing-bin";
    struct byron_bytes value;

    if (call_metadata(call, header, &value))
        call_add_header(call, header, value);
    if (call_metadata(call, trailer, &value))
        call_add_trailer(call, trailer, value);
    call_use_gzip(call);
}

static void begin_stream(struct call *call)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    *call_state(call) = exchange;
    begin(call);
    if (exchange)
        exchange->call = call;
    else
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

static void closed(struct call *call)
{
    struct exchange *exchange = *call_state(call);

    if (exchange) {
        loop_clear_timer(call_loop(call), &exchange->pause);
        free(exchange->pending);
    }
    free(exchange);
}

static void empty_call(struct call *call, struct byron_bytes bytes)
{
    Grpc__Testing__Empty response = GRPC__TESTING__EMPTY__INIT;
    ProtobufCMessage *request =
        reply_unpack(call, &grpc__testing__empty__descriptor, bytes);

    if (!request)
        return;
    reply_send(call, &response.base, CALL_PLAIN);
    call_finish(call, GRPC_OK, "");
    reply_free(request);
}

/* False: the call is finished. */
static bool fill_payload(struct call *call, int32_t size,
                         Grpc__Testing__Payload *payload)
{
    if (size < 0 || size > MAX_RESPONSE) {
        call_finish(call, GRPC_INVALID_ARGUMENT, "not a size");
        return false;
    }
    payload->body.data = calloc((size_t)size + 1, 1);
    payload->body.len = (size_t)size;
    if (!payload->body.data)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    return payload->body.data;
}

/* Whether the client has compressed as it says that it would. */
static bool is_as_expected(struct call *call,
                           const Grpc__Testing__BoolValue *expected)
{
    if (!expected || expected->value == call_is_compressed(call))
        return true;
    call_finish(call, GRPC_INVALID_ARGUMENT, "compression is not as expected");
    return false;
}

static void answer_unary(struct call *call,
                         const Grpc__Testing__SimpleRequest *request)
{
    Grpc__Testing__SimpleResponse response =
        GRPC__TESTING__SIMPLE_RESPONSE__INIT;
    Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
    bool is_gzip =
        request->response_compressed && request->response_compressed->value;

    if (!is_as_expected(call, request->expect_compressed))
        return;
    if (request->response_status && request->response_status->code != 0) {
        call_finish(call, (enum grpc_code)request->response_status->code,
                    request->response_status->message);
        return;
    }
    if (!fill_payload(call, request->response_size, &payload))
        return;
    response.payload = &payload;
    reply_send(call, &response.base, is_gzip ? CALL_GZIP : CALL_PLAIN);
    call_finish(call, GRPC_OK, "");
    free(payload.body.data);
}

static void unary_call(struct call *call, struct byron_bytes bytes)
{
    ProtobufCMessage *request =
        reply_unpack(call, &grpc__testing__simple_request__descriptor, bytes);

    if (request)
        answer_unary(call, (Grpc__Testing__SimpleRequest *)request);
    reply_free(request);
}

static void send_one(struct call *call, const struct pending *pending)
{
    Grpc__Testing__StreamingOutputCallResponse response =
        GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
    Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;

    if (!fill_payload(call, pending->size, &payload))
        return;
    response.payload = &payload;
    reply_send(call, &response.base,
               pending->is_compressed ? CALL_GZIP : CALL_PLAIN);
    free(payload.body.data);
}

/* Sends what waits, as fast as intervals and the client let it. */
static void pump(struct call *call)
{
    struct exchange *exchange = *call_state(call);

    while (exchange->next < exchange->count && !call_is_full(call)) {
        const struct pending *pending = &exchange->pending[exchange->next];
        if (pending->interval_us > 0 && !exchange->has_paused) {
            if (exchange->pause.place == 0 &&
                loop_set_timer(call_loop(call), &exchange->pause,
                               (uint64_t)pending->interval_us / 1000) !=
                    BYRON_OK)
                call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
            return;
        }
        exchange->has_paused = false;
        exchange->next++;
        send_one(call, pending);
    }
    if (exchange->has_ended && exchange->next == exchange->count)
        call_finish(call, GRPC_OK, "");
}

static void pause_over(struct timer *timer)
{
    struct exchange *exchange =
        (struct exchange *)((char *)timer - offsetof(struct exchange, pause));

    exchange->has_paused = true;
    pump(exchange->call);
}

static bool
add_pending(struct exchange *exchange,
            const Grpc__Testing__StreamingOutputCallRequest *request)
{
    size_t more = request->n_response_parameters;
    struct pending *pending;

    if (exchange->count + more > MAX_PENDING)
        return false;
    pending = realloc(exchange->pending,
                      (exchange->count + more + 1) * sizeof *pending);
    if (!pending)
        return false;
    exchange->pending = pending;
    for (size_t i = 0; i < more; i++) {
        const Grpc__Testing__ResponseParameters *parameters =
            request->response_parameters[i];
        struct pending *one = &pending[exchange->count++];
        one->size = parameters->size;
        one->interval_us = parameters->interval_us;
        one->is_compressed =
            parameters->compressed && parameters->compressed->value;
    }
    return true;
}

static void output_call(struct call *call, struct byron_bytes bytes)
{
    struct exchange *exchange = *call_state(call);
    ProtobufCMessage *message = reply_unpack(
        call, &grpc__testing__streaming_output_call_request__descriptor, bytes);
    const Grpc__Testing__StreamingOutputCallRequest *request =
        (Grpc__Testing__StreamingOutputCallRequest *)message;

    if (!message)
        return;
    exchange->pause.run = pause_over;
    if (request->response_status && request->response_status->code != 0)
        call_finish(call, (enum grpc_code)request->response_status->code,
                    request->response_status->message);
    else if (!add_pending(exchange, request))
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many responses wait");
    else
        pump(call);
    reply_free(message);
}

static void output_end(struct call *call)
{
    struct exchange *exchange = *call_state(call);

    exchange->has_ended = true;
    pump(call);
}

static void input_call(struct call *call, struct byron_bytes bytes)
{
    struct exchange *exchange = *call_state(call);
    ProtobufCMessage *message = reply_unpack(
        call, &grpc__testing__streaming_input_call_request__descriptor, bytes);
    const Grpc__Testing__StreamingInputCallRequest *request =
        (Grpc__Testing__StreamingInputCallRequest *)message;

    if (!message)
        return;
    if (is_as_expected(call, request->expect_compressed) && request->payload)
        exchange->received += (int64_t)request->payload->body.len;
    reply_free(message);
}

static void input_end(struct call *call)
{
    struct exchange *exchange = *call_state(call);
    Grpc__Testing__StreamingInputCallResponse response =
        GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;

    response.aggregated_payload_size = (int32_t)exchange->received;
    reply_send(call, &response.base, CALL_PLAIN);
    call_finish(call, GRPC_OK, "");
}

void interop_methods(struct method out[INTEROP_METHODS])
{
    static const struct method methods[INTEROP_METHODS] = {
        {.path = "/grpc.testing.TestService/EmptyCall",
         .begin = begin,
         .message = empty_call},
        {.path = "/grpc.testing.TestService/UnaryCall",
         .begin = begin,
         .message = unary_call},
        {.path = "/grpc.testing.TestService/StreamingOutputCall",
         .has_many_responses = true,
         .begin = begin_stream,
         .message = output_call,
         .half_close = output_end,
         .drained = pump,
         .closed = closed},
        {.path = "/grpc.testing.TestService/StreamingInputCall",
         .has_many_requests = true,
         .begin = begin_stream,
         .message = input_call,
         .half_close = input_end,
         .closed = closed},
        {.path = "/grpc.testing.TestService/FullDuplexCall",
         .has_many_requests = true,
         .has_many_responses = true,
         .begin = begin_stream,
         .message = output_call,
         .half_close = output_end,
         .drained = pump,
         .closed = closed},
    };

    memcpy(out, methods, sizeof methods);
}
