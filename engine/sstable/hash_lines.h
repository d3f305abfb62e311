/*
 * hash_lines: from a key's hash to the place of its entry, by one line of 64
 * bytes.
 *
 * A line has 16 slots, filled from the first on. A slot is 32 bits for one key:
 *
 *     fingerprint | number of its data block | place in the block
 *
 * and never 0, which is an empty one. The high half of the hash picks the line,
 * the low half is the fingerprint. What a full line has no room for goes on in
 * the next line of the same chunk, behind the last in the first. Bytes:
 * docs/sstable-format.md, "Hash index". Knows nothing of files.
 */
#ifndef BYRON_SSTABLE_HASH_LINES_H
#define BYRON_SSTABLE_HASH_LINES_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/buf.h"
#include "base/integer.h"

#define HASH_LINE_SIZE   64u
#define HASH_LINE_SLOTS  16u
#define HASH_CHUNK_LINES 256u /* Under one checksum. */
#define HASH_CHUNK_SIZE  (HASH_CHUNK_LINES * HASH_LINE_SIZE)
#define HASH_PLACE_MOST  20u /* Bits of block number and place together. */
#define HASH_BLOCKS_MAX  (UINT32_C(1) << HASH_PLACE_MOST)

struct hash_shape {
    uint32_t lines;       /* 0: there is no hash index. */
    uint32_t block_bits;  /* Of a block's number. */
    uint32_t place_bits;  /* Of a place: */
    uint32_t place_shift; /* an entry's index in its block >> place_shift. */
};

/* For so many keys in so many blocks, where no index of an entry in its block
 * is above index_max. lines is 0 where that is too much for a slot. */
void hash_shape_choose(uint64_t keys, uint64_t blocks, uint32_t index_max,
                       struct hash_shape *out);
/*
 * Makes lines of the keys: hashes has a u64 for each, places a block number
 * and an index in the block (u32 each), all in native order. Takes more lines
 * than shape says where a chunk overflows; shape->lines is 0 and lines empty
 * where that does not help. Requires: shape is of these keys; lines is empty.
 */
BYRON_MUST_CHECK byron_status hash_lines_build(struct hash_shape *shape,
                                               const struct buf *hashes,
                                               const struct buf *places,
                                               struct buf *lines);

static inline uint32_t hash_line_of(const struct hash_shape *shape,
                                    uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * shape->lines) >> 32);
}

/* The bits of a slot that are fingerprint. */
static inline uint32_t hash_mask(const struct hash_shape *shape)
{
    return UINT32_MAX << (shape->block_bits + shape->place_bits);
}

/* The fingerprint, where slots have it. */
static inline uint32_t hash_fingerprint(const struct hash_shape *shape,
                                        uint64_t hash)
{
    uint32_t mask = hash_mask(shape);
    uint32_t fingerprint = (uint32_t)hash & mask;

    return fingerprint ? fingerprint : ~mask + 1;
}

static inline uint32_t hash_slot(const struct hash_shape *shape, uint64_t hash,
                                 uint32_t block, uint32_t index)
{
    return hash_fingerprint(shape, hash) | block << shape->place_bits |
           index >> shape->place_shift;
}

static inline uint32_t hash_slot_block(const struct hash_shape *shape,
                                       uint32_t slot)
{
    return (slot & ~hash_mask(shape)) >> shape->place_bits;
}

/* The first index in the block that the slot may mean, of 1 << place_shift. */
static inline uint32_t hash_slot_index(const struct hash_shape *shape,
                                       uint32_t slot)
{
    return (slot & ((UINT32_C(1) << shape->place_bits) - 1))
           << shape->place_shift;
}

/* Bit i: slot i of the line is wanted in the bits of mask. */
static inline uint32_t hash_line_matches(const uint8_t *line, uint32_t mask,
                                         uint32_t wanted)
{
#ifdef __SSE2__
    const __m128i *slots = (const void *)line;
    __m128i masks = _mm_set1_epi32((int)mask);
    __m128i goal = _mm_set1_epi32((int)wanted);
    __m128i equal[4];

    for (int i = 0; i < 4; i++)
        equal[i] = _mm_cmpeq_epi32(
            _mm_and_si128(_mm_loadu_si128(slots + i), masks), goal);
    return (uint32_t)_mm_movemask_epi8(
        _mm_packs_epi16(_mm_packs_epi32(equal[0], equal[1]),
                        _mm_packs_epi32(equal[2], equal[3])));
#else
    uint32_t matches = 0;

    for (uint32_t i = 0; i < HASH_LINE_SLOTS; i++)
        matches |= (uint32_t)((load_u32(line + i * 4) & mask) == wanted) << i;
    return matches;
#endif
}

/* What does not fit in is in the next line. */
static inline bool hash_line_is_full(const uint8_t *line)
{
    return load_u32(line + HASH_LINE_SIZE - 4) != 0;
}

/* Of the chunk's lines, all but those of the last are HASH_CHUNK_LINES. */
static inline uint32_t hash_chunk_lines(const struct hash_shape *shape,
                                        uint32_t chunk)
{
    uint32_t lines = shape->lines - chunk * HASH_CHUNK_LINES;

    return lines < HASH_CHUNK_LINES ? lines : HASH_CHUNK_LINES;
}

static inline uint32_t hash_chunk_count(const struct hash_shape *shape)
{
    return (shape->lines + HASH_CHUNK_LINES - 1) / HASH_CHUNK_LINES;
}

#endif
