/*
 * reply: protobuf messages of calls, by protobuf-c.
 */
#ifndef BYROND_SERVICE_REPLY_H
#define BYROND_SERVICE_REPLY_H

#include <protobuf-c/protobuf-c.h>

#include "grpc/call.h"

/* The message, to be freed by protobuf_c_message_free_unpacked; NULL: it is
   malformed, and the call is finished. */
ProtobufCMessage *reply_unpack(struct call *call,
                               const ProtobufCMessageDescriptor *descriptor,
                               struct byron_bytes bytes);
/* Packs and sends. */
void reply_send(struct call *call, const ProtobufCMessage *message,
                enum call_encoding encoding);
void reply_free(ProtobufCMessage *message); /* NULL is fine. */

#endif
