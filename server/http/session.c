#include "http/session.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS    64   /* That we send. */
#define MAX_ACKS      1000 /* Answers to pings and settings that wait. */
#define MAX_SETTINGS  32   /* Entries in one SETTINGS. */
#define MAX_DYNAMIC   4096 /* Bytes of header compression table. */
#define MAX_CONTINUED 8    /* CONTINUATION frames of one header. */

static const struct http_events *events_of(const struct connection *connection)
{
    return connection->owner->events;
}

static void offence(struct connection *connection, enum guard_cost cost)
{
    if (!guard_draw(&connection->guard, loop_now_ms(connection->loop), cost))
        connection->is_abusive = true;
}

/* --- Streams ---------------------------------------------------------------*/

static struct stream *stream_new(struct connection *connection, int32_t id)
{
    struct stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return NULL;
    stream->connection = connection;
    stream->id = id;
    stream->next = connection->streams;
    if (stream->next)
        stream->next->previous = stream;
    connection->streams = stream;
    return stream;
}

static void stream_free(struct stream *stream)
{
    struct connection *connection = stream->connection;

    if (stream->context)
        events_of(connection)->closed(stream->context);
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    if (!connection->streams)
        connection->idle_ms = loop_now_ms(connection->loop);
    free(stream);
}

static int begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
                         void *context)
{
    struct connection *connection = context;
    struct stream *stream;

    if (frame->hd.type != NGHTTP2_HEADERS ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    stream = stream_new(connection, frame->hd.stream_id);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, stream->id, stream);
    stream->context =
        events_of(connection)->begin(connection->owner->context, stream);
    if (!stream->context)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

static int header(nghttp2_session *session, const nghttp2_frame *frame,
                  const uint8_t *name, size_t name_size, const uint8_t *value,
                  size_t value_size, uint8_t flags, void *context)
{
    struct connection *connection = context;
    const struct http_settings *settings = connection->owner->settings;
    struct stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    struct byron_bytes key = {name, name_size};
    struct byron_bytes text = {value, value_size};

    (void)flags;
    if (!stream || !stream->context ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* Trailers of a request say nothing in gRPC. */
    /* Both sizes are bounded by nghttp2: 64 KiB. */
    stream->header_bytes += (uint32_t)(name_size + value_size) + 32;
    stream->header_fields++;
    if (stream->header_bytes > settings->max_header_bytes ||
        stream->header_fields > settings->max_header_fields)
        stream->is_too_large = true;
    if (!stream->is_too_large)
        events_of(connection)->header(stream->context, key, text);
    return 0;
}

static int data_chunk(nghttp2_session *session, uint8_t flags, int32_t id,
                      const uint8_t *data, size_t size, void *context)
{
    struct connection *connection = context;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    struct byron_bytes bytes = {data, size};

    (void)flags;
    if (!stream || !stream->context) {
        nghttp2_session_consume(session, id, size);
        return 0;
    }
    stream->unconsumed += size;
    events_of(connection)->data(stream->context, bytes);
    return 0;
}

/* The parts of a request are there: its headers, its end. */
static void request_part(struct connection *connection,
                         const nghttp2_frame *frame)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(
        connection->session, frame->hd.stream_id);

    if (!stream || !stream->context)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS &&
        frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        events_of(connection)
            ->headers_end(stream->context, stream->is_too_large);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        events_of(connection)->end(stream->context);
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame,
                          void *context)
{
    struct connection *connection = context;
    bool is_ack = frame->hd.flags & NGHTTP2_FLAG_ACK;

    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_DATA:
        if (frame->hd.length == 0 &&
            !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
            offence(connection, GUARD_COST_EMPTY);
        request_part(connection, frame);
        break;
    case NGHTTP2_HEADERS:
        request_part(connection, frame);
        break;
    case NGHTTP2_RST_STREAM:
        offence(connection, GUARD_COST_RESET);
        break;
    case NGHTTP2_SETTINGS:
        connection->has_greeted = true;
        if (!is_ack)
            offence(connection, GUARD_COST_SETTINGS);
        break;
    case NGHTTP2_PING:
        if (is_ack)
            connection->pinged_ms = 0;
        else if (!guard_ping(&connection->guard, loop_now_ms(connection->loop),
                             connection->owner->settings->ping_apart_ms))
            connection->is_abusive = true;
        break;
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_GOAWAY:
        break;
    default:
        offence(connection, GUARD_COST_EMPTY);
    }
    return 0;
}

static int frame_sent(nghttp2_session *session, const nghttp2_frame *frame,
                      void *context)
{
    struct connection *connection = context;
    int32_t id = frame->hd.stream_id;
    uint32_t error;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        guard_sent(&connection->guard);
        /* The answer is complete: what the peer still sends is of no use. */
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
            nghttp2_session_get_stream_remote_close(session, id) == 0)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id,
                                      NGHTTP2_NO_ERROR);
        break;
    case NGHTTP2_RST_STREAM:
        /* A peer can make us reset as well as reset by itself. */
        error = frame->rst_stream.error_code;
        if (error == NGHTTP2_REFUSED_STREAM)
            offence(connection, GUARD_COST_EMPTY);
        else if (error != NGHTTP2_NO_ERROR && error != NGHTTP2_CANCEL)
            offence(connection, GUARD_COST_RESET);
        break;
    default:
        break;
    }
    return 0;
}

