/*
 * commit_point: the store's place in history, as the host database holds it:
 * 64 bytes in byron_store.commits, eight integers of 64 bits, little-endian.
 *
 * Written by sqlite3_blob_write, which works inside xSync and leaves the
 * user's changes() alone.
 */
#ifndef BYRON_EXT_COMMIT_POINT_H
#define BYRON_EXT_COMMIT_POINT_H

#include "vtab.h"

/* The user's transaction sees this point. *statement is prepared on first use
 * and kept for the next call. SQLITE_NOTFOUND: the row is not there. */
int commit_point_read(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_stmt **statement, struct byron_commit_point *out);
/* The newest committed point, even where the user's open transaction shows an
 * older state: then a second connection reads it. */
int commit_point_newest(sqlite3 *db, const char *schema, sqlite3_int64 number,
                        struct byron_commit_point *out);
int commit_point_write(sqlite3 *db, const char *schema, sqlite3_int64 number,
                       const struct byron_commit_point *point);

#endif
