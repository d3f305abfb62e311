#include "net/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An empty one keeps no more than this for the next who fills it. */
#define KEPT_CAPACITY ((size_t)16 * 1024)

void bytes_deinit(struct bytes *bytes)
{
    free(bytes->data);
    memset(bytes, 0, sizeof *bytes);
}

byron_status bytes_reserve(struct bytes *bytes, size_t more)
{
    size_t capacity = bytes->capacity ? bytes->capacity : 64;
    uint8_t *data;

    if (more <= bytes->capacity - bytes->size)
        return BYRON_OK;
    if (more > SIZE_MAX / 2 - bytes->size)
        return BYRON_NO_MEMORY;
    while (capacity < bytes->size + more)
        capacity *= 2;
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

    if (status == BYRON_OK && size > 0) {
        memcpy(bytes->data + bytes->size, data, size);
        bytes->size += size;
    }
    return status;
}

void bytes_drop(struct bytes *bytes, size_t size)
{
    assert(size <= bytes->size);
    bytes->size -= size;
    if (bytes->size > 0 && size > 0)
        memmove(bytes->data, bytes->data + size, bytes->size);
    else if (bytes->size == 0 && bytes->capacity > KEPT_CAPACITY)
        bytes_deinit(bytes);
}

bool bytes_equal(struct byron_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) &&
           memcmp(bytes.data, text, bytes.size) == 0;
}

int bytes_compare(struct byron_bytes a, struct byron_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}
