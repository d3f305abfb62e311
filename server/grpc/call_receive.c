/*
 * call_receive: the request's side of a call: headers, messages, end.
 */
#include <stdlib.h>
#include <string.h>

#include "grpc/caller.h"
#include "grpc/frame.h"
#include "grpc/gzip.h"
#include "grpc/wire.h"
#include "grpc/worker.h"

/* Beyond any use; keeps sums of milliseconds in 64 bits. */
#define MAX_TIMEOUT_MS ((uint64_t)1000 * 60 * 60 * 24 * 365)

/* --- Headers ---------------------------------------------------------------*/

static void *begin(void *owner, struct stream *stream)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call)
        return NULL;
    call->worker = owner;
    call->stream = stream;
    call->begun_us = tally_now_us();
    call->deadline.run = call_deadline_passed;
    call->stall.run = call_stalled;
    call->drained.run = call_drained;
    return call;
}

static void header(void *context, struct byron_bytes name,
                   struct byron_bytes value)
{
    struct call *call = context;

    if (!call->is_finished &&
        metadata_add(&call->request, name, value) != BYRON_OK)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

static int compare_path(const void *key, const void *element)
{
    const struct byron_bytes *path = key;
    const struct method *const *method = element;
    size_t size = strlen((*method)->path);
    int order = memcmp(path->data, (*method)->path,
                       path->size < size ? path->size : size);

    return order ? order : (path->size > size) - (path->size < size);
}

/* The call's method, if it is one, and where it is counted. */
static void find_method(struct call *call, struct byron_bytes path)
{
    const struct worker *worker = call->worker;
    const struct method *const *found =
        bsearch(&path, worker->methods, worker->method_count,
                sizeof *worker->methods, compare_path);

    if (!found)
        return;
    call->method = *found;
    call->tally = &worker->tallies[found - worker->methods];
}

static bool header_is(const struct call *call, const char *name,
                      const char *value)
{
    struct byron_bytes found;

    return call_metadata(call, name, &found) && bytes_equal(found, value);
}

/* False: the call has been answered. */
static bool read_encodings(struct call *call)
{
    struct byron_bytes value;

    call->is_gzip = header_is(call, "grpc-encoding", "gzip");
    if (call_metadata(call, "grpc-encoding", &value) && !call->is_gzip &&
        !bytes_equal(value, "identity")) {
        call_finish(call, GRPC_UNIMPLEMENTED, "grpc-encoding is not known");
        return false;
    }
    call->accepts_gzip = call_metadata(call, "grpc-accept-encoding", &value) &&
                         wire_list_has(value, "gzip");
    return true;
}

/* False: the call has been answered. */
static bool set_deadline(struct call *call)
{
    const struct method *method = call->method;
    uint64_t ms = UINT64_MAX;
    struct byron_bytes value;

    if (!method->has_many_requests && !method->has_many_responses)
        ms = call->worker->settings->unary_ms;
    if (call_metadata(call, "grpc-timeout", &value) &&
        wire_parse_timeout(value, &ms) != BYRON_OK) {
        call_finish(call, GRPC_INVALID_ARGUMENT, "grpc-timeout is malformed");
        return false;
    }
    if (ms < MAX_TIMEOUT_MS &&
        loop_set_timer(call->worker->loop, &call->deadline, ms) != BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return false;
    }
    return true;
}

/* False: the call has been answered. */
static bool check_right(struct call *call)
{
    static const char *const words[] = {"", "the right to read is missing",
                                        "the right to write is missing",
                                        "the right to administer is missing"};
    enum right needs = call->method->needs;

    if (!caller_find_rights(call)) {
        call_finish(call, GRPC_UNAUTHENTICATED, "a token is needed");
        return false;
    }
    if (rights_somewhere(call->rights, RIGHTS_KEYS) >= needs ||
        rights_somewhere(call->rights, RIGHTS_TABLES) >= needs)
        return true;
    call_finish(call, GRPC_PERMISSION_DENIED, words[needs]);
    return false;
}

static void headers_end(void *context, bool is_too_large)
{
    struct call *call = context;
    struct byron_bytes value;

    if (call->is_finished)
        return;
    if (is_too_large) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too much metadata");
        return;
    }
    if (!header_is(call, ":method", "POST")) {
        call_refuse(call, "405");
        return;
    }
    if (!call_metadata(call, "content-type", &value) || !wire_is_grpc(value)) {
        call_refuse(call, "415");
        return;
    }
    if (call_metadata(call, ":path", &value))
        find_method(call, value);
    if (!call->method) {
        call_finish(call, GRPC_UNIMPLEMENTED, "the method is not known");
        return;
    }
    tally_begin(call->tally);
    if (!check_right(call) || !read_encodings(call) || !set_deadline(call))
        return;
    call->is_begun = true;
    if (call->method->begin)
        call->method->begin(call);
}

/* --- Messages --------------------------------------------------------------*/

/* The message as the client meant it; false: the call has been answered. */
static bool open_frame(struct call *call, const struct frame *frame,
                       struct byron_bytes *out)
{
    byron_status status;

    call->is_compressed = frame->is_compressed;
    *out = frame->message;
    if (!frame->is_compressed)
        return true;
    if (!call->is_gzip) {
        call_finish(call, GRPC_INTERNAL,
                    "a compressed message without a grpc-encoding");
        return false;
    }
    call->plain.size = 0;
    status = gzip_expand(frame->message, call->worker->settings->max_message,
                         &call->plain);
    *out = bytes_lend(&call->plain);
    if (status == BYRON_CORRUPT)
        call_finish(call, GRPC_INTERNAL, "a message does not decompress");
    else if (status == BYRON_TOO_BIG)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "a message is too large");
    else if (status != BYRON_OK)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    else
        call_count_memory(call);
    return !call->is_finished;
}

