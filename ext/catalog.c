#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "commit_point.h"
#include "index_catalog.h"
#include "pragma.h"
#include "statement.h"

/* A database that never had a byron table has no such tables. */
static int catalog_exists(sqlite3 *db, const char *schema, bool *out)
{
    int rc = statement_has_table(db, schema, "byron_store", "commits", out);

    if (rc == SQLITE_OK && *out)
        rc = statement_has_table(db, schema, "byron_catalog", "format", out);
    return rc;
}

int catalog_create(sqlite3 *db, const char *schema, bool *is_ours)
{
    int rc = statement_execute(
        db, schema,
        "CREATE TABLE IF NOT EXISTS \"%w\".byron_store("
        "number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, "
        "id BLOB NOT NULL, next_table INTEGER NOT NULL, "
        "options TEXT NOT NULL, commits BLOB NOT NULL)");

    *is_ours = false;
    if (rc == SQLITE_OK)
        rc = statement_execute(db, schema,
                               "CREATE TABLE IF NOT EXISTS "
                               "\"%w\".byron_catalog("
                               "name TEXT PRIMARY KEY COLLATE NOCASE, "
                               "store INTEGER NOT NULL, id INTEGER NOT NULL, "
                               "format INTEGER NOT NULL)");
    return rc == SQLITE_OK ? catalog_exists(db, schema, is_ours) : rc;
}

/* Takes the statement: SELECT number, path, id, next_table, options. */
static int read_store(sqlite3_stmt *statement, struct store_row *out)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        const void *id = sqlite3_column_blob(statement, 2);
        sqlite3_int64 next = sqlite3_column_int64(statement, 3);
        out->number = sqlite3_column_int64(statement, 0);
        out->path = statement_text(statement, 1);
        if (id && sqlite3_column_bytes(statement, 2) == sizeof out->id)
            memcpy(out->id, id, sizeof out->id);
        out->next_table = next < 1            ? 1
                          : next > UINT32_MAX ? UINT32_MAX
                                              : (uint32_t)next;
        out->options = statement_text(statement, 4);
        rc = SQLITE_DONE;
        if (!out->path || !out->options)
            rc = SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    if (rc == SQLITE_DONE)
        return SQLITE_OK;
    catalog_store_deinit(out);
    return rc;
}

int catalog_store(sqlite3 *db, const char *schema, sqlite3_int64 number,
                  struct store_row *out)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = catalog_exists(db, schema, &exists);

    memset(out, 0, sizeof *out);
    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(db, schema,
                           "SELECT number, path, id, next_table, options "
                           "FROM \"%w\".byron_store WHERE number = ?1",
                           &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, number);
    return read_store(statement, out);
}

int catalog_find_store(sqlite3 *db, const char *schema, const char *path,
                       struct store_row *out)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = catalog_exists(db, schema, &exists);

    memset(out, 0, sizeof *out);
    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(db, schema,
                           "SELECT number, path, id, next_table, options "
                           "FROM \"%w\".byron_store WHERE path = ?1",
                           &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
    return read_store(statement, out);
}

void catalog_store_deinit(struct store_row *row)
{
    free(row->path);
    free(row->options);
    memset(row, 0, sizeof *row);
}

int catalog_add_store(sqlite3 *db, const char *schema, struct store_row *row)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(
        db, schema,
        "INSERT INTO \"%w\".byron_store(path, id, next_table, "
        "options, commits) VALUES(?1, ?2, ?3, ?4, zeroblob(?5))",
        &statement);
    sqlite3_int64 last = sqlite3_last_insert_rowid(db);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, row->path, -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, row->id, sizeof row->id, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, row->next_table);
    sqlite3_bind_text(statement, 4, row->options, -1, SQLITE_STATIC);
    sqlite3_bind_int(
        statement, 5,
        commit_point_size(pragma_integer(db, schema, "page_size", 0)));
    rc = statement_finish(statement);
    row->number = sqlite3_last_insert_rowid(db);
    sqlite3_set_last_insert_rowid(db, last); /* The user's, not ours. */
    return rc;
}

