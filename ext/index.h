/*
 * index: a secondary index of a table, as a table of its own in the store.
 *
 * An entry is a row of the declaration entry, which has the columns of the
 * indexed table under the same numbers, and after them, where that has an
 * implicit rowid, a column for it. Its key is the indexed columns and then
 * the whole key of the table (a rowid as one integer column); columns that
 * are not in that key are not held (key_index and slot -1). So an entry
 * answers every held column exactly, from its key or its value. A column that
 * is in the key twice has the key_index of its first place.
 *
 * Bytes: docs/index-format.md.
 */
#ifndef BYRON_EXT_INDEX_H
#define BYRON_EXT_INDEX_H

#include "bytes.h"
#include "field.h"
#include "vtab.h"

struct index {
    char *name;  /* Owned. */
    uint32_t id; /* Prefix of its entries' keys. */
    bool is_unique;
    enum conflict conflict;    /* Of UNIQUE ... ON CONFLICT. */
    int column_count;          /* Indexed columns: the first of entry's key. */
    int rowid_column;          /* Of entry; -1: the table has no rowid. */
    struct declaration *entry; /* Owned. */
    bool is_declared;          /* By the table's declaration. */
    bool is_before_key;        /* There, before its PRIMARY KEY. */
};

/* Without an id. */
BYRON_MUST_CHECK byron_status
index_init(struct index *index, const struct declaration *table,
           const struct index_definition *definition);
void index_deinit(struct index *index);

/* Whether an entry tells this column of the table (or its rowid: -1). */
bool index_holds(const struct index *index, int column);
/* fields are those of a row, one for each column of entry. */
BYRON_MUST_CHECK byron_status index_add_key(const struct index *index,
                                            const struct field *fields,
                                            struct bytes *out);
/* What begins the keys of all rows with the same indexed columns. */
BYRON_MUST_CHECK byron_status index_add_prefix(const struct index *index,
                                               const struct field *fields,
                                               struct bytes *out);
/* How many bytes of an entry's key are its prefix; 0 if a column is NULL, for
 * then no other row is like it. */
BYRON_MUST_CHECK byron_status index_measure(const struct index *index,
                                            struct byron_bytes entry_key,
                                            size_t *out);
/* The key in table of the row that an entry is of; entry_key has its id. */
BYRON_MUST_CHECK byron_status index_table_key(const struct index *index,
                                              const struct table *table,
                                              struct byron_bytes entry_key,
                                              struct bytes *out);

#endif
