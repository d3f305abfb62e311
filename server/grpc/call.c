#include "grpc/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/frame.h"
#include "grpc/gzip.h"
#include "grpc/wire.h"
#include "grpc/worker.h"

/* Beyond it a call is full; at a quarter it is drained again. */
#define FULL_MARK  ((size_t)64 * 1024)
#define MAX_FIELDS 64

static size_t waiting(const struct call *call)
{
    return call->output.size - call->output_sent;
}

/* --- What is asked ---------------------------------------------------------*/

void *call_service(const struct call *call)
{
    return call->method->service;
}

void **call_state(struct call *call)
{
    return &call->state;
}

struct loop *call_loop(const struct call *call)
{
    return call->worker->loop;
}

bool call_metadata(const struct call *call, const char *name,
                   struct byron_bytes *out)
{
    return metadata_get(&call->request, name, out);
}

bool call_is_compressed(const struct call *call)
{
    return call->is_compressed;
}

bool call_is_full(const struct call *call)
{
    return call->is_finished || waiting(call) > FULL_MARK;
}

/* --- Headers and trailers -------------------------------------------------*/

static size_t add_field(struct http_field *fields, size_t count,
                        const char *name, struct byron_bytes value)
{
    fields[count].name = bytes_of_text(name);
    fields[count].value = value;
    return count + 1;
}

static size_t response_fields(const struct call *call,
                              struct http_field fields[MAX_FIELDS])
{
    size_t count = 0;

    count = add_field(fields, count, ":status", bytes_of_text("200"));
    count = add_field(fields, count, "content-type",
                      bytes_of_text("application/grpc"));
    count = add_field(fields, count, "grpc-accept-encoding",
                      bytes_of_text("identity,gzip"));
    if (call->uses_gzip)
        count =
            add_field(fields, count, "grpc-encoding", bytes_of_text("gzip"));
    return count +
           metadata_list(&call->headers, fields + count, MAX_FIELDS - count);
}

static size_t status_fields(const struct call *call, char code[4],
                            struct http_field *fields, size_t room)
{
    size_t count = 0;

    snprintf(code, 4, "%u", (unsigned)call->code & 255u);
    count = add_field(fields, count, "grpc-status", bytes_of_text(code));
    if (call->words.size > 0)
        count =
            add_field(fields, count, "grpc-message", bytes_lend(&call->words));
    return count + metadata_list(&call->trailers, fields + count, room - count);
}

static void abandon(struct call *call)
{
    call->is_finished = true;
    call->code = GRPC_INTERNAL;
    stream_reset(call->stream, HTTP_INTERNAL_ERROR);
}

static void respond(struct call *call)
{
    struct http_field fields[MAX_FIELDS];
    size_t count;

    if (call->is_responding)
        return;
    call->is_responding = true;
    count = response_fields(call, fields);
    if (stream_respond(call->stream, fields, count, false) != BYRON_OK)
        abandon(call);
}

/* Headers and status in one: nothing was sent and nothing will be. */
static void respond_with_status(struct call *call)
{
    struct http_field fields[2 * MAX_FIELDS];
    char code[4];
    size_t count = response_fields(call, fields);

    call->is_responding = true;
    if (count < MAX_FIELDS - 2)
        count += status_fields(call, code, fields + count, MAX_FIELDS - count);
    if (stream_respond(call->stream, fields, count, true) != BYRON_OK)
        abandon(call);
}

void call_refuse(struct call *call, const char *http_status)
{
    struct http_field field = {bytes_of_text(":status"),
                               bytes_of_text(http_status)};

    call->is_finished = true;
    call->code = GRPC_UNIMPLEMENTED;
    call->is_responding = true;
    if (stream_respond(call->stream, &field, 1, true) != BYRON_OK)
        abandon(call);
}

/* --- Output ----------------------------------------------------------------*/

size_t call_pull(struct call *call, uint8_t *to, size_t room, bool *is_end)
{
    struct http_field fields[MAX_FIELDS];
    char code[4];
    size_t size = waiting(call) < room ? waiting(call) : room;

    if (size > 0)
        memcpy(to, call->output.data + call->output_sent, size);
    call->output_sent += size;
    call->bytes_out += size;
    call->is_moving = call->is_moving || size > 0;
    /* Half at least goes, so that each byte moves once on average. */
    if (call->output_sent >= call->output.size / 2) {
        bytes_drop(&call->output, call->output_sent);
        call->output_sent = 0;
        call_count_memory(call);
    }
    if (waiting(call) <= FULL_MARK / 4 && call->was_full) {
        call->was_full = false;
        call->is_drained = true;
        loop_defer(call->worker->loop, &call->drained);
    }
    if (!call->is_finished || waiting(call) > 0)
        return size;
    *is_end = true;
    if (stream_trailers(call->stream, fields,
                        status_fields(call, code, fields, MAX_FIELDS)) !=
        BYRON_OK)
        abandon(call);
    return size;
}

void call_drained(struct deferred *deferred)
{
    struct call *call =
        (struct call *)((char *)deferred - offsetof(struct call, drained));

    if (call->is_gone) {
        call_free(call);
        return;
    }
    if (call->is_drained && !call->is_finished && call->method->drained)
        call->method->drained(call);
    call->is_drained = false;
    call_deliver(call);
}

