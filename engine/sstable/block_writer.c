#include "sstable/block_writer.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "base/try.h"
#include "sstable/block.h"

/* Head, meta and two offsets: what an entry costs beside its bytes. */
#define ENTRY_OVERHEAD 13u

struct block_slot {
    uint64_t sequence;
    uint32_t key_end;
    uint32_t value_end;
    uint8_t meta; /* Without the used bytes of the head. */
};

/* What the columns of a finished body look like. */
struct layout {
    uint64_t base_sequence;
    uint64_t suffix_total;
    uint8_t sequence_width;
    uint8_t suffix_width;
    uint8_t value_width;
    uint8_t meta_width;
    uint8_t meta;
    uint32_t suffix_stride;
    uint32_t value_stride;
};

void block_writer_deinit(struct block_writer *writer)
{
    buf_deinit(&writer->keys);
    buf_deinit(&writer->values);
    alloc_free(writer->slots);
    memset(writer, 0, sizeof *writer);
}

static struct slice key_at(const struct block_writer *writer, size_t index)
{
    uint32_t from = index ? writer->slots[index - 1].key_end : 0;
    return slice_of(writer->keys.data + from,
                    writer->slots[index].key_end - from);
}

static size_t value_size_at(const struct block_writer *writer, size_t index)
{
    uint32_t from = index ? writer->slots[index - 1].value_end : 0;
    return writer->slots[index].value_end - from;
}

/* Whether key begins with the prefix, which is not empty. Without a call where
 * it is short. */
static inline bool has_prefix(const struct block_writer *writer,
                              struct slice key)
{
    size_t size = writer->prefix_size;
    struct slice keys = buf_slice(&writer->keys); /* The first is in front. */

    if (key.size < size)
        return false;
    if (size <= 8 && key.size >= 8 && keys.size >= 8)
        return (slice_head(key, 0) ^ slice_head(keys, 0)) >> (64 - 8 * size) ==
               0;
    return memcmp(key.data, keys.data, size) == 0;
}

/* The prefix if key joined: sorted keys can only shorten it. */
static size_t prefix_with(const struct block_writer *writer, struct slice key)
{
    struct slice prefix = slice_of(writer->keys.data, writer->prefix_size);

    if (writer->count == 0)
        return key.size;
    if (prefix.size == 0 || has_prefix(writer, key))
        return prefix.size;
    return slice_shared(prefix, key);
}

static byron_status grow_slots(struct block_writer *writer)
{
    size_t capacity = writer->capacity ? writer->capacity * 2 : 64;
    struct block_slot *slots =
        alloc_resize(writer->slots, capacity * sizeof *slots);

    if (!slots)
        return error_no_memory();
    writer->slots = slots;
    writer->capacity = capacity;
    return BYRON_OK;
}

/* Requires: there is room. */
static inline void add_bytes(struct buf *to, struct slice bytes)
{
    slice_copy(to->data + to->size, bytes);
    to->size += bytes.size;
}

byron_status block_writer_add(struct block_writer *writer,
                              const struct entry *entry, bool is_large)
{
    byron_status status;
    size_t prefix_size = prefix_with(writer, entry->key);
    struct block_slot *slot;

    assert(writer->count == 0 ||
           entry_compare(block_writer_last_key(writer),
                         block_writer_last_sequence(writer), entry->key,
                         entry->sequence) < 0);
    if (writer->count == writer->capacity)
        TRY(grow_slots(writer));
    /* At least a byte: then there is an address, whatever is empty. */
    TRY(buf_reserve(&writer->keys, entry->key.size + 1));
    TRY(buf_reserve(&writer->values, entry->value.size + 1));
    add_bytes(&writer->keys, entry->key);
    add_bytes(&writer->values, entry->value);
    slot = &writer->slots[writer->count++];
    slot->sequence = entry->sequence;
    slot->key_end = (uint32_t)writer->keys.size;
    slot->value_end = (uint32_t)writer->values.size;
    slot->meta =
        (uint8_t)((unsigned)entry->kind | (is_large ? BLOCK_META_LARGE : 0u));
    writer->prefix_size = prefix_size;
out:
    return status;
}

