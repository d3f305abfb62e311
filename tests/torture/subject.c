#include "torture/subject.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture/report.h"
#include "torture/storage.h"

#define KEYS  120
#define TWINS "k INTEGER PRIMARY KEY, v, n INT"

int subject_try(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    int rc;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    rc = sqlite3_exec(subject->db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

void subject_run(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    int rc;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    rc = sqlite3_exec(subject->db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        report_failure("%s: %s (%d)", sql, sqlite3_errmsg(subject->db), rc);
    sqlite3_free(sql);
}

/* --- beginning -------------------------------------------------------------
 */

void subject_init(struct subject *subject, const char *extension,
                  const char *folder, uint64_t seed)
{
    static const char *const journals[] = {"wal",    "wal",      "wal",
                                           "delete", "truncate", "persist"};

    memset(subject, 0, sizeof *subject);
    rng_init(&subject->rng, seed);
    subject->extension = extension;
    subject->journal = journals[rng_below(&subject->rng, 6)];
    subject->has_thread = rng_one_in(&subject->rng, 3);
    subject->is_aside = rng_one_in(&subject->rng, 4);
    subject->level =
        strcmp(subject->journal, "wal") == 0 && rng_one_in(&subject->rng, 2)
            ? 1
            : 2;
    snprintf(subject->root, sizeof subject->root, "%s/disk", folder);
    snprintf(subject->path, sizeof subject->path, "%s/t.db", subject->root);
    if (mkdir(subject->root, 0755) != 0)
        report_failure("%s cannot be made", subject->root);
    subject->states = calloc(SUBJECT_STATES_MAX, sizeof *subject->states);
    if (!subject->states)
        report_failure("no memory");
    subject->states[0] = SUBJECT_NOTHING;
}

void subject_deinit(struct subject *subject)
{
    subject_close(subject);
    free(subject->states);
    rmdir(subject->root);
}

int subject_open(struct subject *subject)
{
    char *words = NULL;
    int rc = sqlite3_open(subject->path, &subject->db);

    sqlite3_extended_result_codes(subject->db, 1);
    sqlite3_db_config(subject->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1,
                      NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_load_extension(subject->db, subject->extension, NULL,
                                    &words);
    if (words)
        report_failure("%s: %s", subject->extension, words);
    if (rc == SQLITE_OK)
        rc = subject_try(subject,
                         "PRAGMA synchronous = %d; "
                         "PRAGMA wal_autocheckpoint = 30",
                         subject->level);
    /* The file itself remembers no mode but WAL. */
    if (rc == SQLITE_OK && strcmp(subject->journal, "wal") != 0)
        rc = subject_try(subject, "PRAGMA journal_mode = %s", subject->journal);
    return rc;
}

void subject_close(struct subject *subject)
{
    if (sqlite3_close(subject->db) != SQLITE_OK)
        report_failure("close: %s", sqlite3_errmsg(subject->db));
    subject->db = NULL;
}

/* --- fingerprints ----------------------------------------------------------
 */

static uint64_t stir(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t stir_value(uint64_t hash, sqlite3_stmt *row, int column)
{
    int type = sqlite3_column_type(row, column);
    sqlite3_int64 number = sqlite3_column_int64(row, column);
    const void *bytes;

    hash = stir(hash, &type, sizeof type);
    if (type == SQLITE_INTEGER)
        return stir(hash, &number, sizeof number);
    bytes = sqlite3_column_blob(row, column);
    number = sqlite3_column_bytes(row, column);
    hash = stir(hash, &number, sizeof number);
    return number ? stir(hash, bytes, (size_t)number) : hash;
}

static sqlite3_stmt *prepare(struct subject *subject, const char *sql)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(subject->db, sql, -1, &statement, NULL) != SQLITE_OK)
        report_failure("%s: %s", sql, sqlite3_errmsg(subject->db));
    return statement;
}

static bool step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        report_failure("%s: %s (%d)", sqlite3_sql(statement),
                       sqlite3_errmsg(sqlite3_db_handle(statement)), rc);
    return rc == SQLITE_ROW;
}

static uint64_t stir_table(uint64_t hash, struct subject *subject,
                           const char *name)
{
    char *sql = sqlite3_mprintf("SELECT * FROM %s ORDER BY 1, 2", name);
    sqlite3_stmt *rows = prepare(subject, sql);

    hash = stir(hash, name, strlen(name));
    while (step(rows))
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            hash = stir_value(hash, rows, i);
    sqlite3_finalize(rows);
    sqlite3_free(sql);
    return hash;
}

uint64_t subject_fingerprint(struct subject *subject)
{
    uint64_t hash = SUBJECT_NOTHING;
    sqlite3_stmt *names = prepare(
        subject, "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                 "name GLOB '[ob]_*' ORDER BY name");

    while (step(names))
        hash = stir_table(hash, subject,
                          (const char *)sqlite3_column_text(names, 0));
    sqlite3_finalize(names);
    return hash;
}

static void expect_ok(struct subject *subject, const char *sql)
{
    sqlite3_stmt *rows = prepare(subject, sql);

    while (step(rows))
        if (strcmp((const char *)sqlite3_column_text(rows, 0), "ok") != 0)
            report_failure("%s: %s", sql, sqlite3_column_text(rows, 0));
    sqlite3_finalize(rows);
}

void subject_check(struct subject *subject)
{
    expect_ok(subject, "PRAGMA integrity_check");
    expect_ok(subject, "SELECT byron_check(name) FROM sqlite_schema "
                       "WHERE type = 'table' AND name GLOB 'b_*'");
}

/* --- marks -----------------------------------------------------------------
 */

static void mark(struct subject *subject, enum subject_mark mark, size_t state)
{
    (void)subject;
    storage_mark((uint64_t)mark << 32 | state);
}

/* What SQLite promises of a commit at this level, in this journal mode. */
static bool is_durable(const struct subject *subject)
{
    if (strcmp(subject->journal, "wal") == 0 ||
        strcmp(subject->journal, "truncate") == 0)
        return subject->level >= 2;
    if (strcmp(subject->journal, "delete") == 0)
        return subject->level >= 3; /* The removal is not synced before. */
    return true;
}

static void commit_by(struct subject *subject, const char *sql)
{
    size_t state = subject->newest + 1;

    if (state >= SUBJECT_STATES_MAX)
        report_failure("too many commits");
    mark(subject, SUBJECT_BEGINS, state);
    subject_run(subject, "%s", sql);
    mark(subject, is_durable(subject) ? SUBJECT_IS_DURABLE : SUBJECT_DONE,
         state);
    subject->newest = state;
    subject->states[state] = subject_fingerprint(subject);
}

/* --- transactions ----------------------------------------------------------
 */

/* For the store, which then has no folder in common with the database. */
static void make_folder(struct subject *subject)
{
    char *path = sqlite3_mprintf("%s/aside", subject->root);
    int folder;

    if (mkdir(path, 0755) != 0)
        report_failure("%s cannot be made", path);
    folder = open(subject->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0)
        report_failure("%s cannot be synced", subject->root);
    close(folder);
    sqlite3_free(path);
}

/* One store for all: each has a history of its own. */
static const char *path_option(const struct subject *subject)
{
    return subject->is_aside ? ", path='aside/store'" : "";
}

void subject_create(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    unsigned memtable = 4u << rng_below(rng, 4);
    unsigned block = 128u << rng_below(rng, 6);
    const char *path = path_option(subject);

    if (subject->is_aside)
        make_folder(subject);
    subject_run(subject, "PRAGMA journal_mode = %s", subject->journal);
    subject_run(subject, "BEGIN");
    subject_run(subject, "CREATE TABLE o_kv(" TWINS ")");
    subject_run(subject, "CREATE TABLE o_only(k INTEGER PRIMARY KEY, n)");
    if (rng_one_in(rng, 2)) { /* The directory comes later than all else. */
        commit_by(subject, "COMMIT");
        subject_run(subject, "BEGIN");
    }
    subject_run(subject,
                "CREATE VIRTUAL TABLE b_kv USING byron(" TWINS
                ", INDEX by_n(n DESC), memory='1MB', memtable='%uKB', "
                "block_size=%u, file_size='16KB', fanout=%u, hash_index=%s"
                "%s%s)",
                memtable, block, (unsigned)rng_below(rng, 3) + 2,
                rng_one_in(rng, 2) ? "on" : "off",
                subject->has_thread ? "" : ", threads=0", path);
    subject_run(subject,
                "CREATE VIRTUAL TABLE b_solo USING byron(a INT, b INT, v, "
                "PRIMARY KEY(a, b DESC)%s)",
                path);
    commit_by(subject, "COMMIT");
    subject->created = subject->newest;
}

static char *value(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    uint64_t size = rng_below(rng, rng_one_in(rng, 25) ? 6000 : 120);

    return sqlite3_mprintf("hex(zeroblob(%llu)) || '%llx'", size / 2,
                           rng_next(rng));
}

/* Both twins. Each '@' stands for what is before the name. */
static void change(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    bool is_plain_first = rng_one_in(&subject->rng, 2);

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    for (int i = 0; i < 2; i++) {
        for (char *at = sql; (at = strstr(at, "_kv")); at++)
            at[-1] = i == is_plain_first ? 'b' : 'o';
        subject_run(subject, "%s", sql);
    }
    sqlite3_free(sql);
}

static void change_some(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    char *v = value(subject);
    uint64_t k = rng_below(rng, KEYS);
    uint64_t n = subject->number;

    switch (rng_below(rng, 12)) {
    case 0:
        change(subject, "DELETE FROM @_kv WHERE k BETWEEN %llu AND %llu", k,
               k + rng_below(rng, 20));
        break;
    case 1:
        change(subject,
               "UPDATE @_kv SET n = %llu WHERE k BETWEEN %llu AND %llu", n, k,
               k + rng_below(rng, 20));
        break;
    case 2:
        change(subject, "DELETE FROM @_kv WHERE k = %llu", k);
        break;
    case 3:
        change(subject, "UPDATE @_kv SET v = %s, n = n + 1 WHERE n = %llu", v,
               n - rng_below(rng, 9));
        break;
    default:
        change(subject, "REPLACE INTO @_kv VALUES(%llu, %s, %llu)", k, v, n);
    }
    sqlite3_free(v);
}

/* Larger than memtables: it moves to files of its own. */
static void change_many(struct subject *subject)
{
    struct rng *rng = &subject->rng;

    change(subject,
           "WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
           "i < %llu) REPLACE INTO @_kv SELECT i + %llu, hex(i * %llu) || "
           "hex(zeroblob(60)), %llu FROM c",
           rng_below(rng, 300) + 50, rng_below(rng, KEYS), rng_next(rng) >> 40,
           subject->number);
}

static void change_all(struct subject *subject)
{
    subject_run(subject, "INSERT INTO b_kv(b_kv) VALUES('delete-all')");
    subject_run(subject, "DELETE FROM o_kv");
}

/* A pair of tables that comes and goes. */
static void change_schema(struct subject *subject)
{
    if (subject_try(subject, "SELECT 1 FROM o_x LIMIT 1") == SQLITE_OK) {
        subject_run(subject, "DROP TABLE b_x; DROP TABLE o_x");
        return;
    }
    subject_run(subject,
                "CREATE TABLE o_x(k, v, PRIMARY KEY(k)) WITHOUT ROWID;"
                "CREATE VIRTUAL TABLE b_x USING byron(k, v, PRIMARY KEY(k)%s);"
                "INSERT INTO o_x SELECT n, v FROM o_kv WHERE n > 0 GROUP BY n;"
                "INSERT INTO b_x SELECT * FROM o_x",
                path_option(subject));
}

static void end(struct subject *subject)
{
    if (rng_one_in(&subject->rng, 10))
        subject_run(subject, "ROLLBACK");
    else
        commit_by(subject, "COMMIT");
}

static void write_mixed(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    bool has_savepoint = rng_one_in(rng, 3);

    subject_run(subject, "BEGIN");
    for (uint64_t i = rng_below(rng, 5) + 1; i > 0; i--)
        change_some(subject);
    if (has_savepoint) {
        subject_run(subject, "SAVEPOINT s");
        for (uint64_t i = rng_below(rng, 3) + 1; i > 0; i--)
            change_some(subject);
        subject_run(subject,
                    rng_one_in(rng, 2) ? "ROLLBACK TO s" : "RELEASE s");
    }
    switch (rng_below(rng, 24)) {
    case 0:
    case 1:
        change_many(subject);
        break;
    case 2:
        change_all(subject);
        break;
    case 3:
    case 4:
        change_schema(subject);
        break;
    default:
        change_some(subject);
    }
    end(subject);
}

static char *solo(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    char *v = value(subject);
    char *sql;

    if (rng_one_in(rng, 4))
        sql = sqlite3_mprintf("DELETE FROM b_solo WHERE a = %llu AND b < %llu",
                              rng_below(rng, 6), rng_below(rng, 1000));
    else
        sql = sqlite3_mprintf("REPLACE INTO b_solo VALUES(%llu, %llu, %s)",
                              rng_below(rng, 6), subject->number, v);
    sqlite3_free(v);
    return sql;
}

static void write_solo(struct subject *subject)
{
    bool is_single = rng_one_in(&subject->rng, 2);
    char *sql = solo(subject);

    if (is_single) {
        commit_by(subject, sql);
        sqlite3_free(sql);
        return;
    }
    subject_run(subject, "BEGIN; %s", sql);
    sqlite3_free(sql);
    sql = solo(subject);
    subject_run(subject, "%s", sql);
    sqlite3_free(sql);
    end(subject);
}

static void write_ordinary(struct subject *subject)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO o_only(n) VALUES(%llu)", subject->number);
    commit_by(subject, sql);
    sqlite3_free(sql);
}

void subject_commit_durably(struct subject *subject)
{
    uint64_t n = ++subject->number;
    int level = subject->level;

    subject_run(subject, "PRAGMA synchronous = EXTRA");
    subject->level = 3;
    subject_run(subject, "BEGIN");
    change(subject, "REPLACE INTO @_kv VALUES(%llu, 'later', %llu)",
           rng_below(&subject->rng, KEYS), n);
    subject_run(subject, "REPLACE INTO b_solo VALUES(1, %llu, 'later')", n);
    commit_by(subject, "COMMIT");
    subject->level = level;
    subject_run(subject, "PRAGMA synchronous = %d", level);
}

/* --- what lies between -----------------------------------------------------
 */

static void reopen(struct subject *subject)
{
    subject_close(subject);
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
}

/* At NORMAL a rollback journal does not outlast all that a disk may do. */
static void change_level(struct subject *subject)
{
    bool is_wal = strcmp(subject->journal, "wal") == 0;

    subject->level = (is_wal ? 1 : 2) + (int)rng_below(&subject->rng, 2);
    subject_run(subject, "PRAGMA synchronous = %d", subject->level);
}

void subject_step(struct subject *subject)
{
    subject->number++;
    switch (rng_below(&subject->rng, 30)) {
    case 0:
    case 1:
        subject_run(subject, "SELECT byron_flush('b_kv')");
        break;
    case 2:
        subject_run(subject, "SELECT byron_compact('b_kv')");
        break;
    case 3:
    case 4:
        subject_run(subject, "PRAGMA wal_checkpoint(%s)",
                    rng_one_in(&subject->rng, 2) ? "TRUNCATE" : "PASSIVE");
        break;
    case 5:
        reopen(subject);
        break;
    case 6:
        change_level(subject);
        break;
    case 7:
    case 8:
    case 9:
        write_ordinary(subject);
        break;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
        write_solo(subject);
        break;
    default:
        write_mixed(subject);
    }
}
