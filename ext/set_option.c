#include "set_option.h"

#include <stdlib.h>

#include "ending.h"
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

/* Committed already, or from now on part of the transaction that is open. A
 * command is told of its end, a function has to ask for it. */
static int announce(struct table *table)
{
    struct transaction *transaction = table->transaction;

    transaction->has_new_options = true;
    if (!transaction->is_begun &&
        sqlite3_txn_state(table->db, table->schema) == SQLITE_TXN_WRITE)
        return ending_watch(transaction);
    set_option_settle(transaction);
    return SQLITE_OK;
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
    if (status == BYRON_OK) {
        rc = change(table, setting, &options);
        return rc == SQLITE_OK ? announce(table) : rc;
    }
    rc = SQLITE_NOMEM;
    if (message)
        rc = table_fail(table, SQLITE_ERROR, "%s", message);
    free(message);
    return rc;
}

/* --- its commit ------------------------------------------------------------
 */

int set_option_sync(struct transaction *transaction)
{
    struct store_row row;
    int rc;

    if (!transaction->has_new_options)
        return SQLITE_OK;
    rc = catalog_store(transaction->connection->db, transaction->schema,
                       transaction->number, &row);
    if (rc != SQLITE_OK)
        return rc;
    free(transaction->new_options);
    transaction->new_options = row.options;
    row.options = NULL;
    catalog_store_deinit(&row);
    return SQLITE_OK;
}

void set_option_commit(struct transaction *transaction)
{
    struct byron_options options = {0};

    if (transaction->new_options && transaction->store) {
        settings_apply(transaction->new_options, &options);
        /* They were checked, and what cannot be done now is at the next
         * opening. */
        byron_status ignored =
            byron_set_options(transaction->store->db, &options);
        (void)ignored;
    }
    set_option_forget(transaction);
}

void set_option_forget(struct transaction *transaction)
{
    free(transaction->new_options);
    transaction->new_options = NULL;
    transaction->has_new_options = false;
}

void set_option_settle(struct transaction *transaction)
{
    if (transaction->has_new_options && !transaction->is_begun &&
        !transaction->txn &&
        sqlite3_txn_state(transaction->connection->db, transaction->schema) !=
            SQLITE_TXN_WRITE &&
        set_option_sync(transaction) == SQLITE_OK)
        set_option_commit(transaction);
}