static size_t size_of_body(size_t count, size_t prefix_size, size_t key_bytes,
                           size_t value_bytes)
{
    /* Prefix and head of every key are not in its suffix. */
    size_t shared = count * (prefix_size + BLOCK_HEAD_SIZE);
    size_t suffixes = key_bytes > shared ? key_bytes - shared : 0;

    return BLOCK_HEADER_SIZE + prefix_size + 7 + count * ENTRY_OVERHEAD +
           suffixes + value_bytes;
}

size_t block_writer_size_with(const struct block_writer *writer,
                              struct slice key, size_t value_size)
{
    return size_of_body(writer->count + 1, prefix_with(writer, key),
                        writer->keys.size + key.size,
                        writer->values.size + value_size);
}

size_t block_writer_size(const struct block_writer *writer)
{
    if (writer->count == 0)
        return 0;
    return size_of_body(writer->count, writer->prefix_size, writer->keys.size,
                        writer->values.size);
}

struct slice block_writer_last_key(const struct block_writer *writer)
{
    assert(writer->count);
    return key_at(writer, writer->count - 1);
}

uint64_t block_writer_last_sequence(const struct block_writer *writer)
{
    assert(writer->count);
    return writer->slots[writer->count - 1].sequence;
}

/* --- the body --- */

static uint8_t head_used(const struct block_writer *writer, struct slice key)
{
    size_t rest = key.size - writer->prefix_size;
    return (uint8_t)(rest < BLOCK_HEAD_SIZE ? rest : BLOCK_HEAD_SIZE);
}

static size_t suffix_size(const struct block_writer *writer, struct slice key)
{
    size_t rest = key.size - writer->prefix_size;
    return rest < BLOCK_HEAD_SIZE ? 0 : rest - BLOCK_HEAD_SIZE;
}

static uint8_t meta_at(const struct block_writer *writer, size_t index)
{
    unsigned used = head_used(writer, key_at(writer, index));
    return (uint8_t)(writer->slots[index].meta |
                     (used << BLOCK_META_USED_SHIFT));
}

static uint8_t width_of_offsets(uint64_t total)
{
    return total <= UINT16_MAX ? 2 : 4;
}

static uint8_t width_of_sequences(uint64_t span)
{
    if (span == 0)
        return 0;
    if (span <= UINT8_MAX)
        return 1;
    if (span <= UINT16_MAX)
        return 2;
    return span <= UINT32_MAX ? 4 : 8;
}

/* Finds out which columns are constant and how wide the others must be. */
static void plan_layout(const struct block_writer *writer, struct layout *out)
{
    uint64_t low = UINT64_MAX, high = 0;
    bool same_suffix = true, same_value = true, same_meta = true;

    memset(out, 0, sizeof *out);
    out->suffix_stride = (uint32_t)suffix_size(writer, key_at(writer, 0));
    out->value_stride = (uint32_t)value_size_at(writer, 0);
    out->meta = meta_at(writer, 0);
    for (size_t i = 0; i < writer->count; i++) {
        size_t suffix = suffix_size(writer, key_at(writer, i));
        uint64_t sequence = writer->slots[i].sequence;
        out->suffix_total += suffix;
        same_suffix &= suffix == out->suffix_stride;
        same_value &= value_size_at(writer, i) == out->value_stride;
        same_meta &= meta_at(writer, i) == out->meta;
        low = sequence < low ? sequence : low;
        high = sequence > high ? sequence : high;
    }
    out->base_sequence = low;
    out->sequence_width = width_of_sequences(high - low);
    out->suffix_width = same_suffix ? 0 : width_of_offsets(out->suffix_total);
    out->value_width = same_value ? 0 : width_of_offsets(writer->values.size);
    out->meta_width = same_meta ? 0 : 1;
    if (!same_meta)
        out->meta = 0;
}

