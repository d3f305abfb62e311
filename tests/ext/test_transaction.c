/*
 * transaction: random transactions, savepoints, DDL and reopenings give the
 * same answers as on ordinary tables; who commits is chosen with care.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/host.h"
#include "support/seed.h"

Suite *test_transaction_suite(void);

#define STEPS 100

/* One database with byron tables, one with ordinary ones. */
static struct host byron;
static struct host plain;
static struct rng rng;

static unsigned below(unsigned limit)
{
    return (unsigned)rng_below(&rng, limit);
}

static const char *table(void)
{
    static const char *const names[] = {"t", "u", "w", "p"};
    return names[below(4)];
}

static void write_change(char *sql, size_t size)
{
    static const char *const modes[] = {"", "OR REPLACE", "OR IGNORE",
                                        "OR FAIL", "OR ROLLBACK"};
    switch (below(4)) {
    case 0:
        snprintf(sql, size, "DELETE FROM %s WHERE k > %u", table(), below(12));
        break;
    case 1:
        snprintf(sql, size, "UPDATE %s SET v = %u, k = k + %u WHERE k < %u",
                 table(), below(1000), below(3) * 10, below(12));
        break;
    default:
        snprintf(sql, size, "INSERT %s INTO %s VALUES(%u, %u), (%u, %u)",
                 modes[below(5)], table(), below(12), below(1000), below(12),
                 below(1000));
    }
}

static void write_control(char *sql, size_t size)
{
    static const char *const words[] = {
        "BEGIN",         "COMMIT",          "ROLLBACK",
        "SAVEPOINT s%u", "ROLLBACK TO s%u", "RELEASE s%u",
    };
    snprintf(sql, size, words[below(6)], below(3));
}

/* The plain twin of CREATE VIRTUAL TABLE comes second; else both are one. */
static void write_ddl(char *sql, char *twin, size_t size)
{
    const char *name = table();
    unsigned kind = below(4);

    if (kind == 0)
        snprintf(sql, size, "DROP TABLE %s", name);
    else if (kind == 1)
        snprintf(sql, size, "ALTER TABLE %s RENAME TO %s", name, table());
    else
        snprintf(sql, size,
                 strcmp(name, "p") == 0
                     ? "CREATE TABLE %s(k PRIMARY KEY, v) WITHOUT ROWID"
                     : "CREATE VIRTUAL TABLE %s USING byron(k PRIMARY KEY, v)",
                 name);
    snprintf(twin, size,
             kind < 2 ? "%s"
                      : "CREATE TABLE %s(k PRIMARY KEY, v) WITHOUT ROWID",
             kind < 2 ? sql : name);
}

static void expect_same(const char *sql)
{
    static const char *const names[] = {"t", "u", "w", "p"};
    for (int i = 0; i < 4; i++) {
        char query[100];
        const char *left;
        const char *right;
        snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY k", names[i]);
        left = host_ask(byron.db, query);
        right = host_ask(plain.db, query);
        ck_assert_msg(strcmp(left, right) == 0, "%s: %s: %s instead of %s", sql,
                      names[i], left, right);
    }
    ck_assert_int_eq(sqlite3_get_autocommit(byron.db),
                     sqlite3_get_autocommit(plain.db));
}

static void step(void)
{
    char sql[200];
    char twin[200];
    unsigned kind = below(20);

    if (kind == 0) {
        host_reopen(&byron);
        host_reopen(&plain);
        expect_same("reopen");
        return;
    }
    if (kind < 4) {
        write_ddl(sql, twin, sizeof sql);
    } else {
        if (kind < 11)
            write_control(sql, sizeof sql);
        else
            write_change(sql, sizeof sql);
        memcpy(twin, sql, sizeof twin);
    }
    int left = sqlite3_exec(byron.db, sql, NULL, NULL, NULL);
    int right = sqlite3_exec(plain.db, twin, NULL, NULL, NULL);
    ck_assert_msg((left == SQLITE_OK) == (right == SQLITE_OK),
                  "%s: %d instead of %d", sql, left, right);
    expect_same(sql);
}

START_TEST(random_transactions_answer_as_ordinary_tables_do)
{
    rng_init(&rng, test_seed() + (unsigned)_i);
    host_open(&byron);
    host_open(&plain);
    host_run(byron.db, _i % 2 ? "PRAGMA journal_mode=wal" : "SELECT 1");

    for (int i = 0; i < STEPS; i++)
        step();

    host_close(&byron);
    host_close(&plain);
}
END_TEST

static int refuse(void *context)
{
    (void)context;
    return 1;
}

static void expect_point(const char *words, const char *point, bool is_same)
{
    const char *now = host_ask(
        byron.db, "SELECT hex(substr(commits, 1, 64)) FROM byron_store");
    ck_assert_msg((strcmp(now, point) == 0) == is_same, "%s: %s after %s",
                  words, now, point);
}

START_TEST(after_a_failed_commit_the_host_commits_the_next_one)
{
    char point[200];

    host_open(&byron);
    host_run(byron.db,
             "PRAGMA journal_mode=wal; CREATE TABLE plain(x);"
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, commit=own);"
             "INSERT INTO t VALUES(1); INSERT INTO plain VALUES(1)");
    strcpy(point,
           host_ask(byron.db,
                    "SELECT hex(substr(commits, 1, 64)) FROM byron_store"));
    host_run(byron.db, "INSERT INTO t VALUES(2)");
    expect_point("by itself", point, true);

    sqlite3_commit_hook(byron.db, refuse, NULL);
    ck_assert_int_eq(host_fail(byron.db, "BEGIN; INSERT INTO plain VALUES(2);"
                                         "INSERT INTO t VALUES(3); COMMIT"),
                     SQLITE_CONSTRAINT_COMMITHOOK);
    sqlite3_commit_hook(byron.db, NULL, NULL);
    expect_point("failed", point, true);

    host_run(byron.db, "INSERT INTO t VALUES(4)");
    expect_point("by the host", point, false);
    strcpy(point,
           host_ask(byron.db,
                    "SELECT hex(substr(commits, 1, 64)) FROM byron_store"));
    host_run(byron.db, "INSERT INTO t VALUES(5)");
    expect_point("by itself again", point, true);
    ck_assert_str_eq(host_ask(byron.db, "SELECT group_concat(k) FROM t"),
                     "1,2,4,5");
    host_close(&byron);
}
END_TEST

Suite *test_transaction_suite(void)
{
    Suite *suite = suite_create("transaction");
    TCase *cases = tcase_create("transaction");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, random_transactions_answer_as_ordinary_tables_do,
                        0, 6);
    tcase_add_test(cases, after_a_failed_commit_the_host_commits_the_next_one);
    suite_add_tcase(suite, cases);
    return suite;
}
