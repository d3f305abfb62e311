#include "http/requester.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/bytes.h"

#define MAX_FIELDS 32
#define WINDOW     ((int32_t)1024 * 1024) /* Of a stream, and of all. */
#define PIECE      ((size_t)64 * 1024)

struct requester {
    int fd;
    struct tls_channel *channel;
    enum tls_state shaking;
    nghttp2_session *session;
    const struct response_events *events;
    void *context;
    struct bytes unsent; /* Frames, */
    struct bytes body;   /* and what is to be framed. */
    int32_t id;          /* Of the request; 0 = none. */
    enum request_end end;
    uint32_t error;
    bool is_body_whole;
    bool is_lost;
    const char *why;
};

static void lose(struct requester *requester, const char *why)
{
    if (!requester->is_lost)
        requester->why = why;
    requester->is_lost = true;
    if (requester->end == REQUEST_OPEN)
        requester->end = REQUEST_LOST;
}

/* --- What comes in ---------------------------------------------------------*/

static int header(nghttp2_session *session, const nghttp2_frame *frame,
                  const uint8_t *name, size_t name_size, const uint8_t *value,
                  size_t value_size, uint8_t flags, void *context)
{
    struct requester *requester = context;
    struct byron_bytes key = {name, name_size};
    struct byron_bytes text = {value, value_size};

    (void)session;
    (void)flags;
    if (frame->hd.stream_id == requester->id)
        requester->events->header(requester->context, key, text);
    return 0;
}

static int data_chunk(nghttp2_session *session, uint8_t flags, int32_t id,
                      const uint8_t *data, size_t size, void *context)
{
    struct requester *requester = context;
    struct byron_bytes bytes = {data, size};

    (void)session;
    (void)flags;
    if (id == requester->id)
        requester->events->data(requester->context, bytes);
    return 0;
}

static int stream_close(nghttp2_session *session, int32_t id, uint32_t error,
                        void *context)
{
    struct requester *requester = context;

    (void)session;
    if (id != requester->id)
        return 0;
    requester->end = error == NGHTTP2_NO_ERROR ? REQUEST_WHOLE : REQUEST_RESET;
    requester->error = error;
    requester->id = 0;
    return 0;
}

/* --- What goes out ---------------------------------------------------------*/

static ssize_t pull(nghttp2_session *session, int32_t id, uint8_t *to,
                    size_t room, uint32_t *flags, nghttp2_data_source *source,
                    void *context)
{
    struct requester *requester = context;
    size_t size = requester->body.size;

    (void)session;
    (void)source;
    if (id != requester->id)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (size > room)
        size = room;
    if (size == 0 && !requester->is_body_whole)
        return NGHTTP2_ERR_DEFERRED;
    if (size > 0)
        memcpy(to, requester->body.data, size);
    bytes_drop(&requester->body, size);
    if (requester->body.size == 0 && requester->is_body_whole)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static void fill(struct requester *requester)
{
    while (requester->unsent.size < PIECE && !requester->is_lost) {
        const uint8_t *frame;
        ssize_t size = nghttp2_session_mem_send(requester->session, &frame);
        if (size < 0)
            lose(requester, nghttp2_strerror((int)size));
        if (size <= 0)
            return;
        if (bytes_add(&requester->unsent, frame, (size_t)size) != BYRON_OK)
            lose(requester, "out of memory");
    }
}

static const char *why_of(const struct requester *requester)
{
    return requester->channel ? tls_channel_why(requester->channel)
                              : strerror(errno);
}

static void send_some(struct requester *requester)
{
    for (;;) {
        ssize_t sent;
        fill(requester);
        if (requester->unsent.size == 0 || requester->is_lost)
            return;
        sent = requester->channel ? tls_channel_send(requester->channel,
                                                     requester->unsent.data,
                                                     requester->unsent.size)
                                  : send(requester->fd, requester->unsent.data,
                                         requester->unsent.size, MSG_NOSIGNAL);
        if (sent > 0)
            bytes_drop(&requester->unsent, (size_t)sent);
        else if (errno == EAGAIN || errno == EINTR)
            return;
        else
            lose(requester, why_of(requester));
    }
}

/* False: nothing is there. */
static bool receive_some(struct requester *requester)
{
    uint8_t piece[PIECE];
    ssize_t got =
        requester->channel
            ? tls_channel_receive(requester->channel, piece, sizeof piece)
            : recv(requester->fd, piece, sizeof piece, 0);
    ssize_t taken;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0) {
        lose(requester,
             got == 0 ? "the server closed the connection" : why_of(requester));
        return false;
    }
    taken = nghttp2_session_mem_recv(requester->session, piece, (size_t)got);
    if (taken < 0)
        lose(requester, "the server does not speak HTTP/2");
    return true;
}

/* False: not yet. */
static bool shake(struct requester *requester)
{
    if (requester->shaking != TLS_READY)
        requester->shaking = tls_channel_shake(requester->channel);
    if (requester->shaking == TLS_FAILED)
        lose(requester, tls_channel_why(requester->channel));
    return requester->shaking == TLS_READY;
}

