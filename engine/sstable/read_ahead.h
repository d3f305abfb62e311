/*
 * read_ahead: a job's way through a file: few large reads, front to back.
 *
 * Serves blocks of one table out of a window of file bytes, which moves on when
 * a block beyond it is asked for. Used by bulk table iterators.
 */
#ifndef BYRON_SSTABLE_READ_AHEAD_H
#define BYRON_SSTABLE_READ_AHEAD_H

#include "sstable/table_source.h"

struct read_ahead {
    const struct table_source *source; /* Borrowed. */
    uint64_t offset;                   /* Of the window in the file. */
    struct buf window;
    uint64_t end; /* The window never reaches past here. */
};

void read_ahead_init(struct read_ahead *ahead,
                     const struct table_source *source, uint64_t end);
void read_ahead_deinit(struct read_ahead *ahead);
/* The bytes if the window has all of them. Lent until the window moves. */
bool read_ahead_has(const struct read_ahead *ahead, uint64_t offset,
                    size_t size, struct slice *out);
/* The bytes, wherever they are; moves the window. */
BYRON_MUST_CHECK byron_status read_ahead_get(struct read_ahead *ahead,
                                             uint64_t offset, size_t size,
                                             struct slice *out);

#endif
