#include "service/encode.h"

#define MAX_VARINT 10
#define LENGTH     2 /* The type of what has a length. */

static size_t write_varint(uint8_t to[MAX_VARINT], uint64_t number)
{
    size_t size = 0;

    while (number >= 128) {
        to[size++] = (uint8_t)(number | 128);
        number >>= 7;
    }
    to[size++] = (uint8_t)number;
    return size;
}

size_t encode_bytes_size(size_t size)
{
    uint8_t varint[MAX_VARINT];
    return 1 + write_varint(varint, size) + size;
}

byron_status encode_head(struct bytes *out, unsigned number, size_t size)
{
    uint8_t head[1 + MAX_VARINT];

    head[0] = (uint8_t)(number << 3 | LENGTH);
    return bytes_add(out, head, 1 + write_varint(head + 1, size));
}

byron_status encode_bytes(struct bytes *out, unsigned number,
                          struct byron_bytes value)
{
    byron_status status = encode_head(out, number, value.size);

    return status == BYRON_OK ? bytes_add(out, value.data, value.size) : status;
}
