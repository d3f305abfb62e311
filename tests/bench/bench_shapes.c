/*
 * bench_shapes: shapes of queries on a byron table and on an ordinary WITHOUT
 * ROWID table with the same rows and indexes, after both were loaded in key
 * order and compacted.
 *
 * Each shape is run in turns on both, and the best of some rounds counts. What
 * is printed first is byron's time divided by the other's: below 1 byron is
 * faster. The results are compared. `folder=` keeps the tables for another
 * run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/rows.h"

#define TENANTS  1000
#define ROUNDS   5
#define LOOKUPS  5000
#define PER_LOAD 10000 /* Rows of one transaction. */

struct settings {
    uint64_t rows;
    uint64_t memory_mb;
    const char *folder;
    const char *extension;
    const char *only; /* The one shape to run; NULL: all. */
};

struct shape {
    const char *name;
    const char *sql;
    int repeats; /* With other parameters each time. */
};

/* ?1 is a tenant, ?2 a number inside it, ?3 a tag. */
static const struct shape shapes[] = {
    {"count(*)", "SELECT count(*) FROM t", 1},
    {"count(*) of a prefix", "SELECT count(*) FROM t WHERE tenant = ?1", 200},
    {"min of the key", "SELECT min(tenant) FROM t", LOOKUPS},
    {"max of the key", "SELECT max(tenant) FROM t", LOOKUPS},
    {"max after a prefix", "SELECT max(n) FROM t WHERE tenant = ?1", LOOKUPS},
    {"DISTINCT prefix",
     "SELECT sum(tenant) FROM (SELECT DISTINCT tenant FROM t)", 1},
    {"GROUP BY prefix",
     "SELECT sum(c) FROM (SELECT count(*) AS c FROM t GROUP BY tenant)", 1},
    {"ORDER BY LIMIT", "SELECT n FROM t ORDER BY tenant, n LIMIT 10", LOOKUPS},
    {"ORDER BY DESC LIMIT",
     "SELECT n FROM t ORDER BY tenant DESC, n DESC LIMIT 10", LOOKUPS},
    {"ORDER BY LIMIT after a prefix",
     "SELECT length(body) FROM t WHERE tenant = ?1 ORDER BY n DESC LIMIT 10",
     LOOKUPS},
    {"LIMIT OFFSET",
     "SELECT n FROM t ORDER BY tenant, n LIMIT 10 OFFSET 100000", 5},
    {"whole scan", "SELECT sum(length(body)) FROM t", 1},
    {"range of a prefix",
     "SELECT sum(length(body)) FROM t WHERE tenant = ?1 AND n >= ?2", 200},
    {"lookup by key", "SELECT length(body) FROM t WHERE tenant = ?1 AND n = ?2",
     LOOKUPS},
    {"lookup by index", "SELECT length(body) FROM t WHERE tag = ?3", LOOKUPS},
    {"lookup in a covering index", "SELECT tenant FROM t WHERE tag = ?3",
     LOOKUPS},
    {"range by index",
     "SELECT sum(length(body)) FROM t WHERE tag BETWEEN ?3 AND ?3 + 100", 200},
    {"IN list of 20 keys",
     "SELECT sum(length(body)) FROM t WHERE tenant = ?1 AND n IN (SELECT ?2 + "
     "value FROM twenty)",
     1000},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

/* --- An empty table-valued loop: what SQLite takes for each row ----------- */

struct floor_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_int64 left;
};

static sqlite3_int64 floor_rows;

static int floor_connect(sqlite3 *db, void *context, int count,
                         const char *const *arguments, sqlite3_vtab **out,
                         char **message)
{
    (void)context;
    (void)count;
    (void)arguments;
    (void)message;
    *out = sqlite3_malloc(sizeof **out);
    if (!*out)
        return SQLITE_NOMEM;
    memset(*out, 0, sizeof **out);
    return sqlite3_declare_vtab(db, "CREATE TABLE x(a)");
}

static int floor_disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static int floor_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedCost = 1;
    return SQLITE_OK;
}

static int floor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct floor_cursor *cursor = sqlite3_malloc(sizeof *cursor);

    (void)base;
    *out = cursor ? &cursor->base : NULL;
    return cursor ? SQLITE_OK : SQLITE_NOMEM;
}

