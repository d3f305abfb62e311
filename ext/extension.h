/*
 * extension: what SQLite calls when byron is loaded.
 *
 * sqlite3_byron_init also serves sqlite3_auto_extension, which takes any
 * answer but SQLITE_OK for a failure.
 */
#ifndef BYRON_EXT_EXTENSION_H
#define BYRON_EXT_EXTENSION_H

#include <sqlite3ext.h>

int sqlite3_byron_init(sqlite3 *db, char **message,
                       const sqlite3_api_routines *api);
#ifndef SQLITE_CORE
int sqlite3_extension_init(sqlite3 *db, char **message,
                           const sqlite3_api_routines *api);
#endif

#endif
