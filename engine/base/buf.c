#include "base/buf.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "base/try.h"

#define SMALLEST_CAPACITY ((size_t)64)

void buf_deinit(struct buf *buf)
{
    alloc_free(buf->data);
    memset(buf, 0, sizeof *buf);
}

byron_status buf_grow(struct buf *buf, size_t more)
{
    size_t capacity = buf->capacity ? buf->capacity : SMALLEST_CAPACITY;
    size_t needed;
    uint8_t *data;

    if (more > SIZE_MAX / 2 - buf->size)
        return error_no_memory();
    needed = buf->size + more;
    while (capacity < needed)
        capacity *= 2;
    data = alloc_resize(buf->data, capacity);
    if (!data)
        return error_no_memory();
    buf->data = data;
    buf->capacity = capacity;
    return BYRON_OK;
}

byron_status buf_add(struct buf *buf, const void *data, size_t size)
{
    byron_status status;

    TRY(buf_reserve(buf, size));
    if (size > 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
out:
    return status;
}

byron_status buf_add_zeros(struct buf *buf, size_t size)
{
    byron_status status;

    TRY(buf_reserve(buf, size));
    if (size > 0)
        memset(buf->data + buf->size, 0, size);
    buf->size += size;
out:
    return status;
}

byron_status buf_add_u8(struct buf *buf, uint8_t value)
{
    return buf_add(buf, &value, sizeof value);
}

byron_status buf_add_u16(struct buf *buf, uint16_t value)
{
    return buf_add(buf, &value, sizeof value);
}

byron_status buf_add_u32(struct buf *buf, uint32_t value)
{
    return buf_add(buf, &value, sizeof value);
}

byron_status buf_add_u64(struct buf *buf, uint64_t value)
{
    return buf_add(buf, &value, sizeof value);
}

byron_status buf_add_varint(struct buf *buf, uint64_t value)
{
    byron_status status;

    TRY(buf_reserve(buf, VARINT_MAX_SIZE));
    buf->size += write_varint(buf->data + buf->size, value);
out:
    return status;
}

byron_status buf_add_sized(struct buf *buf, struct slice bytes)
{
    byron_status status;

    if (bytes.size > SIZE_MAX / 2)
        return error_no_memory();
    TRY(buf_reserve(buf, VARINT_MAX_SIZE + bytes.size));
    buf->size += write_varint(buf->data + buf->size, bytes.size);
    TRY(buf_add(buf, bytes.data, bytes.size));
out:
    return status;
}
