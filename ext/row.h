/*
 * row: the columns of one stored row, from its key and its value.
 */
#ifndef BYRON_EXT_ROW_H
#define BYRON_EXT_ROW_H

#include "key_codec.h"
#include "row_codec.h"

/* What a column needs of a row. */
struct row {
    const struct declaration *table; /* Borrowed. */
    struct byron_bytes key;          /* Borrowed; without the table's id. */
    struct byron_bytes rest;         /* Of the key, from this column on: */
    int rest_index;                  /* columns are often read in order. */
    struct row_reader reader;
    struct bytes scratch;
};

BYRON_MUST_CHECK byron_status row_init(struct row *row,
                                       const struct declaration *table);
void row_deinit(struct row *row);
/* Gives back memory that a large key took. */
void row_reset(struct row *row);
/* Borrows the whole key, which begins with the table's id. */
BYRON_MUST_CHECK byron_status row_set_key(struct row *row,
                                          struct byron_bytes key);
/* Borrows value. */
BYRON_MUST_CHECK byron_status row_set_value(struct row *row,
                                            struct byron_bytes value);
/*
 * Reads what the key tells of a column. *is_known is false where only the
 * value tells (all of it, or what the key has lost); then out is a part of
 * what row_column needs. What is lent stays if no column is read twice.
 */
BYRON_MUST_CHECK byron_status row_key_column(struct row *row, int column,
                                             struct field *out, bool *is_known);
/* Whether the key tells anything of a column. */
static inline bool row_is_in_key(const struct row *row, int column)
{
    return row->table->columns[column].key_index >= 0;
}
/* Completes it from the value. Text and blob are lent by key, value or row. */
BYRON_MUST_CHECK byron_status row_column(struct row *row, int column,
                                         struct field *inout);

/* The key's bytes of a row's fields, one for each column. */
BYRON_MUST_CHECK byron_status row_add_key(struct bytes *out,
                                          const struct declaration *table,
                                          uint32_t id,
                                          const struct field *fields);
/* The value's bytes; slots has room for the table's slot_count. */
BYRON_MUST_CHECK byron_status row_add_value(struct bytes *out,
                                            const struct declaration *table,
                                            const struct field *fields,
                                            struct field *slots);

#endif
