#include "store_pin.h"

#include <string.h>

#include "commit_point.h"
#include "status.h"

/* The commit that the host shows may be published a moment later. */
#define PUBLISH_WAIT_MS 1000

int store_pin_refuse(char **message)
{
    sqlite3_free(*message);
    *message = sqlite3_mprintf(
        "byron: the state that this transaction shows is no longer held as a "
        "whole; end it and make the backup anew");
    return SQLITE_BUSY_SNAPSHOT;
}

static int fail_sqlite(struct transaction *transaction, int rc, char **message)
{
    *message = sqlite3_mprintf("byron: %s",
                               sqlite3_errmsg(transaction->connection->db));
    return rc;
}

static uint32_t dropped_at(struct store *store, size_t index)
{
    uint32_t id;

    pthread_mutex_lock(&store->mutex);
    id = store->dropped[index];
    pthread_mutex_unlock(&store->mutex);
    return id;
}

/* What was given up since is not in the store any more. */
static int check_dropped(struct transaction *transaction, char **message)
{
    struct store *store = transaction->store;
    size_t count = atomic_load(&store->dropped_count);

    for (size_t i = 0; i < count; i++) {
        bool is_held = false;
        int rc =
            catalog_holds(transaction->connection->db, transaction->schema,
                          transaction->number, dropped_at(store, i), &is_held);
        if (rc != SQLITE_OK)
            return fail_sqlite(transaction, rc, message);
        if (is_held)
            return store_pin_refuse(message);
    }
    return SQLITE_OK;
}

static int read_point(struct store_pin *pin, char **message)
{
    struct transaction *transaction = pin->transaction;
    sqlite3_stmt *statement = NULL;
    int rc = commit_point_read(transaction->connection->db, transaction->schema,
                               transaction->number, &statement, &pin->point);

    sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    if (rc != SQLITE_NOTFOUND && rc != SQLITE_CORRUPT)
        return fail_sqlite(transaction, rc, message);
    *message = sqlite3_mprintf("byron: a row of %s.byron_store is damaged",
                               transaction->schema);
    return SQLITE_CORRUPT_VTAB;
}

static int take_snapshot(struct store_pin *pin, char **message)
{
    struct transaction *transaction = pin->transaction;
    struct store *store = transaction->store;
    byron_status status;

    pin->commit = store_engine_commit(store, pin->point.recent[0]);
    /* The user's transaction may have read this state before. */
    pin->snapshot = pinned_take(&transaction->pinned, pin->commit);
    if (pin->snapshot)
        return SQLITE_OK;
    status = byron_snapshot_at(store->db, pin->commit, PUBLISH_WAIT_MS,
                               &pin->snapshot);
    if (status == BYRON_BUSY_SNAPSHOT)
        return store_pin_refuse(message);
    if (status != BYRON_OK)
        return status_message(status, message);
    return check_dropped(transaction, message);
}

int store_pin_open(struct store_pin *pin, struct connection *connection,
                   const char *schema, const struct store_row *row,
                   char **message)
{
    int rc;

    memset(pin, 0, sizeof *pin);
    pin->transaction = connection_use(connection, schema, row);
    if (!pin->transaction)
        return SQLITE_NOMEM;
    rc = connection_open_store(pin->transaction, message);
    if (rc == SQLITE_OK && store_is_forked(pin->transaction->store)) {
        *message = sqlite3_mprintf("byron: a connection does not survive "
                                   "fork(); open it anew in the child");
        rc = SQLITE_MISUSE;
    }
    if (rc == SQLITE_OK)
        rc = read_point(pin, message);
    return rc == SQLITE_OK ? take_snapshot(pin, message) : rc;
}

void store_pin_close(struct store_pin *pin)
{
    struct transaction *transaction = pin->transaction;

    /* Without a transaction of the user's nobody will ask for it again. */
    if (pin->snapshot && sqlite3_get_autocommit(transaction->connection->db))
        byron_snapshot_close(pin->snapshot);
    else if (pin->snapshot)
        pinned_keep(&transaction->pinned, pin->snapshot, pin->commit);
    connection_release(transaction);
    memset(pin, 0, sizeof *pin);
}
