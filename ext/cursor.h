/*
 * cursor: xBestIndex's plan carried out: xOpen to xRowid.
 */
#ifndef BYRON_EXT_CURSOR_H
#define BYRON_EXT_CURSOR_H

#include "vtab.h"

int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int cursor_close(sqlite3_vtab_cursor *base);
/* A closed cursor is kept in its table, for the next open to save memory
 * being asked for. Call when the table goes. */
void cursor_free_spare(struct table *table);
int cursor_filter(sqlite3_vtab_cursor *base, int plan_number,
                  const char *plan_text, int argument_count,
                  sqlite3_value **arguments);
int cursor_next(sqlite3_vtab_cursor *base);
int cursor_eof(sqlite3_vtab_cursor *base);
int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                  int column);
int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

#endif
