/*
 * slice: borrowed bytes and their order.
 *
 * Knows nothing of who owns the bytes or how long they live.
 */
#ifndef BYRON_BASE_SLICE_H
#define BYRON_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "byron.h"

struct slice {
    const uint8_t *data;
    size_t size;
};

static inline struct slice slice_of(const void *data, size_t size)
{
    struct slice slice = {data, size};
    return slice;
}

static inline struct slice slice_from(struct byron_bytes bytes)
{
    return slice_of(bytes.data, bytes.size);
}

static inline struct byron_bytes slice_bytes(struct slice slice)
{
    struct byron_bytes bytes = {slice.data, slice.size};
    return bytes;
}

/* Negative, zero or positive as a sorts before, with or after b. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

/* Most that differ are told by their size or last byte, without a call. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    return a.size == 0 || (a.data[a.size - 1] == b.data[a.size - 1] &&
                           memcmp(a.data, b.data, a.size) == 0);
}

/* As memcpy, but without a call where there are 16 bytes or less. */
static inline void slice_copy(uint8_t *to, struct slice from)
{
    size_t size = from.size;
    uint64_t first;
    uint64_t last;

    if (size > 16) {
        memcpy(to, from.data, size);
    } else if (size >= 8) {
        memcpy(&first, from.data, 8);
        memcpy(&last, from.data + size - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        memcpy(&first, from.data, 4);
        memcpy(&last, from.data + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            to[i] = from.data[i];
    }
}

/* How many leading bytes a and b share. */
static inline size_t slice_shared(struct slice a, struct slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < shorter && a.data[shared] == b.data[shared])
        shared++;
    return shared;
}

/*
 * The first 8 bytes after skip as a big-endian number, zero padded: heads
 * order as the keys do, and equal heads need a look at the keys.
 */
static inline uint64_t slice_head(struct slice key, size_t skip)
{
    uint64_t head = 0;
    if (key.size >= skip + 8) {
        memcpy(&head, key.data + skip, 8);
        return __builtin_bswap64(head);
    }
    for (size_t i = skip; i < key.size; i++)
        head |= (uint64_t)key.data[i] << (56 - 8 * (i - skip));
    return head;
}

#endif