static void await(const struct requester *requester, unsigned ms)
{
    struct pollfd poll_fd = {.fd = requester->fd, .events = POLLIN};

    if (requester->shaking == TLS_WANTS_WRITE ||
        (requester->shaking == TLS_READY && requester->unsent.size > 0))
        poll_fd.events |= POLLOUT;
    poll(&poll_fd, 1, (int)ms);
}

void requester_round(struct requester *requester, unsigned ms)
{
    if (requester->is_lost)
        return;
    if (shake(requester)) {
        send_some(requester);
        if (!nghttp2_session_want_read(requester->session) &&
            !nghttp2_session_want_write(requester->session))
            lose(requester, "it has ended, or broken the rules of HTTP/2");
        /* TLS may hold what poll does not see. */
        if (requester->is_lost || receive_some(requester))
            return;
    }
    if (!requester->is_lost)
        await(requester, ms);
}

/* --- Requests --------------------------------------------------------------*/

static byron_status session_open(struct requester *requester)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)WINDOW},
    };
    nghttp2_session_callbacks *callbacks;
    int failed;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return BYRON_NO_MEMORY;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                              data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           stream_close);
    failed =
        nghttp2_session_client_new(&requester->session, callbacks, requester);
    nghttp2_session_callbacks_del(callbacks);
    if (!failed)
        failed = nghttp2_submit_settings(requester->session, NGHTTP2_FLAG_NONE,
                                         settings,
                                         sizeof settings / sizeof *settings);
    if (!failed)
        failed = nghttp2_session_set_local_window_size(
            requester->session, NGHTTP2_FLAG_NONE, 0, WINDOW);
    return failed ? BYRON_NO_MEMORY : BYRON_OK;
}

byron_status requester_new(int fd, struct tls_channel *channel,
                           const struct response_events *events, void *context,
                           struct requester **out)
{
    struct requester *requester = calloc(1, sizeof *requester);
    byron_status status;

    if (!requester) {
        tls_channel_free(channel);
        close(fd);
        return BYRON_NO_MEMORY;
    }
    requester->fd = fd;
    requester->channel = channel;
    requester->shaking = channel ? TLS_WANTS_WRITE : TLS_READY;
    requester->events = events;
    requester->context = context;
    requester->why = "";
    status = session_open(requester);
    if (status == BYRON_OK)
        *out = requester;
    else
        requester_free(requester);
    return status;
}

void requester_free(struct requester *requester)
{
    if (!requester)
        return;
    nghttp2_session_del(requester->session);
    tls_channel_free(requester->channel);
    close(requester->fd);
    bytes_deinit(&requester->unsent);
    bytes_deinit(&requester->body);
    free(requester);
}

byron_status requester_begin(struct requester *requester,
                             const struct http_field *fields, size_t count)
{
    nghttp2_nv headers[MAX_FIELDS];
    nghttp2_data_provider body = {.read_callback = pull};
    int32_t id;

    if (count > MAX_FIELDS)
        return BYRON_MISUSE;
    if (requester->is_lost)
        return BYRON_IO;
    /* nghttp2 copies them; it only wants them writable. */
    for (size_t i = 0; i < count; i++) {
        headers[i].name = (uint8_t *)(uintptr_t)fields[i].name.data;
        headers[i].namelen = fields[i].name.size;
        headers[i].value = (uint8_t *)(uintptr_t)fields[i].value.data;
        headers[i].valuelen = fields[i].value.size;
        headers[i].flags = NGHTTP2_NV_FLAG_NONE;
    }
    bytes_drop(&requester->body, requester->body.size);
    requester->is_body_whole = false;
    id = nghttp2_submit_request(requester->session, NULL, headers, count, &body,
                                NULL);
    if (id < 0)
        return id == NGHTTP2_ERR_NOMEM ? BYRON_NO_MEMORY : BYRON_IO;
    requester->id = id;
    requester->end = REQUEST_OPEN;
    return BYRON_OK;
}

byron_status requester_add(struct requester *requester,
                           struct byron_bytes bytes, bool is_last)
{
    byron_status status = bytes_add(&requester->body, bytes.data, bytes.size);

    if (status != BYRON_OK)
        return status;
    requester->is_body_whole = is_last;
    /* Fails where nothing was deferred: it is pulled anyway. */
    if (requester->id != 0)
        nghttp2_session_resume_data(requester->session, requester->id);
    return BYRON_OK;
}

size_t requester_unsent(const struct requester *requester)
{
    return requester->body.size + requester->unsent.size;
}

void requester_cancel(struct requester *requester)
{
    if (requester->id == 0)
        return;
    nghttp2_submit_rst_stream(requester->session, NGHTTP2_FLAG_NONE,
                              requester->id, NGHTTP2_CANCEL);
    if (!requester->is_lost && requester->shaking == TLS_READY)
        send_some(requester);
    requester->id = 0;
}

enum request_end requester_end(const struct requester *requester,
                               uint32_t *out_error)
{
    *out_error = requester->error;
    return requester->end;
}

const char *requester_why(const struct requester *requester)
{
    return requester->why;
}
