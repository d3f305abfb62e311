#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/session.h"

/* What waits for the socket; beyond it, frames wait in the session, */
#define UNSENT_TARGET ((size_t)64 * 1024)
/* and what the peer sends waits in the system. */
#define UNSENT_LIMIT ((size_t)256 * 1024)
#define NEVER        UINT64_MAX
#define NOTICE_MS    200 /* For requests that are under way at GOAWAY. */

static struct connection *of_flush(struct deferred *flush)
{
    return (struct connection *)((char *)flush -
                                 offsetof(struct connection, flush));
}

static struct connection *of_check(struct timer *check)
{
    return (struct connection *)((char *)check -
                                 offsetof(struct connection, check));
}

const char *connection_end_words(enum connection_end end)
{
    static const char *const words[CONNECTION_END_COUNT] = {
        "peer", "drained", "idle", "timeout", "protocol", "abuse", "memory"};
    return words[end];
}

/* --- The end ---------------------------------------------------------------*/

void connection_abandon(struct connection *connection, enum connection_end end)
{
    if (connection->is_over)
        return;
    connection_touch(connection);
    connection->is_over = true;
    connection->end = end;
}

/* One that is over has its last flush before it, and queues no other. */
void connection_touch(struct connection *connection)
{
    if (!connection->is_over)
        loop_defer(connection->loop, &connection->flush);
}

static void connection_free(struct connection *connection)
{
    const struct connection_owner *owner = connection->owner;

    session_free(connection);
    loop_clear_timer(connection->loop, &connection->check);
    /* Closing the descriptor takes it out of the epoll set in any case. */
    (void)!loop_watch(connection->loop, &connection->watch, 0);
    tls_channel_free(connection->channel);
    close(connection->watch.fd);
    bytes_deinit(&connection->unsent);
    owner->gone(owner->context, connection, connection->end);
    free(connection);
}

/* --- Out -------------------------------------------------------------------*/

static ssize_t send_bytes(struct connection *connection, const uint8_t *data,
                          size_t size)
{
    return connection->channel
               ? tls_channel_send(connection->channel, data, size)
               : send(connection->watch.fd, data, size, MSG_NOSIGNAL);
}

static void send_some(struct connection *connection)
{
    struct bytes *unsent = &connection->unsent;

    while (connection->sent < unsent->size) {
        ssize_t size = send_bytes(connection, unsent->data + connection->sent,
                                  unsent->size - connection->sent);
        if (size > 0) {
            connection->sent += (size_t)size;
            connection->drained_ms = loop_now_ms(connection->loop);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            connection_abandon(connection, CONNECTION_END_PEER);
            break;
        }
    }
    /* Half is a good moment: bytes are moved once each at most, on average. */
    if (connection->sent == unsent->size ||
        connection->sent >= UNSENT_TARGET / 2) {
        bytes_drop(unsent, connection->sent);
        connection->sent = 0;
    }
}