static void write_header(const struct block_writer *writer,
                         const struct layout *layout, uint8_t *to)
{
    store_u32(to, (uint32_t)writer->count);
    store_u32(to + 4, (uint32_t)writer->prefix_size);
    store_u32(to + 8, layout->suffix_width ? (uint32_t)layout->suffix_total
                                           : layout->suffix_stride);
    store_u32(to + 12, layout->value_width ? (uint32_t)writer->values.size
                                           : layout->value_stride);
    to[16] = layout->sequence_width;
    to[17] = layout->suffix_width;
    to[18] = layout->value_width;
    to[19] = layout->meta_width;
    to[20] = layout->meta;
    memset(to + 21, 0, 3);
    store_u64(to + 24, layout->base_sequence);
}

/* Little-endian: the low bytes. */
static inline uint8_t *write_number(uint8_t *to, uint8_t width, uint64_t number)
{
    for (uint8_t i = 0; i < width; i++)
        to[i] = (uint8_t)(number >> (8 * i));
    return to + width;
}

static uint8_t *write_prefix_and_heads(const struct block_writer *writer,
                                       uint8_t *to)
{
    size_t padded = (writer->prefix_size + 7) & ~(size_t)7;

    if (padded) {
        memset(to + padded - 8, 0, 8);
        memcpy(to, writer->keys.data, writer->prefix_size);
    }
    to += padded;
    for (size_t i = 0; i < writer->count; i++) {
        store_u64(to, slice_head(key_at(writer, i), writer->prefix_size));
        to += BLOCK_HEAD_SIZE;
    }
    return to;
}

static uint8_t *write_columns(const struct block_writer *writer,
                              const struct layout *layout, uint8_t *to)
{
    uint64_t offset = 0;

    for (size_t i = 0; layout->sequence_width && i < writer->count; i++)
        to = write_number(to, layout->sequence_width,
                          writer->slots[i].sequence - layout->base_sequence);
    if (layout->suffix_width) {
        to = write_number(to, layout->suffix_width, 0);
        for (size_t i = 0; i < writer->count; i++) {
            offset += suffix_size(writer, key_at(writer, i));
            to = write_number(to, layout->suffix_width, offset);
        }
    }
    if (layout->value_width) {
        to = write_number(to, layout->value_width, 0);
        for (size_t i = 0; i < writer->count; i++)
            to = write_number(to, layout->value_width,
                              writer->slots[i].value_end);
    }
    for (size_t i = 0; layout->meta_width && i < writer->count; i++)
        *to++ = meta_at(writer, i);
    return to;
}

static uint8_t *write_suffixes_and_values(const struct block_writer *writer,
                                          uint8_t *to)
{
    for (size_t i = 0; i < writer->count; i++) {
        struct slice key = key_at(writer, i);
        size_t size = suffix_size(writer, key);
        slice_copy(to, slice_of(key.data + key.size - size, size));
        to += size;
    }
    if (writer->values.size)
        memcpy(to, writer->values.data, writer->values.size);
    return to + writer->values.size;
}

static size_t exact_size(const struct block_writer *writer,
                         const struct layout *layout)
{
    size_t count = writer->count;
    size_t size = BLOCK_HEADER_SIZE + ((writer->prefix_size + 7) & ~(size_t)7) +
                  count * (BLOCK_HEAD_SIZE + layout->sequence_width +
                           layout->meta_width) +
                  (size_t)layout->suffix_total + writer->values.size;

    if (layout->suffix_width)
        size += (count + 1) * layout->suffix_width;
    if (layout->value_width)
        size += (count + 1) * layout->value_width;
    return size;
}

byron_status block_writer_finish(struct block_writer *writer, struct buf *out)
{
    byron_status status;
    struct layout layout;
    uint8_t *start, *to;

    assert(writer->count);
    plan_layout(writer, &layout);
    size_t size = exact_size(writer, &layout);
    TRY(buf_reserve(out, size));
    start = out->data + out->size;
    write_header(writer, &layout, start);
    to = write_prefix_and_heads(writer, start + BLOCK_HEADER_SIZE);
    to = write_columns(writer, &layout, to);
    to = write_suffixes_and_values(writer, to);
    assert((size_t)(to - start) == size);
    out->size += size;
    buf_clear(&writer->keys);
    buf_clear(&writer->values);
    writer->count = 0;
    writer->prefix_size = 0;
out:
    return status;
}