static int floor_close(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static int floor_filter(sqlite3_vtab_cursor *base, int number, const char *text,
                        int count, sqlite3_value **arguments)
{
    (void)number;
    (void)text;
    (void)count;
    (void)arguments;
    ((struct floor_cursor *)base)->left = floor_rows;
    return SQLITE_OK;
}

static int floor_next(sqlite3_vtab_cursor *base)
{
    ((struct floor_cursor *)base)->left--;
    return SQLITE_OK;
}

static int floor_eof(sqlite3_vtab_cursor *base)
{
    return ((struct floor_cursor *)base)->left == 0;
}

static int floor_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                        int column)
{
    (void)base;
    (void)context;
    (void)column;
    return SQLITE_OK;
}

static int floor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct floor_cursor *)base)->left;
    return SQLITE_OK;
}

static const sqlite3_module floor_module = {
    .xConnect = floor_connect,
    .xBestIndex = floor_best_index,
    .xDisconnect = floor_disconnect,
    .xOpen = floor_open,
    .xClose = floor_close,
    .xFilter = floor_filter,
    .xNext = floor_next,
    .xEof = floor_eof,
    .xColumn = floor_column,
    .xRowid = floor_rowid,
};

/* --- The two tables ------------------------------------------------------- */

static void load_extension(sqlite3 *db, const char *path)
{
    char *words = NULL;

    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, path, NULL, &words) != SQLITE_OK) {
        fprintf(stderr, "%s\n", words);
        exit(1);
    }
}

static void fill(sqlite3 *db, uint64_t rows)
{
    sqlite3_stmt *insert = prepare(db, "INSERT INTO t VALUES(?, ?, ?, ?)");
    uint64_t per_tenant = rows / TENANTS;
    uint8_t body[VALUE_BYTES];

    for (uint64_t i = 0; i < per_tenant * TENANTS; i++) {
        if (i % PER_LOAD == 0)
            run_sql(db, i == 0 ? "BEGIN" : "COMMIT; BEGIN");
        row_value(i, body);
        sqlite3_bind_int64(insert, 1, (sqlite3_int64)(i / per_tenant));
        sqlite3_bind_int64(insert, 2, (sqlite3_int64)(i % per_tenant));
        sqlite3_bind_int64(insert, 3, (sqlite3_int64)(mix(i) % rows));
        sqlite3_bind_blob(insert, 4, body, sizeof body, SQLITE_STATIC);
        step_done(insert);
    }
    run_sql(db, "COMMIT");
    sqlite3_finalize(insert);
}

static sqlite3 *open_side(const char *name, bool is_byron,
                          const struct settings *settings)
{
    char path[4096];
    char sql[400];
    sqlite3 *db;
    struct stat status;
    bool is_new;

    snprintf(path, sizeof path, "%s/%s.db", settings->folder, name);
    is_new = stat(path, &status) != 0;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        exit(1);
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
             "PRAGMA cache_size=-%llu; CREATE TEMP TABLE twenty AS WITH "
             "RECURSIVE c(value) AS (VALUES(0) UNION ALL SELECT value + 7 FROM "
             "c WHERE value < 133) SELECT value FROM c",
             (unsigned long long)settings->memory_mb * 1024);
    run_sql(db, sql);
    if (is_byron)
        load_extension(db, settings->extension);
    if (!is_new)
        return db;
    if (is_byron)
        snprintf(sql, sizeof sql,
                 "CREATE VIRTUAL TABLE t USING byron(tenant INT, n INT, tag "
                 "INT, body BLOB, PRIMARY KEY(tenant, n), INDEX by_tag(tag), "
                 "memory='%lluMB')",
                 (unsigned long long)settings->memory_mb);
    else
        snprintf(sql, sizeof sql,
                 "CREATE TABLE t(tenant INT, n INT, tag INT, body BLOB, "
                 "PRIMARY KEY(tenant, n)) WITHOUT ROWID; CREATE INDEX by_tag "
                 "ON t(tag)");
    run_sql(db, sql);
    fill(db, settings->rows);
    run_sql(db, is_byron ? "SELECT byron_compact('t')"
                         : "PRAGMA wal_checkpoint(TRUNCATE)");
    return db;
}

/* --- Measuring ------------------------------------------------------------ */

