#include "commit_point.h"

#include <string.h>

#define POINT_SIZE (8 * (BYRON_RECENT_COMMITS + 1))

static void put_u64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static void decode(const uint8_t *bytes, struct byron_commit_point *out)
{
    for (int i = 0; i < BYRON_RECENT_COMMITS; i++)
        out->recent[i] = get_u64(bytes + (ptrdiff_t)8 * i);
    out->synced = get_u64(bytes + (ptrdiff_t)8 * BYRON_RECENT_COMMITS);
}

static int prepare(sqlite3 *db, const char *schema, sqlite3_stmt **out)
{
    char *sql = sqlite3_mprintf(
        "SELECT commits FROM \"%w\".byron_store WHERE number = ?1", schema);
    int rc;

    if (!sql)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    sqlite3_free(sql);
    return rc;
}

int commit_point_read(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_stmt **statement, struct byron_commit_point *out)
{
    int found = SQLITE_NOTFOUND;
    int rc;

    if (!*statement) {
        rc = prepare(db, schema, statement);
        if (rc != SQLITE_OK)
            return rc;
    }
    sqlite3_bind_int64(*statement, 1, number);
    if (sqlite3_step(*statement) == SQLITE_ROW) {
        const uint8_t *bytes = sqlite3_column_blob(*statement, 0);
        found = SQLITE_CORRUPT;
        if (bytes && sqlite3_column_bytes(*statement, 0) == POINT_SIZE) {
            decode(bytes, out);
            found = SQLITE_OK;
        }
    }
    rc = sqlite3_reset(*statement);
    return rc == SQLITE_OK ? found : rc;
}

/* A connection of our own begins its own read transaction: it sees the newest
 * state. SQLite's VFS shares its locks with the user's connection. */
static int open_second(sqlite3 *db, const char *schema, sqlite3 **out)
{
    sqlite3_vfs *vfs = NULL;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE;
    int rc;

    sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    rc = sqlite3_open_v2(sqlite3_db_filename(db, schema), out, flags,
                         vfs ? vfs->zName : NULL);
    if (rc == SQLITE_OK)
        sqlite3_busy_timeout(*out, 1000);
    return rc;
}

static int read_once(sqlite3 *db, const char *schema, sqlite3_int64 number,
                     struct byron_commit_point *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = commit_point_read(db, schema, number, &statement, out);
    sqlite3_finalize(statement);
    return rc;
}

int commit_point_newest(sqlite3 *db, const char *schema, sqlite3_int64 number,
                        struct byron_commit_point *out)
{
    const char *file = sqlite3_db_filename(db, schema);
    sqlite3 *second = NULL;
    int rc;

    /* No transaction: ours is new. A writer's state is the newest. */
    if (!file || !*file || sqlite3_txn_state(db, schema) != SQLITE_TXN_READ)
        return read_once(db, schema, number, out);
    rc = open_second(db, schema, &second);
    if (rc == SQLITE_OK)
        rc = read_once(second, "main", number, out);
    sqlite3_close(second);
    /* Locked against all others: nobody can have written since. */
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        rc = read_once(db, schema, number, out);
    return rc;
}

int commit_point_write(sqlite3 *db, const char *schema, sqlite3_int64 number,
                       const struct byron_commit_point *point)
{
    uint8_t bytes[POINT_SIZE];
    sqlite3_blob *blob = NULL;
    int end;
    int rc;

    for (int i = 0; i < BYRON_RECENT_COMMITS; i++)
        put_u64(bytes + (ptrdiff_t)8 * i, point->recent[i]);
    put_u64(bytes + (ptrdiff_t)8 * BYRON_RECENT_COMMITS, point->synced);
    rc = sqlite3_blob_open(db, schema, "byron_store", "commits", number, 1,
                           &blob);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_blob_write(blob, bytes, sizeof bytes, 0);
    end = sqlite3_blob_close(blob);
    return rc == SQLITE_OK ? end : rc;
}