static int stream_close(nghttp2_session *session, int32_t id, uint32_t error,
                        void *context)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);

    (void)context;
    (void)error;
    if (!stream)
        return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    if (stream->unconsumed > 0)
        nghttp2_session_consume_connection(session, stream->unconsumed);
    stream_free(stream);
    return 0;
}

/* --- Of the session --------------------------------------------------------*/

static nghttp2_session_callbacks *new_callbacks(void)
{
    nghttp2_session_callbacks *callbacks;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                            begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                              data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                         frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           stream_close);
    return callbacks;
}

static nghttp2_option *new_option(void)
{
    nghttp2_option *option;

    if (nghttp2_option_new(&option) != 0)
        return NULL;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, MAX_ACKS);
    nghttp2_option_set_max_settings(option, MAX_SETTINGS);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, MAX_DYNAMIC);
    nghttp2_option_set_max_continuations(option, MAX_CONTINUED);
    return option;
}

static int greet(struct connection *connection)
{
    const struct http_settings *settings = connection->owner->settings;
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings->max_header_bytes},
    };
    int failed =
        nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, entries,
                                sizeof entries / sizeof *entries);

    return failed ? failed
                  : nghttp2_session_set_local_window_size(
                        connection->session, NGHTTP2_FLAG_NONE, 0,
                        (int32_t)settings->connection_window);
}

byron_status session_new(struct connection *connection)
{
    nghttp2_session_callbacks *callbacks = new_callbacks();
    nghttp2_option *option = new_option();
    byron_status status = BYRON_NO_MEMORY;

    if (callbacks && option &&
        nghttp2_session_server_new2(&connection->session, callbacks, connection,
                                    option) == 0 &&
        greet(connection) == 0)
        status = BYRON_OK;
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return status;
}

void session_free(struct connection *connection)
{
    while (connection->streams)
        stream_free(connection->streams);
    nghttp2_session_del(connection->session);
    connection->session = NULL;
}

/* Too much, or a failure (< 0) of nghttp2's. */
static void give_up(struct connection *connection, ssize_t failure)
{
    if (connection->is_over)
        return;
    if (connection->is_abusive || failure == NGHTTP2_ERR_FLOODED ||
        failure == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
        nghttp2_session_terminate_session(connection->session,
                                          NGHTTP2_ENHANCE_YOUR_CALM);
        connection_abandon(connection, CONNECTION_END_ABUSE);
    } else if (failure == NGHTTP2_ERR_NOMEM) {
        connection_abandon(connection, CONNECTION_END_NO_MEMORY);
    } else {
        connection_abandon(connection, CONNECTION_END_PROTOCOL);
    }
}

void session_receive(struct connection *connection, const uint8_t *data,
                     size_t size)
{
    ssize_t taken = nghttp2_session_mem_recv(connection->session, data, size);

    if (taken < 0 || connection->is_abusive)
        give_up(connection, taken);
}

void session_fill(struct connection *connection, size_t limit)
{
    while (connection->unsent.size - connection->sent < limit) {
        const uint8_t *frame;
        ssize_t size = nghttp2_session_mem_send(connection->session, &frame);
        if (size < 0) {
            give_up(connection, size);
            return;
        }
        if (size == 0)
            return;
        if (bytes_add(&connection->unsent, frame, (size_t)size) != BYRON_OK) {
            connection_abandon(connection, CONNECTION_END_NO_MEMORY);
            return;
        }
    }
}

