#include "base/hash.h"

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash_wide.h"

/* Shorter pieces are hashed without vectors. */
#define WIDE_MIN 241

/* Up to here two parts are copied side by side rather than streamed. */
#define PAIR_COPY_MAX 512

/* The state wants more alignment than the allocator promises. */
struct hash_stream {
    XXH3_state_t state;
    void *allocation;
};

uint64_t hash_bytes(struct slice bytes, uint64_t seed)
{
    if (bytes.size >= WIDE_MIN && hash_wide_works())
        return hash_wide_bytes(bytes.data, bytes.size, seed);
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

static void update(XXH3_state_t *state, struct slice bytes)
{
    if (bytes.size >= WIDE_MIN && hash_wide_works())
        hash_wide_update(state, bytes.data, bytes.size);
    else
        XXH3_64bits_update(state, bytes.data, bytes.size);
}

static uint64_t hash_parts(struct slice first, struct slice second,
                           uint64_t seed)
{
    XXH3_state_t state;

    XXH3_INITSTATE(&state);
    XXH3_64bits_reset_withSeed(&state, seed);
    update(&state, first);
    update(&state, second);
    return XXH3_64bits_digest(&state);
}

uint64_t hash_pair(struct slice first, struct slice second, uint64_t seed)
{
    uint8_t both[PAIR_COPY_MAX];

    if (second.size == 0)
        return hash_bytes(first, seed);
    if (first.size == 0)
        return hash_bytes(second, seed);
    if (first.size > sizeof both || second.size > sizeof both - first.size)
        return hash_parts(first, second, seed);
    memcpy(both, first.data, first.size);
    memcpy(both + first.size, second.data, second.size);
    return hash_bytes(slice_of(both, first.size + second.size), seed);
}

byron_status hash_stream_new(uint64_t seed, struct hash_stream **out)
{
    const uintptr_t alignment = _Alignof(struct hash_stream);
    struct hash_stream *stream;
    uint8_t *allocation = alloc_bytes(sizeof *stream + alignment);
    uintptr_t misfit = (uintptr_t)allocation % alignment;

    if (!allocation)
        return error_no_memory();
    stream = (void *)(allocation + (misfit ? alignment - misfit : 0));
    XXH3_INITSTATE(&stream->state);
    XXH3_64bits_reset_withSeed(&stream->state, seed);
    stream->allocation = allocation;
    *out = stream;
    return BYRON_OK;
}

void hash_stream_free(struct hash_stream *stream)
{
    if (stream)
        alloc_free(stream->allocation);
}

void hash_stream_add(struct hash_stream *stream, struct slice bytes)
{
    update(&stream->state, bytes);
}

uint64_t hash_stream_value(const struct hash_stream *stream)
{
    return XXH3_64bits_digest(&stream->state);
}
