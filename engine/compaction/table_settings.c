#include "compaction/table_settings.h"

/* More filter bits for each level up, and no further than that. */
#define BLOOM_BITS_STEP 2
#define BLOOM_BITS_MAX  16
/* Of a hash index, for a key; and one part in so many of memory is for them. */
#define HASH_INDEX_BYTES 6
#define HASH_INDEX_SHARE 8

/*
 * An upper level has a small share of the keys and is asked as often as the
 * last, so bits are best spent there. All levels share one codec, as tables
 * move down as they are.
 */
struct table_options table_settings_at(const struct table_options *last,
                                       uint32_t level)
{
    struct table_options settings = *last;
    if (last->bloom_bits == 0 || last->bloom_bits >= BLOOM_BITS_MAX)
        return settings;
    settings.bloom_bits += (BYRON_LEVELS - 1 - level) * BLOOM_BITS_STEP;
    if (settings.bloom_bits > BLOOM_BITS_MAX)
        settings.bloom_bits = BLOOM_BITS_MAX;
    return settings;
}

bool table_settings_hash_index_fits(uint64_t entries, uint64_t memory)
{
    return entries <= memory / HASH_INDEX_SHARE / HASH_INDEX_BYTES;
}
