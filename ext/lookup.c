#include "lookup.h"

#include <stdlib.h>
#include <string.h>

#include "statement.h"

/* SQLITE_NOTFOUND where the schema has no such byron table. */
static int try_schema(struct connection *connection, const char *schema,
                      const char *name, struct lookup *out)
{
    struct table_row table;
    struct store_row store;
    int rc = catalog_table(connection->db, schema, name, &table);

    if (rc != SQLITE_OK)
        return rc;
    if (table.store == 0)
        return SQLITE_NOTFOUND;
    rc = catalog_store(connection->db, schema, table.store, &store);
    if (rc != SQLITE_OK)
        return rc;
    if (store.number == 0)
        return SQLITE_NOTFOUND;
    out->transaction = connection_use(connection, schema, &store);
    out->id = table.id;
    out->name = strdup(name);
    catalog_store_deinit(&store);
    if (out->transaction && out->name)
        return SQLITE_OK;
    lookup_close(out);
    return SQLITE_NOMEM;
}

/*
 * SQLite knows its tables by heart: a schema without such a table is not read,
 * for inside BEGIN that would begin its reading.
 */
static int try_likely(struct connection *connection, const char *schema,
                      const char *name, struct lookup *out)
{
    bool has_table;
    int rc =
        statement_has_table(connection->db, schema, name, NULL, &has_table);

    if (rc == SQLITE_OK && !has_table)
        return SQLITE_NOTFOUND;
    return try_schema(connection, schema, name, out);
}

/* Schemas as SQLite numbers them: main, temp, attached; temp comes first. */
static int try_schemas(struct connection *connection, const char *name,
                       struct lookup *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = try_likely(connection, "temp", name, out);
    int end;

    if (rc != SQLITE_NOTFOUND)
        return rc;
    rc = sqlite3_prepare_v2(connection->db, "PRAGMA database_list", -1,
                            &statement, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = SQLITE_NOTFOUND;
    while (rc == SQLITE_NOTFOUND && sqlite3_step(statement) == SQLITE_ROW) {
        const char *schema = (const char *)sqlite3_column_text(statement, 1);
        rc = schema ? try_likely(connection, schema, name, out) : SQLITE_NOMEM;
    }
    end = sqlite3_finalize(statement);
    return end == SQLITE_OK ? rc : end;
}

/* name as 'schema.t'. */
static int try_parts(struct connection *connection, const char *name,
                     struct lookup *out)
{
    const char *dot = strchr(name, '.');
    char *schema;
    int rc;

    if (!dot)
        return SQLITE_NOTFOUND;
    schema = strndup(name, (size_t)(dot - name));
    if (!schema)
        return SQLITE_NOMEM;
    rc = try_schema(connection, schema, dot + 1, out);
    free(schema);
    return rc;
}

/*
 * Whether SQLite has the table once it knows what others have made since. It
 * compares its schemas with the files where a statement names what it does not
 * know, and begins to read none of them.
 */
static int is_new(sqlite3 *db, const char *name, bool *out)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\"", name);
    int rc = SQLITE_NOMEM;

    if (sql)
        rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    sqlite3_finalize(statement);
    *out = rc == SQLITE_OK;
    return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

static int find(struct connection *connection, const char *name,
                struct lookup *out)
{
    bool is_there;
    int rc = try_schemas(connection, name, out);

    if (rc == SQLITE_NOTFOUND)
        rc = try_parts(connection, name, out);
    if (rc != SQLITE_NOTFOUND)
        return rc;
    rc = is_new(connection->db, name, &is_there);
    if (rc == SQLITE_OK)
        rc = is_there ? try_schemas(connection, name, out) : SQLITE_NOTFOUND;
    return rc;
}

/* Opens the store of what was found, with the result rc. */
static int open_found(struct connection *connection, const char *name, int rc,
                      struct lookup *out, char **message)
{
    if (rc == SQLITE_NOTFOUND) {
        *message = sqlite3_mprintf("byron: no such byron table: %s", name);
        return SQLITE_ERROR;
    }
    if (rc != SQLITE_OK) {
        *message = sqlite3_mprintf("%s", statement_words(connection->db, rc));
        return rc;
    }
    rc = connection_open_store(out->transaction, message);
    if (rc == SQLITE_OK && store_is_forked(out->transaction->store)) {
        *message = sqlite3_mprintf("byron: a connection does not survive "
                                   "fork(); open it anew in the child");
        rc = SQLITE_MISUSE;
    }
    if (rc != SQLITE_OK) {
        lookup_close(out);
        return rc;
    }
    out->db = out->transaction->store->db;
    return SQLITE_OK;
}

int lookup_open(struct connection *connection, const char *name,
                struct lookup *out, char **message)
{
    memset(out, 0, sizeof *out);
    return open_found(connection, name, find(connection, name, out), out,
                      message);
}

int lookup_open_in(struct connection *connection, const char *schema,
                   const char *name, struct lookup *out, char **message)
{
    memset(out, 0, sizeof *out);
    return open_found(connection, name,
                      try_schema(connection, schema, name, out), out, message);
}

/*
 * The table as SQLite has it, connected for this where need be; NULL if it is
 * none of ours. It stays so until *keep is finalized.
 */
static int find_table(const struct lookup *lookup, sqlite3_stmt **keep,
                      struct table **out)
{
    struct connection *connection = lookup->transaction->connection;
    struct table *table;
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\"",
                                lookup->transaction->schema, lookup->name);
    int rc = SQLITE_NOMEM;

    *keep = NULL;
    if (sql)
        rc = sqlite3_prepare_v2(connection->db, sql, -1, keep, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK)
        return rc;
    table = connection->tables;
    while (table && (table->transaction != lookup->transaction ||
                     table->id != lookup->id))
        table = table->next;
    *out = table;
    return SQLITE_OK;
}

int lookup_open_table(struct connection *connection, const char *name,
                      struct lookup *out, char **message)
{
    int rc = lookup_open(connection, name, out, message);

    if (rc != SQLITE_OK)
        return rc;
    rc = find_table(out, &out->keep, &out->table);
    if (rc == SQLITE_OK && out->table)
        return SQLITE_OK;
    if (rc == SQLITE_OK) {
        *message = sqlite3_mprintf("byron: no such byron table: %s", name);
        rc = SQLITE_ERROR;
    } else {
        *message = sqlite3_mprintf("%s", statement_words(connection->db, rc));
    }
    lookup_close(out);
    return rc;
}

void lookup_close(struct lookup *lookup)
{
    sqlite3_finalize(lookup->keep);
    connection_release(lookup->transaction);
    free(lookup->name);
    memset(lookup, 0, sizeof *lookup);
}
