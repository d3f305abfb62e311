/*
 * fuzz_sql: bytes as SQL, on a database in memory with byron linked in: as they
 * are, or as choices of a grammar. Whatever is asked is answered, or refused
 * with words and a code that fits; nothing leaks, nothing is left on the disk,
 * and in the end each table is whole and counts the same in three ways.
 */
#include <dirent.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
struct sqlite3_api_routines;
int sqlite3_byron_init(sqlite3 *db, char **message,
                       const struct sqlite3_api_routines *api);

#define MOST_STATEMENTS 60
#define MOST_ROWS       200
#define MOST_TICKS      200 /* Of 1000 steps of SQLite's machine each. */
#define MOST_DEPTH      6

static void fail(sqlite3 *db, const char *what, const char *sql)
{
    fprintf(stderr, "%s: %s: %s\n", what, db ? sqlite3_errmsg(db) : "", sql);
    abort();
}

/* --- the grammar -------------------------------------------------------- */

/* A letter behind % is replaced by one of the words of its rule; the first is
 * what ends it where it is nested too deep. */
static const char *const rules[26][32] = {
    ['A' - 'A'] = {"1", "a", "%E, %E", "a, b", "*", "count(*)", "min(a)",
                   "max(%C)", "sum(b), count(DISTINCT a)", "rowid, *",
                   "%C, count(*)", "group_concat(%C)", "prefix", "_key"},
    ['B' - 'A'] = {"", "NOT NULL", "DEFAULT %L", "COLLATE NOCASE",
                   "COLLATE RTRIM", "UNIQUE", "PRIMARY KEY", "%B %B",
                   "PRIMARY KEY DESC", "NOT NULL ON CONFLICT REPLACE",
                   "CHECK (a > 0)", "REFERENCES o(x)", "DEFAULT (1+1)",
                   "PRIMARY KEY ON CONFLICT IGNORE", "COLLATE strange"},
    ['C' - 'A'] = {"a", "b", "c", "rowid", "prefix", "_key", "d"},
    ['D' - 'A'] = {"a", "a %Y %B, b", "a %Y %B, b %Y %B, c %Y %B",
                   "a %Y, b %Y, c, PRIMARY KEY(a, b)", "a %Y, PRIMARY KEY(a)",
                   "a %Y %B, b, PRIMARY KEY(%K)", "%D, %N", "%D, INDEX i(%K)",
                   "%D, UNIQUE(%K)", "", "%D,", "a INTEGER PRIMARY KEY, b, c",
                   "\"a b\" %Y, [c], `d`", "%D, UNIQUE INDEX j(%K)"},
    ['E' - 'A'] = {"%L", "%C", "%C", "(%E) + (%E)", "(%E) || (%E)",
                   "(%E) = (%E)", "(%E) < (%E)", "(SELECT %A FROM %T)",
                   "typeof(%E)", "abs(%E)", "-(%E)", "CAST(%E AS %Y)",
                   "hex(%E)", "coalesce(%E, %E)", "(%E) COLLATE NOCASE"},
    ['F' - 'A'] = {"byron_count('%T')", "byron_count('%T', 'approx') >= 0",
                   "byron_flush('%T')", "byron_compact('%T')",
                   "byron_check('%T')", "byron_config('%T')",
                   "byron_config('%T', %O)", "byron_config('%T', %O, %L)",
                   "byron_delete_range('%T', %L, %L)", "byron_debug() > ''",
                   "byron_delete_range('%T', %L)", "byron_version()",
                   "byron_delete_range('%T', %L, %L, %L)", "byron_count(%L)",
                   "byron_flush(%L)", "byron_check()", "byron_count('main.%T')",
                   "byron_count('temp.%T')", "byron_config(%L, %L, %L)"},
    ['K' - 'A'] = {"a", "b", "a, b", "b DESC, a", "a COLLATE NOCASE", "c, a",
                   "a DESC", "a, a", "d", "b COLLATE RTRIM DESC, c"},
    ['L' - 'A'] = {"0",
                   "1",
                   "NULL",
                   "'a'",
                   "'A'",
                   "x'00'",
                   "''",
                   "2.5",
                   "-1",
                   "9223372036854775807",
                   "-9223372036854775808",
                   "1e300",
                   "'ab'",
                   "'a '",
                   "x''",
                   "9007199254740993",
                   "'1'",
                   "1.0",
                   "zeroblob(5000)",
                   "hex(zeroblob(900))",
                   "'a%%'",
                   "'a*'",
                   "x'ff'",
                   "3",
                   "-0.0",
                   "9e999",
                   "'\xc3\xa4'",
                   "100"},
    ['M' - 'A'] = {"", " OR IGNORE", " OR REPLACE", " OR FAIL", " OR ABORT",
                   " OR ROLLBACK"},
    ['N' - 'A'] = {"threads=0",      "memtable=4096",    "memory=65536",
                   "block_size=64",  "compression=zstd", "compression=none",
                   "hash_index=on",  "hash_index=off",   "bloom_bits=0",
                   "fanout=2",       "conflict=replace", "conflict=ignore",
                   "commit=own",     "ttl=1000",         "ttl=a",
                   "file_size=4096", "cache=1",          "colour=red",
                   "memtable",       "fanout='x'",       "hash_index=auto"},
    ['O' - 'A'] = {"'memory'", "'fanout'", "'memtable'", "'threads'", "'ttl'",
                   "'colour'", "'compression'", "'hash_index'", "'conflict'"},
    ['Q' - 'A'] = {"", " WHERE %W", " WHERE %W", " WHERE %W ORDER BY %K",
                   " ORDER BY a DESC", " ORDER BY %K LIMIT 3 OFFSET 1",
                   " GROUP BY %C", " WHERE %W GROUP BY %K HAVING count(*) > 1",
                   " LIMIT 2", " ORDER BY rowid DESC"},
    ['S' - 'A'] = {"INSERT%M INTO %T VALUES(%V)",
                   "INSERT%M INTO %T VALUES(%V)",
                   "INSERT%M INTO %T VALUES(%V), (%V), (%V)",
                   "INSERT%M INTO %T(a) WITH RECURSIVE n(i) AS (SELECT 1 UNION "
                   "ALL SELECT i + 1 FROM n WHERE i < 60) SELECT i FROM n",
                   "INSERT%M INTO %T SELECT * FROM %T",
                   "SELECT %A FROM %T%Q",
                   "SELECT %A FROM %T%Q",
                   "SELECT DISTINCT %C FROM %T%Q",
                   "UPDATE%M %T SET %C = %E%U",
                   "DELETE FROM %T%U",
                   "SELECT %F",
                   "INSERT INTO %T(%T) VALUES('%X')",
                   "INSERT INTO %T(%T, arg) VALUES('%X', %Z)",
                   "%R",
                   "%R",
                   "SELECT %A FROM %T AS p JOIN %T AS q ON p.a = q.a",
                   "SELECT * FROM %T('a')",
                   "DROP TABLE %T",
                   "ALTER TABLE %T RENAME TO %T",
                   "CREATE VIRTUAL TABLE %T USING byron(%D)",
                   "CREATE VIRTUAL TABLE %T USING byron",
                   "EXPLAIN QUERY PLAN SELECT %A FROM %T%Q",
                   "SELECT * FROM %G('%T')",
                   "SELECT * FROM byron_tables",
                   "PRAGMA integrity_check",
                   "%P",
                   "VACUUM",
                   "INSERT INTO %T VALUES(%V) RETURNING *",
                   "CREATE VIRTUAL TABLE IF NOT EXISTS temp.%T USING byron(%D)",
                   "CREATE TRIGGER g AFTER INSERT ON o BEGIN INSERT%M INTO %T "
                   "VALUES(new.x, 1, 2); END"},
    ['G' - 'A'] = {"byron_stats", "byron_sstables", "byron_dump"},
    ['P' - 'A'] = {"SELECT * FROM v", "CREATE VIEW v AS SELECT %A FROM %T%Q",
                   "CREATE TABLE o(x, y)", "INSERT INTO o VALUES(%L, %L)",
                   "ANALYZE", "REINDEX", "CREATE INDEX i ON %T(a)",
                   "ALTER TABLE %T ADD COLUMN z", "PRAGMA synchronous = %L",
                   "SELECT * FROM o, %T WHERE a = x", "DROP VIEW v",
                   "PRAGMA journal_mode = memory", "PRAGMA foreign_keys = 1"},
    ['R' - 'A'] = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s",
                   "ROLLBACK TO s", "SAVEPOINT r", "ROLLBACK TO r",
                   "BEGIN IMMEDIATE"},
    ['T' - 'A'] = {"t", "t", "t", "u", "u", "o"},
    ['U' - 'A'] = {"", " WHERE %W", " WHERE %W", " WHERE %W"},
    ['V' - 'A'] = {"%L", "%L, %L", "%L, %L, %L", "%E, %L"},
    ['W' - 'A'] = {"a = %L",
                   "a = %L AND b = %L",
                   "a > %L",
                   "a <= %L",
                   "a BETWEEN %L AND %L",
                   "a IN (%L, %L, %L)",
                   "a IS NULL",
                   "a LIKE %L",
                   "a GLOB %L",
                   "prefix = %L",
                   "%E",
                   "rowid = %L",
                   "rowid > %L",
                   "a IS %L",
                   "(%W) OR (%W)",
                   "(%W) AND (%W)",
                   "(a, b) > (%L, %L)",
                   "a IN (SELECT %C FROM %T)",
                   "b = %L",
                   "c < %L",
                   "b IN (%L, %L)",
                   "NOT (%W)",
                   "_key > %L",
                   "a COLLATE NOCASE = %L",
                   "b IS NOT NULL"},
    ['X' - 'A'] = {"flush", "compact", "integrity-check", "set", "add-index",
                   "drop-index", "delete-all", "dance"},
    ['Y' - 'A'] = {"", "INT", "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC",
                   "VARCHAR(10)"},
    ['Z' - 'A'] = {"'i(a)'", "'i'", "'k(%K)'", "'k'", "'UNIQUE m(%K)'", "'m'",
                   "'fanout=3'", "'memtable=8192'", "'compression=lz4'",
                   "'path=x'", "%L", "'i('", "'threads=1'"},
};

