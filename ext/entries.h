/*
 * entries: the entries that a row has in its table's indexes, kept as the row
 * changes.
 *
 * Fields of a row here are one for each column, and the rowid behind them
 * where the table has an implicit one. On failure the table's message is set;
 * what was written by then is the caller's to undo.
 */
#ifndef BYRON_EXT_ENTRIES_H
#define BYRON_EXT_ENTRIES_H

#include "index.h"
#include "row.h"

/* Scratch of one change. Starts as zeros but for the first three. */
struct entries {
    struct table *table;
    byron_txn *txn;
    struct field *slots;     /* Lent; room for entries_field_count. */
    uint64_t old_expires_ms; /* Of the row before: its entries go with it. */
    uint64_t expires_ms;     /* And after. 0: never. */
    struct bytes old_key;
    struct bytes old_value;
    struct bytes new_key;
    struct bytes new_value;
};

static inline size_t entries_field_count(const struct table *table)
{
    return (size_t)table->declaration->column_count + 1;
}

void entries_deinit(struct entries *entries);
/* Reads all fields of a row, which lends text and blob. */
BYRON_MUST_CHECK byron_status entries_read(const struct table *table,
                                           struct row *row,
                                           struct field *fields);
/* The row had the fields before (NULL: it is new) and has after (NULL: it
 * goes). */
int entries_change(struct entries *entries, const struct field *before,
                   const struct field *after);
/* The entry of a row in an index that is not yet the table's. */
int entries_add(struct entries *entries, const struct index *index,
                const struct field *fields);
/*
 * Is there another row than that of own_key with the same columns of a UNIQUE
 * index? Then its key is in *other, which is empty else. Columns that are
 * NULL, or as in before (may be NULL), meet nothing.
 */
int entries_find(struct entries *entries, const struct index *index,
                 const struct field *before, const struct field *after,
                 struct byron_bytes own_key, struct bytes *other);
/* Deletes the row at key, if it is there, and its entries. */
int entries_delete_row(struct entries *entries, struct byron_bytes key);

#endif
