/*
 * read_ahead: a walk's way through a file, front to back or back to front: few
 * large reads.
 *
 * Serves blocks of one table out of a window of file bytes, which moves on when
 * a block beyond it is asked for, and is twice as large then, up to a bound.
 */
#ifndef BYRON_SSTABLE_READ_AHEAD_H
#define BYRON_SSTABLE_READ_AHEAD_H

#include "sstable/table_source.h"

struct read_ahead {
    const struct table_source *source; /* Borrowed. */
    uint64_t offset;                   /* Of the window in the file. */
    struct buf window;
    uint64_t end;  /* The window never reaches past here. */
    uint64_t size; /* Of the next window, */
    uint64_t most; /* and of the largest. */
};

#define READ_AHEAD_JOB ((uint64_t)256 * 1024) /* The size that suits a job. */

void read_ahead_init(struct read_ahead *ahead,
                     const struct table_source *source, uint64_t end,
                     uint64_t first, uint64_t most);
void read_ahead_deinit(struct read_ahead *ahead);
/* The bytes if the window has all of them. Lent until the window moves. */
bool read_ahead_has(const struct read_ahead *ahead, uint64_t offset,
                    size_t size, struct slice *out);
/* The bytes, wherever they are; moves the window. */
BYRON_MUST_CHECK byron_status read_ahead_get(struct read_ahead *ahead,
                                             uint64_t offset, size_t size,
                                             struct slice *out);
/* The same where the walk goes back: the window ends with these bytes. */
BYRON_MUST_CHECK byron_status read_ahead_get_back(struct read_ahead *ahead,
                                                  uint64_t offset, size_t size,
                                                  struct slice *out);

#endif
