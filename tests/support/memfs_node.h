/*
 * memfs_node: the bytes of one file of a memfs: now, on the disk, and the
 * writes between the two. Knows nothing of names, locks or failures.
 */
#ifndef BYRON_TESTS_MEMFS_NODE_H
#define BYRON_TESTS_MEMFS_NODE_H

#include "support/memfs.h"
#include "support/seed.h"

/* Bytes and how many there is room for. */
struct memfs_bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Written and not synced since. */
struct memfs_write {
    uint64_t offset;
    uint64_t size;
    bool is_zeros; /* From extend; an append may have written over it. */
    bool is_lost;  /* Its sync failed; only another write saves it. */
};

struct memfs_node {
    struct memfs_bytes now;
    struct memfs_bytes disk;    /* Longer than now only after a cut. */
    struct memfs_write *writes; /* Oldest first. */
    size_t write_count;
    size_t write_capacity;
    uint64_t cut;        /* Truncated to this size since the last sync;
                          * UINT64_MAX: not at all. */
    uint64_t written;    /* Behind all that was written but zeros. */
    uint64_t rewritten;  /* Bytes that were put over others, by and by. */
    bool is_mapped;      /* Its bytes stay where they are. */
    unsigned references; /* Names and open files. */
};

struct memfs_node *node_new(void); /* With one reference. */
struct memfs_node *node_ref(struct memfs_node *node);
void node_unref(struct memfs_node *node);

/* data NULL: zeros. */
void node_write(struct memfs_node *node, uint64_t offset, const void *data,
                size_t size);
void node_truncate(struct memfs_node *node, uint64_t size);
void node_sync(struct memfs_node *node);
void node_fail_sync(struct memfs_node *node);
uint64_t node_unsynced(const struct memfs_node *node); /* Bytes. */
/* What the disk may hold after a power cut, as a node of its own; or, where
 * nothing is lost yet, the same node once more. */
struct memfs_node *node_crash(const struct memfs_node *node,
                              enum memfs_crash mode, struct rng *rng);

/* calloc, realloc and strdup that abort rather than fail. */
void *memfs_allocate(size_t size);
void *memfs_reallocate(void *bytes, size_t size);
char *memfs_copy_text(const char *text);

#endif
