/*
 * update: xUpdate: INSERT, UPDATE, DELETE with SQLite's conflict modes.
 */
#ifndef BYRON_EXT_UPDATE_H
#define BYRON_EXT_UPDATE_H

#include "vtab.h"

int update_row(sqlite3_vtab *base, int argument_count,
               sqlite3_value **arguments, sqlite3_int64 *rowid);

#endif
