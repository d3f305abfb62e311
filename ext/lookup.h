/*
 * lookup: a byron table by the name that a person gives to a function: 't' or
 * 'schema.t'. Searched in SQLite's order: temp, main, then attached ones.
 */
#ifndef BYRON_EXT_LOOKUP_H
#define BYRON_EXT_LOOKUP_H

#include "connection.h"

struct lookup {
    struct transaction *transaction; /* Referenced; its store is open. */
    byron_db *db;                    /* Lent. */
    uint32_t id;                     /* The table's. */
    char *name;                      /* Owned; the table's. */
    struct table *table;             /* Lent; of lookup_open_table only. */
    sqlite3_stmt *keep;              /* Private: as long, it is connected. */
};

/* On failure SQLite's code and *message. */
int lookup_open(struct connection *connection, const char *name,
                struct lookup *out, char **message);
/* The same, of a table in a schema that is known. */
int lookup_open_in(struct connection *connection, const char *schema,
                   const char *name, struct lookup *out, char **message);
/* The same as lookup_open, and the table as SQLite has it, connected. */
int lookup_open_table(struct connection *connection, const char *name,
                      struct lookup *out, char **message);
void lookup_close(struct lookup *lookup);

#endif
