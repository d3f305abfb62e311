/*
 * memfs_clock: time and chance of a memfs.
 */
#ifndef BYRON_TESTS_MEMFS_CLOCK_H
#define BYRON_TESTS_MEMFS_CLOCK_H

#include "support/memfs_tree.h"

/* Fills that part of the table. */
void memfs_clock_init(struct byron_os *os);
/* From now on the wall clock stands there, unix ms, whatever the other does. */
void memfs_set_wall(struct memfs *fs, uint64_t ms);

#endif
