#include "service/reply.h"

#include <stdlib.h>

ProtobufCMessage *reply_unpack(struct call *call,
                               const ProtobufCMessageDescriptor *descriptor,
                               struct byron_bytes bytes)
{
    static const uint8_t none = 0;
    ProtobufCMessage *message = protobuf_c_message_unpack(
        descriptor, NULL, bytes.size, bytes.size ? bytes.data : &none);

    if (!message)
        call_finish(call, GRPC_INVALID_ARGUMENT, "the request is malformed");
    return message;
}

void reply_send(struct call *call, const ProtobufCMessage *message,
                enum call_encoding encoding)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(size + 1);
    struct byron_bytes bytes = {packed, size};

    if (packed) {
        protobuf_c_message_pack(message, packed);
        call_send(call, bytes, encoding);
    } else {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    free(packed);
}

void reply_free(ProtobufCMessage *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}
