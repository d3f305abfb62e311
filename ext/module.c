#include "module.h"

#include <stdlib.h>
#include <string.h>

#include "create_text.h"
#include "cursor.h"
#include "ending.h"
#include "index_catalog.h"
#include "index_list.h"
#include "integrity.h"
#include "loans.h"
#include "numbering.h"
#include "plan.h"
#include "pragma.h"
#include "settings.h"
#include "statistics.h"
#include "statement.h"
#include "status.h"
#include "update.h"
#include "view.h"

/* --- handles ------------------------------------------------------------- */

static void unlink_table(struct table *table)
{
    struct table **link = &table->connection->tables;

    while (*link && *link != table)
        link = &(*link)->next;
    if (*link)
        *link = table->next;
}

static void free_table(struct table *table)
{
    unlink_table(table);
    connection_release(table->transaction);
    cursor_free_spare(table);
    loans_free(table->loans);
    index_list_free(table);
    statistics_free(table->statistics);
    declaration_free(table->declaration);
    bytes_deinit(&table->spare_key);
    bytes_deinit(&table->spare_value);
    sqlite3_free(table->base.zErrMsg);
    free(table->schema);
    free(table->name);
    free(table);
}

/* arguments: module, schema, name, and what stood in parentheses. */
static int new_table(struct connection *connection, int count,
                     const char *const *arguments, struct table **out,
                     char **message)
{
    struct table *table = calloc(1, sizeof *table);
    char *words = NULL;
    byron_status status;

    *out = NULL;
    if (!table)
        return SQLITE_NOMEM;
    table->db = connection->db;
    table->connection = connection;
    table->schema = strdup(arguments[1]);
    table->name = strdup(arguments[2]);
    if (!table->schema || !table->name) {
        free_table(table);
        return SQLITE_NOMEM;
    }
    status = declaration_parse(table->name, count - 3, arguments + 3,
                               &table->declaration, &words);
    if (status != BYRON_OK) {
        if (words)
            *message = sqlite3_mprintf("%s", words);
        free(words);
        free_table(table);
        return status == BYRON_NO_MEMORY ? SQLITE_NOMEM : SQLITE_ERROR;
    }
    table->next = connection->tables;
    connection->tables = table;
    *out = table;
    return SQLITE_OK;
}