/* Seconds for all repeats; *sum of the results tells both sides alike. */
static double run_shape(sqlite3 *db, const struct shape *shape,
                        const struct settings *settings, double *sum)
{
    sqlite3_stmt *statement = prepare(db, shape->sql);
    uint64_t per_tenant = settings->rows / TENANTS;
    double start = seconds();

    *sum = 0;
    for (uint64_t i = 0; i < (uint64_t)shape->repeats; i++) {
        uint64_t drawn = mix(i + 1);

        sqlite3_bind_int64(statement, 1, (sqlite3_int64)(drawn % TENANTS));
        sqlite3_bind_int64(
            statement, 2,
            (sqlite3_int64)(drawn / TENANTS % (per_tenant / 2 + 1)));
        sqlite3_bind_int64(
            statement, 3,
            (sqlite3_int64)(mix(drawn % settings->rows) % settings->rows));
        while (sqlite3_step(statement) == SQLITE_ROW)
            *sum += sqlite3_column_double(statement, 0);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return seconds() - start;
}

static void measure(sqlite3 *byron, sqlite3 *plain, const struct shape *shape,
                    const struct settings *settings)
{
    double best[2] = {1e9, 1e9};
    double sum[2];

    for (int round = 0; round < ROUNDS; round++) {
        double time = run_shape(byron, shape, settings, &sum[0]);

        best[0] = time < best[0] ? time : best[0];
        time = run_shape(plain, shape, settings, &sum[1]);
        best[1] = time < best[1] ? time : best[1];
        if (sum[0] < sum[1] || sum[0] > sum[1]) {
            fprintf(stderr, "%s: %f and %f\n", shape->name, sum[0], sum[1]);
            exit(1);
        }
    }
    printf("%6.2f  %-32s %12.1f us  %12.1f us\n", best[0] / best[1],
           shape->name, best[0] * 1e6 / shape->repeats,
           best[1] * 1e6 / shape->repeats);
    fflush(stdout);
}

/* byron_count is not bound to SQLite's loop over a virtual table. */
static void measure_count(sqlite3 *db, const struct settings *settings)
{
    static const struct shape shape = {"", "SELECT byron_count('t')", 1};
    double best = 1e9;
    double sum;

    for (int round = 0; round < ROUNDS; round++) {
        double time = run_shape(db, &shape, settings, &sum);

        best = time < best ? time : best;
    }
    printf("%8s%-32s %12.1f us\n", "", "byron_count('t')", best * 1e6);
}

static void measure_floor(sqlite3 *db, const struct settings *settings)
{
    static const struct shape shape = {"", "SELECT count(*) FROM empty_loop",
                                       1};
    double best = 1e9;
    double sum;

    floor_rows = (sqlite3_int64)settings->rows;
    sqlite3_create_module(db, "empty_loop", &floor_module, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        double time = run_shape(db, &shape, settings, &sum);

        best = time < best ? time : best;
    }
    printf("%8s%-32s %12.1f us\n", "", "an empty loop of SQLite's", best * 1e6);
}

static const char *option(int count, char **arguments, const char *name,
                          const char *otherwise)
{
    size_t size = strlen(name);

    for (int i = 1; i < count; i++)
        if (strncmp(arguments[i], name, size) == 0 && arguments[i][size] == '=')
            return arguments[i] + size + 1;
    return otherwise;
}

int main(int count, char **arguments)
{
    char own[] = "/tmp/byron-shapes-XXXXXX";
    struct settings settings = {
        .rows = strtoull(option(count, arguments, "rows", "3000000"), NULL, 10),
        .memory_mb =
            strtoull(option(count, arguments, "memory_mb", "64"), NULL, 10),
        .folder = option(count, arguments, "folder", NULL),
        .extension = option(count, arguments, "extension", "./byron.so"),
        .only = option(count, arguments, "only", NULL),
    };
    sqlite3 *byron;
    sqlite3 *plain;
    char command[128];
    bool is_own = !settings.folder;

    if (is_own)
        settings.folder = mkdtemp(own);
    byron = open_side("byron", true, &settings);
    plain = open_side("plain", false, &settings);
    printf("SQLite %s, %llu rows: byron / ordinary, time of one query\n",
           sqlite3_libversion(), (unsigned long long)settings.rows);
    measure_floor(plain, &settings);
    measure_count(byron, &settings);
    for (size_t i = 0; i < SHAPES; i++)
        if (!settings.only || strcmp(settings.only, shapes[i].name) == 0)
            measure(byron, plain, &shapes[i], &settings);
    sqlite3_close(byron);
    sqlite3_close(plain);
    snprintf(command, sizeof command, "rm -rf '%s'", own);
    return is_own ? system(command) != 0 : 0;
}
