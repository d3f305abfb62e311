/*
 * integer: little-endian fixed-width and variable-length integers.
 *
 * Readers that take a `struct slice *input` check bounds, advance it and
 * answer false when bytes are missing or malformed.
 *
 * varint = 7 bits per byte, lowest first, high bit set on all but the last;
 *          at most 10 bytes.
 */
#ifndef BYRON_BASE_INTEGER_H
#define BYRON_BASE_INTEGER_H

#include "base/slice.h"

#define VARINT_MAX_SIZE 10

static inline uint16_t load_u16(const uint8_t *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return value;
}
static inline uint32_t load_u32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}
static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}
static inline void store_u16(uint8_t *to, uint16_t value)
{
    memcpy(to, &value, sizeof value);
}
static inline void store_u32(uint8_t *to, uint32_t value)
{
    memcpy(to, &value, sizeof value);
}
static inline void store_u64(uint8_t *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "byron's formats are little-endian; this machine needs byte swaps here"
#endif

bool read_u8(struct slice *input, uint8_t *out);
bool read_u16(struct slice *input, uint16_t *out);
bool read_u32(struct slice *input, uint32_t *out);
bool read_u64(struct slice *input, uint64_t *out);
bool read_varint(struct slice *input, uint64_t *out);
bool read_bytes(struct slice *input, size_t size, struct slice *out);
/* varint size, then the bytes */
bool read_sized(struct slice *input, struct slice *out);
/* Returns the bytes written, at most VARINT_MAX_SIZE. */
size_t write_varint(uint8_t *to, uint64_t value);
size_t varint_size(uint64_t value);

#endif
