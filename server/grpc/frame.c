#include "grpc/frame.h"

enum frame_found frame_read(struct byron_bytes *input, size_t limit,
                            struct frame *out)
{
    const uint8_t *head = input->data;
    size_t size;

    if (input->size >= 1 && head[0] > 1)
        return FRAME_FOUND_BAD;
    if (input->size < FRAME_HEAD_SIZE)
        return FRAME_FOUND_NONE;
    size = (size_t)head[1] << 24 | (size_t)head[2] << 16 |
           (size_t)head[3] << 8 | (size_t)head[4];
    if (size > limit)
        return FRAME_FOUND_TOO_BIG;
    if (input->size - FRAME_HEAD_SIZE < size)
        return FRAME_FOUND_NONE;
    out->is_compressed = head[0] == 1;
    out->message.data = head + FRAME_HEAD_SIZE;
    out->message.size = size;
    input->data = head + FRAME_HEAD_SIZE + size;
    input->size -= FRAME_HEAD_SIZE + size;
    return FRAME_FOUND_ONE;
}

void frame_write_head(uint8_t out[FRAME_HEAD_SIZE], bool is_compressed,
                      uint32_t size)
{
    out[0] = is_compressed;
    out[1] = (uint8_t)(size >> 24);
    out[2] = (uint8_t)(size >> 16);
    out[3] = (uint8_t)(size >> 8);
    out[4] = (uint8_t)size;
}
