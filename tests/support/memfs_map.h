/*
 * memfs_map: files of a memfs that are mapped, and what was asked for of an
 * open file before it is read.
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

#define MEMFS_ASKED_MAX 4u

/* A stretch that was prefetched; up to `foreseen` before the last read. */
struct memfs_stretch {
    uint64_t begin;
    uint64_t end;
    uint64_t foreseen;
};

/* Of one open file; all zero: none. */
struct memfs_asked {
    struct memfs_stretch stretches[MEMFS_ASKED_MAX];
    unsigned oldest; /* Of these. */
};

/* A prefetch. */
void memfs_ask(struct memfs_asked *asked, uint64_t offset, size_t size);
/* A read: whether all of it was asked for, before the read before it. */
bool memfs_is_foreseen(struct memfs_asked *asked, uint64_t offset, size_t size);

#endif
