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

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
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
