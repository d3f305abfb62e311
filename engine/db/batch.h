/*
 * batch: the operations of one byron_write as entries in the order of keys.
 *
 * In place of a transaction's memtable: nobody reads what a byron_write writes
 * before it commits, so it need not be copied into a tree.
 */
#ifndef BYRON_DB_BATCH_H
#define BYRON_DB_BATCH_H

#include "base/buf.h"
#include "entry/iter.h"

/* What a byron_write writes: ops that suit as a batch. Borrowed. */
struct batch {
    const struct byron_op *ops;
    size_t count;
    uint64_t bytes; /* Of keys and values. */
};

/* Whether ops can be one, that is puts which do not expire and deletes, all
 * within the limits of an entry. *bytes: of their keys and values. */
bool batch_suits(const struct byron_op *ops, size_t count, uint64_t *bytes);
/* Of each key the last operation. Moves by first and next alone. Borrows ops,
 * which suit, and lies in room, which grows if need be. */
BYRON_MUST_CHECK byron_status batch_iter_init(const struct byron_op *ops,
                                              size_t count, struct buf *room,
                                              struct iter **out);
/* One commit of a batch that is less than a memtable. */
BYRON_MUST_CHECK byron_status batch_commit(byron_db *db,
                                           const struct batch *batch,
                                           bool sync);

#endif
