/*
 * index_catalog: the ordinary table byron_index, in which the host database
 * keeps what indexes there are: one row per index of a byron table. It is
 * created with the first.
 *
 * All functions answer SQLite's code; the words are in sqlite3_errmsg.
 */
#ifndef BYRON_EXT_INDEX_CATALOG_H
#define BYRON_EXT_INDEX_CATALOG_H

#include "vtab.h"

struct index_row {
    char *name; /* Owned. */
    sqlite3_int64 store;
    uint32_t id;      /* 0: no valid one. */
    bool is_declared; /* By the table's declaration. */
    char *definition; /* Owned; see index_definition.h. */
};

int index_catalog_create(sqlite3 *db, const char *schema);
int index_catalog_exists(sqlite3 *db, const char *schema, bool *out);
/* The indexes of a table, oldest first (*out is malloc'd). */
int index_catalog_read(sqlite3 *db, const char *schema, const char *table,
                       struct index_row **out, int *count);
void index_catalog_free(struct index_row *rows, int count);
int index_catalog_add(sqlite3 *db, const char *schema, const char *table,
                      const struct index_row *row);
/* name NULL: all of the table. */
int index_catalog_remove(sqlite3 *db, const char *schema, const char *table,
                         const char *name);
int index_catalog_rename_table(sqlite3 *db, const char *schema,
                               const char *table, const char *new_name);

#endif
