#include "base/hash_wide.h"

/* The Makefile has this file alone compiled for AVX2, where there is any. */
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#ifdef __AVX2__
const bool hash_wide_is_built = true;
#else
const bool hash_wide_is_built = false;
#endif

uint64_t hash_wide_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

void hash_wide_update(void *state, const void *data, size_t size)
{
    XXH3_64bits_update(state, data, size);
}
