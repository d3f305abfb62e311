/*
 * Memory that runs out: of each statement every allocation fails in turn, of
 * SQLite, of the extension and of the engine. What fails says so and has done
 * nothing; what succeeds has done all of it.
 *
 * Covers: bytes, statement.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/failing_malloc.h"
#include "support/host.h"
#include "support/seed.h"

Suite *test_scarcity_suite(void);

static struct host host;

/* One statement, or a few; what comes before it, and undoes it. */
struct step {
    const char *before;
    const char *sql;
    const char *after;
    const char *undo; /* Of what was before, where sql has failed. */
};

/* With nothing before, and nothing to undo. */
#define READ(sql)                                                              \
    {                                                                          \
        NULL, sql, NULL, NULL                                                  \
    }
#define WRITE(sql, after)                                                      \
    {                                                                          \
        NULL, sql, after, NULL                                                 \
    }

#define FILL                                                                   \
    "INSERT INTO t SELECT 'key ' || (value % 7), value, 'v' || (value % 5) "   \
    "FROM generate WHERE value <= 30"

static const struct step steps[] = {
    /* Queries. With an order: without memory for estimates another path may be
     * taken. */
    READ("SELECT k, n, v FROM t WHERE k = 'KEY 3' AND n > 5 ORDER BY n"),
    READ("SELECT * FROM t ORDER BY k DESC, n LIMIT 5 OFFSET 2"),
    READ("SELECT k, n FROM t WHERE v = 'v3' ORDER BY v, k"),
    READ("SELECT v, n FROM t WHERE v > 'v2' AND v < 'v4' ORDER BY n"),
    READ("SELECT * FROM t WHERE k IN ('key 1', 'nothing', 'KEY 2') "
         "ORDER BY k, n"),
    READ("SELECT count(*) FROM t WHERE k LIKE 'key%' OR v = 'v1'"),
    READ("SELECT DISTINCT k FROM t ORDER BY k"),
    READ("SELECT max(k), min(id) FROM t, r WHERE t.n = r.id"),
    READ("SELECT * FROM r WHERE id BETWEEN 3 AND 9 OR rowid = 20 ORDER BY id"),
    READ("SELECT key FROM kv('k')"),
    /* Rows. */
    WRITE("INSERT INTO r(id, b) VALUES(100, '2.5'), (101, NULL)",
          "DELETE FROM r WHERE id >= 100"),
    WRITE("INSERT OR REPLACE INTO t VALUES('key 1', 1, 'v9'), ('x', 1, 'v1')",
          "DELETE FROM t; " FILL),
    WRITE("INSERT OR IGNORE INTO t VALUES('key 1', 1, 'v9'), ('x', 99, 'v1')",
          "DELETE FROM t WHERE n = 99"),
    WRITE("UPDATE t SET v = v || 'longer', n = n + 100 WHERE k = 'key 2'",
          "DELETE FROM t; " FILL),
    WRITE("UPDATE r SET id = id + 1000, a = zeroblob(700)",
          "UPDATE r SET id = id - 1000, a = 5"),
    WRITE("DELETE FROM t WHERE v = 'v2'", "DELETE FROM t; " FILL),
    /* Outside a transaction it commits before SQLite makes the row that tells
     * of it, and that may fail. */
    {"BEGIN", "SELECT byron_delete_range('t', 'key 3', 3, 20)", "ROLLBACK",
     NULL},
    WRITE("INSERT INTO t(t) VALUES('delete-all')", FILL),
    WRITE("INSERT INTO s VALUES('new', 1, 4000000000)",
          "DELETE FROM s WHERE k = 'new'"),
    /* Transactions. */
    {"BEGIN; INSERT INTO r(id) VALUES(100); INSERT INTO plain VALUES(7); "
     "DELETE FROM t WHERE n < 9",
     "COMMIT",
     "DELETE FROM r WHERE id = 100; DELETE FROM plain; "
     "DELETE FROM t; " FILL,
     NULL},
    {"BEGIN; INSERT INTO r(id) VALUES(100)",
     "SAVEPOINT a; DELETE FROM t; SAVEPOINT b; DELETE FROM r; ROLLBACK TO a; "
     "RELEASE a; ROLLBACK",
     NULL, NULL},
    /* Tables and indexes. */
    WRITE(
        "CREATE VIRTUAL TABLE c USING byron(a TEXT DEFAULT 'x', b INT UNIQUE, "
        "PRIMARY KEY(a DESC, b), INDEX i(b COLLATE NOCASE), ttl = 1000)",
        "DROP TABLE c"),
    WRITE("CREATE VIRTUAL TABLE temp.c USING byron",
          "DROP TABLE c; DROP TABLE temp.byron_store; "
          "DROP TABLE temp.byron_catalog"),
    WRITE("CREATE VIRTUAL TABLE c USING byron(a, path = 'elsewhere')",
          "DROP TABLE c"),
    {"CREATE VIRTUAL TABLE c USING byron(a UNIQUE); INSERT INTO c VALUES(1)",
     "DROP TABLE c", NULL, "DROP TABLE c"},
    {"CREATE VIRTUAL TABLE c USING byron(a UNIQUE); INSERT INTO c VALUES(1)",
     "ALTER TABLE c RENAME TO d", "DROP TABLE d", "DROP TABLE c"},
    WRITE("INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE u(n, v DESC)')",
          "INSERT INTO t(t, arg) VALUES('drop-index', 'u')"),
    {"INSERT INTO r(r, arg) VALUES('add-index', 'u(a)')",
     "INSERT INTO r(r, arg) VALUES('drop-index', 'u')", NULL,
     "INSERT INTO r(r, arg) VALUES('drop-index', 'u')"},
    /* Functions and lists. */
    READ("SELECT byron_count('t'), byron_count('main.r', 'approx') > 0"),
    WRITE("INSERT INTO t(t, arg) VALUES('set', 'memory=32MB')",
          "INSERT INTO t(t, arg) VALUES('set', 'memory=64MB')"),
    READ("SELECT length(byron_config('t')), byron_config('r', 'fanout')"),
    READ("INSERT INTO t(t) VALUES('flush')"),
    READ("SELECT byron_compact('t')"),
    READ("SELECT byron_check('t'), byron_check('r')"),
    READ("SELECT name, indexes FROM byron_tables"),
    READ("SELECT count(value) > 9 FROM byron_stats('t')"),
    READ("SELECT count(smallest) > 0 FROM byron_sstables('t')"),
    READ("SELECT sql FROM byron_dump('t') ORDER BY sql"),
    READ("SELECT length(byron_debug()) > 9, byron_version()"),
};

