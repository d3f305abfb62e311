/*
 * rowid: the number of a row in a table whose key is its rowid.
 */
#ifndef BYRON_EXT_ROWID_H
#define BYRON_EXT_ROWID_H

#include "vtab.h"

/* What a value means as a rowid; SQLITE_MISMATCH if it is no integer. */
int rowid_read(struct table *table, sqlite3_value *value, int64_t *out);
/* A number for a new row: one above the highest; at the end of numbers a
 * random free one. SQLITE_FULL if that is not found. */
int rowid_choose(struct table *table, byron_txn *txn, int64_t *out);
/* A row was written that expires then (0: never), perhaps before it came; mark
 * is the transaction's before that. */
void rowid_note(struct table *table, byron_txn *txn, uint64_t mark,
                int64_t rowid, uint64_t expires_ms);

#endif
