/*
 * memtable_iter: a memtable's tree as an iterator.
 *
 * Every move sees what was added before it.
 */
#ifndef BYRON_MEMTABLE_MEMTABLE_ITER_H
#define BYRON_MEMTABLE_MEMTABLE_ITER_H

#include "entry/iter.h"
#include "memtable/tree.h"

struct memtable;

/* The iterator holds its own reference to memtable. */
BYRON_MUST_CHECK byron_status memtable_iter_new(struct memtable *memtable,
                                                struct iter **out);
/* Borrows the tree, and owns the caller's reference to its memtable, even
 * on failure. */
BYRON_MUST_CHECK byron_status tree_iter_new(const struct tree *tree,
                                            struct memtable *memtable,
                                            struct iter **out);
/* Whether each entry of the memtable came after all that were in it, so that
 * they lie as they came. The writer's to ask. Requires: an iterator of
 * memtable_iter_new. */
bool memtable_iter_is_as_written(const struct iter *iter);
/* Entries from the current one to before upper, about; data NULL: to the end.
 * Requires: a valid iterator of memtable_iter_new. */
uint64_t memtable_iter_left(const struct iter *iter, struct slice upper);

#endif
