#include "sstable/table_map.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

static size_t checked_words(uint64_t size)
{
    return (size_t)(size / TABLE_MAP_BLOCK_MIN / 64 + 1);
}

static byron_status map_new(uint64_t size, struct table_map **out)
{
    struct table_map *map = alloc_lines(sizeof *map);

    if (!map)
        return error_no_memory();
    memset(map, 0, sizeof *map);
    map->checked = alloc_zeroed(checked_words(size), sizeof *map->checked);
    if (!map->checked) {
        alloc_free(map);
        return error_no_memory();
    }
    atomic_init(&map->lines_pinned, TABLE_MAP_LINES);
    for (size_t i = 0; i < TABLE_MAP_LINES; i++) {
        atomic_init(&map->lines[i].pins, 1);
        map->lines[i].map = map;
    }
    *out = map;
    return BYRON_OK;
}

byron_status table_map_open(struct file_pool *pool, uint64_t number,
                            uint64_t size, struct table_map **out)
{
    byron_status status = BYRON_OK;
    const uint8_t *bytes = file_pool_map(pool, number, size);

    *out = NULL;
    if (!bytes)
        return BYRON_OK;
    TRY(map_new(size, out));
    (*out)->pool = pool;
    (*out)->bytes = bytes;
    (*out)->size = size;
    bytes = NULL;
out:
    if (bytes)
        file_pool_unmap(pool, bytes, size);
    return status;
}

static void map_free(struct table_map *map)
{
    file_pool_unmap(map->pool, map->bytes, map->size);
    alloc_free(map->checked);
    alloc_free(map);
}

static void unpin_line(void *owner)
{
    struct table_map_line *line = owner;
    struct table_map *map = line->map;

    if (atomic_fetch_sub_explicit(&line->pins, 1, memory_order_acq_rel) == 1 &&
        atomic_fetch_sub_explicit(&map->lines_pinned, 1,
                                  memory_order_acq_rel) == 1)
        map_free(map);
}

/* Until then each line has a pin, so none gets its first one from others. */
void table_map_close(struct table_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < TABLE_MAP_LINES; i++)
        unpin_line(&map->lines[i]);
}

/* Threads differ in where their stacks are. */
static size_t own_line(void)
{
    char here;
    uintptr_t stack = (uintptr_t)&here >> 20;

    return (stack ^ (stack >> 4)) % TABLE_MAP_LINES;
}

void table_map_pin(struct table_map *map, struct slice bytes, struct pin *out)
{
    struct table_map_line *line = &map->lines[own_line()];

    assert(bytes.data >= map->bytes &&
           bytes.data + bytes.size <= map->bytes + map->size);
    atomic_fetch_add_explicit(&line->pins, 1, memory_order_relaxed);
    out->bytes = bytes;
    out->release = unpin_line;
    out->owner = line;
}