struct text {
    const uint8_t *bytes;
    size_t left;
    size_t size;
    char sql[4096];
};

static void add_text(struct text *text, const char *words, size_t size)
{
    if (size > sizeof text->sql - 1 - text->size)
        size = sizeof text->sql - 1 - text->size;
    memcpy(text->sql + text->size, words, size);
    text->size += size;
    text->sql[text->size] = '\0';
}

static size_t next_byte(struct text *text)
{
    if (text->left == 0)
        return 0;
    text->left--;
    return *text->bytes++;
}

static void expand(struct text *text, int letter, int depth)
{
    const char *const *words = rules[letter - 'A'];
    size_t count = 0;

    while (count < 32 && words[count])
        count++;
    if (count == 0)
        abort();
    for (const char *at =
             words[depth > MOST_DEPTH ? 0 : next_byte(text) % count];
         *at; at++) {
        if (at[0] == '%' && at[1] >= 'A' && at[1] <= 'Z')
            expand(text, *++at, depth + 1);
        else
            add_text(text, at, 1);
    }
}

/* --- running ------------------------------------------------------------ */

static char folder[64];

static int tick(void *context)
{
    unsigned *left = context;

    return *left == 0 || --*left == 0;
}

/* Nothing of the machine but the folder of the test. */
static int allow(void *context, int action, const char *first,
                 const char *second, const char *schema, const char *trigger)
{
    (void)context;
    (void)schema;
    (void)trigger;
    if (action == SQLITE_ATTACH && (!first || *first))
        return SQLITE_DENY;
    if (action == SQLITE_CREATE_VTABLE && sqlite3_stricmp(second, "byron") != 0)
        return SQLITE_DENY;
    if (action == SQLITE_PRAGMA && first &&
        (sqlite3_stricmp(first, "writable_schema") == 0 ||
         sqlite3_strlike("%directory", first, 0) == 0 ||
         sqlite3_strlike("%heap_limit", first, 0) == 0))
        return SQLITE_DENY;
    if (action == SQLITE_FUNCTION && second &&
        (sqlite3_stricmp(second, "byron_backup") == 0 ||
         sqlite3_stricmp(second, "load_extension") == 0))
        return SQLITE_DENY;
    return SQLITE_OK;
}

