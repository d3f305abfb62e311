#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "commit_point.h"
#include "index.h"
#include "status.h"

/* The commit that the host shows may be published a moment later. */
#define PUBLISH_WAIT_MS 1000

struct shared_snapshot {
    byron_snapshot *snapshot;
    uint64_t commit;
    unsigned references;
};

int view_ready(struct table *table)
{
    struct transaction *transaction = table->transaction;
    int rc;

    if (!transaction)
        return table_fail(table, SQLITE_ERROR,
                          "byron: %s.%s is not in byron_catalog; DROP TABLE "
                          "removes what is left of it",
                          table->schema, table->name);
    if (!transaction->store) {
        sqlite3_free(table->base.zErrMsg);
        table->base.zErrMsg = NULL;
        rc = connection_open_store(transaction, &table->base.zErrMsg);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (store_is_forked(transaction->store))
        return table_fail(table, SQLITE_MISUSE,
                          "byron: a connection does not survive fork(); open "
                          "it anew in the child");
    return SQLITE_OK;
}

unsigned view_data_version(struct transaction *transaction)
{
    unsigned version = 0;
    /* NULL spares SQLite the search for the name. */
    sqlite3_file_control(transaction->connection->db,
                         transaction->is_main ? NULL : transaction->schema,
                         SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

int view_host_point(struct table *table, struct byron_commit_point *out)
{
    struct transaction *transaction = table->transaction;
    sqlite3 *db = transaction->connection->db;
    unsigned version = view_data_version(transaction);
    int rc;

    if (!transaction->has_point || transaction->data_version != version) {
        transaction->has_point = false;
        transaction->has_journal_mode = false;
        rc = commit_point_read(db, transaction->schema, transaction->number,
                               &transaction->read_point, &transaction->point);
        if (rc == SQLITE_NOTFOUND || rc == SQLITE_CORRUPT)
            return table_fail(table, SQLITE_CORRUPT_VTAB,
                              "byron: the row of %s.byron_store that %s needs "
                              "is missing or damaged",
                              transaction->schema, table->name);
        if (rc != SQLITE_OK)
            return table_fail(table, rc, "byron: byron_store: %s",
                              sqlite3_errmsg(db));
        transaction->has_point = true;
        transaction->data_version = version;
    }
    *out = transaction->point;
    return SQLITE_OK;
}

/* One is kept for the next statement. */
static void give_back(struct transaction *transaction,
                      struct shared_snapshot *shared)
{
    if (transaction->spare)
        free(shared);
    else
        transaction->spare = shared;
}

static void unref(struct transaction *transaction,
                  struct shared_snapshot *shared)
{
    if (--shared->references > 0)
        return;
    if (transaction->shared == shared)
        transaction->shared = NULL;
    if (store_is_forked(transaction->store)) {
        give_back(transaction, shared);
        return;
    }
    if (sqlite3_get_autocommit(transaction->connection->db))
        byron_snapshot_close(shared->snapshot);
    else
        pinned_keep(&transaction->pinned, shared->snapshot, shared->commit);
    give_back(transaction, shared);
}

static int open_snapshot(struct table *table, uint64_t commit,
                         struct shared_snapshot **out)
{
    struct transaction *transaction = table->transaction;
    struct shared_snapshot *shared = transaction->shared;
    byron_status status = BYRON_OK;

    if (shared && shared->commit == commit) {
        shared->references++;
        *out = shared;
        return SQLITE_OK;
    }
    shared = transaction->spare;
    transaction->spare = NULL;
    if (!shared)
        shared = malloc(sizeof *shared);
    if (!shared)
        return SQLITE_NOMEM;
    shared->commit = commit;
    shared->references = 1;
    shared->snapshot = pinned_take(&transaction->pinned, commit);
    if (!shared->snapshot)
        status = byron_snapshot_at(transaction->store->db, commit,
                                   PUBLISH_WAIT_MS, &shared->snapshot);
    if (status != BYRON_OK) {
        give_back(transaction, shared);
        return status_fail(table, status);
    }
    transaction->shared = shared;
    *out = shared;
    return SQLITE_OK;
}

int transaction_view(struct table *table, struct view *out)
{
    struct transaction *transaction = table->transaction;
    struct byron_commit_point point;
    uint64_t commit;
    int rc = view_ready(table);

    memset(out, 0, sizeof *out);
    if (rc != SQLITE_OK)
        return rc;
    if (transaction->txn) {
        out->txn = transaction->txn;
        out->next = transaction->views;
        out->link = &transaction->views;
        if (out->next)
            out->next->link = &out->next;
        transaction->views = out;
    } else {
        rc = view_host_point(table, &point);
        if (rc != SQLITE_OK)
            return rc;
        if (store_is_dropped(transaction->store, table->id))
            return table_fail(table, SQLITE_BUSY_SNAPSHOT,
                              "byron: %s was dropped since this transaction "
                              "began to read",
                              table->name);
        commit = store_engine_commit(transaction->store, point.recent[0]);
        rc = open_snapshot(table, commit, &out->shared);
        if (rc != SQLITE_OK)
            return rc;
        out->snapshot = out->shared->snapshot;
    }
    out->owner = transaction;
    out->db = transaction->store->db;
    return SQLITE_OK;
}

int view_check_index(struct table *table, const struct view *view,
                     const struct index *index)
{
    if (view->txn || !view->owner ||
        !store_is_dropped(view->owner->store, index->id))
        return SQLITE_OK;
    return table_fail(table, SQLITE_BUSY_SNAPSHOT,
                      "byron: index %s was dropped since this transaction "
                      "began to read",
                      index->name);
}

bool view_is_forked(const struct view *view)
{
    return view->owner && view->owner->store &&
           store_is_forked(view->owner->store);
}

void view_close(struct view *view)
{
    if (!view->owner)
        return;
    if (view->link) {
        *view->link = view->next;
        if (view->next)
            view->next->link = view->link;
    }
    if (view->shared)
        unref(view->owner, view->shared);
    memset(view, 0, sizeof *view);
}

void view_end_all(struct transaction *transaction)
{
    while (transaction->views) {
        struct view *view = transaction->views;
        if (view->ended)
            view->ended(view);
        /* One that its holder did not close is closed here. */
        if (transaction->views == view)
            view_close(view);
    }
}
