/*
 * frame: gRPC's framing of messages in a stream of bytes.
 *
 * frame = is_compressed(u8) size(u32, big-endian) message
 */
#ifndef BYROND_GRPC_FRAME_H
#define BYROND_GRPC_FRAME_H

#include "net/bytes.h"

#define FRAME_HEAD_SIZE ((size_t)5)

struct frame {
    bool is_compressed;
    struct byron_bytes message; /* Lent by the input. */
};

enum frame_found {
    FRAME_FOUND_NONE, /* More bytes are needed. */
    FRAME_FOUND_ONE,
    FRAME_FOUND_BAD,     /* The flag is neither 0 nor 1. */
    FRAME_FOUND_TOO_BIG, /* Told by the head alone. */
};

/* Looks at the front of input; advances it past a frame that it finds. */
enum frame_found frame_read(struct byron_bytes *input, size_t limit,
                            struct frame *out);
void frame_write_head(uint8_t out[FRAME_HEAD_SIZE], bool is_compressed,
                      uint32_t size);

#endif
