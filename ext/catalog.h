/*
 * catalog: the ordinary tables in which the host database keeps what
 * byron must commit and roll back together with it.
 *
 *   byron_store    one row per store: where it is, its id, its commit point
 *   byron_catalog  one row per byron table: its name, store and number there
 *   byron_index    what indexes they have: index_catalog.h
 *
 * All functions answer SQLite's code; the words are in sqlite3_errmsg.
 */
#ifndef BYRON_EXT_CATALOG_H
#define BYRON_EXT_CATALOG_H

#include "vtab.h"

/* Of a table; one with indexes must not be written by who knows none. */
#define CATALOG_FORMAT         2
#define CATALOG_FORMAT_PLAIN   1
#define CATALOG_FORMAT_INDEXES 2

struct store_row {
    sqlite3_int64 number; /* 0: there is no such row. */
    char *path;           /* Owned; "": the default beside the database. */
    char *options;        /* Owned; see settings.h. */
    uint8_t id[16];
    uint32_t next_table; /* No table of this store had this number or more. */
};

struct table_row {
    sqlite3_int64 store; /* 0: there is no such row. */
    uint32_t id;
    int format;
};

/* Creates the two tables where they are missing. *is_ours: what is there now,
 * are those. */
int catalog_create(sqlite3 *db, const char *schema, bool *is_ours);

/* The row by number, or by path as it was given at CREATE. */
int catalog_store(sqlite3 *db, const char *schema, sqlite3_int64 number,
                  struct store_row *out);
int catalog_find_store(sqlite3 *db, const char *schema, const char *path,
                       struct store_row *out);
void catalog_store_deinit(struct store_row *row);
/* Sets row->number. The commit point starts as zeros. */
int catalog_add_store(sqlite3 *db, const char *schema, struct store_row *row);
/* Writes next_table and options. */
int catalog_set_store(sqlite3 *db, const char *schema,
                      const struct store_row *row);
int catalog_remove_store(sqlite3 *db, const char *schema, sqlite3_int64 number);

int catalog_table(sqlite3 *db, const char *schema, const char *name,
                  struct table_row *out);
int catalog_add_table(sqlite3 *db, const char *schema, const char *name,
                      const struct table_row *row);
int catalog_rename_table(sqlite3 *db, const char *schema, const char *name,
                         const char *new_name);
int catalog_remove_table(sqlite3 *db, const char *schema, const char *name);
/* Does any table of the store exist (id 0), or the table or index numbered
 * id? */
int catalog_holds(sqlite3 *db, const char *schema, sqlite3_int64 store,
                  uint32_t id, bool *out);

#endif
