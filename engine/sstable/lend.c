#include "sstable/lend.h"

#define KEYS_MAX ((size_t)32 * 1024) /* Bytes of keys at once. */

static bool is_same_key(const struct block *block, uint32_t a, uint32_t b)
{
    return block_head(block, a) == block_head(block, b) &&
           slice_equal(block_piece(&block->suffixes, a),
                       block_piece(&block->suffixes, b));
}

uint32_t lend_plain(const struct block *block, uint32_t from, uint32_t to)
{
    uint32_t at = from;

    if (block_kind(block, from) != ENTRY_PUT)
        return from;
    /* Of width 0: they are all of that kind. */
    while (at < to && !is_same_key(block, at, at + 1) &&
           (block->meta_width == 0 || block_kind(block, at + 1) == ENTRY_PUT))
        at++;
    return at;
}

/* Where the suffix of an entry ends, among the suffixes. */
static inline uint32_t suffix_end(const struct block_pieces *suffixes,
                                  uint32_t index)
{
    if (suffixes->width == 0)
        return (index + 1) * suffixes->stride;
    if (suffixes->width == 2)
        return load_u16(suffixes->offsets + (size_t)index * 2 + 2);
    return load_u32(suffixes->offsets + (size_t)index * 4 + 4);
}

/* The suffixes of the entries after from, up to `to`, side by side. */
static struct slice lent_suffixes(const struct block *block, uint32_t from,
                                  uint32_t to)
{
    struct slice first = block_piece(&block->suffixes, from + 1);
    struct slice last = block_piece(&block->suffixes, to);
    const uint8_t *end = last.data + last.size;

    /* Else what is said of them has changed since it was checked. */
    return slice_of(first.data,
                    end > first.data ? (size_t)(end - first.data) : 0);
}

uint32_t lend_entries(const struct block *from_block, const uint8_t *prefix,
                      uint32_t from, uint32_t to,
                      const struct skip_limits *limits, struct buf *keys)
{
    /* A copy that no byte written to a key can be a part of. */
    const struct block block = *from_block;
    struct byron_pair *pairs = limits->pairs;
    uint64_t *sequences = limits->sequences;
    struct slice suffixes = lent_suffixes(&block, from, to);
    size_t size = suffixes.size +
                  (to - from) * ((size_t)block.prefix_size + BLOCK_HEAD_SIZE);
    uint32_t begin = (uint32_t)(suffixes.data - block.suffixes.bytes);
    uint32_t most = begin + (uint32_t)suffixes.size;
    uint8_t *key;

    /* What was lent before stays where nothing is now. */
    if (size > KEYS_MAX || block_is_large(&block, from + 1))
        return from;
    buf_clear(keys);
    if (buf_reserve(keys, size + LEND_PREFIX_ROOM) != BYRON_OK)
        return from;
    key = keys->data;
    for (uint32_t at = from + 1; at <= to; at++, pairs++) {
        uint32_t end = suffix_end(&block.suffixes, at);

        if (block_is_large(&block, at))
            return at - 1;
        /* Each begins where the one before ends: so there is room for all. */
        end = end < most ? end : most;
        end = end > begin ? end : begin;
        if (block.prefix_size <= LEND_PREFIX_ROOM)
            memcpy(key, prefix, LEND_PREFIX_ROOM);
        else
            memcpy(key, prefix, block.prefix_size);
        size = block_key_with(
            &block, at, slice_of(block.suffixes.bytes + begin, end - begin),
            key);
        begin = end;
        pairs->key = slice_bytes(slice_of(key, size));
        pairs->value = slice_bytes(block_value(&block, at));
        if (sequences)
            *sequences++ = block_sequence(&block, at);
        key += size;
    }
    return to;
}
