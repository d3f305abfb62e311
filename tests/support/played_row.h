/*
 * played_row: the host's row of a store, as it lies in a database file that the
 * test plays: the commit point, and room for commits that it carries.
 */
#ifndef BYRON_TESTS_PLAYED_ROW_H
#define BYRON_TESTS_PLAYED_ROW_H

#include "byron.h"

#define PLAYED_ROOM_MAX 4096

struct played_row {
    struct byron_commit_point point;
    size_t room;
    uint8_t carried[PLAYED_ROOM_MAX];
};

/* The store opens at row, which must outlive that. */
void played_row_tell(const struct played_row *row,
                     struct byron_options *options);
/* Prepares on top of before; row is what the host's transaction would commit.
 * They may be the same. */
byron_status played_row_prepare(byron_txn *txn, unsigned flags,
                                const struct played_row *before,
                                struct played_row *row);

#endif
