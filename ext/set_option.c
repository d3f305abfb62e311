#include "set_option.h"

#include <stdlib.h>

#include "option.h"
#include "settings.h"
#include "status.h"
#include "view.h"

static int fail(struct table *table, int rc)
{
    return table_fail(table, rc, "byron: byron_store: %s",
                      sqlite3_errmsg(table->db));
}

/* In place of row's options, if they are still those. */
static int replace(struct table *table, const struct store_row *row,
                   const char *text)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("UPDATE \"%w\".byron_store SET options = %Q "
                                "WHERE number = %lld AND options = %Q",
                                table->schema, text, row->number, row->options);
    int rc = SQLITE_NOMEM;

    if (sql)
        rc = sqlite3_prepare_v2(table->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK) {
        sqlite3_step(statement);
        rc = sqlite3_finalize(statement);
    }
    if (rc != SQLITE_OK)
        return fail(table, rc);
    if (sqlite3_changes(table->db) == 1)
        return SQLITE_OK;
    return table_fail(table, SQLITE_BUSY_SNAPSHOT,
                      "byron: another connection changed the options; try "
                      "again");
}

static int change(struct table *table, int setting,
                  const struct byron_options *options)
{
    struct store_row row;
    char *text = NULL;
    int rc = catalog_store(table->db, table->schema, table->transaction->number,
                           &row);

    if (rc != SQLITE_OK) {
        rc = fail(table, rc);
    } else {
        text =
            settings_change(row.options ? row.options : "", setting, options);
        /* It must be possible to open the store again. */
        rc = text ? status_fail(table, settings_check(text)) : SQLITE_NOMEM;
    }
    if (rc == SQLITE_OK)
        rc = replace(table, &row, text);
    free(text);
    catalog_store_deinit(&row);
    return rc;
}

int set_option(struct table *table, const char *text)
{
    struct byron_options options;
    char *message = NULL;
    int setting;
    byron_status status;
    int rc = view_ready(table);

    if (rc != SQLITE_OK)
        return rc;
    status = option_parse_change(text, &options, &setting, &message);
    if (status == BYRON_OK)
        return change(table, setting, &options);
    rc = SQLITE_NOMEM;
    if (message)
        rc = table_fail(table, SQLITE_ERROR, "%s", message);
    free(message);
    return rc;
}
