/*
 * bytes: owned, growable bytes of the extension.
 */
#ifndef BYRON_EXT_BYTES_H
#define BYRON_EXT_BYTES_H

#include "byron.h"

/* All zero is valid and empty. */
struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void bytes_deinit(struct bytes *bytes);
/* Makes room for more bytes beyond size; size stays. */
BYRON_MUST_CHECK byron_status bytes_reserve(struct bytes *bytes, size_t more);
BYRON_MUST_CHECK byron_status bytes_add(struct bytes *bytes, const void *data,
                                        size_t size);
BYRON_MUST_CHECK byron_status bytes_add_u8(struct bytes *bytes, uint8_t value);

static inline struct byron_bytes bytes_view(const struct bytes *bytes)
{
    return (struct byron_bytes){bytes->data, bytes->size};
}

#endif