/* Nothing is damaged here, and nothing fails but what was asked wrongly. */
static void judge(sqlite3 *db, int rc, const char *sql)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return;
    case SQLITE_INTERNAL:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_MISUSE:
    case SQLITE_READONLY:
        /* Functions of SQLite may say so of their arguments. */
        if (!strstr(sqlite3_errmsg(db), "byron") && (rc & 0xff) != SQLITE_IOERR)
            return;
        fail(db, "a code that does not fit", sql);
        return;
    default:
        if (*sqlite3_errmsg(db) == '\0')
            fail(db, "an error without words", sql);
    }
}

static void run(sqlite3 *db, const char *sql)
{
    unsigned left = MOST_TICKS;
    int count = 0;

    sqlite3_progress_handler(db, 1000, tick, &left);
    for (const char *tail = sql; *tail && count++ < MOST_STATEMENTS;) {
        sqlite3_stmt *statement;
        const char *start = tail;
        int rc = sqlite3_prepare_v2(db, start, -1, &statement, &tail);
        judge(db, rc, start);
        if (rc != SQLITE_OK)
            break;
        for (int rows = 0; statement && rows < MOST_ROWS; rows++) {
            rc = sqlite3_step(statement);
            judge(db, rc, start);
            if (rc != SQLITE_ROW)
                break;
            for (int i = 0; i < sqlite3_column_count(statement); i++)
                (void)sqlite3_column_text(statement, i);
        }
        sqlite3_finalize(statement);
    }
    sqlite3_progress_handler(db, 0, NULL, NULL);
}

