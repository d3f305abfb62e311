/*
 * bytes: owned, growable bytes of the extension.
 */
#ifndef BYRON_EXT_BYTES_H
#define BYRON_EXT_BYTES_H

#include <string.h>

#include "byron.h"

/* All zero is valid and empty. */
struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void bytes_deinit(struct bytes *bytes);
/* Empties bytes; keeps memory of up to most. */
void bytes_shrink(struct bytes *bytes, size_t most);
/* Empties bytes; its memory, up to most, is spare's if that has none. */
void bytes_keep(struct bytes *bytes, size_t most, struct bytes *spare);
/* bytes_reserve where there is not enough. */
BYRON_MUST_CHECK byron_status bytes_grow(struct bytes *bytes, size_t more);

/* Makes room for more bytes beyond size; size stays. */
BYRON_MUST_CHECK static inline byron_status bytes_reserve(struct bytes *bytes,
                                                          size_t more)
{
    if (bytes->capacity - bytes->size >= more)
        return BYRON_OK;
    return bytes_grow(bytes, more);
}

BYRON_MUST_CHECK static inline byron_status
bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    byron_status status = bytes_reserve(bytes, size);

    if (status != BYRON_OK)
        return status;
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return BYRON_OK;
}

BYRON_MUST_CHECK static inline byron_status bytes_add_u8(struct bytes *bytes,
                                                         uint8_t value)
{
    return bytes_add(bytes, &value, 1);
}

static inline struct byron_bytes bytes_view(const struct bytes *bytes)
{
    return (struct byron_bytes){bytes->data, bytes->size};
}

/* As memcmp; what begins another comes first. */
static inline int bytes_compare(struct byron_bytes a, struct byron_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Makes of the bytes from start on the first ones after all that begin so;
 * none are left if there are none. */
void bytes_raise(struct bytes *bytes, size_t start);

#endif
