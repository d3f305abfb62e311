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
};

/* On failure SQLite's code and *message. */
int lookup_open(struct connection *connection, const char *name,
                struct lookup *out, char **message);
/*
 * The table as SQLite has it, connected for this where need be. It stays so
 * until *keep is finalized. NULL: it could not be; sqlite3_errmsg tells.
 */
struct table *lookup_table(const struct lookup *lookup, sqlite3_stmt **keep);
void lookup_close(struct lookup *lookup);

#endif
