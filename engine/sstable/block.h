/*
 * block: sorted entries as bytes, read in place.
 *
 * body    = header(32) prefix pad heads sequences suffix_offsets
 *           value_offsets metas suffixes values
 * key     = prefix, the bytes of its head, its suffix
 *
 * Everything of entry i is found by index, nothing is decoded on the way.
 * block_flaw looks at every byte that steers, once. The bytes of a mapped file
 * may change after that: then the other calls may lend the wrong bytes of the
 * body, but none outside of it and of the 16 that are its trailer. Bytes:
 * docs/sstable-format.md, "Block body".
 */
#ifndef BYRON_SSTABLE_BLOCK_H
#define BYRON_SSTABLE_BLOCK_H

#include "base/integer.h"
#include "entry/entry.h"

#define BLOCK_HEADER_SIZE 32u
#define BLOCK_HEAD_SIZE   8u

/* meta = kind (bits 0-1, enum entry_kind), used bytes of the head, 0 to 8 (bits
 * 2-5), value elsewhere (bit 6) */
#define BLOCK_META_KIND       0x03u
#define BLOCK_META_USED_SHIFT 2
#define BLOCK_META_USED       0x0fu
#define BLOCK_META_LARGE      0x40u

/* A column of offsets, one more than there are pieces; or, of width 0, of
 * none: the pieces are then all of one size. */
struct block_pieces {
    const uint8_t *offsets;
    const uint8_t *bytes;
    uint32_t stride; /* Width 0: the size of every piece; else of all. */
    uint8_t width;   /* 0, 2 or 4 */
};

/* A view of a body: pointers into it. */
struct block {
    const uint8_t *heads;
    const uint8_t *prefix;
    const uint8_t *sequences;
    const uint8_t *metas;
    struct block_pieces suffixes;
    struct block_pieces values;
    uint64_t base_sequence;
    uint32_t count;
    uint32_t prefix_size;
    uint8_t sequence_width; /* 0, 1, 2, 4 or 8 */
    uint8_t meta_width;     /* 0: all entries have the meta below. */
    uint8_t meta;
};

/* NULL for a sound body, else what is wrong with it. */
const char *block_flaw(struct slice body);
/* Asks memory for the start of a body, where its heads are, all at once: a
 * search would wait for one line after the other. */
static inline void block_prefetch(struct slice body);
/* Requires: block_flaw(body) is NULL, and it has not changed since. */
void block_view(struct slice body, struct block *out);
/* The same for bytes that may have: false if the areas do not fit the body. */
bool block_view_again(struct slice body, struct block *out);
/*
 * Index of the first entry at or after (key, sequence), count if there is
 * none. *has_key: that entry is a version of key.
 */
uint32_t block_seek(const struct block *block, struct slice key,
                    uint64_t sequence, bool *has_key);
/* The first entry of [from, to) that is a version of key; to if none is.
 * Requires: to <= count. For few entries: it looks at one after the other. */
uint32_t block_find(const struct block *block, struct slice key, uint32_t from,
                    uint32_t to);
/* Writes the key of entry index, which has that suffix, from its head on;
 * prefix_size bytes before them are the caller's. Returns the size of the whole
 * key. Requires: room for prefix, 8 bytes and the suffix. */
static inline size_t block_key_with(const struct block *block, uint32_t index,
                                    struct slice suffix, uint8_t *key);
static inline size_t block_key_after_prefix(const struct block *block,
                                            uint32_t index, uint8_t *key);

static inline void block_prefetch(struct slice body)
{
    size_t size = body.size < 1024 ? body.size : 1024;

    for (size_t at = 0; at < size; at += 64)
        __builtin_prefetch(body.data + at);
}

static inline uint64_t block_head(const struct block *block, uint32_t index)
{
    return load_u64(block->heads + (size_t)index * BLOCK_HEAD_SIZE);
}

static inline unsigned block_meta(const struct block *block, uint32_t index)
{
    return block->meta_width ? block->metas[index] : block->meta;
}

static inline enum entry_kind block_kind(const struct block *block,
                                         uint32_t index)
{
    return (enum entry_kind)(block_meta(block, index) & BLOCK_META_KIND);
}

/* The value is a block handle to where the value is. */
static inline bool block_is_large(const struct block *block, uint32_t index)
{
    return (block_meta(block, index) & BLOCK_META_LARGE) != 0;
}

static inline unsigned block_used_of(unsigned meta)
{
    return (meta >> BLOCK_META_USED_SHIFT) & BLOCK_META_USED;
}

static inline unsigned block_head_used(const struct block *block,
                                       uint32_t index)
{
    unsigned used;

    if (block->meta_width == 0) /* The view has looked at it. */
        return block_used_of(block->meta);
    used = block_used_of(block->metas[index]);
    return used < BLOCK_HEAD_SIZE ? used : BLOCK_HEAD_SIZE;
}

static inline uint64_t block_sequence(const struct block *block, uint32_t index)
{
    const uint8_t *at = block->sequences;
    switch (block->sequence_width) {
    case 0:
        return block->base_sequence;
    case 1:
        return block->base_sequence + at[index];
    case 2:
        return block->base_sequence + load_u16(at + (size_t)index * 2);
    case 4:
        return block->base_sequence + load_u32(at + (size_t)index * 4);
    default:
        return block->base_sequence + load_u64(at + (size_t)index * 8);
    }
}

/* The piece between two offsets, as far as it lies among the others. */
static inline struct slice block_piece_in(const struct block_pieces *pieces,
                                          uint32_t from, uint32_t to)
{
    to = to < pieces->stride ? to : pieces->stride;
    from = from < to ? from : to;
    return slice_of(pieces->bytes + from, to - from);
}

static inline struct slice block_piece(const struct block_pieces *pieces,
                                       uint32_t index)
{
    const uint8_t *at;

    if (pieces->width == 0)
        return slice_of(pieces->bytes + (size_t)index * pieces->stride,
                        pieces->stride);
    if (pieces->width == 2) {
        at = pieces->offsets + (size_t)index * 2;
        return block_piece_in(pieces, load_u16(at), load_u16(at + 2));
    }
    at = pieces->offsets + (size_t)index * 4;
    return block_piece_in(pieces, load_u32(at), load_u32(at + 4));
}

static inline struct slice block_value(const struct block *block,
                                       uint32_t index)
{
    return block_piece(&block->values, index);
}

static inline size_t block_key_with(const struct block *block, uint32_t index,
                                    struct slice suffix, uint8_t *key)
{
    uint64_t head = __builtin_bswap64(block_head(block, index));
    uint8_t *after = key + block->prefix_size;

    memcpy(after, &head, sizeof head);
    slice_copy(after + sizeof head, suffix);
    return block->prefix_size + block_head_used(block, index) + suffix.size;
}

static inline size_t block_key_after_prefix(const struct block *block,
                                            uint32_t index, uint8_t *key)
{
    return block_key_with(block, index, block_piece(&block->suffixes, index),
                          key);
}

/* Room that block_key_after_prefix needs for any key of the block. */
static inline size_t block_key_room(const struct block *block)
{
    return (size_t)(block->values.bytes - block->suffixes.bytes) +
           block->prefix_size + BLOCK_HEAD_SIZE;
}

#endif
