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

/* Bytes of the keys of the entries after from, up to `to`. */
static size_t lent_size(const struct block *block, uint32_t from, uint32_t to)
{
    struct slice first = block_piece(&block->suffixes, from + 1);
    struct slice last = block_piece(&block->suffixes, to);

    return (to - from) * ((size_t)block->prefix_size + BLOCK_HEAD_SIZE) +
           (size_t)(last.data + last.size - first.data);
}

uint32_t lend_entries(const struct block *from_block, const uint8_t *prefix,
                      uint32_t from, uint32_t to,
                      const struct skip_limits *limits, struct buf *keys)
{
    /* A copy that no byte written to a key can be a part of. */
    const struct block block = *from_block;
    struct byron_pair *pairs = limits->pairs;
    uint64_t *sequences = limits->sequences;
    size_t size = lent_size(&block, from, to);
    uint8_t *key;

    /* What was lent before stays where nothing is now. */
    if (size > KEYS_MAX || block_is_large(&block, from + 1))
        return from;
    buf_clear(keys);
    if (buf_reserve(keys, size + LEND_PREFIX_ROOM) != BYRON_OK)
        return from;
    key = keys->data;
    for (uint32_t at = from + 1; at <= to; at++, pairs++) {
        if (block_is_large(&block, at))
            return at - 1;
        if (block.prefix_size <= LEND_PREFIX_ROOM)
            memcpy(key, prefix, LEND_PREFIX_ROOM);
        else
            memcpy(key, prefix, block.prefix_size);
        size = block_key_after_prefix(&block, at, key);
        pairs->key = slice_bytes(slice_of(key, size));
        pairs->value = slice_bytes(block_value(&block, at));
        if (sequences)
            *sequences++ = block_sequence(&block, at);
        key += size;
    }
    return to;
}
