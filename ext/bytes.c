#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 64

void bytes_deinit(struct bytes *bytes)
{
    if (!bytes->data)
        return;
    free(bytes->data);
    memset(bytes, 0, sizeof *bytes);
}

byron_status bytes_grow(struct bytes *bytes, size_t more)
{
    size_t capacity;
    uint8_t *data;

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

void bytes_shrink(struct bytes *bytes, size_t most)
{
    bytes->size = 0;
    if (bytes->capacity > most)
        bytes_deinit(bytes);
}

void bytes_keep(struct bytes *bytes, size_t most, struct bytes *spare)
{
    if (spare->data || bytes->capacity > most) {
        bytes_deinit(bytes);
        return;
    }
    *spare = (struct bytes){.data = bytes->data, .capacity = bytes->capacity};
    *bytes = (struct bytes){0};
}

void bytes_raise(struct bytes *bytes, size_t start)
{
    while (bytes->size > start && bytes->data[bytes->size - 1] == 0xff)
        bytes->size--;
    if (bytes->size > start)
        bytes->data[bytes->size - 1]++;
}
