#include "transaction.h"

#include <string.h>

#include "byron_inspect.h"
#include "commit_point.h"
#include "pragma.h"
#include "set_option.h"
#include "status.h"
#include "view.h"

/* The writer token is free whenever SQLite's own lock is, or soon. */
#define TOKEN_WAIT_MS 1000
/* A read transaction that is idle for longer may find its state gone. */
#define PIN_MS 60000

static struct transaction *transaction_of(sqlite3_vtab *base)
{
    return ((struct table *)base)->transaction;
}

/* --- the first write ---------------------------------------------------- */

static byron_status take_token(struct transaction *transaction)
{
    byron_db *engine = transaction->store->db;
    byron_status status = byron_begin(engine, 0, &transaction->txn);
    int timeout;

    if (status != BYRON_BUSY)
        return status;
    timeout =
        pragma_integer(transaction->connection->db, "main", "busy_timeout", 0);
    if (timeout < TOKEN_WAIT_MS)
        timeout = TOKEN_WAIT_MS;
    return byron_begin(engine, (uint32_t)timeout, &transaction->txn);
}

/* The host must not be behind the engine, or a lost update would follow. */
static int check_base(struct table *table)
{
    struct transaction *transaction = table->transaction;
    struct byron_commit_point point;
    uint64_t expected;
    int rc = view_host_point(table, &point);

    if (rc != SQLITE_OK)
        return rc;
    expected = store_engine_commit(transaction->store, point.recent[0]);
    if (byron_txn_base(transaction->txn) == expected)
        return SQLITE_OK;
    return table_fail(table, SQLITE_BUSY_SNAPSHOT,
                      "byron: %s changed since this transaction began to read; "
                      "roll back and begin again",
                      table->name);
}

static int begin(struct table *table)
{
    struct transaction *transaction = table->transaction;
    byron_status status;
    int rc;

    transaction->epoch++;
    store_settle(transaction->store);
    status = take_token(transaction);
    if (status != BYRON_OK) {
        transaction->txn = NULL;
        return status_fail(table, status);
    }
    rc = check_base(table);
    if (rc != SQLITE_OK) {
        byron_txn_abort(transaction->txn);
        transaction->txn = NULL;
    }
    return rc;
}

int transaction_write(struct table *table, byron_txn **out)
{
    struct transaction *transaction = table->transaction;
    int rc = view_ready(table);

    if (rc == SQLITE_OK && !transaction->txn)
        rc = begin(table);
    if (rc != SQLITE_OK)
        return rc;
    if (!table->declaration->settings.is_own_commit)
        transaction->is_host = true;
    /* A savepoint that is told of from here on begins after this write. */
    transaction->has_just_begun = false;
    *out = transaction->txn;
    return SQLITE_OK;
}

void transaction_count_change(struct table *table)
{
    table->connection->witness.served++;
}

void transaction_note_failure(struct table *table)
{
    if (table->transaction)
        table->transaction->is_doubtful = true;
}

/* --- commit ------------------------------------------------------------- */

static bool is_pure(struct transaction *transaction)
{
    struct connection *connection = transaction->connection;

    if (transaction->has_schema_change || transaction->is_doubtful ||
        !transaction->is_begun)
        return false;
    if (!witness_is_pure(&connection->witness, connection->db,
                         transaction->is_autocommit))
        return false;
    /* A single statement on a virtual table cannot alter the header. */
    return transaction->is_autocommit ||
           cookies_are_same(&transaction->cookies, connection->db,
                            transaction->schema, transaction->begin_version);
}

enum durability { DURABILITY_OFF, DURABILITY_NORMAL, DURABILITY_FULL };

static bool is_wal(struct transaction *transaction)
{
    if (!transaction->has_journal_mode) {
        transaction->is_wal =
            pragma_is_wal(transaction->connection->db, transaction->schema);
        transaction->has_journal_mode = true;
    }
    return transaction->is_wal;
}

/* Another store that takes part would miss what has committed by itself, if
 * the host then does not commit. */
