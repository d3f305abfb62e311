/*
 * vtab: the thin handles that SQLite gets. SQLite disconnects and reconnects
 * them at will, so no state lives here: that is in the connection's
 * transaction and in the store.
 */
#ifndef BYRON_EXT_VTAB_H
#define BYRON_EXT_VTAB_H

#include <sqlite3ext.h>

#include "bytes.h"
#include "declaration.h"

extern const sqlite3_api_routines *sqlite3_api;

struct connection;  /* connection.h: one per SQLite connection. */
struct cursor;      /* cursor.c: one per scan that SQLite has open. */
struct index;       /* index.h: a secondary index. */
struct retired;     /* index_list.c */
struct statistics;  /* statistics.h: what planning has sampled. */
struct transaction; /* transaction.h: one per connection, schema and store. */

/* The highest rowid of a table, known while nothing else is written. */
struct rowid_hint {
    uint64_t epoch; /* Of the transaction; 0: nothing is known. */
    uint64_t mark;
    int64_t last;
};

struct table {
    sqlite3_vtab base; /* First: SQLite casts. */
    sqlite3 *db;
    struct table *next;              /* Of the connection. */
    struct connection *connection;   /* Borrowed. */
    struct transaction *transaction; /* Borrowed from the connection. */
    struct declaration *declaration; /* Owned. */
    uint32_t id;                     /* Prefix of its keys. */
    struct index *indexes;           /* Owned array. */
    int index_count;
    int *checks; /* Owned: see index_list.h. */
    int check_count;
    struct retired *retired; /* Owned; private to index_list. */
    char *schema;            /* Owned: "main", "temp", ... */
    char *name;              /* Owned. */
    struct rowid_hint rowid;
    struct cursor *spare;          /* Owned; see cursor.h. May be NULL. */
    struct loans *loans;           /* Owned; of its columns. May be NULL. */
    struct bytes spare_key;        /* Rooms for the next row's */
    struct bytes spare_value;      /* key and value: update.c. */
    struct statistics *statistics; /* Owned; see statistics.h. Or NULL. */
};

/* Replaces base.zErrMsg with a formatted sentence and returns code. */
int table_fail(struct table *table, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
