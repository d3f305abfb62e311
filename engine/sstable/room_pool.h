/*
 * room_pool: memory for the blocks of a large cache, where huge pages lie.
 *
 * What a get in memory waits for is to a good part where memory is: one huge
 * page takes the processor as much to find as one of 4 KB. Regions of 2 MB are
 * cut into stretches, and each of those into rooms of one size; a region
 * without rooms in use goes back to the system. Any thread may call.
 */
#ifndef BYRON_SSTABLE_ROOM_POOL_H
#define BYRON_SSTABLE_ROOM_POOL_H

#include <stdatomic.h>

#include "base/slice.h"
#include "base/thread.h"

#define ROOM_POOL_REGION    ((size_t)2 * 1024 * 1024)
#define ROOM_POOL_STEP      ((size_t)256) /* Rooms are multiples of this, up to */
#define ROOM_POOL_SIZES     128u          /* so many times as large. */
#define ROOM_POOL_STRETCHES 8u            /* Of a region. */

struct room_stretch;

struct room_pool {
    struct mutex mutex; /* For all; what is atomic may be read without. */
    struct room_region **regions; /* By address. */
    size_t region_count;
    size_t region_room;
    atomic_size_t limit; /* No region is added above. */
    struct room_stretch *open[ROOM_POOL_SIZES + 1]; /* Some rooms are free. */
    struct room_stretch *unused;
    size_t unused_count;
    atomic_size_t taken;  /* Bytes from the system, */
    atomic_size_t in_use; /* and those of them that are in rooms in use. */
};

void room_pool_init(struct room_pool *pool);
void room_pool_deinit(struct room_pool *pool); /* Requires: no room in use. */
/* Bytes that it takes from the system. Above it a region goes back as soon as
 * no room of it is in use. At first it is 0. */
void room_pool_set_limit(struct room_pool *pool, size_t limit);
/* From the start of a line of the processor's caches on. NULL where another
 * region would be above the limit, or size is 0 or too large. */
uint8_t *room_pool_take(struct room_pool *pool, size_t size);
/* False: bytes are not from this pool. */
bool room_pool_put(struct room_pool *pool, uint8_t *bytes);

/* Bytes from the system that are in no room in use. */
static inline size_t room_pool_waste(const struct room_pool *pool)
{
    size_t in_use = atomic_load_explicit(&pool->in_use, memory_order_relaxed);
    size_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);

    return taken > in_use ? taken - in_use : 0;
}

#endif
