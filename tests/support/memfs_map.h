/*
 * memfs_map: files of a memfs that are mapped.
 */
#ifndef BYRON_TESTS_MEMFS_MAP_H
#define BYRON_TESTS_MEMFS_MAP_H

#include "support/memfs_tree.h"

/* The node's bytes, until as many unmaps. NULL: it has fewer than size.
 * Requires: fs->mutex. */
const uint8_t *memfs_map_node(struct memfs *fs, struct memfs_node *node,
                              size_t size);
/* file_unmap of os.h; takes the mutex. */
void memfs_unmap(struct byron_os *os, const uint8_t *bytes, size_t size);

#endif
