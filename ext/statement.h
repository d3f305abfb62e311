/*
 * statement: byron's own SQL on the host's tables, in one schema.
 *
 * All functions answer SQLite's code; the words are in sqlite3_errmsg.
 */
#ifndef BYRON_EXT_STATEMENT_H
#define BYRON_EXT_STATEMENT_H

#include <sqlite3ext.h>
#include <stdbool.h>

/* format has one or two %w, for the schema's name, inside double quotes. */
int statement_prepare(sqlite3 *db, const char *schema, const char *format,
                      sqlite3_stmt **out);
/* Steps a statement that yields no row, and finalizes it. */
int statement_finish(sqlite3_stmt *statement);
/* Both: without parameters. */
int statement_execute(sqlite3 *db, const char *schema, const char *format);
/* A column's text (malloc'd), "" for NULL; NULL if out of memory. */
char *statement_text(sqlite3_stmt *statement, int column);
/* Is there such a table, with this column? column may be NULL. */
int statement_has_table(sqlite3 *db, const char *schema, const char *table,
                        const char *column, bool *out);
/* The words of rc, which a call on db has answered; db may have forgotten. */
const char *statement_words(sqlite3 *db, int rc);

#endif