static bool is_only_store(const struct transaction *transaction)
{
    const struct transaction *other = transaction->connection->transactions;

    while (other && (other == transaction || !other->txn))
        other = other->next;
    return !other;
}

static bool may_be_own(const struct transaction *transaction)
{
    return !transaction->is_host && is_only_store(transaction) &&
           !atomic_load(&transaction->store->is_offered);
}

/*
 * To ask SQLite for a PRAGMA costs as much as all else that is done here for a
 * small commit. What the row will carry is durable without a sync of ours: it
 * is carried as long as the last answer was FULL. If it no longer is, that does
 * no harm, and is seen when the room is full.
 */
static bool is_surely_carried(struct transaction *transaction)
{
    return transaction->was_full && !may_be_own(transaction) &&
           is_wal(transaction) &&
           byron_txn_is_carried(transaction->txn, transaction->room);
}

/*
 * As durable as SQLite's own log will be. At NORMAL its write-ahead log is not
 * synced, nor need ours be, unless half of a transaction could then survive.
 * Only what touches nothing else may commit by itself. And not right after a
 * commit of the host that failed: a power failure may bring that one back, in
 * place of what came by itself since, until the host has committed another.
 */
static unsigned choose_flags(struct transaction *transaction)
{
    bool may_own = may_be_own(transaction);
    bool may_wait = false;
    int durability = DURABILITY_OFF;
    unsigned flags = 0;

    if (transaction->database)
        durability =
            pragma_integer(transaction->connection->db, transaction->schema,
                           "synchronous", DURABILITY_FULL);
    transaction->was_full = durability >= DURABILITY_FULL;
    if (durability == DURABILITY_NORMAL)
        may_wait = is_wal(transaction);
    if ((may_own || may_wait) && !is_pure(transaction)) {
        may_own = false;
        may_wait = false;
    }
    if (may_own)
        flags |= BYRON_PREPARE_OWN;
    if (durability != DURABILITY_OFF && !may_wait)
        flags |= BYRON_PREPARE_SYNC;
    return flags;
}

static void note_prepared(struct transaction *transaction, bool is_own)
{
    transaction->was_prepared = true;
    transaction->is_own = is_own;
    atomic_store(&transaction->store->is_prepared, true);
}

static int prepare_own(struct table *table, unsigned flags)
{
    struct transaction *transaction = table->transaction;
    byron_status status =
        byron_txn_prepare(transaction->txn, flags, &transaction->prepared);

    if (status != BYRON_OK)
        return status_fail(table, status);
    note_prepared(transaction, true);
    return SQLITE_OK;
}

/*
 * In WAL mode the host's sync makes the row and what it carries durable, so
 * the engine need not sync its log for a small commit. Where the host does not
 * sync, at NORMAL, both are there or both are not.
 */
static byron_status prepare_row(struct transaction *transaction, unsigned flags,
                                sqlite3_blob *row, struct byron_bytes *carried)
{
    size_t room = is_wal(transaction) ? commit_point_room(row) : 0;
    transaction->room = room;
    byron_status status = byron_txn_prepare_in(transaction->txn, flags, room,
                                               &transaction->prepared, carried);

    if (status == BYRON_OK) {
        note_prepared(transaction, false);
        atomic_store(&transaction->store->is_offered, true);
        transaction->has_point = false;
    }
    return status;
}

static int prepare_host(struct table *table, unsigned flags)
{
    struct transaction *transaction = table->transaction;
    sqlite3 *db = transaction->connection->db;
    struct byron_bytes carried = {0};
    byron_status status = BYRON_OK;
    sqlite3_blob *row = NULL;
    int end;
    int rc =
        commit_point_open(db, transaction->schema, transaction->number, &row);

    if (rc == SQLITE_OK)
        status = prepare_row(transaction, flags, row, &carried);
    if (rc == SQLITE_OK && status == BYRON_OK)
        rc = commit_point_write(row, &transaction->prepared, carried);
    end = sqlite3_blob_close(row);
    if (status != BYRON_OK)
        return status_fail(table, status);
    if (rc == SQLITE_OK)
        rc = end;
    return rc == SQLITE_OK ? SQLITE_OK
                           : table_fail(table, rc, "byron: byron_store: %s",
                                        sqlite3_errmsg(db));
}

