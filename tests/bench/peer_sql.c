/*
 * Tables of SQLite through prepared statements: byron's, ordinary ones, and
 * one that keeps nothing. One row in a batch commits by itself; more stand
 * between BEGIN and COMMIT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/floor_table.h"
#include "bench/peer.h"
#include "bench/rows.h"

struct store {
    sqlite3 *db;
    char path[4096];
    struct peer_settings settings;
    sqlite3_stmt *begin, *begin_reading, *commit, *write[3], *get;
    sqlite3_stmt *scan_forward, *scan_backward, *scan_from;
    sqlite3_stmt *scan; /* The one that runs. */
    uint64_t left;
    bool is_batch, is_byron;
};

static const char *version(void)
{
    return sqlite3_libversion();
}

static void prepare_all(struct store *store)
{
    sqlite3 *db = store->db;

    store->begin = prepare(db, "BEGIN IMMEDIATE");
    store->begin_reading = prepare(db, "BEGIN");
    store->commit = prepare(db, "COMMIT");
    store->write[WRITE_INSERT] = prepare(db, "INSERT INTO t VALUES(?1, ?2)");
    store->write[WRITE_UPDATE] =
        prepare(db, "UPDATE t SET value = ?2 WHERE key = ?1");
    store->write[WRITE_DELETE] = prepare(db, "DELETE FROM t WHERE key = ?1");
    store->get = prepare(db, "SELECT value FROM t WHERE key = ?1");
    store->scan_forward = prepare(db, "SELECT key, value FROM t ORDER BY key");
    store->scan_backward =
        prepare(db, "SELECT key, value FROM t ORDER BY key DESC");
    store->scan_from = prepare(db, "SELECT key, value FROM t WHERE key >= ?1 "
                                   "ORDER BY key LIMIT ?2");
}

static void connect(struct store *store)
{
    char sql[128];
    char *words = NULL;

    if (sqlite3_open(store->path, &store->db) != SQLITE_OK)
        peer_die("sqlite", "open", sqlite3_errmsg(store->db));
    sqlite3_busy_timeout(store->db, 10000);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1,
                      NULL);
    if (store->is_byron && sqlite3_load_extension(store->db, "./byron.so", NULL,
                                                  &words) != SQLITE_OK)
        peer_die("byron", "load", words);
    floor_table_register(store->db);
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; "
             "PRAGMA cache_size=-%llu",
             store->settings.is_synced ? "FULL" : "NORMAL",
             (unsigned long long)(store->is_byron
                                      ? 2000
                                      : store->settings.memory / 1024));
    run_sql(store->db, sql);
}

static struct store *open_table(const struct peer_settings *settings,
                                const char *create, bool is_byron)
{
    struct store *store = peer_allocate(sizeof *store);

    store->settings = *settings;
    store->is_byron = is_byron;
    snprintf(store->path, sizeof store->path, "%s/bench.db", settings->path);
    connect(store);
    run_sql(store->db, create);
    prepare_all(store);
    return store;
}

static struct store *open_byron_as(const struct peer_settings *settings,
                                   const char *more)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE IF NOT EXISTS t USING byron(key BLOB "
             "PRIMARY KEY, value BLOB, memory=%llu, bloom_bits=%u, "
             "compression=%s, hash_index=%s%s)",
             (unsigned long long)settings->memory, settings->bloom_bits,
             settings->is_compressed ? "lz4" : "none",
             settings->hash_index ? settings->hash_index : "auto", more);
    return open_table(settings, sql, true);
}

static struct store *open_byron(const struct peer_settings *settings)
{
    return open_byron_as(settings, "");
}

static struct store *open_byron_own(const struct peer_settings *settings)
{
    return open_byron_as(settings, ", commit=own");
}

static struct store *open_without_rowid(const struct peer_settings *settings)
{
    return open_table(settings,
                      "CREATE TABLE IF NOT EXISTS t(key BLOB PRIMARY KEY, "
                      "value BLOB) WITHOUT ROWID",
                      false);
}

static struct store *open_rowid(const struct peer_settings *settings)
{
    return open_table(settings,
                      "CREATE TABLE IF NOT EXISTS t(key BLOB PRIMARY KEY, "
                      "value BLOB)",
                      false);
}

static struct store *open_floor(const struct peer_settings *settings)
{
    return open_table(
        settings, "CREATE VIRTUAL TABLE IF NOT EXISTS t USING floor", false);
}

static void disconnect(struct store *store)
{
    sqlite3_stmt *const statements[] = {
        store->begin,    store->begin_reading, store->commit,
        store->write[0], store->write[1],      store->write[2],
        store->get,      store->scan_forward,  store->scan_backward,
        store->scan_from};

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sqlite3_finalize(statements[i]);
    if (sqlite3_close(store->db) != SQLITE_OK)
        peer_die("sqlite", "close", sqlite3_errmsg(store->db));
    free(store);
}

