/*
 * plain: answers GETs of HTTP/1, one to a connection: for metrics.
 *
 * Everything on the thread of its loop, which may wait: it serves nobody else.
 * Knows no gRPC. What a peer may do is bounded: how many they are, how much
 * they say, how long they take.
 */
#ifndef BYROND_HTTP_PLAIN_H
#define BYROND_HTTP_PLAIN_H

#include "net/address.h"
#include "net/bytes.h"
#include "net/loop.h"

struct plain;

struct plain_settings {
    unsigned max_connections; /* Beyond it they wait to be accepted. */
    size_t max_request;       /* Bytes. */
    uint32_t patience_ms;     /* For a request and its answer. */
    /* Adds the body of what is at path; NOT_FOUND: there is nothing. */
    byron_status (*get)(void *context, struct byron_bytes path,
                        struct bytes *out);
    void *context;
};

/* Listens. A port of 0 becomes the real one. Borrows settings. */
BYRON_MUST_CHECK byron_status plain_new(struct loop *loop,
                                        const struct plain_settings *settings,
                                        struct address *address,
                                        struct plain **out);
/* Requires: the loop does not run. NULL is fine. */
void plain_free(struct plain *plain);
/* Serves one more connection; takes fd. */
void plain_accept(struct plain *plain, int fd);

#endif