static int prepare(struct table *table)
{
    struct transaction *transaction = table->transaction;
    unsigned flags = is_surely_carried(transaction) ? BYRON_PREPARE_SYNC
                                                    : choose_flags(transaction);

    return flags & BYRON_PREPARE_OWN ? prepare_own(table, flags)
                                     : prepare_host(table, flags);
}

int transaction_sync(sqlite3_vtab *base)
{
    struct transaction *transaction = transaction_of(base);
    struct table *table = (struct table *)base;
    uint64_t mark;
    int rc;

    if (!transaction || !transaction->store)
        return SQLITE_OK;
    if (store_is_forked(transaction->store))
        return view_ready(table);
    transaction->has_just_begun = false;
    if (transaction->has_schema_change) {
        rc = connection_check_schema(transaction, true);
        if (rc != SQLITE_OK)
            return table_fail(table, rc, "byron: %s",
                              sqlite3_errmsg(transaction->connection->db));
    }
    rc = set_option_sync(transaction);
    if (rc != SQLITE_OK)
        return table_fail(table, rc, "byron: %s",
                          sqlite3_errmsg(transaction->connection->db));
    if (!transaction->txn || transaction->is_void)
        return SQLITE_OK;
    mark = byron_txn_mark(transaction->txn);
    if (mark == transaction->empty_mark && !transaction->was_prepared)
        return SQLITE_OK;
    /* Another table's xSync, or a COMMIT that is tried again. A rollback to a
     * savepoint before a table's creation is not told, so look again then. */
    if (transaction->is_prepared && transaction->prepared_mark == mark &&
        !transaction->has_schema_change)
        return SQLITE_OK;
    transaction->is_prepared = false;
    rc = prepare(table);
    if (rc != SQLITE_OK)
        return rc;
    transaction->is_prepared = true;
    transaction->prepared_mark = mark;
    return SQLITE_OK;
}

static void publish(struct transaction *transaction)
{
    struct store *store = transaction->store;
    uint64_t commit = transaction->prepared.recent[0];
    uint64_t host = commit;

    if (transaction->is_own)
        host = atomic_load(&store->host_commit);
    else
        atomic_store(&store->is_offered, false);
    /* While the token is ours: the next writer may come at once. A reader that
     * looks in between waits for the commit. */
    store_set_commit(store, host, commit);
    byron_txn_publish(transaction->txn);
    transaction->txn = NULL;
    pinned_sweep(&store->pins, PIN_MS);
}

/* Ready for the next transaction. */
static void reset(struct transaction *transaction)
{
    transaction->is_begun = false;
    transaction->is_autocommit = false;
    transaction->has_just_begun = false;
    transaction->has_schema_change = false;
    transaction->is_doubtful = false;
    transaction->is_host = false;
    transaction->is_checked = false;
    transaction->is_void = false;
    transaction->was_prepared = false;
    transaction->is_prepared = false;
    transaction->is_own = false;
    transaction->empty_mark = 0;
    transaction->touched_count = 0;
    savepoints_clear(&transaction->savepoints);
    if (transaction->store)
        pinned_release(&transaction->pinned);
}

/* What the host's row holds now is known without reading it. */
static void remember_point(struct transaction *transaction)
{
    unsigned version = view_data_version(transaction);

    if (transaction->is_begun)
        cookies_commit(&transaction->cookies, transaction->begin_version,
                       version);
    if (transaction->is_prepared && !transaction->is_own) {
        transaction->point = transaction->prepared;
        transaction->has_point = true;
    }
    /* With the token, the row was read under the host's lock. */
    if (transaction->txn && !transaction->is_void)
        transaction->data_version = version;
    else
        transaction->has_point = false;
}

