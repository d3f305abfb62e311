#include "sstable/passing_blocks.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"

#define PLACE_COUNT 16u
#define ROOM_STEP   ((size_t)1024)

/* A place is free while its block has no pins. Who pins it first, owns it. */
struct place {
    _Alignas(64) struct cached_block block;
    size_t capacity; /* Bytes of the block's memory. */
};

struct passing_blocks {
    struct place places[PLACE_COUNT];
    void *allocation;
};

byron_status passing_blocks_new(struct passing_blocks **out)
{
    const uintptr_t alignment = _Alignof(struct passing_blocks);
    struct passing_blocks *blocks;
    uint8_t *allocation = alloc_zeroed(1, sizeof *blocks + alignment);
    uintptr_t misfit = (uintptr_t)allocation % alignment;

    if (!allocation)
        return error_no_memory();
    blocks = (void *)(allocation + (misfit ? alignment - misfit : 0));
    blocks->allocation = allocation;
    *out = blocks;
    return BYRON_OK;
}

void passing_blocks_free(struct passing_blocks *blocks)
{
    if (!blocks)
        return;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        assert(atomic_load(&blocks->places[i].block.pins) == 0);
        alloc_free(blocks->places[i].block.bytes);
    }
    alloc_free(blocks->allocation);
}

/* Where a thread looks first. Threads differ in where their stacks are. */
static size_t first_place(void)
{
    char here;
    uintptr_t stack = (uintptr_t)&here >> 20;

    return (stack ^ (stack >> 4)) % PLACE_COUNT;
}

static bool claim(struct place *place)
{
    unsigned free_pins = 0;

    return atomic_load_explicit(&place->block.pins, memory_order_relaxed) ==
               0 &&
           atomic_compare_exchange_strong_explicit(
               &place->block.pins, &free_pins, 1, memory_order_acquire,
               memory_order_relaxed);
}

/* Requires: claimed. False without memory. */
static bool make_room(struct place *place, size_t size)
{
    if (size <= place->capacity)
        return true;
    size = (size + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    alloc_free(place->block.bytes);
    place->capacity = 0;
    place->block.bytes = alloc_bytes(size);
    if (place->block.bytes)
        place->capacity = size;
    return place->block.bytes != NULL;
}

struct cached_block *passing_blocks_take(struct passing_blocks *blocks,
                                         size_t size)
{
    size_t first = first_place();

    if (size > PASSING_BLOCK_MAX)
        return NULL;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        struct place *place = &blocks->places[(first + i) % PLACE_COUNT];

        if (!claim(place))
            continue;
        if (make_room(place, size))
            return &place->block;
        cached_block_unpin(&place->block);
        return NULL;
    }
    return NULL;
}
