/*
 * kept_key: a copy of the key that was passed, to know its other versions by.
 *
 * On the path of every entry: a copy costs no call once there is room, and
 * most other keys are told by their size or last byte.
 */
#ifndef BYRON_MERGE_KEPT_KEY_H
#define BYRON_MERGE_KEPT_KEY_H

#include "base/buf.h"

BYRON_MUST_CHECK static inline byron_status kept_key_set(struct buf *kept,
                                                         struct slice key)
{
    buf_clear(kept);
    if (key.size > kept->capacity || key.size == 0)
        return buf_add(kept, key.data, key.size);
    slice_copy(kept->data, key);
    kept->size = key.size;
    return BYRON_OK;
}

static inline bool kept_key_is(const struct buf *kept, struct slice key)
{
    size_t size = key.size;

    if (size != kept->size)
        return false;
    if (size == 0)
        return true;
    return key.data[size - 1] == kept->data[size - 1] &&
           memcmp(key.data, kept->data, size) == 0;
}

#endif
