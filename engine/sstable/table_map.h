/*
 * table_map: the file of one table as memory of the system's, which blocks that
 * are not packed are read from in place.
 *
 * Knows which of them were checked, not what a block is. What was checked may
 * still become something else: when somebody writes to the file, or when the
 * system lets a page go and the disk gives back another.
 */
#ifndef BYRON_SSTABLE_TABLE_MAP_H
#define BYRON_SSTABLE_TABLE_MAP_H

#include <stdatomic.h>

#include "base/pin.h"
#include "sstable/file_pool.h"

/* Blocks are larger on disk, but for a few, whose bit may be that of the next
 * one: those are checked each time. */
#define TABLE_MAP_BLOCK_MIN 64u
#define TABLE_MAP_LINES     16u

/* Pins, apart for threads that read at the same time. */
struct table_map_line {
    _Alignas(64) atomic_size_t pins; /* With one of the reader's. */
    struct table_map *map;
};

struct table_map {
    struct table_map_line lines[TABLE_MAP_LINES];
    struct file_pool *pool;
    const uint8_t *bytes;
    uint64_t size;
    atomic_uint lines_pinned;
    atomic_uint_least64_t *checked; /* A bit for each TABLE_MAP_BLOCK_MIN. */
};

/* *out is NULL where it cannot be, or is not wanted: then read the file. */
BYRON_MUST_CHECK byron_status table_map_open(struct file_pool *pool,
                                             uint64_t number, uint64_t size,
                                             struct table_map **out);
/* The map goes with its last pin; the pool must outlive it. NULL is fine. */
void table_map_close(struct table_map *map);
/* Pins the map: so bytes of it stay where they are. */
void table_map_pin(struct table_map *map, struct slice bytes, struct pin *out);

/* Whether bytes are of the map, which may be NULL. */
static inline bool table_map_has(const struct table_map *map,
                                 const uint8_t *bytes)
{
    return map && (uintptr_t)bytes - (uintptr_t)map->bytes < map->size;
}

/* Of the block at offset, of so many bytes. */
static inline bool table_map_is_checked(const struct table_map *map,
                                        uint64_t offset, size_t size)
{
    uint64_t bit = offset / TABLE_MAP_BLOCK_MIN;

    return size >= TABLE_MAP_BLOCK_MIN &&
           (atomic_load_explicit(&map->checked[bit / 64],
                                 memory_order_relaxed) >>
                bit % 64 &
            1);
}

/* The block at offset, of so many bytes, was looked at and is sound. */
static inline void table_map_note_checked(struct table_map *map,
                                          uint64_t offset, size_t size)
{
    uint64_t bit = offset / TABLE_MAP_BLOCK_MIN;

    if (size >= TABLE_MAP_BLOCK_MIN)
        atomic_fetch_or_explicit(&map->checked[bit / 64],
                                 UINT64_C(1) << bit % 64, memory_order_relaxed);
}

#endif
