/*
 * link: byronctl's connection to byrond: messages of byron.v1, failures told
 * with a way out, Ctrl-C.
 */
#ifndef BYROND_CTL_LINK_H
#define BYROND_CTL_LINK_H

#include <protobuf-c/protobuf-c.h>

#include "ctl/options.h"
#include "grpc/client.h"

#define LINK_UNARY_SECONDS 30

struct link {
    const struct options *options;
    struct client_settings settings;
    struct client *client;
    struct bytes packed;
    char token[256];
};

/* Reports why not. From now on the first Ctrl-C, or SIGTERM, only interrupts
   what waits; a second ends the program. */
enum exit_code link_open(const struct options *options, struct link *out);
void link_close(struct link *link);

/* One request, one answer, to be freed by link_free; else reports why not. */
enum exit_code link_call(struct link *link, const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *descriptor,
                         ProtobufCMessage **out);
/* Begins a call; seconds of 0: as long as it takes. */
void link_begin(struct link *link, const char *method, unsigned seconds);
/* False: the call has ended, or has been interrupted. */
bool link_send(struct link *link, const ProtobufCMessage *message);
/* A message, to be freed by link_free; else client_receive's word. */
enum client_event link_receive(struct link *link,
                               const ProtobufCMessageDescriptor *descriptor,
                               ProtobufCMessage **out);
void link_free(ProtobufCMessage *message); /* NULL is fine. */

/* Reports how the call has ended, if not well. */
enum exit_code link_failure(struct link *link);
bool link_is_interrupted(void);
/* The same. It is forgotten thereby, and calls go on. */
bool link_was_interrupted(void);

#endif