/* The first column of the first row; -1: none. */
static long long ask(sqlite3 *db, const char *sql, const char *table)
{
    char *text = sqlite3_mprintf(sql, table, table);
    sqlite3_stmt *statement;
    long long answer = -1;

    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    judge(db, sqlite3_errcode(db), text);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return answer;
}

static void check_table(sqlite3 *db, const char *table)
{
    long long counted;

    if (ask(db, "SELECT count(*) FROM byron_tables WHERE name = '%s'", table) !=
        1)
        return;
    /* Rows may expire between two looks. */
    if (ask(db,
            "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%%ttl%%' AND "
            "name = '%s'",
            table) == 1)
        return;
    counted = ask(db, "SELECT count(*) FROM \"%s\"", table);
    /* SQLite keeps a name in temp, and the table in main hidden behind it,
     * after a CREATE that was refused. */
    if (counted < 0)
        return;
    if (counted != ask(db, "SELECT byron_count('%s')", table) ||
        counted != ask(db,
                       "SELECT count(*) FROM (SELECT * FROM \"%s\" WHERE "
                       "random() IS NOT NULL)",
                       table))
        fail(db, "counts differ", table);
    if (ask(db, "SELECT byron_check('%s') = 'ok'", table) != 1)
        fail(db, "a table is damaged", table);
}

static sqlite3 *open_database(void)
{
    sqlite3 *db;

    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        fail(db, "opening", "");
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 5000);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_set_authorizer(db, allow, NULL);
    return db;
}

/* A private store goes with its database. */
static void check_folder(void)
{
    DIR *stream = opendir(folder);
    struct dirent *item;

    while (stream && (item = readdir(stream)))
        if (item->d_name[0] != '.')
            fail(NULL, "left behind", item->d_name);
    closedir(stream);
}

static void set_up(void)
{
    if (*folder)
        return;
    snprintf(folder, sizeof folder, "%s", "/dev/shm/byron-fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
        snprintf(folder, sizeof folder, "%s", "/tmp/byron-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            abort();
    }
    setenv("TMPDIR", folder, 1);
    unsetenv("SQLITE_TMPDIR");
    sqlite3_auto_extension((void (*)(void))sqlite3_byron_init);
}

static void tear_down(void)
{
    rmdir(folder);
}

static void run_bytes(sqlite3 *db, const uint8_t *bytes, size_t size)
{
    static struct text text;

    text.bytes = bytes;
    text.left = size;
    if (next_byte(&text) % 4 == 0) {
        text.size = 0;
        add_text(&text, (const char *)text.bytes, text.left);
        /* A store elsewhere would outlive its database. */
        if (sqlite3_strlike("%path%", text.sql, 0) != 0)
            run(db, text.sql);
        return;
    }
    for (int i = 0; i < MOST_STATEMENTS && (i == 0 || text.left > 0); i++) {
        text.size = 0;
        if (i == 0) {
            add_text(&text, "CREATE VIRTUAL TABLE t USING byron(", 35);
            expand(&text, 'D', 0);
            add_text(&text, ")", 1);
        } else {
            expand(&text, 'S', 0);
        }
        if (getenv("FUZZ_SQL_PRINT"))
            fprintf(stderr, "%s;\n", text.sql);
        run(db, text.sql);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t live = alloc_live();
    sqlite3 *db;

    if (!*folder)
        atexit(tear_down);
    set_up();
    db = open_database();
    run_bytes(db, bytes, size);
    if (!sqlite3_get_autocommit(db))
        run(db, size % 2 ? "ROLLBACK" : "COMMIT");
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    check_table(db, "t");
    check_table(db, "u");
    if (sqlite3_close(db) != SQLITE_OK)
        fail(db, "closing", "");
    check_folder();
    if (alloc_live() != live)
        fail(NULL, "memory of the engine is left", "");
    return 0;
}
