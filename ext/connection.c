#include "connection.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commit_point.h"
#include "pragma.h"
#include "set_option.h"

static struct {
    pthread_mutex_t mutex;
    struct connection *first;
} all = {PTHREAD_MUTEX_INITIALIZER, NULL};

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

/* Another thread may have held it at that moment. */
static void renew_mutex(void)
{
    pthread_mutex_init(&all.mutex, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, renew_mutex);
}

struct connection *connection_of(sqlite3 *db, bool *is_new)
{
    struct connection *connection;

    pthread_once(&watch_once, watch_forks);
    pthread_mutex_lock(&all.mutex);
    connection = all.first;
    while (connection && connection->db != db)
        connection = connection->next;
    *is_new = !connection;
    if (!connection) {
        connection = calloc(1, sizeof *connection);
        if (connection) {
            connection->db = db;
            connection->next = all.first;
            all.first = connection;
        }
    }
    pthread_mutex_unlock(&all.mutex);
    return connection;
}

static void finalize(struct transaction *transaction)
{
    sqlite3_finalize(transaction->read_point);
    transaction->read_point = NULL;
    cookies_finalize(&transaction->cookies);
}

static void free_transaction(struct transaction *transaction)
{
    finalize(transaction);
    if (transaction->store && !store_is_forked(transaction->store))
        pinned_remove(&transaction->store->pins, &transaction->pinned);
    store_unref(transaction->store);
    savepoints_deinit(&transaction->savepoints);
    free(transaction->spare);
    free(transaction->touched);
    free(transaction->schema);
    free(transaction->database);
    free(transaction->directory);
    free(transaction->options);
    free(transaction->new_options);
    free(transaction);
}

void connection_free(void *pointer)
{
    struct connection *connection = pointer;
    struct connection **link;

    pthread_mutex_lock(&all.mutex);
    link = &all.first;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    pthread_mutex_unlock(&all.mutex);
    while (connection->transactions) {
        struct transaction *transaction = connection->transactions;
        connection->transactions = transaction->next;
        free_transaction(transaction);
    }
    free(connection);
}

bool connection_is_private(sqlite3 *db, const char *schema)
{
    const char *database = sqlite3_db_filename(db, schema);
    return !database || !*database;
}

char *connection_directory(sqlite3 *db, const char *schema, const char *path)
{
    if (connection_is_private(db, schema))
        return NULL;
    return directory_path(sqlite3_db_filename(db, schema), path);
}

/* The schema may be detached, or another file attached by its name. */
static bool is_current(const struct transaction *transaction)
{
    sqlite3 *db = transaction->connection->db;
    const char *database = sqlite3_db_filename(db, transaction->schema);

    if (!database || !*database)
        return !transaction->database &&
               sqlite3_db_readonly(db, transaction->schema) >= 0;
    return transaction->database &&
           strcmp(database, transaction->database) == 0;
}

/* Lets go of stores whose database is detached. SQLite tells of it at a
 * moment when nothing can be asked of the connection, so it is done late. */
static void drop_detached(struct connection *connection)
{
    struct transaction **link = &connection->transactions;

    while (*link) {
        struct transaction *transaction = *link;
        if (transaction->references > 0 || transaction->txn ||
            is_current(transaction)) {
            link = &transaction->next;
            continue;
        }
        *link = transaction->next;
        free_transaction(transaction);
    }
}

static struct transaction *new_transaction(struct connection *connection,
                                           const char *schema,
                                           const struct store_row *row)
{
    struct transaction *transaction = calloc(1, sizeof *transaction);
    bool is_private = connection_is_private(connection->db, schema);

    if (!transaction)
        return NULL;
    transaction->connection = connection;
    transaction->schema = strdup(schema);
    transaction->is_main = sqlite3_stricmp(schema, "main") == 0;
    if (!is_private) {
        transaction->database =
            strdup(sqlite3_db_filename(connection->db, schema));
        transaction->directory =
            connection_directory(connection->db, schema, row->path);
    }
    transaction->options = strdup(row->options);
    memcpy(transaction->id, row->id, sizeof transaction->id);
    if (!transaction->schema || !transaction->options ||
        (!is_private && (!transaction->database || !transaction->directory))) {
        free_transaction(transaction);
        return NULL;
    }
    transaction->next = connection->transactions;
    connection->transactions = transaction;
    return transaction;
}

