/*
 * server: listeners, and loops on threads of their own that serve methods.
 */
#ifndef BYROND_GRPC_SERVER_H
#define BYROND_GRPC_SERVER_H

#include "grpc/call.h"
#include "grpc/tally.h"
#include "grpc/tokens.h"
#include "http/connection.h"
#include "net/address.h"

struct server;

struct server_settings {
    struct http_settings http;
    size_t max_message;       /* Bytes, of a request. */
    size_t max_held;          /* Bytes of messages in memory, a loop. */
    uint64_t unary_ms;        /* Deadline of a unary call that has none. */
    unsigned loops;           /* Threads. */
    unsigned max_connections; /* A loop. */
    /* References that the caller keeps until server_new has returned. NULL:
       none; else for all but unix sockets. */
    struct tls *tls;
    /* NULL: every caller has every right. Else those that come by TLS have
       those of a token, or of a certificate. */
    struct tokens *tokens;
    /* Told of every call that has ended, on its loop; may be NULL. */
    void (*ended)(void *context, const struct tally_call *call,
                  const struct stream *stream);
    void *context;
};

/* Sensible ones. */
void server_default_settings(struct server_settings *out);

/* Borrows methods (and what they name) and settings until server_free. */
BYRON_MUST_CHECK byron_status server_new(const struct server_settings *settings,
                                         const struct method *methods,
                                         size_t method_count,
                                         struct server **out);
/* Before server_start. A port of 0 becomes the real one. */
BYRON_MUST_CHECK byron_status server_listen(struct server *server,
                                            struct address *address);
BYRON_MUST_CHECK byron_status server_start(struct server *server);
/* From any thread: no new connections, GOAWAY on the others; what is left
   after grace_ms is cut off. Once. */
void server_drain(struct server *server, uint64_t grace_ms);
/* New connections have this tls and, from the next call on, all of them these
   tokens; takes references of its own. From any one thread, from server_start
   to server_drain. Requires: neither is NULL where there was one. */
void server_renew(struct server *server, struct tls *tls,
                  struct tokens *tokens);
/* Waits until server_drain has come to its end. */
void server_wait(struct server *server);
/* Requires: never started, or waited for. NULL is fine. */
void server_free(struct server *server);
unsigned server_loop_count(const struct server *server);
/* Requires: index is below the count. Runs from server_start on. */
struct loop *server_loop(const struct server *server, unsigned index);
/* How connections have ended; returns how many there are. From any thread. */
uint64_t server_count_ends(const struct server *server,
                           uint64_t out[CONNECTION_END_COUNT]);
/* Calls visit for each method, and for "": calls of no known method. From any
   thread. */
void server_visit_tallies(const struct server *server,
                          void (*visit)(void *context, const char *method,
                                        const struct tally_sum *sum),
                          void *context);

#endif
