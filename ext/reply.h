/*
 * reply: what all SQL functions of ours have in common: a table's name as
 * their first argument, and failures in words.
 */
#ifndef BYRON_EXT_REPLY_H
#define BYRON_EXT_REPLY_H

#include "lookup.h"

/* A function; its user data is the connection. */
struct function {
    const char *name;
    int argument_count;
    int flags; /* SQLITE_DIRECTONLY where it has effects. */
    void (*run)(sqlite3_context *, int, sqlite3_value **);
};
int reply_register(struct connection *connection,
                   const struct function *functions, size_t count);

/* A failure as the result; takes message, which may be NULL. */
void reply_failure(sqlite3_context *context, int rc, char *message);
/* The failure of a call that left its words with the table. */
void reply_table_failure(sqlite3_context *context, struct table *table, int rc);
/* 'ok', or the failure. */
void reply_status(sqlite3_context *context, byron_status status);

/* The table that the argument names, opened; false: the failure is told. */
bool reply_open(sqlite3_context *context, sqlite3_value *name,
                struct lookup *out);
/* The same, with the table itself. */
bool reply_open_table(sqlite3_context *context, sqlite3_value *name,
                      struct lookup *out);

#endif