/* The next message of input; false: there is none now, or the call is over. */
static bool next_frame(struct call *call, struct byron_bytes *input,
                       struct frame *out)
{
    switch (frame_read(input, call->worker->settings->max_message, out)) {
    case FRAME_FOUND_ONE:
        return true;
    case FRAME_FOUND_NONE:
        return false;
    case FRAME_FOUND_TOO_BIG:
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "a message is too large");
        return false;
    case FRAME_FOUND_BAD:
    default:
        call_finish(call, GRPC_INTERNAL, "a message's flag is malformed");
        return false;
    }
}

static bool is_held(const struct call *call)
{
    return call->is_on_hold || call_is_full(call);
}

static void deliver_stream(struct call *call)
{
    struct byron_bytes input = bytes_lend(&call->input);
    struct byron_bytes message;
    struct frame frame;

    /* The input stays where it is meanwhile: nobody else adds to it, and it is
       only call_finish that frees it, after which it is not looked at. */
    while (!is_held(call) && next_frame(call, &input, &frame)) {
        if (open_frame(call, &frame, &message))
            call->method->message(call, message);
    }
    if (!call->is_finished)
        bytes_drop(&call->input, call->input.size - input.size);
}

/* A method of one request gets it when it knows that it is the only one. */
static void deliver_single(struct call *call)
{
    struct byron_bytes input = bytes_lend(&call->input);
    struct byron_bytes message;
    struct frame frame;
    bool has_one = next_frame(call, &input, &frame);

    if (call->is_finished)
        return;
    if (has_one && input.size > 0) {
        call_finish(call, GRPC_UNIMPLEMENTED, "more than one request");
    } else if (call->has_ended && !has_one && input.size == 0) {
        call_finish(call, GRPC_UNIMPLEMENTED, "no request");
    } else if (call->has_ended && has_one && !call->is_told) {
        call->is_told = true;
        if (!open_frame(call, &frame, &message))
            return;
        call->method->message(call, message);
        bytes_deinit(&call->plain);
        if (!call->is_finished)
            bytes_drop(&call->input, call->input.size);
        if (!call->is_finished && call->method->half_close)
            call->method->half_close(call);
    }
}

static void deliver_end(struct call *call)
{
    if (!call->has_ended || is_held(call))
        return;
    if (call->input.size > 0) {
        call_finish(call, GRPC_INTERNAL, "a message is cut short");
    } else if (!call->is_told) {
        call->is_told = true;
        if (call->method->half_close)
            call->method->half_close(call);
    }
}

void call_deliver(struct call *call)
{
    if (call->is_delivering || call->is_finished || !call->is_begun)
        return;
    call->is_delivering = true;
    if (call->method->has_many_requests)
        deliver_stream(call);
    else if (!call->is_told)
        deliver_single(call);
    call->is_delivering = false;
    deliver_end(call);
    if (call->is_finished) {
        bytes_deinit(&call->input);
        bytes_deinit(&call->plain);
    }
    if (!is_held(call) || call->is_finished) {
        stream_consume(call->stream, call->unconsumed);
        call->unconsumed = 0;
    }
    call_count_memory(call);
}

static void data(void *context, struct byron_bytes bytes)
{
    struct call *call = context;

    call->unconsumed += bytes.size;
    call->bytes_in += bytes.size;
    if (call->is_finished || !call->is_begun) {
        stream_consume(call->stream, call->unconsumed);
        call->unconsumed = 0;
        return;
    }
    if (bytes_add(&call->input, bytes.data, bytes.size) != BYRON_OK)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    call_deliver(call);
}

static void end(void *context)
{
    struct call *call = context;

    call->has_ended = true;
    call_deliver(call);
}

static size_t pull(void *context, uint8_t *to, size_t room, bool *is_end)
{
    return call_pull(context, to, room, is_end);
}

/* One that was not finished was taken back, or lost with its connection. */
static void count_end(const struct call *call)
{
    const struct worker *worker = call->worker;
    struct tally *tally = call->tally;
    struct tally_call record = {
        .method = call->method ? call->method->path : "",
        .code = call->is_finished ? call->code : GRPC_CANCELLED,
        .us = tally_now_us() - call->begun_us,
        .bytes_in = call->bytes_in,
        .bytes_out = call->bytes_out};

    if (!tally) {
        tally = &worker->tallies[worker->method_count];
        tally_begin(tally);
    }
    tally_end(tally, &record);
    if (worker->settings->ended)
        worker->settings->ended(worker->settings->context, &record,
                                call->stream);
}

static void closed(void *context)
{
    struct call *call = context;

    count_end(call);
    call->is_finished = true;
    if (call->is_begun && call->method->closed)
        call->method->closed(call);
    call->is_gone = true;
    loop_clear_timer(call->worker->loop, &call->deadline);
    loop_clear_timer(call->worker->loop, &call->stall);
    /* What is deferred frees it in its turn. */
    if (!call->drained.is_queued)
        call_free(call);
}

const struct http_events call_events = {
    .begin = begin,
    .header = header,
    .headers_end = headers_end,
    .data = data,
    .end = end,
    .pull = pull,
    .closed = closed,
};