#define STEPS  (int)(sizeof steps / sizeof *steps)
#define GROUPS 8   /* Of steps that share a database. */
#define MANY   150 /* So many allocations fail one by one; then, some. */

static void fill(void)
{
    host_run(
        host.db,
        "PRAGMA synchronous = OFF;"
        "CREATE TABLE plain(a);"
        "CREATE VIEW generate AS WITH RECURSIVE n(value) AS (SELECT 1 UNION "
        "ALL SELECT value + 1 FROM n LIMIT 100) SELECT value FROM n;"
        "CREATE VIRTUAL TABLE t USING byron(k TEXT COLLATE NOCASE, n INTEGER, "
        "v, PRIMARY KEY(k, n DESC), INDEX by_v(v), UNIQUE(v, n), threads = 0);"
        "CREATE VIRTUAL TABLE r USING byron(id INTEGER PRIMARY KEY, "
        "a DEFAULT 5, b REAL);"
        "CREATE VIRTUAL TABLE s USING byron(k PRIMARY KEY, a, until, "
        "INDEX i(a), ttl = until);"
        "CREATE VIRTUAL TABLE kv USING byron;"
        "INSERT INTO kv VALUES('k1', 1), ('k2', x'00ff'), ('l', NULL);"
        "INSERT INTO s VALUES('a', 1, NULL), ('b', 1, 4000000000);"
        "INSERT INTO r(id) SELECT value FROM generate WHERE value <= 30;" FILL
        "; SELECT byron_flush('t');"
        "DELETE FROM t; " FILL);
}

/* All that a statement may have changed. */
static void digest(char out[8000])
{
    static const char *const parts[] = {
        "SELECT group_concat(quote(k) || n || quote(v)) FROM (SELECT * FROM t "
        "ORDER BY k, n)",
        "SELECT group_concat(k || n, ' ') FROM (SELECT * FROM t WHERE v > '' "
        "ORDER BY v, n)",
        "SELECT group_concat(id || length(a) || quote(b)) FROM r",
        "SELECT group_concat(quote(k) || quote(a) || quote(until)) FROM s",
        "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master "
        "WHERE name NOT LIKE 'byron_index%' ORDER BY name)",
        "SELECT group_concat(name) FROM (SELECT name FROM byron_catalog "
        "ORDER BY name)",
        "SELECT group_concat(table_name || name || definition) FROM (SELECT * "
        "FROM byron_index ORDER BY table_name, name)",
        "SELECT group_concat(a) FROM plain",
        "SELECT byron_config('t', 'memory')",
        "SELECT group_concat(name) FROM sqlite_temp_master",
    };
    size_t size = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size += (size_t)snprintf(out + size, 8000 - size, "%s\n",
                                 host_ask(host.db, parts[i]));
        ck_assert_uint_lt(size, 8000);
    }
}

static void expect_digest(const char *expected, const struct step *step,
                          unsigned long nth)
{
    char now[8000];

    digest(now);
    ck_assert_msg(strcmp(now, expected) == 0,
                  "%s, allocation %lu:\n%s\nwanted:\n%s", step->sql, nth, now,
                  expected);
}

