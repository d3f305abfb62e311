/*
 * bloom: "surely absent", answered from one cache line.
 *
 * A blocked Bloom filter: the high half of a key's hash picks a line of 64
 * bytes, the low half sets probes bits in it. Bytes: docs/sstable-format.md,
 * "Filter". Knows nothing of files.
 */
#ifndef BYRON_SSTABLE_BLOOM_H
#define BYRON_SSTABLE_BLOOM_H

#include "base/buf.h"
#include "base/integer.h"

#define BLOOM_LINE_SIZE  64u
#define BLOOM_PROBES_MAX 16u

struct bloom_shape {
    uint32_t lines;
    uint32_t probes;
};

/* For count keys of bits each; lines 0 where either is 0. */
void bloom_choose(uint64_t count, uint32_t bits, struct bloom_shape *out);
/* Appends the lines that hold count hashes (u64 each, in native order). */
BYRON_MUST_CHECK byron_status bloom_add(const struct bloom_shape *shape,
                                        const struct buf *hashes,
                                        struct buf *out);

static inline uint32_t bloom_line(const struct bloom_shape *shape,
                                  uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * shape->lines) >> 32);
}

/* Whether the line may hold the hash. */
static inline bool bloom_line_has(const uint8_t *line, uint32_t probes,
                                  uint64_t hash)
{
    uint32_t bits = (uint32_t)hash;

    for (uint32_t i = 0; i < probes; i++) {
        uint32_t bit = bits >> 23;
        if (!(line[bit >> 3] >> (bit & 7) & 1))
            return false;
        bits *= UINT32_C(0x9e3779b9);
    }
    return true;
}

#endif
