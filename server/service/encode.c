#include "service/encode.h"

#include <string.h>

#define MAX_VARINT 10

/* Types of fields. */
enum { VARINT = 0, FIXED64 = 1, LENGTH = 2 };

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

byron_status encode_number(struct bytes *out, unsigned number, uint64_t value)
{
    uint8_t packed[1 + MAX_VARINT];

    packed[0] = (uint8_t)(number << 3 | VARINT);
    return bytes_add(out, packed, 1 + write_varint(packed + 1, value));
}

byron_status encode_double(struct bytes *out, unsigned number, double value)
{
    uint8_t packed[9] = {(uint8_t)(number << 3 | FIXED64)};
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        packed[1 + i] = (uint8_t)(bits >> (8 * i));
    return bytes_add(out, packed, sizeof packed);
}
