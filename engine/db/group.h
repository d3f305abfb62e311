/*
 * group: durable writes of several threads as one commit, with one sync.
 *
 * Whoever comes while a group is on its way to the disk waits, and is in the
 * next one. The first of those who wait commits for all.
 */
#ifndef BYRON_DB_GROUP_H
#define BYRON_DB_GROUP_H

#include "base/thread.h"

struct batch;
struct group_member; /* A thread that waits. On its stack. */

/* Those who wait or commit, in the order in which they came. */
struct group {
    struct mutex mutex;
    struct group_member *first, *last;
    size_t count;
};

void group_init(struct group *group);
void group_deinit(struct group *group); /* Requires: nobody waits. */
/* Commits what the batch has, with those of others, and syncs. */
BYRON_MUST_CHECK byron_status group_write(byron_db *db,
                                          const struct batch *batch);

#endif
