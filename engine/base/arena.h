/*
 * arena: bump allocation in whole pages, freed all at once.
 *
 * One thread allocates; any thread may read what was published to it.
 * Allocations are 8-aligned.
 */
#ifndef BYRON_BASE_ARENA_H
#define BYRON_BASE_ARENA_H

#include "base/slice.h"

struct arena;

BYRON_MUST_CHECK byron_status arena_new(size_t chunk_size, struct arena **out);
void arena_free(struct arena *arena); /* NULL is fine. */
/* NULL only if the system has no memory and the reserve is used up. */
void *arena_take(struct arena *arena, size_t size);
/*
 * After OK, arena_take calls of at most count pieces and size bytes in all
 * cannot fail. Unused reserve serves later calls.
 */
BYRON_MUST_CHECK byron_status arena_reserve(struct arena *arena, size_t size,
                                            size_t count);
/* Bytes taken from the system. Any thread may ask. */
size_t arena_footprint(const struct arena *arena);

#endif
