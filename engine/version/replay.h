/*
 * replay: many edits folded into one, as a manifest is read.
 *
 * Applying them one by one would copy the whole version for each.
 */
#ifndef BYRON_VERSION_REPLAY_H
#define BYRON_VERSION_REPLAY_H

#include "version/version_edit.h"

/* All zero is a replay of nothing. */
struct replay {
    struct version_edit sum; /* adds by ascending number; the removed ones have
                                no entries until they are squeezed out. */
    size_t removed;
};

void replay_deinit(struct replay *replay);
/* Takes what edit owns (edit stays deinit-able). BYRON_CORRUPT where it does
 * not fit; path and offset are for the words. */
BYRON_MUST_CHECK byron_status replay_edit(struct replay *replay,
                                          struct version_edit *edit,
                                          const char *path, uint64_t offset);
/* Lends the one edit that makes the same out of nothing. */
const struct version_edit *replay_sum(struct replay *replay);

#endif
