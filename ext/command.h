/*
 * command: INSERT INTO t(t, arg) VALUES('compact', ...): what a table can be
 * told to do.
 *
 * To SQLite a command is an INSERT of one row: it takes the write lock, and
 * changes() is 1 after it. last_insert_rowid() stays.
 */
#ifndef BYRON_EXT_COMMAND_H
#define BYRON_EXT_COMMAND_H

#include "vtab.h"

/* Is that what xUpdate got? */
bool command_is_given(const struct table *table, int argument_count,
                      sqlite3_value **arguments);
/* Does it, in xUpdate's place. */
int command_run(struct table *table, sqlite3_value **arguments,
                sqlite3_int64 *rowid);

#endif
