#include "base/integer.h"

bool read_u8(struct slice *input, uint8_t *out)
{
    if (input->size < 1)
        return false;
    *out = input->data[0];
    input->data += 1;
    input->size -= 1;
    return true;
}

bool read_u16(struct slice *input, uint16_t *out)
{
    if (input->size < sizeof *out)
        return false;
    *out = load_u16(input->data);
    input->data += sizeof *out;
    input->size -= sizeof *out;
    return true;
}

bool read_u32(struct slice *input, uint32_t *out)
{
    if (input->size < sizeof *out)
        return false;
    *out = load_u32(input->data);
    input->data += sizeof *out;
    input->size -= sizeof *out;
    return true;
}

bool read_u64(struct slice *input, uint64_t *out)
{
    if (input->size < sizeof *out)
        return false;
    *out = load_u64(input->data);
    input->data += sizeof *out;
    input->size -= sizeof *out;
    return true;
}

/* Each value has one form: a last byte of zero, but for 0 itself, is wrong. */
bool read_varint(struct slice *input, uint64_t *out)
{
    size_t limit =
        input->size < VARINT_MAX_SIZE ? input->size : VARINT_MAX_SIZE;
    uint64_t value = 0;

    for (size_t i = 0; i < limit; i++) {
        uint8_t byte = input->data[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (i > 0 && byte == 0)
            return false;
        if (i == VARINT_MAX_SIZE - 1 && byte > 1)
            return false;
        *out = value;
        input->data += i + 1;
        input->size -= i + 1;
        return true;
    }
    return false;
}

bool read_bytes(struct slice *input, size_t size, struct slice *out)
{
    if (input->size < size)
        return false;
    *out = slice_of(input->data, size);
    if (size > 0)
        input->data += size;
    input->size -= size;
    return true;
}

bool read_sized(struct slice *input, struct slice *out)
{
    struct slice rest = *input;
    uint64_t size;

    if (!read_varint(&rest, &size) || size > rest.size)
        return false;
    *input = rest;
    return read_bytes(input, (size_t)size, out);
}

size_t write_varint(uint8_t *to, uint64_t value)
{
    size_t size = 0;

    while (value >= 0x80) {
        to[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[size++] = (uint8_t)value;
    return size;
}

size_t varint_size(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}
