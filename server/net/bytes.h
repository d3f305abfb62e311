/*
 * bytes: owned, growable bytes, taken away from the front.
 */
#ifndef BYROND_NET_BYTES_H
#define BYROND_NET_BYTES_H

#include "byron.h"

/* All zero is a valid empty one. */
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
/* Takes size bytes away from the front. Requires: so many are there. */
void bytes_drop(struct bytes *bytes, size_t size);

static inline struct byron_bytes bytes_lend(const struct bytes *bytes)
{
    struct byron_bytes lent = {bytes->data, bytes->size};
    return lent;
}

static inline struct byron_bytes bytes_of_text(const char *text)
{
    struct byron_bytes lent = {text, 0};
    while (text[lent.size])
        lent.size++;
    return lent;
}

bool bytes_equal(struct byron_bytes bytes, const char *text);
/* As memcmp orders, a prefix first. */
int bytes_compare(struct byron_bytes a, struct byron_bytes b);

#endif
