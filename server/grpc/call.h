/*
 * call: one RPC, as a service sees it. The transport's whole interface.
 *
 * A service has methods; a method is told begin, message..., half_close, and
 * drained whenever there is room for more output; it answers by call_send and
 * call_finish, now or later, on the thread of call_loop. closed comes last,
 * once for each begin, whether the call was finished or cancelled; the call is
 * no more after it. Another transport would implement these functions and
 * events.
 */
#ifndef BYROND_GRPC_CALL_H
#define BYROND_GRPC_CALL_H

#include "grpc/code.h"
#include "grpc/rights.h"
#include "net/loop.h"

struct call;

/* Each event but message may be NULL. */
struct method {
    const char *path; /* "/package.Service/Method" */
    void *service;    /* Of call_service. */
    enum right needs; /* At least somewhere; RIGHT_NONE: to read. */
    bool has_many_requests;
    bool has_many_responses; /* Such calls have no deadline of our own. */
    void (*begin)(struct call *call); /* The request's metadata is there. */
    /* Borrows the message. One request: it comes with its half_close. While
       much output waits, messages wait as well. */
    void (*message)(struct call *call, struct byron_bytes message);
    void (*half_close)(struct call *call); /* No more messages. */
    /* Little of the output waits now; comes after some did. */
    void (*drained)(struct call *call);
    void (*closed)(struct call *call);
};

enum call_encoding {
    CALL_PLAIN,
    CALL_GZIP, /* Where the client can and call_use_gzip was called. */
};

/* --- What is asked of a call -----------------------------------------------*/

void *call_service(const struct call *call);
/* What the service keeps for the call; NULL at begin. */
void **call_state(struct call *call);
struct loop *call_loop(const struct call *call);
/* The first value of the request's name, in lower case; lent until closed. */
bool call_metadata(const struct call *call, const char *name,
                   struct byron_bytes *out);
/* Inside message: it came in compressed. */
bool call_is_compressed(const struct call *call);
/* More output is of no use now: beyond the mark it waits, and drained will
   tell; or the call is finished, by whomever, and closed will come. */
bool call_is_full(const struct call *call);

/* --- What is told to it; ignored when it is finished ----------------------*/

/* is_held: no messages come, nor half_close, and the client cannot send many
   more, until it is told otherwise. */
void call_hold(struct call *call, bool is_held);
/* Before the first send: messages may be sent as CALL_GZIP. */
void call_use_gzip(struct call *call);
/* Before the first send. */
void call_add_header(struct call *call, const char *name,
                     struct byron_bytes value);
void call_add_trailer(struct call *call, const char *name,
                      struct byron_bytes value);
/* Copies the message. */
void call_send(struct call *call, struct byron_bytes message,
               enum call_encoding encoding);
/* What was sent before still goes out. words: UTF-8 or "". */
void call_finish(struct call *call, enum grpc_code code, const char *words);

#endif
