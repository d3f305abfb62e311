/*
 * requester: a client's HTTP/2 connection: requests one after the other, for
 * programs that have nothing else to do meanwhile.
 *
 * Waits in requester_round alone. Not for threads.
 */
#ifndef BYROND_HTTP_REQUESTER_H
#define BYROND_HTTP_REQUESTER_H

#include "http/stream.h"
#include "http/tls.h"

struct requester;

/* What comes of the response, out of requester_round. */
struct response_events {
    void (*header)(void *context, struct byron_bytes name,
                   struct byron_bytes value); /* Trailers as well. */
    void (*data)(void *context, struct byron_bytes bytes);
};

/* How a request has ended: the response is whole, it was reset (error), or the
   connection is gone. */
enum request_end {
    REQUEST_OPEN,
    REQUEST_WHOLE,
    REQUEST_RESET,
    REQUEST_LOST,
};

/* Takes fd, connected and non-blocking, and channel (NULL: in plain text). */
BYRON_MUST_CHECK byron_status requester_new(
    int fd, struct tls_channel *channel, const struct response_events *events,
    void *context, struct requester **out);
void requester_free(struct requester *requester); /* NULL is fine. */
/* Begins one; its body is open. Requires: none is open. IO: the connection is
   lost. */
BYRON_MUST_CHECK byron_status requester_begin(struct requester *requester,
                                              const struct http_field *fields,
                                              size_t count);
/* More of the body; is_last: it is whole. */
BYRON_MUST_CHECK byron_status requester_add(struct requester *requester,
                                            struct byron_bytes bytes,
                                            bool is_last);
/* Bytes of the body that the server has given no room for so far. */
size_t requester_unsent(const struct requester *requester);
/* Sends what may go, waits for something to come in for at most ms, and takes
   it. Returns early at a signal. */
void requester_round(struct requester *requester, unsigned ms);
/* Gives the request up, with CANCEL. */
void requester_cancel(struct requester *requester);
enum request_end requester_end(const struct requester *requester,
                               uint32_t *out_error);
/* Why the connection is lost. */
const char *requester_why(const struct requester *requester);

#endif