/* A peer that grants no window for long does not get to keep our memory. */
static void await_reader(struct call *call)
{
    uint64_t ms = call->worker->settings->http.stall_timeout_ms;

    if (waiting(call) == 0 || call->stall.place)
        return;
    call->is_moving = false;
    if (loop_set_timer(call->worker->loop, &call->stall, ms) != BYRON_OK)
        abandon(call);
}

void call_stalled(struct timer *timer)
{
    struct call *call =
        (struct call *)((char *)timer - offsetof(struct call, stall));

    if (call->is_moving || waiting(call) == 0) {
        await_reader(call);
        return;
    }
    call->is_finished = true;
    call->code = GRPC_CANCELLED;
    stream_reset(call->stream, HTTP_CANCEL);
}

static byron_status add_frame(struct call *call, struct byron_bytes message,
                              bool is_gzip)
{
    struct bytes packed = {0};
    uint8_t head[FRAME_HEAD_SIZE];
    byron_status status = BYRON_OK;

    if (is_gzip) {
        status = gzip_compress(message, &packed);
        message = bytes_lend(&packed);
    }
    frame_write_head(head, is_gzip, (uint32_t)message.size);
    if (status == BYRON_OK)
        status = bytes_reserve(&call->output, sizeof head + message.size);
    if (status == BYRON_OK)
        status = bytes_add(&call->output, head, sizeof head);
    if (status == BYRON_OK)
        status = bytes_add(&call->output, message.data, message.size);
    bytes_deinit(&packed);
    return status;
}

/* Answers that nobody takes count as well as messages that do not end. */
static bool has_room(const struct call *call, size_t size)
{
    const struct worker *worker = call->worker;
    size_t most = worker->settings->max_held;

    return worker->held_bytes <= most && size <= most - worker->held_bytes;
}

void call_send(struct call *call, struct byron_bytes message,
               enum call_encoding encoding)
{
    if (call->is_finished)
        return;
    if (!has_room(call, message.size)) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    "too many messages are in memory");
        return;
    }
    if (message.size > UINT32_MAX / 2 ||
        add_frame(call, message, encoding == CALL_GZIP && call->uses_gzip) !=
            BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    "the answer does not fit into memory");
        return;
    }
    call->was_full = call->was_full || call_is_full(call);
    await_reader(call);
    respond(call);
    if (!call->is_finished)
        stream_resume(call->stream);
    call_count_memory(call);
}

void call_finish(struct call *call, enum grpc_code code, const char *words)
{
    if (call->is_finished)
        return;
    call->is_finished = true;
    call->code = code;
    if (wire_encode_message(words, &call->words) != BYRON_OK)
        bytes_deinit(&call->words); /* The code says enough. */
    /* What is being delivered is read until the method returns. */
    if (!call->is_delivering)
        bytes_deinit(&call->input);
    stream_consume(call->stream, call->unconsumed);
    call->unconsumed = 0;
    await_reader(call);
    if (!call->is_responding && waiting(call) == 0)
        respond_with_status(call);
    else
        stream_resume(call->stream);
    call_count_memory(call);
}

void call_deadline_passed(struct timer *timer)
{
    struct call *call =
        (struct call *)((char *)timer - offsetof(struct call, deadline));

    /* Trailers would stand behind what the peer does not take. */
    if (waiting(call) > 0) {
        call->is_finished = true;
        call->code = GRPC_DEADLINE_EXCEEDED;
        stream_reset(call->stream, HTTP_CANCEL);
    } else {
        call_finish(call, GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
    }
}

void call_hold(struct call *call, bool is_held)
{
    if (call->is_on_hold && !is_held)
        loop_defer(call->worker->loop, &call->drained);
    call->is_on_hold = is_held;
}

void call_use_gzip(struct call *call)
{
    if (call->accepts_gzip && !call->is_responding)
        call->uses_gzip = true;
}

void call_add_header(struct call *call, const char *name,
                     struct byron_bytes value)
{
    if (metadata_add(&call->headers, bytes_of_text(name), value) != BYRON_OK)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

void call_add_trailer(struct call *call, const char *name,
                      struct byron_bytes value)
{
    if (metadata_add(&call->trailers, bytes_of_text(name), value) != BYRON_OK)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
}

/* --- Memory ----------------------------------------------------------------*/

void call_count_memory(struct call *call)
{
    struct worker *worker = call->worker;
    size_t held =
        call->input.capacity + call->plain.capacity + call->output.capacity;

    worker->held_bytes += held - call->held_bytes;
    call->held_bytes = held;
    if (worker->held_bytes > worker->settings->max_held && !call->is_finished)
        call_finish(call, GRPC_RESOURCE_EXHAUSTED,
                    "too many messages are in memory");
}

void call_free(struct call *call)
{
    call->worker->held_bytes -= call->held_bytes;
    loop_clear_timer(call->worker->loop, &call->deadline);
    loop_clear_timer(call->worker->loop, &call->stall);
    rights_unref(call->rights);
    metadata_deinit(&call->request);
    metadata_deinit(&call->headers);
    metadata_deinit(&call->trailers);
    bytes_deinit(&call->input);
    bytes_deinit(&call->plain);
    bytes_deinit(&call->output);
    bytes_deinit(&call->words);
    free(call);
}