struct transaction *connection_use(struct connection *connection,
                                   const char *schema,
                                   const struct store_row *row)
{
    struct transaction *transaction;

    drop_detached(connection);
    transaction = connection->transactions;
    while (transaction &&
           (sqlite3_stricmp(transaction->schema, schema) != 0 ||
            memcmp(transaction->id, row->id, sizeof row->id) != 0 ||
            !is_current(transaction)))
        transaction = transaction->next;
    if (!transaction)
        transaction = new_transaction(connection, schema, row);
    if (!transaction)
        return NULL;
    transaction->references++;
    if (transaction->number != row->number)
        transaction->has_point = false;
    transaction->number = row->number;
    return transaction;
}

void connection_release(struct transaction *transaction)
{
    if (transaction && --transaction->references == 0)
        finalize(transaction);
}

static int read_newest(void *context, struct byron_commit_point *out,
                       struct carried *carried)
{
    struct transaction *transaction = context;
    return commit_point_newest(transaction->connection->db, transaction->schema,
                               transaction->number, out, carried);
}

/* The next table number that holds any key at all; false at the end. */
static bool find_table(byron_cursor *cursor, uint32_t from, uint32_t *out)
{
    struct byron_range range;
    struct byron_bytes key;
    const uint8_t *found;
    uint8_t bytes[8];

    store_table_range(from, bytes, &range);
    if (byron_cursor_seek(cursor, range.lower) != BYRON_OK ||
        !byron_cursor_valid(cursor))
        return false;
    key = byron_cursor_key(cursor);
    found = key.data;
    if (key.size < 4)
        return false;
    *out = (uint32_t)found[0] << 24 | (uint32_t)found[1] << 16 |
           (uint32_t)found[2] << 8 | (uint32_t)found[3];
    return true;
}

/* Tables that the host does not know were dropped just before a crash. */
static void collect_tables(struct transaction *transaction,
                           byron_cursor *cursor)
{
    sqlite3 *db = transaction->connection->db;
    uint32_t id = 0;

    while (id < UINT32_MAX && find_table(cursor, id + 1, &id)) {
        struct store_row row;
        bool is_held = true;
        bool is_old;

        /* A number that the host may give out again must stay usable. */
        if (catalog_store(db, transaction->schema, transaction->number, &row))
            return;
        is_old = row.number != 0 && id < row.next_table;
        catalog_store_deinit(&row);
        if (!is_old || catalog_holds(db, transaction->schema,
                                     transaction->number, id, &is_held))
            return;
        if (!is_held && store_drop_table(transaction->store, id) != BYRON_OK)
            return; /* The next opening tries again. */
    }
}

/* Only where the host is read afresh: an old or uncommitted state of the
 * catalog must not decide what is thrown away. */