static int declare(struct table *table)
{
    char *schema = declaration_schema(table->declaration, table->name);
    int rc = schema ? sqlite3_declare_vtab(table->db, schema) : SQLITE_NOMEM;

    free(schema);
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(table->db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
    return rc;
}

/* A failure of SQLite's in a nested statement: its words, unless we have. */
static int give_up(struct table *table, int rc, char **message)
{
    if (!*message && table->base.zErrMsg) {
        *message = table->base.zErrMsg;
        table->base.zErrMsg = NULL;
    }
    /* Locked: it would say the same of an ordinary table. */
    if (!*message && rc != SQLITE_NOMEM)
        *message =
            sqlite3_mprintf((rc & 0xff) == SQLITE_BUSY ? "%s" : "byron: %s",
                            sqlite3_errmsg(table->db));
    free_table(table);
    return rc;
}

/* --- create ------------------------------------------------------------- */

static int create_store(struct table *table, struct store_row *row,
                        char **message)
{
    const char *path = table->declaration->settings.path;
    struct store_request request = {0};
    char *directory =
        connection_directory(table->db, table->schema, path ? path : "");
    struct store *store = NULL;
    int rc;

    request.directory = directory;
    request.database =
        directory ? sqlite3_db_filename(table->db, table->schema) : NULL;
    row->path = strdup(path ? path : "");
    row->options = settings_merge("", &table->declaration->settings.engine);
    row->next_table = 1;
    request.options = row->options;
    rc = row->path && row->options ? store_create(&request, &store, message)
                                   : SQLITE_NOMEM;
    if (rc == SQLITE_OK) {
        memcpy(row->id, store->id, sizeof row->id);
        rc = catalog_add_store(table->db, table->schema, row);
    }
    if (rc == SQLITE_OK) {
        table->transaction =
            connection_use(table->connection, table->schema, row);
        rc = table->transaction ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (rc == SQLITE_OK && !table->transaction->store)
        connection_set_store(table->transaction, store);
    else
        store_unref(store);
    free(directory);
    return rc;
}

/* All tables of the store are gone, and so is its directory. */
static int is_abandoned(struct table *table, const struct store_row *row,
                        bool *out)
{
    struct directory_identity identity;
    char *directory = connection_directory(table->db, table->schema, row->path);
    bool is_held = true;
    int rc = SQLITE_OK;

    if (directory && !directory_identify(directory, &identity))
        rc = catalog_holds(table->db, table->schema, row->number, 0, &is_held);
    free(directory);
    *out = !is_held;
    return rc;
}

static int join_store(struct table *table, struct store_row *row,
                      char **message)
{
    char *options =
        settings_merge(row->options, &table->declaration->settings.engine);

    if (!options)
        return SQLITE_NOMEM;
    free(row->options);
    row->options = options;
    table->transaction = connection_use(table->connection, table->schema, row);
    if (!table->transaction)
        return SQLITE_NOMEM;
    return connection_open_store(table->transaction, message);
}

static int find_or_create_store(struct table *table, struct store_row *row,
                                char **message)
{
    const char *path = table->declaration->settings.path;
    bool is_missing = false;
    int rc =
        catalog_find_store(table->db, table->schema, path ? path : "", row);

    if (rc == SQLITE_OK && row->number != 0)
        rc = is_abandoned(table, row, &is_missing);
    if (rc == SQLITE_OK && is_missing) {
        rc = catalog_remove_store(table->db, table->schema, row->number);
        catalog_store_deinit(row);
    }
    if (rc != SQLITE_OK)
        return rc;
    return row->number == 0 ? create_store(table, row, message)
                            : join_store(table, row, message);
}

static int enter_table(struct table *table, struct store_row *row)
{
    struct table_row entry = {0};
    int rc = view_ready(table);

    if (rc == SQLITE_OK)
        rc = numbering_take(table, row, &table->id);
    if (rc == SQLITE_OK)
        rc = index_list_create(table, row);
    if (rc == SQLITE_OK)
        rc = catalog_set_store(table->db, table->schema, row);
    entry.store = row->number;
    entry.id = table->id;
    entry.format =
        table->index_count > 0 ? CATALOG_FORMAT_INDEXES : CATALOG_FORMAT_PLAIN;
    if (rc == SQLITE_OK)
        rc = catalog_add_table(table->db, table->schema, table->name, &entry);
    return rc;
}

static bool is_own_name(const char *name)
{
    return sqlite3_stricmp(name, "byron_store") == 0 ||
           sqlite3_stricmp(name, "byron_catalog") == 0 ||
           sqlite3_stricmp(name, "byron_index") == 0;
}

/* Also those that count for nothing, as the store has them already. */
static int check_options(struct table *table)
{
    char *text = settings_merge("", &table->declaration->settings.engine);
    int rc = SQLITE_NOMEM;

    if (text)
        rc = status_fail(table, settings_check(text));
    free(text);
    return rc;
}

static int check_place(struct table *table, char **message)
{
    bool is_utf8;
    int rc;

    if (is_own_name(table->name)) {
        *message =
            sqlite3_mprintf("byron: the name %s is byron's own", table->name);
        return SQLITE_ERROR;
    }
    /* There BINARY is the order of UTF-16's bytes, which keys do not have. */
    rc = pragma_is_utf8(table->db, table->schema, &is_utf8);
    if (rc != SQLITE_OK)
        return rc;
    if (!is_utf8) {
        *message = sqlite3_mprintf(
            "byron: texts of this database are in UTF-16; PRAGMA encoding "
            "must be 'UTF-8'");
        return SQLITE_ERROR;
    }
    if (table->declaration->settings.path &&
        connection_is_private(table->db, table->schema)) {
        *message = sqlite3_mprintf("byron: path= needs a database file; the "
                                   "rows of %s live in memory and temporary "
                                   "files",
                                   table->schema);
        return SQLITE_ERROR;
    }
    return SQLITE_OK;
}

/* SQLite leaves out an argument that is empty. */
static int check_text(struct table *table, char **message)
{
    sqlite3_stmt *statement;
    bool has_gap = false;
    int rc = statement_prepare(table->db, table->schema,
                               "SELECT sql FROM \"%w\".sqlite_master "
                               "WHERE type = 'table' AND name = ?1",
                               &statement);

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        has_gap = sql && create_text_has_gap(sql);
    }
    rc = sqlite3_finalize(statement);
    if (rc != SQLITE_OK || !has_gap)
        return rc;
    *message = sqlite3_mprintf("byron: between two commas, or beside one, a "
                               "column is missing");
    return SQLITE_ERROR;
}

/* Where a table of ours should be, there may be another's. */
static int create_catalog(struct table *table, char **message)
{
    bool is_ours;
    int rc = catalog_create(table->db, table->schema, &is_ours);

    if (rc != SQLITE_OK || is_ours)
        return rc;
    *message = sqlite3_mprintf("byron: %s.byron_store or %s.byron_catalog is "
                               "not byron's; rename what is there",
                               table->schema, table->schema);
    return SQLITE_ERROR;
}

/* xCreate */
static int create(sqlite3 *db, void *connection, int count,
                  const char *const *arguments, sqlite3_vtab **out,
                  char **message)
{
    struct store_row row = {0};
    struct table *table;
    int rc = new_table(connection, count, arguments, &table, message);

    (void)db;
    if (rc != SQLITE_OK)
        return rc;
    rc = check_place(table, message);
    if (rc == SQLITE_OK)
        rc = check_text(table, message);
    if (rc == SQLITE_OK)
        rc = check_options(table);
    if (rc == SQLITE_OK)
        rc = declare(table);
    if (rc == SQLITE_OK)
        rc = create_catalog(table, message);
    if (rc == SQLITE_OK)
        rc = find_or_create_store(table, &row, message);
    if (rc == SQLITE_OK)
        rc = enter_table(table, &row);
    catalog_store_deinit(&row);
    if (rc != SQLITE_OK)
        return give_up(table, rc, message);
    *out = &table->base;
    return SQLITE_OK;
}

/* --- connect and disconnect ---------------------------------------------- */

static int find_table(struct table *table, char **message)
{
    struct table_row entry;
    struct store_row row;
    int rc = catalog_table(table->db, table->schema, table->name, &entry);

    if (rc != SQLITE_OK || entry.store == 0)
        return rc;
    if (entry.format > CATALOG_FORMAT) {
        *message = sqlite3_mprintf("byron: %s was written by a newer byron "
                                   "(format %d, this is %d)",
                                   table->name, entry.format, CATALOG_FORMAT);
        return SQLITE_NOTADB;
    }
    rc = catalog_store(table->db, table->schema, entry.store, &row);
    if (rc != SQLITE_OK || row.number == 0)
        return rc;
    table->id = entry.id;
    table->transaction = connection_use(table->connection, table->schema, &row);
    catalog_store_deinit(&row);
    return table->transaction ? index_list_load(table) : SQLITE_NOMEM;
}

/*
 * xConnect. A store that cannot be opened fails the statement that needs it,
 * not this: DROP TABLE must stay possible.
 */
static int connect(sqlite3 *db, void *connection, int count,
                   const char *const *arguments, sqlite3_vtab **out,
                   char **message)
{
    struct table *table;
    char *words = NULL;
    int rc = new_table(connection, count, arguments, &table, message);

    (void)db;
    if (rc != SQLITE_OK)
        return rc;
    rc = declare(table);
    if (rc == SQLITE_OK)
        rc = find_table(table, message);
    if (rc != SQLITE_OK)
        return give_up(table, rc, message);
    if (table->transaction)
        connection_open_store(table->transaction, &words);
    sqlite3_free(words);
    *out = &table->base;
    return SQLITE_OK;
}

/* xDisconnect */
static int disconnect(sqlite3_vtab *base)
{
    free_table((struct table *)base);
    return SQLITE_OK;
}

/* --- drop and rename ------------------------------------------------------ */

static int remove_last(struct table *table)
{
    struct transaction *transaction = table->transaction;
    bool is_held;
    int rc = catalog_holds(table->db, table->schema, transaction->number, 0,
                           &is_held);
    if (rc != SQLITE_OK || is_held)
        return rc;
    return catalog_remove_store(table->db, table->schema, transaction->number);
}

/* The keys go when the commit is known. */
static int note_drop(struct table *table)
{
    int rc = connection_note_schema(table->transaction, table->id);

    for (int i = 0; i < table->index_count && rc == SQLITE_OK; i++)
        rc = connection_note_schema(table->transaction, table->indexes[i].id);
    return rc == SQLITE_OK ? ending_watch(table->transaction) : rc;
}

/*
 * xDestroy. A ROLLBACK brings the table back without a word, so nothing goes
 * but the row of the catalog; the keys go when the host has committed.
 */
static int destroy(sqlite3_vtab *base)
{
    struct table *table = (struct table *)base;
    struct table_row entry;
    int rc = catalog_table(table->db, table->schema, table->name, &entry);

    if (rc == SQLITE_OK && entry.store != 0)
        rc = catalog_remove_table(table->db, table->schema, table->name);
    if (rc == SQLITE_OK && entry.store != 0)
        rc = index_catalog_remove(table->db, table->schema, table->name, NULL);
    if (rc == SQLITE_OK && table->transaction) {
        rc = view_ready(table);
        if (rc == SQLITE_OK)
            rc = note_drop(table);
        else if (rc == SQLITE_CANTOPEN || rc == SQLITE_NOTADB ||
                 rc == SQLITE_ERROR || (rc & 0xff) == SQLITE_CORRUPT)
            rc = remove_last(table); /* Nothing to give up; to be rid of it. */
    }
    if (rc == SQLITE_OK)
        free_table(table);
    return rc;
}

/* xRename */
static int rename_table(sqlite3_vtab *base, const char *name)
{
    struct table *table = (struct table *)base;
    int rc;

    if (is_own_name(name))
        return table_fail(table, SQLITE_ERROR,
                          "byron: the name %s is byron's own", name);
    if (table->transaction && table->transaction->store &&
        store_is_forked(table->transaction->store))
        return view_ready(table);
    rc = catalog_rename_table(table->db, table->schema, table->name, name);
    if (rc == SQLITE_OK)
        rc = index_catalog_rename_table(table->db, table->schema, table->name,
                                        name);
    if (rc == SQLITE_OK && table->transaction)
        rc = connection_note_schema(table->transaction, 0);
    return rc;
}

/* --- the rest --------------------------------------------------------------
 */

/* xShadowName: where a table is itself called byron. */
static int is_shadow(const char *name)
{
    return sqlite3_stricmp(name, "store") == 0 ||
           sqlite3_stricmp(name, "catalog") == 0 ||
           sqlite3_stricmp(name, "index") == 0;
}

/* xIntegrity: damage is a text, not a failure. is_quick: quick_check. */
static int check(sqlite3_vtab *base, const char *schema, const char *name,
                 int is_quick, char **message)
{
    struct table *table = (struct table *)base;
    struct findings findings = {0};
    int rc = is_quick ? view_ready(table) : check_table(table, &findings);

    (void)schema;
    *message = NULL;
    if (findings.count > 0)
        *message = sqlite3_mprintf("%s: %s", name,
                                   findings.words ? findings.words : "damaged");
    else if (rc != SQLITE_OK && rc != SQLITE_INTERRUPT && rc != SQLITE_NOMEM)
        *message = sqlite3_mprintf("%s: %s", name,
                                   table->base.zErrMsg ? table->base.zErrMsg
                                                       : sqlite3_errstr(rc));
    findings_deinit(&findings);
    return *message ? SQLITE_OK : rc;
}

/* The table of methods as SQLite 3.44 knows it; older ones stop before the
 * last. */
static const struct {
    sqlite3_module base;
#if SQLITE_VERSION_NUMBER < 3044000
    int (*xIntegrity)(sqlite3_vtab *base, const char *schema, const char *name,
                      int flags, char **message);
#endif
} module = {
    .base =
        {
            .iVersion = 4,
            .xCreate = create,
            .xConnect = connect,
            .xBestIndex = plan_best_index,
            .xDisconnect = disconnect,
            .xDestroy = destroy,
            .xOpen = cursor_open,
            .xClose = cursor_close,
            .xFilter = cursor_filter,
            .xNext = cursor_next,
            .xEof = cursor_eof,
            .xColumn = cursor_column,
            .xRowid = cursor_rowid,
            .xUpdate = update_row,
            .xBegin = transaction_begin,
            .xSync = transaction_sync,
            .xCommit = transaction_commit,
            .xRollback = transaction_rollback,
            .xRename = rename_table,
            .xSavepoint = transaction_savepoint,
            .xRelease = transaction_release,
            .xRollbackTo = transaction_rollback_to,
            .xShadowName = is_shadow,
#if SQLITE_VERSION_NUMBER >= 3044000
            .xIntegrity = check,
#endif
        },
#if SQLITE_VERSION_NUMBER < 3044000
    .xIntegrity = check,
#endif
};

int module_register(struct connection *connection)
{
    return sqlite3_create_module_v2(connection->db, "byron", &module.base,
                                    connection, connection_free);
}
