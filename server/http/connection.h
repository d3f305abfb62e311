/*
 * connection: one HTTP/2 connection of a server: socket, timers, end.
 *
 * Everything on the thread of its loop. Frees itself; gone is the last event.
 */
#ifndef BYROND_HTTP_CONNECTION_H
#define BYROND_HTTP_CONNECTION_H

#include "http/stream.h"
#include "http/tls.h"

struct connection;

struct http_settings {
    uint32_t max_streams;          /* At once, in a connection. */
    uint32_t max_header_bytes;     /* Names and values and 32 each. */
    uint32_t max_header_fields;    /* Of a request. */
    uint32_t stream_window;        /* Bytes that a stream may have under way. */
    uint32_t connection_window;    /* All its streams together. */
    uint32_t handshake_timeout_ms; /* For the client's first SETTINGS. */
    uint32_t keepalive_ms;         /* After so long a silence we ping, */
    uint32_t keepalive_timeout_ms; /* and give so long for the answer. */
    uint32_t stall_timeout_ms;     /* The peer reads nothing of what waits. */
    uint32_t idle_timeout_ms;      /* No stream for so long: GOAWAY. */
    uint32_t ping_apart_ms;        /* Pings that are closer are strikes. */
};

/* Why connections end, for counters and logs. */
enum connection_end {
    CONNECTION_END_PEER,      /* It closed, or the network did. */
    CONNECTION_END_DRAINED,   /* After GOAWAY, with no stream left. */
    CONNECTION_END_IDLE,      /* No stream for long, or shed. */
    CONNECTION_END_TIMEOUT,   /* Handshake, keepalive, or a stalled reader. */
    CONNECTION_END_PROTOCOL,  /* Broke HTTP/2. */
    CONNECTION_END_ABUSE,     /* Too much nuisance. */
    CONNECTION_END_NO_MEMORY, /* We could not. */
};
#define CONNECTION_END_COUNT 7
const char *connection_end_words(enum connection_end end);

struct connection_owner {
    const struct http_events *events;
    const struct http_settings *settings; /* Lent for ever. */
    struct tls *tls;                      /* NULL: in plain text. */
    void *context;                        /* Owner of events' begin. */
    void (*gone)(void *context, struct connection *connection,
                 enum connection_end end);
};

/* Takes fd, also on failure. Borrows owner until gone. */
BYRON_MUST_CHECK byron_status
connection_open(struct loop *loop, int fd, const struct connection_owner *owner,
                struct connection **out);
/* GOAWAY; goes when its streams have ended. */
void connection_drain(struct connection *connection);
/* Goes at the end of this round, streams and all. */
void connection_abandon(struct connection *connection, enum connection_end end);
/* Since when there has been no stream; UINT64_MAX = there is one. */
uint64_t connection_idle_since_ms(const struct connection *connection);
/* For the owner's list. */
struct connection_link {
    struct connection *next;
    struct connection *previous;
};
struct connection_link *connection_link(struct connection *connection);

#endif
