#include "entry/entry.h"

#include "base/integer.h"
#include "base/try.h"
#include "entry/timed.h"

byron_status entry_encode(const struct entry *entry, struct buf *out)
{
    uint8_t *to;
    byron_status status;

    TRY(buf_reserve(out, ENTRY_HEAD_MAX + entry->key.size + entry->value.size));
    to = out->data + out->size;
    *to++ = (uint8_t)entry->kind;
    to += write_varint(to, entry->key.size);
    if (entry->key.size > 0)
        memcpy(to, entry->key.data, entry->key.size);
    to += entry->key.size;
    to += write_varint(to, entry->value.size);
    if (entry->value.size > 0)
        memcpy(to, entry->value.data, entry->value.size);
    to += entry->value.size;
    out->size = (size_t)(to - out->data);
out:
    return status;
}

bool entry_decode(struct slice *input, struct entry *out)
{
    struct slice rest = *input;
    struct slice key;
    struct slice value;
    uint8_t kind;

    if (!read_u8(&rest, &kind) || !read_sized(&rest, &key) ||
        !read_sized(&rest, &value))
        return false;
    if (kind < ENTRY_PUT || kind > ENTRY_TIMED)
        return false;
    if (kind == ENTRY_DELETE && value.size > 0)
        return false;
    if (kind == ENTRY_TIMED && value.size < TIMED_HEAD)
        return false;
    if (key.size > BYRON_MAX_KEY || value.size > BYRON_MAX_VALUE)
        return false;
    out->kind = (enum entry_kind)kind;
    out->key = key;
    out->value = value;
    out->sequence = 0;
    *input = rest;
    return true;
}

int entry_compare(struct slice a_key, uint64_t a_sequence, struct slice b_key,
                  uint64_t b_sequence)
{
    int order = slice_compare(a_key, b_key);
    if (order != 0)
        return order;
    return (a_sequence < b_sequence) - (a_sequence > b_sequence);
}
