#include "sstable/hash_lines.h"

#include "base/try.h"

/* Lines for 25 keys: 16 slots are 78 % full. */
#define KEYS_OF_TWO_LINES 25u
/* A last chunk of fewer lines fills too unevenly. */
#define LAST_CHUNK_MIN 64u
#define LINES_MAX      (UINT32_C(1) << 25)
/* Keys that share a chunk on purpose are not helped by any number of lines. */
#define TRIES 8

static uint32_t bits_of(uint64_t number)
{
    uint32_t bits = 0;

    while (number >> bits)
        bits++;
    return bits;
}

static uint64_t round_lines(uint64_t lines)
{
    uint64_t last = lines % HASH_CHUNK_LINES;

    if (lines > HASH_CHUNK_LINES && last > 0 && last < LAST_CHUNK_MIN)
        lines += LAST_CHUNK_MIN - last;
    return lines;
}

void hash_shape_choose(uint64_t keys, uint64_t blocks, uint32_t index_max,
                       struct hash_shape *out)
{
    uint64_t lines =
        round_lines((keys * 2 + KEYS_OF_TWO_LINES - 1) / KEYS_OF_TWO_LINES);

    memset(out, 0, sizeof *out);
    if (blocks == 0 || blocks > HASH_BLOCKS_MAX || lines > LINES_MAX)
        return;
    out->lines = (uint32_t)lines;
    out->block_bits = bits_of(blocks - 1);
    out->place_bits = bits_of(index_max);
    while (out->block_bits + out->place_bits > HASH_PLACE_MOST) {
        out->place_bits--;
        out->place_shift++;
    }
}

/* False where the chunk is full. used: slots of each line that are. */
static bool put(const struct hash_shape *shape, uint8_t *lines, uint8_t *used,
                uint64_t hash, uint32_t slot)
{
    uint32_t line = hash_line_of(shape, hash);
    uint32_t first = line - line % HASH_CHUNK_LINES;
    uint32_t count = hash_chunk_lines(shape, first / HASH_CHUNK_LINES);

    for (uint32_t steps = 0; used[line] == HASH_LINE_SLOTS; steps++) {
        if (steps == count)
            return false;
        line = line + 1 < first + count ? line + 1 : first;
    }
    store_u32(lines + (size_t)line * HASH_LINE_SIZE + used[line] * 4u, slot);
    used[line]++;
    return true;
}

static bool put_all(const struct hash_shape *shape, const struct buf *hashes,
                    const struct buf *places, uint8_t *lines, uint8_t *used)
{
    size_t count = hashes->size / sizeof(uint64_t);

    for (size_t i = 0; i < count; i++) {
        uint64_t hash;
        uint32_t place[2];
        memcpy(&hash, hashes->data + i * sizeof hash, sizeof hash);
        memcpy(place, places->data + i * sizeof place, sizeof place);
        if (!put(shape, lines, used, hash,
                 hash_slot(shape, hash, place[0], place[1])))
            return false;
    }
    return true;
}

byron_status hash_lines_build(struct hash_shape *shape,
                              const struct buf *hashes,
                              const struct buf *places, struct buf *lines)
{
    byron_status status = BYRON_OK;
    struct buf used = {0};
    uint64_t count = shape->lines;

    for (int i = 0; i < TRIES && count > 0 && count <= LINES_MAX; i++) {
        shape->lines = (uint32_t)count;
        buf_clear(lines);
        buf_clear(&used);
        TRY(buf_add_zeros(lines, (size_t)count * HASH_LINE_SIZE));
        TRY(buf_add_zeros(&used, (size_t)count));
        if (put_all(shape, hashes, places, lines->data, used.data))
            goto out;
        count = round_lines(count + count / 8 + 1);
    }
    shape->lines = 0;
    buf_clear(lines);
out:
    buf_deinit(&used);
    return status;
}
