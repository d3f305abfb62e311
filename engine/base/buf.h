/*
 * buf: owned, growable bytes.
 */
#ifndef BYRON_BASE_BUF_H
#define BYRON_BASE_BUF_H

#include "base/slice.h"

/* All zero is a valid empty buf. */
struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void buf_deinit(struct buf *buf);
static inline void buf_clear(struct buf *buf)
{
    buf->size = 0;
}
static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->data, buf->size);
}
/* What buf_reserve does where there is no room. */
BYRON_MUST_CHECK byron_status buf_grow(struct buf *buf, size_t more);
/* Makes room for more bytes beyond size; size stays. */
BYRON_MUST_CHECK static inline byron_status buf_reserve(struct buf *buf,
                                                        size_t more)
{
    return more <= buf->capacity - buf->size ? BYRON_OK : buf_grow(buf, more);
}
BYRON_MUST_CHECK byron_status buf_add(struct buf *buf, const void *data,
                                      size_t size);
BYRON_MUST_CHECK byron_status buf_add_zeros(struct buf *buf, size_t size);
BYRON_MUST_CHECK byron_status buf_add_u8(struct buf *buf, uint8_t value);
BYRON_MUST_CHECK byron_status buf_add_u16(struct buf *buf, uint16_t value);
BYRON_MUST_CHECK byron_status buf_add_u32(struct buf *buf, uint32_t value);
BYRON_MUST_CHECK byron_status buf_add_u64(struct buf *buf, uint64_t value);
BYRON_MUST_CHECK byron_status buf_add_varint(struct buf *buf, uint64_t value);
/* varint size, then the bytes */
BYRON_MUST_CHECK byron_status buf_add_sized(struct buf *buf,
                                            struct slice bytes);

#endif