static struct store *attach(struct store *store)
{
    struct store *other = peer_allocate(sizeof *other);

    other->settings = store->settings;
    other->is_byron = store->is_byron;
    memcpy(other->path, store->path, sizeof other->path);
    connect(other);
    prepare_all(other);
    return other;
}

static void begin(struct store *store, uint64_t count)
{
    sqlite3_reset(store->get); /* It may still hold what it lent. */
    store->is_batch = count > 1;
    if (store->is_batch)
        step_done(store->begin);
}

static void bind(sqlite3_stmt *statement, int i, struct bytes bytes)
{
    sqlite3_bind_blob(statement, i, bytes.data, (int)bytes.size, SQLITE_STATIC);
}

static void add(struct store *store, enum write_kind kind, struct bytes key,
                struct bytes value)
{
    bind(store->write[kind], 1, key);
    if (kind != WRITE_DELETE)
        bind(store->write[kind], 2, value);
    step_done(store->write[kind]);
}

static void commit(struct store *store)
{
    if (store->is_batch)
        step_done(store->commit);
}

static void die(struct store *store)
{
    peer_die("sqlite", "read", sqlite3_errmsg(store->db));
}

static void hold(struct store *store, bool is_held)
{
    sqlite3_reset(store->get);
    step_done(is_held ? store->begin_reading : store->commit);
}

static bool get(struct store *store, struct bytes key, struct bytes *value)
{
    int code;

    sqlite3_reset(store->get);
    bind(store->get, 1, key);
    code = sqlite3_step(store->get);
    if (code == SQLITE_DONE)
        return false;
    if (code != SQLITE_ROW)
        die(store);
    value->data = sqlite3_column_blob(store->get, 0);
    value->size = (size_t)sqlite3_column_bytes(store->get, 0);
    return true;
}

static void scan(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit)
{
    store->scan = is_backward ? store->scan_backward : store->scan_forward;
    store->left = limit;
    if (from) {
        store->scan = store->scan_from;
        bind(store->scan, 1, *from);
        sqlite3_bind_int64(store->scan, 2,
                           limit > INT64_MAX ? INT64_MAX
                                             : (sqlite3_int64)limit);
    }
}

static bool next(struct store *store, struct bytes *key, struct bytes *value)
{
    int code;

    if (store->left-- == 0)
        return false;
    code = sqlite3_step(store->scan);
    if (code == SQLITE_DONE)
        return false;
    if (code != SQLITE_ROW)
        die(store);
    key->data = sqlite3_column_blob(store->scan, 0);
    key->size = (size_t)sqlite3_column_bytes(store->scan, 0);
    value->data = sqlite3_column_blob(store->scan, 1);
    value->size = (size_t)sqlite3_column_bytes(store->scan, 1);
    return true;
}

static void scan_end(struct store *store)
{
    sqlite3_reset(store->scan);
}

static void settle(struct store *store)
{
    sqlite3_reset(store->get);
    if (store->is_byron)
        run_sql(store->db, "SELECT byron_flush('t')");
    run_sql(store->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    peer_wait_until_quiet();
}

#define SQL_PEER                                                               \
    .version = version, .attach = attach, .detach = disconnect,                \
    .begin = begin, .write = add, .commit = commit, .hold = hold, .get = get,  \
    .scan = scan, .next = next, .scan_end = scan_end, .settle = settle,        \
    .close = disconnect

const struct peer sql_byron = {
    SQL_PEER,
    .name = "byron",
    .open = open_byron,
    .tuning = "option memory is the whole budget, all else by default",
};
const struct peer sql_byron_own = {
    SQL_PEER,
    .name = "byron-own",
    .open = open_byron_own,
    .only_durable = true,
    .tuning = "as byron, with commit=own",
};
const struct peer sql_without_rowid = {
    SQL_PEER,
    .name = "ordinary",
    .open = open_without_rowid,
    .tuning = "WITHOUT ROWID; cache_size is the memory; WAL, "
              "synchronous=NORMAL (FULL where durable)",
};
const struct peer sql_rowid = {
    SQL_PEER,
    .name = "rowid",
    .open = open_rowid,
    .tuning = "an ordinary table with a rowid and key BLOB PRIMARY KEY; else "
              "as above",
};
const struct peer sql_floor = {
    SQL_PEER,
    .name = "floor",
    .open = open_floor,
    .keeps_nothing = true,
    .tuning = "a virtual table that takes rows and drops them, and answers "
              "reads with zeros: SQLite's own cost",
};
