#include "bench/keys.h"

#include <math.h>
#include <string.h>

#include "bench/rows.h"

#define THETA 0.99

void key_of(enum key_order order, uint64_t row, uint8_t out[ROW_KEY_BYTES])
{
    uint64_t half[2] = {mix(2 * row), mix(2 * row + 1)};

    if (order == KEYS_ASCENDING)
        half[0] = __builtin_bswap64(row << 8);
    memcpy(out, half, sizeof half);
}

/* The first 8 bytes of a value; all others follow from them. */
static uint64_t seed_of(const uint8_t key[ROW_KEY_BYTES], uint8_t version)
{
    uint64_t half[2];

    memcpy(half, key, sizeof half);
    return ((half[0] ^ half[1] * 0x9E3779B97F4A7C15ULL) & ~0xFFULL) | version;
}

static uint64_t word_of(uint64_t seed, uint64_t n)
{
    uint64_t word = (seed + n) * 0xD6E8FEB86659FD93ULL;

    return n == 0 ? seed : word ^ word >> 32;
}

void value_of(const uint8_t key[ROW_KEY_BYTES], uint8_t version, size_t size,
              uint8_t *out)
{
    uint64_t seed = seed_of(key, version);
    size_t half = size / 2;
    size_t at = 0;

    /* The second half repeats the first: it compresses by half. In pieces, so
     * that a compressor's window has both halves of a large one. */
    for (size_t piece = 0; at < size; piece++) {
        size_t most = half < 2048 ? half : 2048;
        size_t left = size - at;
        size_t own = left / 2 < most ? left / 2 : most;

        for (size_t i = 0; i < own; i += 8) {
            uint64_t word = word_of(seed, (at + i) / 8);

            memcpy(out + at + i, &word, own - i < 8 ? own - i : 8);
        }
        memcpy(out + at + own, out + at, own);
        at += 2 * own;
    }
}

bool value_begins_right(const void *key, const void *value, size_t size)
{
    uint64_t first, again, seed;

    if (size < 16)
        return false;
    memcpy(&first, value, sizeof first);
    seed = seed_of(key, (uint8_t)first);
    if (size > 200)
        return first == seed;
    memcpy(&again, (const uint8_t *)value + size / 2, sizeof again);
    return first == seed && again == first;
}

/* The sum of i^-THETA: the first ones exactly, the rest as an integral. */
static double zeta_of(uint64_t count)
{
    const uint64_t exact = count < 1000 ? count : 1000;
    double sum = 0, from = (double)exact, to = (double)count;

    for (uint64_t i = 1; i <= exact; i++)
        sum += pow((double)i, -THETA);
    if (count > exact) {
        sum += (pow(to, 1 - THETA) - pow(from, 1 - THETA)) / (1 - THETA);
        sum += (pow(to, -THETA) - pow(from, -THETA)) / 2;
    }
    return sum;
}

void zipf_init(struct zipf *zipf, uint64_t count)
{
    zipf->count = count;
    zipf->alpha = 1 / (1 - THETA);
    zipf->zeta = zeta_of(count);
    zipf->eta = (1 - pow(2.0 / (double)count, 1 - THETA)) /
                (1 - zeta_of(2) / zipf->zeta);
}

uint64_t zipf_rank(const struct zipf *zipf, uint64_t random)
{
    double u = (double)(random >> 11) / 9007199254740992.0;
    double scaled = u * zipf->zeta;
    uint64_t rank;

    if (scaled < 1)
        return 0;
    if (scaled < 1 + pow(0.5, THETA))
        return 1;
    rank = (uint64_t)((double)zipf->count *
                      pow(zipf->eta * u - zipf->eta + 1, zipf->alpha));
    return rank < zipf->count ? rank : zipf->count - 1;
}
