#include "index_catalog.h"

#include <stdlib.h>
#include <string.h>

#include "statement.h"

int index_catalog_create(sqlite3 *db, const char *schema)
{
    return statement_execute(
        db, schema,
        "CREATE TABLE IF NOT EXISTS \"%w\".byron_index("
        "table_name TEXT NOT NULL COLLATE NOCASE, "
        "name TEXT NOT NULL COLLATE NOCASE, store INTEGER NOT NULL, "
        "id INTEGER NOT NULL, is_declared INTEGER NOT NULL, "
        "definition TEXT NOT NULL, PRIMARY KEY(table_name, name))");
}

int index_catalog_exists(sqlite3 *db, const char *schema, bool *out)
{
    return statement_has_table(db, schema, "byron_index", "definition", out);
}

static int add_row(sqlite3_stmt *statement, struct index_row **rows, int *count)
{
    struct index_row *longer =
        realloc(*rows, sizeof **rows * ((size_t)*count + 1));
    struct index_row *row;

    if (!longer)
        return SQLITE_NOMEM;
    *rows = longer;
    row = &longer[(*count)++];
    row->name = statement_text(statement, 0);
    row->store = sqlite3_column_int64(statement, 1);
    row->id = (uint32_t)sqlite3_column_int64(statement, 2);
    row->is_declared = sqlite3_column_int(statement, 3) != 0;
    row->definition = statement_text(statement, 4);
    return row->name && row->definition ? SQLITE_OK : SQLITE_NOMEM;
}

int index_catalog_read(sqlite3 *db, const char *schema, const char *table,
                       struct index_row **out, int *count)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = index_catalog_exists(db, schema, &exists);
    int end;

    *out = NULL;
    *count = 0;
    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(
        db, schema,
        "SELECT name, store, iif(id BETWEEN 1 AND 4294967294, id, 0), "
        "is_declared, definition FROM \"%w\".byron_index "
        "WHERE table_name = ?1 ORDER BY id",
        &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        rc = add_row(statement, out, count);
    end = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        rc = end;
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    index_catalog_free(*out, *count);
    *out = NULL;
    *count = 0;
    return rc;
}

void index_catalog_free(struct index_row *rows, int count)
{
    for (int i = 0; i < count; i++) {
        free(rows[i].name);
        free(rows[i].definition);
    }
    free(rows);
}

int index_catalog_add(sqlite3 *db, const char *schema, const char *table,
                      const struct index_row *row)
{
    sqlite3_int64 last = sqlite3_last_insert_rowid(db);
    sqlite3_stmt *statement;
    int rc = statement_prepare(
        db, schema,
        "INSERT INTO \"%w\".byron_index(table_name, name, store, id, "
        "is_declared, definition) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        &statement);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, row->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, row->store);
    sqlite3_bind_int64(statement, 4, row->id);
    sqlite3_bind_int(statement, 5, row->is_declared);
    sqlite3_bind_text(statement, 6, row->definition, -1, SQLITE_STATIC);
    rc = statement_finish(statement);
    sqlite3_set_last_insert_rowid(db, last); /* The user's, not ours. */
    return rc;
}

int index_catalog_remove(sqlite3 *db, const char *schema, const char *table,
                         const char *name)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = index_catalog_exists(db, schema, &exists);

    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(db, schema,
                           "DELETE FROM \"%w\".byron_index WHERE "
                           "table_name = ?1 AND (?2 IS NULL OR name = ?2)",
                           &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    if (name)
        sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    return statement_finish(statement);
}

int index_catalog_rename_table(sqlite3 *db, const char *schema,
                               const char *table, const char *new_name)
{
    sqlite3_stmt *statement;
    bool exists;
    int rc = index_catalog_exists(db, schema, &exists);

    if (rc != SQLITE_OK || !exists)
        return rc;
    rc = statement_prepare(db, schema,
                           "UPDATE OR REPLACE \"%w\".byron_index "
                           "SET table_name = ?2 WHERE table_name = ?1",
                           &statement);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, new_name, -1, SQLITE_STATIC);
    return statement_finish(statement);
}
