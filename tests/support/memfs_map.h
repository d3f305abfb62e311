/*
 * memfs_map: files of a memfs that are mapped. Requires fs->mutex.
 */
#ifndef BYRON_TESTS_MEMFS_MAP_H
#define BYRON_TESTS_MEMFS_MAP_H

#include "support/memfs_tree.h"

/* The node's bytes, until as many unmaps. NULL: it has fewer than size. */
const uint8_t *memfs_map_node(struct memfs *fs, struct memfs_node *node,
                              size_t size);
void memfs_unmap_node(struct memfs *fs, const uint8_t *bytes);

#endif