static void collect(struct transaction *transaction)
{
    struct byron_range everything = {{NULL, 0}, {NULL, 0}};
    struct store *store = transaction->store;
    sqlite3 *db = transaction->connection->db;
    byron_snapshot *snapshot = NULL;
    byron_cursor *cursor = NULL;

    if (sqlite3_txn_state(db, transaction->schema) != SQLITE_TXN_NONE ||
        sqlite3_db_readonly(db, transaction->schema) != 0 ||
        !directory_is_writable(store->directory) ||
        atomic_exchange(&store->is_collected, true))
        return;
    if (byron_snapshot_open(store->db, &snapshot) == BYRON_OK &&
        byron_cursor_open(snapshot, NULL, &everything, &cursor) == BYRON_OK)
        collect_tables(transaction, cursor);
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One statement asks for the store several times; it waits once. */
static uint32_t patience(const struct transaction *transaction)
{
    int timeout =
        pragma_integer(transaction->connection->db, "main", "busy_timeout", 0);
    if (timeout < 0 || now_ms() < transaction->no_wait_before_ms)
        return 0;
    return (uint32_t)timeout;
}

void connection_set_store(struct transaction *transaction, struct store *store)
{
    transaction->store = store;
    pinned_add(&store->pins, &transaction->pinned);
}

int connection_open_store(struct transaction *transaction, char **message)
{
    struct store_request request = {0};
    struct store *store = NULL;
    int rc;

    if (transaction->store) {
        if (store_is_forked(transaction->store))
            return SQLITE_OK; /* Whoever goes on to use it is told. */
        connection_settle(transaction);
        set_option_settle(transaction);
        return SQLITE_OK;
    }
    request.directory = transaction->directory;
    request.database = transaction->database;
    request.options = transaction->options;
    request.id = transaction->id;
    request.wait_ms = patience(transaction);
    request.newest = read_newest;
    request.context = transaction;
    rc = store_open(&request, &store, message);
    if (rc == SQLITE_OK) {
        connection_set_store(transaction, store);
        collect(transaction);
    } else if (rc == SQLITE_BUSY) {
        transaction->no_wait_before_ms = now_ms() + 1000;
    } else if (rc == SQLITE_CORRUPT && !*message) {
        *message = sqlite3_mprintf("byron: the commit point in row %lld of "
                                   "%s.byron_store is damaged",
                                   transaction->number, transaction->schema);
        rc = SQLITE_CORRUPT_VTAB;
    }
    return rc;
}

int connection_note_schema(struct transaction *transaction, uint32_t id)
{
    size_t count = transaction->touched_count;
    uint32_t *touched;

    transaction->has_schema_change = true;
    if (id == 0)
        return SQLITE_OK;
    touched = realloc(transaction->touched, (count + 1) * sizeof *touched);
    if (!touched)
        return SQLITE_NOMEM;
    touched[count] = id;
    transaction->touched = touched;
    transaction->touched_count = count + 1;
    return SQLITE_OK;
}

int connection_check_schema(struct transaction *transaction, bool may_write)
{
    sqlite3 *db = transaction->connection->db;
    struct store_row row;
    size_t gone = 0;
    int rc = catalog_store(db, transaction->schema, transaction->number, &row);

    if (rc != SQLITE_OK)
        return rc;
    transaction->is_void =
        row.number == 0 || memcmp(row.id, transaction->id, sizeof row.id) != 0;
    for (size_t i = 0; i < transaction->touched_count && rc == SQLITE_OK; i++) {
        uint32_t id = transaction->touched[i];
        bool is_held;
        rc = catalog_holds(db, transaction->schema, transaction->number, id,
                           &is_held);
        if (rc != SQLITE_OK || is_held || transaction->is_void)
            continue;
        /* A savepoint undid the creation, but the number was used. */
        if (id >= row.next_table && id < UINT32_MAX && may_write) {
            row.next_table = id + 1;
            rc = catalog_set_store(db, transaction->schema, &row);
        }
        if (id < row.next_table)
            transaction->touched[gone++] = id;
    }
    if (rc == SQLITE_OK) {
        transaction->touched_count = gone;
        transaction->is_checked = true;
    }
    catalog_store_deinit(&row);
    return rc;
}

void connection_drop_tables(struct transaction *transaction)
{
    /* What cannot be given up now is when the store is opened next. */
    for (size_t i = 0; i < transaction->touched_count; i++)
        if (store_drop_table(transaction->store, transaction->touched[i]) !=
            BYRON_OK)
            break;
    transaction->touched_count = 0;
}

void connection_settle(struct transaction *transaction)
{
    sqlite3 *db = transaction->connection->db;

    if (!transaction->has_schema_change || transaction->is_begun ||
        transaction->txn || !transaction->store ||
        store_is_forked(transaction->store) ||
        sqlite3_txn_state(db, transaction->schema) != SQLITE_TXN_NONE ||
        connection_check_schema(transaction, false) != SQLITE_OK)
        return;
    if (!transaction->is_void)
        connection_drop_tables(transaction);
    transaction->touched_count = 0;
    transaction->has_schema_change = false;
    transaction->is_checked = false;
    transaction->is_void = false;
}
