#include "sstable/bloom.h"

#include "base/try.h"

#define LINE_BITS (BLOOM_LINE_SIZE * 8u)

void bloom_choose(uint64_t count, uint32_t bits, struct bloom_shape *out)
{
    uint64_t lines = bits ? (count * bits + LINE_BITS - 1) / LINE_BITS : 0;

    out->lines = lines > UINT32_MAX ? UINT32_MAX : (uint32_t)lines;
    /* ln 2 probes per bit is best for a plain filter; lines fill unevenly,
     * which asks for a little less. */
    out->probes = (bits * 6 + 5) / 10;
    if (out->probes == 0)
        out->probes = 1;
    if (out->probes > BLOOM_PROBES_MAX)
        out->probes = BLOOM_PROBES_MAX;
}

byron_status bloom_add(const struct bloom_shape *shape,
                       const struct buf *hashes, struct buf *out)
{
    byron_status status;
    uint8_t *lines;

    TRY(buf_add_zeros(out, (size_t)shape->lines * BLOOM_LINE_SIZE));
    lines = out->data + out->size - (size_t)shape->lines * BLOOM_LINE_SIZE;
    for (size_t at = 0; at < hashes->size; at += sizeof(uint64_t)) {
        uint64_t hash = load_u64(hashes->data + at);
        uint8_t *line =
            lines + (size_t)bloom_line(shape, hash) * BLOOM_LINE_SIZE;
        uint32_t bits = (uint32_t)hash;
        for (uint32_t i = 0; i < shape->probes; i++) {
            uint32_t bit = bits >> 23;
            line[bit >> 3] = (uint8_t)(line[bit >> 3] | 1u << (bit & 7));
            bits *= UINT32_C(0x9e3779b9);
        }
    }
out:
    return status;
}
