#include "commit_point.h"

#include <string.h>

#define POINT_SIZE (8 * (BYRON_RECENT_COMMITS + 1))
/* Zeros in place of what a room begins with: it holds nothing. */
#define ROOM_HEAD 20

/* Rows with room are of these sizes: no room for less pays. */
#define ROW_MIN  512
#define ROW_MAX  16384
#define PAGE_MIN 1024

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

static bool is_row_size(int size)
{
    return size == POINT_SIZE || (size >= ROW_MIN && size <= ROW_MAX);
}

int commit_point_size(int page_size)
{
    int size = page_size / 4 * 3;

    if (page_size < PAGE_MIN)
        return POINT_SIZE;
    return size < ROW_MAX ? size : ROW_MAX;
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

/* The row of an SELECT that found it. carried may be NULL. */
static int take_row(sqlite3_stmt *statement, struct byron_commit_point *out,
                    struct carried *carried)
{
    const uint8_t *bytes = sqlite3_column_blob(statement, 0);
    int size = sqlite3_column_bytes(statement, 0);

    if (!bytes || !is_row_size(size))
        return SQLITE_CORRUPT;
    decode(bytes, out);
    if (!carried || size == POINT_SIZE)
        return SQLITE_OK;
    carried->data = sqlite3_malloc(size - POINT_SIZE);
    if (!carried->data)
        return SQLITE_NOMEM;
    carried->size = (size_t)(size - POINT_SIZE);
    memcpy(carried->data, bytes + POINT_SIZE, carried->size);
    return SQLITE_OK;
}

static int read_row(sqlite3 *db, const char *schema, sqlite3_int64 number,
                    sqlite3_stmt **statement, struct byron_commit_point *out,
                    struct carried *carried)
{
    int found = SQLITE_NOTFOUND;
    int rc;

    if (!*statement) {
        rc = prepare(db, schema, statement);
        if (rc != SQLITE_OK)
            return rc;
    }
    sqlite3_bind_int64(*statement, 1, number);
    if (sqlite3_step(*statement) == SQLITE_ROW)
        found = take_row(*statement, out, carried);
    rc = sqlite3_reset(*statement);
    if (rc == SQLITE_OK)
        return found;
    if (carried) {
        sqlite3_free(carried->data);
        carried->data = NULL;
        carried->size = 0;
    }
    return rc;
}

int commit_point_read(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_stmt **statement, struct byron_commit_point *out)
{
    return read_row(db, schema, number, statement, out, NULL);
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
                     struct byron_commit_point *out, struct carried *carried)
{
    sqlite3_stmt *statement = NULL;
    int rc = read_row(db, schema, number, &statement, out, carried);
    sqlite3_finalize(statement);
    return rc;
}

int commit_point_newest(sqlite3 *db, const char *schema, sqlite3_int64 number,
                        struct byron_commit_point *out, struct carried *carried)
{
    const char *file = sqlite3_db_filename(db, schema);
    sqlite3 *second = NULL;
    int rc;

    memset(carried, 0, sizeof *carried);
    /* No transaction: ours is new. A writer's state is the newest. */
    if (!file || !*file || sqlite3_txn_state(db, schema) != SQLITE_TXN_READ)
        return read_once(db, schema, number, out, carried);
    rc = open_second(db, schema, &second);
    if (rc == SQLITE_OK)
        rc = read_once(second, "main", number, out, carried);
    sqlite3_close(second);
    /* Locked against all others: nobody can have written since. */
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        rc = read_once(db, schema, number, out, carried);
    return rc;
}

int commit_point_open(sqlite3 *db, const char *schema, sqlite3_int64 number,
                      sqlite3_blob **out)
{
    return sqlite3_blob_open(db, schema, "byron_store", "commits", number, 1,
                             out);
}

size_t commit_point_room(sqlite3_blob *row)
{
    int size = sqlite3_blob_bytes(row);

    return size > POINT_SIZE ? (size_t)(size - POINT_SIZE) : 0;
}

int commit_point_empty_room(sqlite3 *db, const char *schema,
                            sqlite3_int64 number)
{
    static const uint8_t nothing[ROOM_HEAD];
    sqlite3_blob *row = NULL;
    int rc = commit_point_open(db, schema, number, &row);
    int end;

    if (rc == SQLITE_OK && commit_point_room(row) >= sizeof nothing)
        rc = sqlite3_blob_write(row, nothing, sizeof nothing, POINT_SIZE);
    end = sqlite3_blob_close(row);
    return rc == SQLITE_OK ? end : rc;
}

int commit_point_write(sqlite3_blob *row,
                       const struct byron_commit_point *point,
                       struct byron_bytes carried)
{
    uint8_t bytes[POINT_SIZE];
    int rc;

    for (int i = 0; i < BYRON_RECENT_COMMITS; i++)
        put_u64(bytes + (ptrdiff_t)8 * i, point->recent[i]);
    put_u64(bytes + (ptrdiff_t)8 * BYRON_RECENT_COMMITS, point->synced);
    rc = sqlite3_blob_write(row, bytes, sizeof bytes, 0);
    if (rc == SQLITE_OK && carried.size > 0)
        rc = sqlite3_blob_write(row, carried.data, (int)carried.size,
                                POINT_SIZE);
    return rc;
}
