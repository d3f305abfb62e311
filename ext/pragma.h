/*
 * pragma: what the host connection's PRAGMAs say now.
 */
#ifndef BYRON_EXT_PRAGMA_H
#define BYRON_EXT_PRAGMA_H

#include "vtab.h"

/* The value of `PRAGMA schema.name`; fallback where it cannot be had. */
int pragma_integer(sqlite3 *db, const char *schema, const char *name,
                   int fallback);
/* Does the schema's database have a write-ahead log? */
bool pragma_is_wal(sqlite3 *db, const char *schema);
/* Are texts in UTF-8? Then they sort as byron's keys do. SQLite's code. */
int pragma_is_utf8(sqlite3 *db, const char *schema, bool *out);

#endif