/* Several tables of a store are told of one end. */
static bool is_idle(const struct transaction *transaction)
{
    return !transaction->is_begun && !transaction->txn &&
           !transaction->has_schema_change && !transaction->has_new_options;
}

static void commit(struct transaction *transaction)
{
    struct connection *connection = transaction->connection;

    remember_point(transaction);
    if (transaction->txn) {
        view_end_all(transaction);
        if (transaction->is_prepared && !transaction->is_void) {
            publish(transaction);
        } else {
            byron_txn_abort(transaction->txn);
            transaction->txn = NULL;
        }
    }
    if (transaction->is_checked && !transaction->is_void) {
        store_commit(transaction->store);
        connection_drop_tables(transaction);
    }
    set_option_commit(transaction);
    witness_end(&connection->witness, connection->db,
                transaction->is_autocommit,
                transaction->is_begun && !transaction->is_doubtful);
    reset(transaction);
}

static void roll_back(struct transaction *transaction)
{
    struct connection *connection = transaction->connection;

    transaction->has_point = false;
    transaction->cookies.is_pending = false;
    if (transaction->txn) {
        view_end_all(transaction);
        byron_txn_abort(transaction->txn);
        transaction->txn = NULL;
    }
    set_option_forget(transaction);
    witness_end(&connection->witness, connection->db, false,
                !transaction->is_autocommit);
    reset(transaction);
}

/* --- what SQLite calls --------------------------------------------------- */

int transaction_begin(sqlite3_vtab *base)
{
    struct transaction *transaction = transaction_of(base);
    struct connection *connection;

    if (!transaction)
        return SQLITE_OK;
    connection = transaction->connection;
    if (!transaction->is_begun) {
        transaction->is_begun = true;
        transaction->is_autocommit = sqlite3_get_autocommit(connection->db);
        transaction->begin_version = view_data_version(transaction);
        witness_begin(&connection->witness, connection->db,
                      transaction->is_autocommit);
    }
    transaction->has_just_begun = true;
    return SQLITE_OK;
}

/* After fork() nothing of the engine may be touched: it is the parent's. */
static bool is_usable(const struct transaction *transaction)
{
    return transaction &&
           (!transaction->store || !store_is_forked(transaction->store));
}

int transaction_commit(sqlite3_vtab *base)
{
    struct transaction *transaction = transaction_of(base);
    if (is_usable(transaction) && !is_idle(transaction))
        commit(transaction);
    return SQLITE_OK;
}

int transaction_rollback(sqlite3_vtab *base)
{
    struct transaction *transaction = transaction_of(base);
    if (is_usable(transaction) && !is_idle(transaction))
        roll_back(transaction);
    return SQLITE_OK;
}

int transaction_savepoint(sqlite3_vtab *base, int number)
{
    struct transaction *transaction = transaction_of(base);
    uint64_t mark = 0;
    bool has_joined;

    if (!is_usable(transaction))
        return SQLITE_OK;
    if (transaction->txn)
        mark = byron_txn_mark(transaction->txn);
    has_joined = transaction->has_just_begun;
    transaction->has_just_begun = false;
    return savepoints_open(&transaction->savepoints, number, mark, has_joined)
               ? SQLITE_OK
               : SQLITE_NOMEM;
}

int transaction_release(sqlite3_vtab *base, int number)
{
    struct transaction *transaction = transaction_of(base);
    if (is_usable(transaction))
        savepoints_release(&transaction->savepoints, number);
    return SQLITE_OK;
}

int transaction_rollback_to(sqlite3_vtab *base, int number)
{
    struct transaction *transaction = transaction_of(base);
    uint64_t mark;

    if (!is_usable(transaction))
        return SQLITE_OK;
    mark = savepoints_roll_back(&transaction->savepoints, number);
    transaction->epoch++;
    transaction->is_doubtful = true;
    transaction->is_prepared = false;
    if (!transaction->txn)
        return SQLITE_OK;
    byron_txn_rollback_to(transaction->txn, mark);
    if (mark == 0)
        transaction->empty_mark = byron_txn_mark(transaction->txn);
    return SQLITE_OK;
}
