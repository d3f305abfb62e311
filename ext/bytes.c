#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 64

void bytes_deinit(struct bytes *bytes)
{
    free(bytes->data);
    memset(bytes, 0, sizeof *bytes);
}

byron_status bytes_reserve(struct bytes *bytes, size_t more)
{
    size_t capacity;
    uint8_t *data;

    if (bytes->capacity - bytes->size >= more)
        return BYRON_OK;
    if (more > SIZE_MAX / 2 - bytes->size)
        return BYRON_TOO_BIG;
    capacity = bytes->capacity + bytes->capacity / 2;
    if (capacity < bytes->size + more)
        capacity = bytes->size + more;
    if (capacity < SMALLEST_CAPACITY)
        capacity = SMALLEST_CAPACITY;
    data = realloc(bytes->data, capacity);
    if (!data)
        return BYRON_NO_MEMORY;
    bytes->data = data;
    bytes->capacity = capacity;
    return BYRON_OK;
}

byron_status bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    byron_status status = bytes_reserve(bytes, size);

    if (status != BYRON_OK)
        return status;
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return BYRON_OK;
}

byron_status bytes_add_u8(struct bytes *bytes, uint8_t value)
{
    return bytes_add(bytes, &value, 1);
}
