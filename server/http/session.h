/*
 * session: the HTTP/2 protocol of one connection, on libnghttp2.
 *
 * Shared by connection.c (socket and time) and session.c (frames and streams);
 * nobody else includes it or knows nghttp2.
 */
#ifndef BYROND_HTTP_SESSION_H
#define BYROND_HTTP_SESSION_H

#include <nghttp2/nghttp2.h>

#include "http/connection.h"
#include "http/guard.h"
#include "net/bytes.h"

struct stream {
    struct connection *connection;
    struct stream *next; /* In the connection's list. */
    struct stream *previous;
    void *context; /* Of the layer above. */
    int32_t id;
    uint32_t header_bytes;
    uint32_t header_fields;
    bool is_too_large;  /* Headers are being dropped. */
    bool is_responding; /* The response's headers have been submitted. */
    size_t unconsumed;  /* Bytes received that still need room. */
};

struct connection {
    struct watch watch;
    struct loop *loop;
    const struct connection_owner *owner;
    nghttp2_session *session;
    struct tls_channel *channel; /* NULL: in plain text. */
    enum tls_state shaking;      /* Until it is ready nothing goes in or out. */
    struct stream *streams;
    struct connection_link link;
    struct deferred flush;
    struct timer check;
    struct bytes unsent;
    size_t sent; /* Bytes at the front of unsent that the socket has. */
    struct guard guard;
    uint64_t opened_ms;
    uint64_t heard_ms; /* Last byte in. */
    uint64_t
        drained_ms; /* Last time that the socket took bytes, or none waited. */
    uint64_t idle_ms;   /* Since when without streams. */
    uint64_t pinged_ms; /* Our keepalive ping that is not answered; 0 = none. */
    bool has_greeted;   /* The peer's SETTINGS have come. */
    uint64_t draining_ms; /* Since when; the last GOAWAY follows the notice. */
    bool is_draining;
    bool is_shut; /* The last GOAWAY has been given. */
    bool is_over; /* Goes at the end of the round. */
    bool is_abusive;
    enum connection_end end;
};

/* Frames may be waiting: they go out at the end of this round. */
void connection_touch(struct connection *connection);

BYRON_MUST_CHECK byron_status session_new(struct connection *connection);
/* Tells all streams that they are closed. */
void session_free(struct connection *connection);
/* Bytes came in. */
void session_receive(struct connection *connection, const uint8_t *data,
                     size_t size);
/* Puts frames that may go into unsent, about limit bytes of them. */
void session_fill(struct connection *connection, size_t limit);
/* GOAWAY: first a notice, is_final: and no stream after those seen. */
void session_shut(struct connection *connection, bool is_final);
void session_ping(struct connection *connection);

#endif
