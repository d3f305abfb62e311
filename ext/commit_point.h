/*
 * commit_point: the store's place in history, as the host database holds it:
 * 64 bytes in byron_store.commits, eight integers of 64 bits, little-endian,
 * and behind them, where the row was made with room, the commits that the
 * engine has the row carry.
 *
 * Written by sqlite3_blob_write, which works inside xSync and leaves the
 * user's changes() alone.
 */
#ifndef BYRON_EXT_COMMIT_POINT_H
#define BYRON_EXT_COMMIT_POINT_H

#include "vtab.h"

/* What the room of a row holds. All zero: nothing. */
struct carried {
    void *data; /* For sqlite3_free. */
    size_t size;
};

/* The user's transaction sees this point. *statement is prepared on first use
 * and kept for the next call. SQLITE_NOTFOUND: the row is not there. */
int commit_point_read(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_stmt **statement, struct byron_commit_point *out);
/* The bytes of a new row for a database with pages of that size: with room, as
 * far as the row then still fits into a page. */
int commit_point_size(int page_size);
/* The newest committed point, even where the user's open transaction shows an
 * older state: then a second connection reads it. */
int commit_point_newest(sqlite3 *db, const char *schema, sqlite3_int64 number,
                        struct byron_commit_point *out,
                        struct carried *carried);
/* The row, to be written, and closed by the caller. */
int commit_point_open(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_blob **out);
/* The bytes that it has for what it is to carry. */
size_t commit_point_room(sqlite3_blob *row);
/* The row carries nothing any more. Where another id gets into it, which what
 * it carried does not fit. */
int commit_point_empty_room(sqlite3 *db, const char *schema,
                            sqlite3_int64 number);
/* Requires: carried fits into the room. */
int commit_point_write(sqlite3_blob *row,
                       const struct byron_commit_point *point,
                       struct byron_bytes carried);

#endif
