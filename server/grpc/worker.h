/*
 * worker: one loop's share of a server: what its calls have in common.
 *
 * Inside grpc/ only.
 */
#ifndef BYROND_GRPC_WORKER_H
#define BYROND_GRPC_WORKER_H

#include "grpc/call.h"
#include "grpc/metadata.h"
#include "grpc/server.h"
#include "grpc/tally.h"
#include "grpc/tokens.h"

struct worker {
    struct loop *loop;
    const struct server_settings *settings;
    const struct method *const *methods; /* Sorted by path. */
    size_t method_count;
    struct tally *tallies; /* One a method, and one for what is none. */
    size_t held_bytes;     /* Memory of all calls' messages. */
    struct tokens *tokens; /* NULL: every caller has every right. */
    uint64_t age;          /* Of tokens: another number, others. */
    struct rights *no_rights;
};

struct call {
    struct stream *stream;
    struct worker *worker;
    const struct method *method; /* NULL: not found, or not looked for yet. */
    void *state;
    struct metadata request;
    struct rights *rights; /* NULL: every one. */
    uint64_t rights_age;   /* Of the tokens that they come from. */
    struct metadata headers;
    struct metadata trailers;
    struct timer deadline;
    struct timer stall; /* Set while output waits. */
    bool is_moving;     /* Some was taken since stall was set. */
    struct deferred drained;
    struct bytes input;  /* Not delivered yet. */
    struct bytes plain;  /* The message being delivered, expanded. */
    struct bytes output; /* Frames that wait; the first output_sent are gone. */
    size_t output_sent;
    size_t unconsumed; /* Of input, what the peer may not send again yet. */
    size_t held_bytes; /* This call's part of the worker's. */
    bool is_gzip;      /* grpc-encoding of the request. */
    bool accepts_gzip;
    bool uses_gzip;     /* grpc-encoding of the response. */
    bool is_compressed; /* The message being delivered was. */
    bool has_ended;     /* The peer has half-closed, */
    bool is_told;       /* and the method knows, or got its only message. */
    bool is_begun;      /* The method knows of the call. */
    bool is_delivering;
    bool was_full;   /* drained is owed, */
    bool is_drained; /* and is due. */
    bool is_on_hold; /* The method wants no more messages. */
    bool is_responding;
    bool is_finished;
    bool is_gone; /* The stream is no more. */
    enum grpc_code code;
    struct bytes words;  /* Encoded for the wire. */
    struct tally *tally; /* NULL: not counted yet. */
    uint64_t begun_us;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* Events of a call's stream, begin's owner being the worker. */
extern const struct http_events call_events;

/* Counts the call's memory anew; finishes it if the worker has too much. */
void call_count_memory(struct call *call);
/* Delivers what can be delivered of the input. */
void call_deliver(struct call *call);
/* The response's body for the stream. */
size_t call_pull(struct call *call, uint8_t *to, size_t room, bool *is_end);
/* Answers with a bare HTTP status: this is no gRPC. */
void call_refuse(struct call *call, const char *http_status);
void call_deadline_passed(struct timer *timer);
void call_stalled(struct timer *timer);
void call_drained(struct deferred *deferred);
void call_free(struct call *call);

#endif
