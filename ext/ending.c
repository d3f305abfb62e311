#include "ending.h"

#include <stdlib.h>

/* Takes the part of a table in every transaction that is open. */
struct ending {
    struct table table; /* First: SQLite casts. */
};

static bool takes_part(const struct transaction *transaction)
{
    return transaction->txn || transaction->has_schema_change ||
           transaction->has_new_options;
}

static int each(sqlite3_vtab *base, int (*tell)(sqlite3_vtab *))
{
    struct table *table = (struct table *)base;
    int rc = SQLITE_OK;

    for (struct transaction *at = table->connection->transactions;
         at && rc == SQLITE_OK; at = at->next) {
        if (!takes_part(at))
            continue;
        table->transaction = at;
        rc = tell(base);
    }
    table->transaction = NULL;
    return rc;
}

static int each_number(sqlite3_vtab *base, int number,
                       int (*tell)(sqlite3_vtab *, int))
{
    struct table *table = (struct table *)base;
    int rc = SQLITE_OK;

    for (struct transaction *at = table->connection->transactions;
         at && rc == SQLITE_OK; at = at->next) {
        if (!takes_part(at))
            continue;
        table->transaction = at;
        rc = tell(base, number);
    }
    table->transaction = NULL;
    return rc;
}

static int connect(sqlite3 *db, void *connection, int count,
                   const char *const *arguments, sqlite3_vtab **out,
                   char **message)
{
    struct ending *ending;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(empty)");

    (void)count;
    (void)arguments;
    (void)message;
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK)
        return rc;
    ending = calloc(1, sizeof *ending);
    if (!ending)
        return SQLITE_NOMEM;
    ending->table.db = db;
    ending->table.connection = connection;
    ending->table.name = "byron_ending";
    *out = &ending->table.base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

/* It cannot be read, and so needs no cursor. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    (void)info;
    return SQLITE_CONSTRAINT;
}

static int update(sqlite3_vtab *base, int count, sqlite3_value **arguments,
                  sqlite3_int64 *out)
{
    (void)base;
    (void)count;
    (void)arguments;
    (void)out;
    return SQLITE_READONLY;
}

static int begin(sqlite3_vtab *base)
{
    return each(base, transaction_begin);
}

static int sync(sqlite3_vtab *base)
{
    return each(base, transaction_sync);
}

static int commit(sqlite3_vtab *base)
{
    return each(base, transaction_commit);
}

static int roll_back(sqlite3_vtab *base)
{
    return each(base, transaction_rollback);
}

static int savepoint(sqlite3_vtab *base, int number)
{
    return each_number(base, number, transaction_savepoint);
}

static int release(sqlite3_vtab *base, int number)
{
    return each_number(base, number, transaction_release);
}

static int roll_back_to(sqlite3_vtab *base, int number)
{
    return each_number(base, number, transaction_rollback_to);
}

static const sqlite3_module module = {
    .iVersion = 2,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xUpdate = update,
    .xBegin = begin,
    .xSync = sync,
    .xCommit = commit,
    .xRollback = roll_back,
    .xSavepoint = savepoint,
    .xRelease = release,
    .xRollbackTo = roll_back_to,
};

int ending_register(struct connection *connection)
{
    return sqlite3_create_module_v2(connection->db, "byron_ending", &module,
                                    connection, NULL);
}

int ending_watch(struct transaction *transaction)
{
    /* It belongs to main, and takes main's write lock. */
    if (!transaction->txn && sqlite3_stricmp(transaction->schema, "main") != 0)
        return SQLITE_OK;
    /* Inserts nothing, but takes part. */
    return sqlite3_exec(transaction->connection->db,
                        "INSERT INTO main.byron_ending SELECT 0 WHERE 0", NULL,
                        NULL, NULL);
}
