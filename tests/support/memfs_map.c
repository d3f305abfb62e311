#include "support/memfs_map.h"

#include <assert.h>
#include <stdlib.h>

const uint8_t *memfs_map_node(struct memfs *fs, struct memfs_node *node,
                              size_t size)
{
    struct memfs_map *map;

    if (size == 0 || size > node->now.size)
        return NULL;
    if (!node->is_mapped) {
        /* No byte more, so that a sanitizer sees a read behind the end. */
        node->now.data = memfs_reallocate(node->now.data, node->now.size);
        node->now.capacity = node->now.size;
        node->is_mapped = true;
    }
    map = memfs_allocate(sizeof *map);
    map->node = node_ref(node);
    map->next = fs->maps;
    fs->maps = map;
    fs->open_count++;
    return node->now.data;
}

void memfs_unmap(struct byron_os *os, const uint8_t *bytes, size_t size)
{
    struct memfs *fs = os->context;
    struct memfs_map **place = &fs->maps;
    struct memfs_map *map;

    (void)size;
    mutex_lock(&fs->mutex);
    while (*place && (*place)->node->now.data != bytes)
        place = &(*place)->next;
    map = *place;
    assert(map);
    *place = map->next;
    node_unref(map->node);
    free(map);
    fs->open_count--;
    mutex_unlock(&fs->mutex);
}

void memfs_ask(struct memfs_asked *asked, uint64_t offset, size_t size)
{
    struct memfs_stretch *found = NULL;

    for (unsigned i = 0; i < MEMFS_ASKED_MAX && !found; i++)
        if (offset >= asked->stretches[i].begin &&
            offset <= asked->stretches[i].end)
            found = &asked->stretches[i];
    if (!found) {
        found = &asked->stretches[asked->oldest++ % MEMFS_ASKED_MAX];
        found->begin = found->end = found->foreseen = offset;
    }
    if (offset + size > found->end)
        found->end = offset + size;
}

bool memfs_is_foreseen(struct memfs_asked *asked, uint64_t offset, size_t size)
{
    bool is = false;

    for (unsigned i = 0; i < MEMFS_ASKED_MAX; i++) {
        struct memfs_stretch *stretch = &asked->stretches[i];
        if (offset >= stretch->begin && offset + size <= stretch->foreseen)
            is = true;
        stretch->foreseen = stretch->end;
    }
    return is;
}
