/*
 * memfs_world: a memfs with one open store named "store", as a Check fixture.
 */
#ifndef BYRON_TESTS_MEMFS_WORLD_H
#define BYRON_TESTS_MEMFS_WORLD_H

#include "support/memfs_inspect.h"

struct memfs_world {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
    struct buf bytes; /* Of the last world_text. */
};
extern struct memfs_world world;

void world_set_up(void);
void world_tear_down(void); /* Checks that all was closed. */

struct os_file *world_create(const char *name);
void world_append(struct os_file *file, const char *text);
void world_append_many(struct os_file *file, int letter, size_t size);
/* What the file of this name holds in an image, NULL: no such file. Lent
 * until the next call; world.bytes tells the size. */
const char *world_text(struct memfs *image, const char *name);
struct memfs *world_crash(enum memfs_crash mode, uint64_t seed);

#endif