static void send_all(struct connection *connection)
{
    do {
        session_fill(connection, UNSENT_TARGET);
        send_some(connection);
    } while (!connection->is_over && connection->unsent.size == 0 &&
             nghttp2_session_want_write(connection->session));
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something would be overdue if nothing happened. */
static uint64_t next_check_ms(const struct connection *connection)
{
    const struct http_settings *settings = connection->owner->settings;
    uint64_t at = connection->pinged_ms
                      ? connection->pinged_ms + settings->keepalive_timeout_ms
                      : connection->heard_ms + settings->keepalive_ms;

    if (!connection->has_greeted)
        at = earliest(at,
                      connection->opened_ms + settings->handshake_timeout_ms);
    if (connection->unsent.size > 0)
        at = earliest(at, connection->drained_ms + settings->stall_timeout_ms);
    if (connection->is_draining && !connection->is_shut)
        at = earliest(at, connection->draining_ms + NOTICE_MS);
    else if (!connection->streams && !connection->is_draining)
        at = earliest(at, connection->idle_ms + settings->idle_timeout_ms);
    return at;
}

/* Timers are moved by their own run only: most of what they wait for happens.
 */
static void set_check(struct connection *connection)
{
    uint64_t now = loop_now_ms(connection->loop);
    uint64_t at = next_check_ms(connection);

    if (connection->check.place && connection->check.at_ms <= at)
        return;
    if (loop_set_timer(connection->loop, &connection->check,
                       at > now ? at - now : 0) != BYRON_OK)
        connection_abandon(connection, CONNECTION_END_NO_MEMORY);
}

/* What is waited for now. */
static uint32_t wanted_events(const struct connection *connection)
{
    uint32_t events = 0;

    if (connection->shaking != TLS_READY)
        return connection->shaking == TLS_WANTS_WRITE ? EPOLLOUT : EPOLLIN;
    if (connection->unsent.size > 0)
        events |= EPOLLOUT;
    if (connection->unsent.size < UNSENT_LIMIT)
        events |= EPOLLIN;
    return events;
}

static void flush(struct deferred *deferred)
{
    struct connection *connection = of_flush(deferred);

    if (connection->unsent.size == 0)
        connection->drained_ms = loop_now_ms(connection->loop);
    if (connection->shaking == TLS_READY)
        send_all(connection);
    if (!connection->is_over &&
        !nghttp2_session_want_read(connection->session) &&
        !nghttp2_session_want_write(connection->session) &&
        connection->unsent.size == 0)
        connection_abandon(connection, connection->is_draining
                                           ? CONNECTION_END_DRAINED
                                           : CONNECTION_END_PEER);
    if (!connection->is_over) {
        if (loop_watch(connection->loop, &connection->watch,
                       wanted_events(connection)) != BYRON_OK)
            connection_abandon(connection, CONNECTION_END_NO_MEMORY);
        else
            set_check(connection);
    }
    /* If it was abandoned out of here, it is queued again, for the last time.
     */
    if (connection->is_over && !deferred->is_queued)
        connection_free(connection);
}

/* --- In --------------------------------------------------------------------*/

static void receive(struct connection *connection)
{
    uint8_t *scratch = loop_scratch(connection->loop);
    ssize_t size =
        connection->channel
            ? tls_channel_receive(connection->channel, scratch,
                                  LOOP_SCRATCH_SIZE)
            : recv(connection->watch.fd, scratch, LOOP_SCRATCH_SIZE, 0);

    if (size > 0) {
        connection->heard_ms = loop_now_ms(connection->loop);
        session_receive(connection, scratch, (size_t)size);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        connection_abandon(connection, CONNECTION_END_PEER);
    }
}

/* The first thing that a peer and we do where there is TLS. */
static void shake(struct connection *connection)
{
    connection->shaking = tls_channel_shake(connection->channel);
    if (connection->shaking == TLS_FAILED)
        connection_abandon(connection, CONNECTION_END_PROTOCOL);
}

static void ready(struct watch *watch, uint32_t events)
{
    /* The watch is the connection's first field. */
    struct connection *connection = (struct connection *)watch;

    if (connection->is_over)
        return;
    if (connection->shaking != TLS_READY && events & (EPOLLIN | EPOLLOUT))
        shake(connection);
    else if (events & EPOLLIN)
        receive(connection);
    else if (events & (EPOLLERR | EPOLLHUP))
        connection_abandon(connection, CONNECTION_END_PEER);
    connection_touch(connection);
}

/* --- Time ------------------------------------------------------------------*/

/* Somebody has been waited for too long. */
static bool is_overdue(const struct connection *connection, uint64_t now)
{
    const struct http_settings *settings = connection->owner->settings;

    if (!connection->has_greeted &&
        now >= connection->opened_ms + settings->handshake_timeout_ms)
        return true;
    if (connection->unsent.size > 0 &&
        now >= connection->drained_ms + settings->stall_timeout_ms)
        return true;
    return connection->pinged_ms &&
           now >= connection->pinged_ms + settings->keepalive_timeout_ms;
}

static void check(struct timer *timer)
{
    struct connection *connection = of_check(timer);
    const struct http_settings *settings = connection->owner->settings;
    uint64_t now = loop_now_ms(connection->loop);

    if (connection->is_over)
        return;
    if (is_overdue(connection, now))
        connection_abandon(connection, CONNECTION_END_TIMEOUT);
    if (!connection->streams &&
        now >= connection->idle_ms + settings->idle_timeout_ms)
        connection_drain(connection);
    if (connection->is_draining && !connection->is_shut &&
        now >= connection->draining_ms + NOTICE_MS) {
        connection->is_shut = true;
        session_shut(connection, true);
    }
    if (!connection->pinged_ms &&
        now >= connection->heard_ms + settings->keepalive_ms) {
        connection->pinged_ms = now;
        session_ping(connection);
    }
    connection_touch(connection);
}

/* --- Life ------------------------------------------------------------------*/

byron_status connection_open(struct loop *loop, int fd,
                             const struct connection_owner *owner,
                             struct connection **out)
{
    struct connection *connection = calloc(1, sizeof *connection);
    uint64_t now = loop_now_ms(loop);
    byron_status status = BYRON_NO_MEMORY;

    if (!connection) {
        close(fd);
        return BYRON_NO_MEMORY;
    }
    connection->watch.fd = fd;
    connection->watch.ready = ready;
    connection->flush.run = flush;
    connection->check.run = check;
    connection->loop = loop;
    connection->owner = owner;
    connection->opened_ms = now;
    connection->heard_ms = now;
    connection->drained_ms = now;
    connection->idle_ms = now;
    guard_init(&connection->guard, now);
    status = owner->tls ? tls_channel_new(owner->tls, fd, &connection->channel)
                        : BYRON_OK;
    connection->shaking = owner->tls ? TLS_WANTS_READ : TLS_READY;
    if (status == BYRON_OK)
        status = session_new(connection);
    if (status == BYRON_OK) {
        loop_defer(loop, &connection->flush);
        *out = connection;
        return BYRON_OK;
    }
    nghttp2_session_del(connection->session);
    tls_channel_free(connection->channel);
    close(fd);
    free(connection);
    return status;
}

void connection_drain(struct connection *connection)
{
    if (connection->is_draining || connection->is_over)
        return;
    connection->is_draining = true;
    connection->draining_ms = loop_now_ms(connection->loop);
    session_shut(connection, false);
    connection_touch(connection);
}

uint64_t connection_idle_since_ms(const struct connection *connection)
{
    return connection->streams || connection->is_over ? NEVER
                                                      : connection->idle_ms;
}

struct connection_link *connection_link(struct connection *connection)
{
    return &connection->link;
}
