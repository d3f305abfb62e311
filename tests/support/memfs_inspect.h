/*
 * memfs_inspect: looking into the files of a memfs, planting and damaging
 * them. None of it counts as a storage call; all of it may run in a hook.
 */
#ifndef BYRON_TESTS_MEMFS_INSPECT_H
#define BYRON_TESTS_MEMFS_INSPECT_H

#include <stdio.h>

#include "base/buf.h"
#include "support/memfs.h"

/* Xors one byte, now and on the disk. False: no such file or offset. */
bool memfs_corrupt(struct memfs *fs, const char *path, uint64_t offset,
                   uint8_t mask);
/* The file as it is now, into out. False: no such file. */
bool memfs_read_all(struct memfs *fs, const char *path, struct buf *out);
/* Plants a file, durable, in place of any; makes its directory. */
void memfs_write_all(struct memfs *fs, const char *path, struct slice bytes);
/* Calls each path of a file that is there now. */
void memfs_list(struct memfs *fs, void (*each)(void *context, const char *path),
                void *context);
/* Open directories and files: 0 when everything was closed. */
size_t memfs_open_count(struct memfs *fs);
/* One line per name: size, unsynced bytes, whether the name is durable. */
void memfs_dump(struct memfs *fs, FILE *out);
/* Reads of what had not been prefetched before the read before: a disk would
 * not have it at hand. */
uint64_t memfs_unforeseen(struct memfs *fs);
/* Bytes of all files that have a name. */
uint64_t memfs_used(struct memfs *fs);
/* How many bytes appends wrote over those of other appends since it was last
 * asked. Unless it is 0, memfs_free aborts. */
uint64_t memfs_rewritten(struct memfs *fs);

#endif