static void run_if_any(const char *sql)
{
    if (sql)
        host_run(host.db, sql);
}

struct wanted {
    char before[8000];
    char middle[8000]; /* Of a statement that fails. */
    char after[8000];
    char answer[8000];
};

static void learn(const struct step *step, struct wanted *out)
{
    digest(out->before);
    run_if_any(step->before);
    strcpy(out->middle, out->before);
    if (sqlite3_get_autocommit(host.db))
        digest(out->middle);
    snprintf(out->answer, sizeof out->answer, "%s",
             host_ask(host.db, step->sql));
    ck_assert_msg(strncmp(out->answer, "error", 5) != 0, "%s: %s", step->sql,
                  out->answer);
    digest(out->after);
    run_if_any(step->after);
    expect_digest(out->before, step, 0);
}

static void expect_no_memory(const struct step *step, unsigned long nth)
{
    int code = sqlite3_extended_errcode(host.db);

    ck_assert_msg((code & 0xff) == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM,
                  "%s, allocation %lu: %s (%d)", step->sql, nth,
                  sqlite3_errmsg(host.db), code);
    if (!sqlite3_get_autocommit(host.db))
        host_run(host.db, "ROLLBACK");
}

/* Is there another allocation? */
static bool try_one(const struct step *step, const struct wanted *wanted,
                    unsigned long nth, bool and_all_after)
{
    const char *answer;
    bool has_failed;

    run_if_any(step->before);
    failing_malloc_arm(nth, and_all_after);
    answer = host_ask(host.db, step->sql);
    has_failed = failing_malloc_disarm();
    if (strncmp(answer, "error", 5) == 0) {
        ck_assert(has_failed);
        expect_no_memory(step, nth);
        expect_digest(wanted->middle, step, nth);
        run_if_any(step->undo);
    } else {
        ck_assert_msg(strcmp(answer, wanted->answer) == 0,
                      "%s, allocation %lu: %s", step->sql, nth, answer);
        expect_digest(wanted->after, step, nth);
        run_if_any(step->after);
    }
    expect_digest(wanted->before, step, nth);
    return has_failed;
}

static void expect_sound(void)
{
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('t'), "
                                       "byron_check('r'), byron_check('s')"),
                     "ok|ok|ok");
}

static void starve(const struct step *step, bool and_all_after)
{
    struct wanted wanted;
    struct rng rng;
    unsigned long nth = 1;

    learn(step, &wanted);
    rng_init(&rng, test_seed());
    while (try_one(step, &wanted, nth, and_all_after))
        nth += nth < MANY ? 1 : 1 + rng_below(&rng, 2 * nth / MANY * 8);
    expect_sound();
    printf("scarcity: %lu allocations: %.50s\n", nth, step->sql);
    host_reopen(&host);
    host_run(host.db, "PRAGMA synchronous = OFF");
    expect_digest(wanted.before, step, nth);
}

START_TEST(every_allocation_of_a_statement_may_fail)
{
    failing_malloc_install();
    host_open(&host);
    fill();
    for (int i = _i / 2; i < STEPS; i += GROUPS)
        starve(&steps[i], _i % 2);
    host_close(&host);
    sqlite3_reset_auto_extension();
    ck_assert_int_eq(sqlite3_memory_used(), 0);
}
END_TEST

/* The rows of t, out of a connection and a store that are opened for it. */
static int open_and_count(sqlite3 **db)
{
    int rc = sqlite3_open(host.path, db);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, "SELECT count(*) FROM t; SELECT * FROM r", NULL,
                          NULL, NULL);
    return rc;
}

START_TEST(every_allocation_of_an_opening_may_fail)
{
    struct rng rng;
    bool has_failed = true;

    failing_malloc_install();
    host_open(&host);
    fill();
    rng_init(&rng, test_seed());
    for (unsigned long nth = 1; has_failed;
         nth += 1 + rng_below(&rng, 1 + nth / 15)) {
        sqlite3 *db = NULL;
        int rc;

        ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
        failing_malloc_arm(nth, _i);
        rc = open_and_count(&db);
        has_failed = failing_malloc_disarm();
        ck_assert_msg(rc == SQLITE_OK || (has_failed && rc == SQLITE_NOMEM),
                      "allocation %lu: %s (%d)", nth, sqlite3_errmsg(db), rc);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        host.db = host_connect(&host);
        ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "30");
    }
    expect_sound();
    host_close(&host);
    sqlite3_reset_auto_extension();
    ck_assert_int_eq(sqlite3_memory_used(), 0);
}
END_TEST

Suite *test_scarcity_suite(void)
{
    Suite *suite = suite_create("scarcity");
    TCase *cases = tcase_create("scarcity");

    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, every_allocation_of_a_statement_may_fail, 0,
                        2 * GROUPS);
    tcase_add_loop_test(cases, every_allocation_of_an_opening_may_fail, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
