#include "base/arena.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"

#define PAGE_SIZE ((size_t)4096)
/* From so many bytes on an arena has room for huge pages. */
#define LARGE_SIZE ((size_t)4 * 1024 * 1024)

/*
 * Chunks hang on one list. Pieces come from the open chunk, between cursor
 * and end. A reserve that the open chunk cannot hold gets a spare chunk of
 * its own; takes go on filling the open one and move over to the spare with
 * the first piece that does not fit, so only the tail of a chunk is wasted.
 */
struct chunk {
    struct chunk *next;
    size_t size;
};

struct arena {
    uint8_t *cursor;
    uint8_t *end;
    struct chunk *spare; /* On the list too; nothing taken from it yet. */
    struct chunk *chunks;
    size_t chunk_size;
    atomic_size_t footprint;
};

static size_t room(const struct arena *arena)
{
    return (size_t)(arena->end - arena->cursor);
}

static size_t chunk_room(const struct chunk *chunk)
{
    return chunk->size - sizeof *chunk;
}

/* Room for size bytes at least, on the list; NULL without memory. */
static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk;
    size_t page;

    if (size > SIZE_MAX / 2)
        return NULL;
    size += sizeof *chunk;
    if (size < arena->chunk_size)
        size = arena->chunk_size;
    page = arena_footprint(arena) < LARGE_SIZE ? PAGE_SIZE : ALLOC_HUGE_SIZE;
    size = (size + page - 1) / page * page;
    chunk = alloc_pages(size);
    if (!chunk)
        return NULL;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    atomic_fetch_add_explicit(&arena->footprint, size, memory_order_relaxed);
    return chunk;
}

static void open_chunk(struct arena *arena, struct chunk *chunk)
{
    arena->cursor = (uint8_t *)(chunk + 1);
    arena->end = (uint8_t *)chunk + chunk->size;
}

static void *take_from_new_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk = arena->spare;

    if (chunk && chunk_room(chunk) >= size) {
        arena->spare = NULL;
    } else {
        chunk = add_chunk(arena, size);
        if (!chunk)
            return NULL;
        /* A piece so big has its chunk alone; the open one stays open. */
        if (size > arena->chunk_size / 4)
            return chunk + 1;
    }
    open_chunk(arena, chunk);
    arena->cursor += size;
    return arena->cursor - size;
}

byron_status arena_new(size_t chunk_size, struct arena **out)
{
    struct arena *arena = alloc_zeroed(1, sizeof *arena);

    if (!arena)
        return error_no_memory();
    arena->chunk_size = chunk_size;
    *out = arena;
    return BYRON_OK;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        alloc_pages_free(chunk, chunk->size);
    }
    alloc_free(arena);
}

void *arena_take(struct arena *arena, size_t size)
{
    uint8_t *piece = arena->cursor;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = size ? (size + 7) & ~(size_t)7 : 8;
    if (size > room(arena))
        return take_from_new_chunk(arena, size);
    arena->cursor += size;
    return piece;
}

byron_status arena_reserve(struct arena *arena, size_t size, size_t count)
{
    struct chunk *spare;

    if (size > SIZE_MAX / 4 || count > SIZE_MAX / 32)
        return error_no_memory();
    size += 8 * count; /* What rounding up may add. */
    if (size <= room(arena))
        return BYRON_OK;
    if (arena->spare && chunk_room(arena->spare) >= size)
        return BYRON_OK;
    spare = add_chunk(arena, size);
    if (!spare)
        return error_no_memory();
    arena->spare = spare;
    return BYRON_OK;
}

size_t arena_footprint(const struct arena *arena)
{
    return atomic_load_explicit(&arena->footprint, memory_order_relaxed);
}