void session_shut(struct connection *connection, bool is_final)
{
    nghttp2_session *session = connection->session;
    int failed = is_final
                     ? nghttp2_submit_goaway(
                           session, NGHTTP2_FLAG_NONE,
                           nghttp2_session_get_last_proc_stream_id(session),
                           NGHTTP2_NO_ERROR, NULL, 0)
                     : nghttp2_submit_shutdown_notice(session);

    if (failed)
        connection_abandon(connection, CONNECTION_END_NO_MEMORY);
}

void session_ping(struct connection *connection)
{
    if (nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL) != 0)
        connection_abandon(connection, CONNECTION_END_NO_MEMORY);
}

/* --- What the layer above asks for ----------------------------------------*/

static void touch(struct stream *stream)
{
    connection_touch(stream->connection);
}

static size_t copy_fields(const struct http_field *fields, size_t count,
                          nghttp2_nv *out)
{
    /* nghttp2 copies them; it only wants them writable. */
    for (size_t i = 0; i < count; i++) {
        out[i].name = (uint8_t *)(uintptr_t)fields[i].name.data;
        out[i].namelen = fields[i].name.size;
        out[i].value = (uint8_t *)(uintptr_t)fields[i].value.data;
        out[i].valuelen = fields[i].value.size;
        out[i].flags = NGHTTP2_NV_FLAG_NONE;
    }
    return count;
}

static ssize_t pull(nghttp2_session *session, int32_t id, uint8_t *to,
                    size_t room, uint32_t *flags, nghttp2_data_source *source,
                    void *context)
{
    struct connection *connection = context;
    struct stream *stream = source->ptr;
    bool is_end = false;
    size_t size;

    (void)session;
    (void)id;
    size = events_of(connection)->pull(stream->context, to, room, &is_end);
    if (is_end)
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return size == 0 && !is_end ? NGHTTP2_ERR_DEFERRED : (ssize_t)size;
}

byron_status stream_respond(struct stream *stream,
                            const struct http_field *fields, size_t count,
                            bool is_end)
{
    nghttp2_nv headers[MAX_FIELDS];
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = pull};

    if (count > MAX_FIELDS || stream->is_responding)
        return BYRON_MISUSE;
    copy_fields(fields, count, headers);
    stream->is_responding = true;
    touch(stream);
    return nghttp2_submit_response(stream->connection->session, stream->id,
                                   headers, count, is_end ? NULL : &body) == 0
               ? BYRON_OK
               : BYRON_NO_MEMORY;
}

byron_status stream_trailers(struct stream *stream,
                             const struct http_field *fields, size_t count)
{
    nghttp2_nv trailers[MAX_FIELDS];

    if (count > MAX_FIELDS)
        return BYRON_MISUSE;
    copy_fields(fields, count, trailers);
    return nghttp2_submit_trailer(stream->connection->session, stream->id,
                                  trailers, count) == 0
               ? BYRON_OK
               : BYRON_NO_MEMORY;
}

void stream_resume(struct stream *stream)
{
    /* That it was not waiting is no failure. */
    nghttp2_session_resume_data(stream->connection->session, stream->id);
    touch(stream);
}

void stream_consume(struct stream *stream, size_t size)
{
    if (size > stream->unconsumed)
        size = stream->unconsumed;
    if (size == 0)
        return;
    stream->unconsumed -= size;
    if (nghttp2_session_consume(stream->connection->session, stream->id,
                                size) != 0)
        connection_abandon(stream->connection, CONNECTION_END_NO_MEMORY);
    touch(stream);
}

void stream_reset(struct stream *stream, enum http_error error)
{
    if (nghttp2_submit_rst_stream(stream->connection->session,
                                  NGHTTP2_FLAG_NONE, stream->id,
                                  (uint32_t)error) != 0)
        connection_abandon(stream->connection, CONNECTION_END_NO_MEMORY);
    touch(stream);
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->connection->loop;
}

void stream_peer(const struct stream *stream, struct address *out)
{
    out->size = sizeof out->as;
    if (getpeername(stream->connection->watch.fd, &out->as.any, &out->size) !=
        0)
        out->size = 0;
}

enum stream_proof stream_proof(const struct stream *stream)
{
    const struct tls_channel *channel = stream->connection->channel;

    if (!channel)
        return STREAM_IS_LOCAL;
    return tls_channel_is_known(channel) ? STREAM_IS_CERTIFIED
                                         : STREAM_IS_STRANGE;
}

bool stream_has_name(const struct stream *stream, struct byron_bytes name)
{
    const struct tls_channel *channel = stream->connection->channel;

    return channel && tls_channel_has_name(channel, name);
}
