#include "tables.h"

#include "index_catalog.h"
#include "listing.h"
#include "lookup.h"
#include "statement.h"
#include "status.h"

struct tables {
    struct connection *connection;
    sqlite3_stmt *schemas;
    sqlite3_stmt *names; /* Of the schema's byron tables. */
    /* What the engine says of the row; not where its store cannot be opened. */
    bool is_open;
    sqlite3_int64 rows;
    sqlite3_int64 bytes;
    int index_count;
    char *directory; /* sqlite3_mprintf'd. */
};

static int start(void *state, struct connection *connection,
                 const char *const *arguments, char **message)
{
    struct tables *tables = state;

    (void)arguments;
    (void)message;
    tables->connection = connection;
    return sqlite3_prepare_v2(connection->db, "PRAGMA database_list", -1,
                              &tables->schemas, NULL);
}

static const char *schema_of(const struct tables *tables)
{
    return (const char *)sqlite3_column_text(tables->schemas, 1);
}

static const char *name_of(const struct tables *tables)
{
    return (const char *)sqlite3_column_text(tables->names, 0);
}

/* Opens the list of the next schema; SQLITE_DONE after the last. */
static int next_schema(struct tables *tables)
{
    sqlite3 *db = tables->connection->db;
    bool exists;
    char *sql;
    int rc;

    if (sqlite3_step(tables->schemas) != SQLITE_ROW) {
        rc = sqlite3_reset(tables->schemas);
        return rc == SQLITE_OK ? SQLITE_DONE : rc;
    }
    if (!schema_of(tables))
        return SQLITE_NOMEM;
    rc = statement_has_table(db, schema_of(tables), "byron_catalog", "id",
                             &exists);
    if (rc != SQLITE_OK || !exists)
        return rc; /* It never had a byron table. */
    sql = sqlite3_mprintf("SELECT name, id FROM \"%w\".byron_catalog "
                          "ORDER BY name",
                          schema_of(tables));
    if (!sql)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v2(db, sql, -1, &tables->names, NULL);
    sqlite3_free(sql);
    return rc;
}

static int count_indexes(struct tables *tables)
{
    struct index_row *rows = NULL;
    int count = 0;
    int rc = index_catalog_read(tables->connection->db, schema_of(tables),
                                name_of(tables), &rows, &count);

    index_catalog_free(rows, count);
    tables->index_count = rc == SQLITE_OK ? count : -1;
    return rc;
}

static int measure_store(struct tables *tables)
{
    struct byron_range range;
    struct lookup lookup;
    uint8_t bytes[8];
    uint64_t rows;
    uint64_t size;
    char *message = NULL;
    byron_status status;
    int rc = lookup_open_in(tables->connection, schema_of(tables),
                            name_of(tables), &lookup, &message);

    sqlite3_free(message);
    if (rc != SQLITE_OK)
        return rc;
    store_table_range(lookup.id, bytes, &range);
    tables->directory =
        sqlite3_mprintf("%s", lookup.transaction->store->directory);
    status = byron_estimate(lookup.db, &range, &rows, &size);
    if (status == BYRON_OK) {
        tables->is_open = true;
        tables->rows = (sqlite3_int64)rows;
        tables->bytes = (sqlite3_int64)size;
    }
    lookup_close(&lookup);
    return tables->directory ? status_code(status) : SQLITE_NOMEM;
}

/* What cannot be had stays NULL: a list is no place to fail, unless for want of
 * memory, which passes. */
static int measure(struct tables *tables)
{
    int rc;

    sqlite3_free(tables->directory);
    tables->directory = NULL;
    tables->is_open = false;
    rc = count_indexes(tables);
    if (rc != SQLITE_NOMEM)
        rc = measure_store(tables);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

static int next(void *state, bool *is_there, char **message)
{
    struct tables *tables = state;
    int rc = SQLITE_OK;

    *is_there = false;
    while (rc == SQLITE_OK && !*is_there) {
        if (tables->names && sqlite3_step(tables->names) == SQLITE_ROW) {
            *is_there = true;
            break;
        }
        rc = sqlite3_finalize(tables->names);
        tables->names = NULL;
        if (rc == SQLITE_OK)
            rc = next_schema(tables);
    }
    if (*is_there)
        rc = measure(tables);
    if (rc == SQLITE_DONE || rc == SQLITE_OK)
        return SQLITE_OK;
    *message = sqlite3_mprintf("byron: %s",
                               statement_words(tables->connection->db, rc));
    return rc;
}

enum {
    COLUMN_SCHEMA,
    COLUMN_NAME,
    COLUMN_STORE,
    COLUMN_ID,
    COLUMN_ROWS,
    COLUMN_BYTES,
    COLUMN_INDEXES,
};

static void column(void *state, sqlite3_context *context, int number)
{
    const struct tables *tables = state;

    if (number == COLUMN_SCHEMA)
        sqlite3_result_text(context, schema_of(tables), -1, SQLITE_TRANSIENT);
    else if (number == COLUMN_NAME)
        sqlite3_result_text(context, name_of(tables), -1, SQLITE_TRANSIENT);
    else if (number == COLUMN_STORE && tables->directory)
        sqlite3_result_text(context, tables->directory, -1, SQLITE_TRANSIENT);
    else if (number == COLUMN_ID)
        sqlite3_result_int64(context, sqlite3_column_int64(tables->names, 1));
    else if (number == COLUMN_ROWS && tables->is_open)
        sqlite3_result_int64(context, tables->rows);
    else if (number == COLUMN_BYTES && tables->is_open)
        sqlite3_result_int64(context, tables->bytes);
    else if (number == COLUMN_INDEXES && tables->index_count >= 0)
        sqlite3_result_int(context, tables->index_count);
}

static void end(void *state)
{
    struct tables *tables = state;

    sqlite3_finalize(tables->names);
    sqlite3_finalize(tables->schemas);
    sqlite3_free(tables->directory);
}

int tables_register(struct connection *connection)
{
    static const struct listing listing = {
        .name = "byron_tables",
        .schema = "CREATE TABLE x(\"schema\" TEXT, name TEXT, store TEXT, "
                  "id INTEGER, \"rows\" INTEGER, bytes INTEGER, "
                  "indexes INTEGER)",
        .argument = -1,
        .rows = 20,
        .size = sizeof(struct tables),
        .start = start,
        .next = next,
        .column = column,
        .end = end,
    };

    return listing_register(connection, &listing);
}
