/*
 * stream: one HTTP/2 request and its response, as the layer above sees it.
 *
 * The order of events is begin, header..., headers_end, data..., end, closed;
 * closed comes once for every begin that gave a context, whatever happened, and
 * is the last. All of it on the thread of the connection's loop.
 */
#ifndef BYROND_HTTP_STREAM_H
#define BYROND_HTTP_STREAM_H

#include "net/address.h"
#include "net/loop.h"

struct stream;

/* Borrowed. */
struct http_field {
    struct byron_bytes name;
    struct byron_bytes value;
};

/* What the layer above does about it. */
struct http_events {
    /* NULL refuses the stream. */
    void *(*begin)(void *owner, struct stream *stream);
    void (*header)(void *context, struct byron_bytes name,
                   struct byron_bytes value);
    /* is_too_large: some of the headers were too many and are missing. */
    void (*headers_end)(void *context, bool is_too_large);
    void (*data)(void *context, struct byron_bytes bytes);
    void (*end)(void *context); /* The request is whole. */
    /* Fills at most room bytes of the response's body; returns how many. 0 and
       not is_end: nothing now, stream_resume will tell. Trailers are added
       before is_end is set. */
    size_t (*pull)(void *context, uint8_t *to, size_t room, bool *is_end);
    void (*closed)(void *context);
};

/* The errors of HTTP/2 that we send of our own. */
enum http_error {
    HTTP_NO_ERROR = 0,
    HTTP_INTERNAL_ERROR = 2,
    HTTP_REFUSED_STREAM = 7,
    HTTP_CANCEL = 8,
    HTTP_ENHANCE_YOUR_CALM = 11,
};

/* Headers of the response; is_end if there is no body. Once a stream. */
BYRON_MUST_CHECK byron_status stream_respond(struct stream *stream,
                                             const struct http_field *fields,
                                             size_t count, bool is_end);
/* What ends the response; out of pull. */
BYRON_MUST_CHECK byron_status stream_trailers(struct stream *stream,
                                              const struct http_field *fields,
                                              size_t count);
/* There is something to pull again. */
void stream_resume(struct stream *stream);
/* Of the data that came in, so many bytes need room no more. */
void stream_consume(struct stream *stream, size_t size);
/* Drops request and response; closed comes in a moment. */
void stream_reset(struct stream *stream, enum http_error error);
struct loop *stream_loop(const struct stream *stream);
enum stream_proof {
    STREAM_IS_LOCAL,     /* It comes without TLS, from this machine. */
    STREAM_IS_CERTIFIED, /* Its client has shown a certificate that we trust. */
    STREAM_IS_STRANGE,   /* It has shown none. */
};
enum stream_proof stream_proof(const struct stream *stream);
/* That certificate is for this name. */
bool stream_has_name(const struct stream *stream, struct byron_bytes name);
/* Who sent it; size 0: not known. */
void stream_peer(const struct stream *stream, struct address *out);

#endif