int catalog_set_store(sqlite3 *db, const char *schema,
                      const struct store_row *row)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(db, schema,
                               "UPDATE \"%w\".byron_store SET next_table = ?2, "
                               "options = ?3 WHERE number = ?1",
                               &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, row->number);
    sqlite3_bind_int64(statement, 2, row->next_table);
    sqlite3_bind_text(statement, 3, row->options, -1, SQLITE_STATIC);
    return statement_finish(statement);
}

int catalog_remove_store(sqlite3 *db, const char *schema, sqlite3_int64 number)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(
        db, schema, "DELETE FROM \"%w\".byron_store WHERE number = ?1",
        &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, number);
    return statement_finish(statement);
}

int catalog_table(sqlite3 *db, const char *schema, const char *name,
                  struct table_row *out)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = catalog_exists(db, schema, &exists);

    memset(out, 0, sizeof *out);
    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(db, schema,
                           "SELECT store, id, format FROM \"%w\".byron_catalog "
                           "WHERE name = ?1 AND id BETWEEN 1 AND 4294967295",
                           &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        out->store = sqlite3_column_int64(statement, 0);
        out->id = (uint32_t)sqlite3_column_int64(statement, 1);
        out->format = sqlite3_column_int(statement, 2);
    }
    return sqlite3_finalize(statement);
}

int catalog_add_table(sqlite3 *db, const char *schema, const char *name,
                      const struct table_row *row)
{
    sqlite3_int64 last = sqlite3_last_insert_rowid(db);
    sqlite3_stmt *statement;
    int rc =
        statement_prepare(db, schema,
                          "INSERT OR REPLACE INTO \"%w\".byron_catalog"
                          "(name, store, id, format) VALUES(?1, ?2, ?3, ?4)",
                          &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, row->store);
    sqlite3_bind_int64(statement, 3, row->id);
    sqlite3_bind_int(statement, 4, row->format);
    rc = statement_finish(statement);
    sqlite3_set_last_insert_rowid(db, last); /* The user's, not ours. */
    return rc;
}

int catalog_rename_table(sqlite3 *db, const char *schema, const char *name,
                         const char *new_name)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(
        db, schema,
        "UPDATE OR REPLACE \"%w\".byron_catalog SET name = ?2 "
        "WHERE name = ?1",
        &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, new_name, -1, SQLITE_STATIC);
    return statement_finish(statement);
}

int catalog_remove_table(sqlite3 *db, const char *schema, const char *name)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(
        db, schema, "DELETE FROM \"%w\".byron_catalog WHERE name = ?1",
        &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    return statement_finish(statement);
}

int catalog_holds(sqlite3 *db, const char *schema, sqlite3_int64 store,
                  uint32_t id, bool *out)
{
    sqlite3_stmt *statement;
    bool has_indexes = false;
    bool exists;
    int rc = catalog_exists(db, schema, &exists);

    *out = false;
    if (rc == SQLITE_OK && exists)
        rc = index_catalog_exists(db, schema, &has_indexes);
    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(
        db, schema,
        has_indexes
            ? "SELECT 1 FROM \"%w\".byron_catalog WHERE store = ?1 "
              "AND (?2 = 0 OR id = ?2) UNION ALL "
              "SELECT 1 FROM \"%w\".byron_index WHERE store = ?1 AND id = ?2 "
              "LIMIT 1"
            : "SELECT 1 FROM \"%w\".byron_catalog WHERE store = ?1 "
              "AND (?2 = 0 OR id = ?2) LIMIT 1",
        &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(statement, 1, store);
    sqlite3_bind_int64(statement, 2, id);
    *out = sqlite3_step(statement) == SQLITE_ROW;
    return sqlite3_finalize(statement);
}
