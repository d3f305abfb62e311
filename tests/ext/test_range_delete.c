/*
 * range_delete: 'delete-all' and byron_delete_range.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host_expect.h"
#include "support/seed.h"

Suite *test_range_delete_suite(void);

static struct host host;

static void open_filled(void)
{
    host_open(&host);
    host_run(host.db,
             "PRAGMA synchronous = OFF; "
             "CREATE VIRTUAL TABLE t USING byron(a TEXT COLLATE NOCASE, "
             "b INT, v, PRIMARY KEY(a, b DESC), INDEX by_v(v)); "
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 99) INSERT INTO t SELECT char(97 + i / 10), i % 10, "
             "i FROM n; CREATE VIRTUAL TABLE other USING byron; "
             "INSERT INTO other VALUES(1, 2); "
             "CREATE TABLE plain(n INTEGER); INSERT INTO plain VALUES(7)");
}

static void close_filled(void)
{
    host_expect(&host, "SELECT byron_check('t')", "ok");
    host_expect(&host, "SELECT * FROM other", "1|2");
    host_close(&host);
}

/* What is left, over the table and over its index. */
static void expect_left(const char *count, const char *sum)
{
    char words[100];

    snprintf(words, sizeof words, "%s|%s", count, sum);
    host_expect(&host, "SELECT count(*), ifnull(sum(v), 0) FROM t", words);
    host_expect(&host, "SELECT count(*), ifnull(sum(v), 0) FROM t WHERE v >= 0",
                words);
}

START_TEST(delete_all_leaves_nothing_and_takes_part_in_transactions)
{
    host_run(host.db, "BEGIN; INSERT INTO t(t) VALUES('delete-all')");
    expect_left("0", "0");
    host_run(host.db,
             "INSERT INTO t VALUES('x', 1, 5); UPDATE plain SET n = 8; "
             "ROLLBACK");
    expect_left("100", "4950");
    host_expect(&host, "SELECT n FROM plain", "7");
    host_run(host.db,
             "BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('delete-all')"
             "; ROLLBACK TO s; DELETE FROM t WHERE v < 50; COMMIT");
    expect_left("50", "3725");
    host_run(host.db, "INSERT INTO t(t) VALUES('delete-all'); "
                      "INSERT INTO t VALUES('x', 1, 5)");
    expect_left("1", "5");
    host_reopen(&host);
    expect_left("1", "5");
    host_run(host.db, "INSERT INTO t(t) VALUES('compact')");
    expect_left("1", "5");
}
END_TEST

/* The store's bytes that were logged so far. */
static int count_logged(void)
{
    return atoi(host_ask(host.db, "SELECT value FROM byron_stats('t') WHERE "
                                  "name = 'wal_bytes_written'"));
}

START_TEST(delete_all_costs_the_same_for_many_rows)
{
    int before;

    host_run(host.db,
             "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 9999) INSERT INTO t SELECT 'x' || i, i, i FROM n");
    before = count_logged();
    ck_assert_int_gt(before, 100000);
    host_run(host.db, "INSERT INTO t(t) VALUES('delete-all')");
    ck_assert_int_lt(count_logged() - before, 200);
    expect_left("0", "0");
}
END_TEST

START_TEST(other_connections_see_all_of_it_or_nothing)
{
    host_expect_kept(&host, "SELECT count(*) FROM t",
                     "INSERT INTO t(t) VALUES('delete-all')", "100", "0");
}
END_TEST

START_TEST(a_range_is_of_the_first_key_column)
{
    host_expect(&host, "SELECT byron_delete_range('t', 'C', 'e')", "ok");
    expect_left("80", "4360");
    host_expect(&host, "SELECT byron_delete_range('t', 'i', NULL)", "ok");
    expect_left("60", "2570");
    host_expect(&host, "SELECT byron_delete_range('main.t', NULL, 'b')", "ok");
    expect_left("50", "2525");
    host_expect(&host, "SELECT byron_delete_range('t', 'z', 'b')", "ok");
    host_expect(&host, "SELECT byron_delete_range('t', 'f', 'F')", "ok");
    expect_left("50", "2525");
    host_expect(&host, "SELECT byron_delete_range('t', NULL, NULL)", "ok");
    expect_left("0", "0");
}
END_TEST

START_TEST(columns_before_the_range_are_equal)
{
    host_expect(&host, "SELECT byron_delete_range('t', 'B', 3, 5)", "ok");
    expect_left("98", "4923");
    host_expect(&host, "SELECT b FROM t WHERE a = 'b'",
                "9\n8\n7\n6\n5\n2\n1\n0");
    host_expect(&host, "SELECT byron_delete_range('t', 'b', NULL, NULL)", "ok");
    expect_left("90", "4805");
    host_expect(&host, "SELECT byron_delete_range('t', NULL, 1, 2)", "ok");
    expect_left("90", "4805");
    host_expect_words(&host, "SELECT byron_delete_range('t', 'b', 1, 2, 3)",
                      "the key of t has 2 columns");
    host_expect_words(&host, "SELECT byron_delete_range('t', 1)", "two bounds");
    host_expect_words(&host, "SELECT byron_delete_range('nothing', 1, 2)",
                      "no such byron");
}
END_TEST

START_TEST(a_range_may_be_of_rowids)
{
    host_run(host.db, "CREATE VIRTUAL TABLE r USING byron(v); "
                      "INSERT INTO r(rowid, v) VALUES(-5, 'a'), (1, 'b'), "
                      "(2, 'c'), (9, 'd')");
    host_expect(&host, "SELECT byron_delete_range('r', 1, 9)", "ok");
    host_expect(&host, "SELECT rowid, v FROM r", "-5|a\n9|d");
    host_run(host.db, "INSERT INTO r VALUES('e'); "
                      "INSERT INTO r(r) VALUES('delete-all'); "
                      "INSERT INTO r VALUES('f')");
    host_expect(&host, "SELECT rowid, v FROM r", "1|f");
}
END_TEST

START_TEST(a_range_is_part_of_the_transaction)
{
    host_run(host.db, "BEGIN; INSERT INTO t VALUES('c', 77, 1000); "
                      "SAVEPOINT s");
    host_expect(&host, "SELECT byron_delete_range('t', 'c', 'd')", "ok");
    expect_left("90", "4705");
    host_run(host.db, "INSERT INTO t VALUES('c', 1, 1); ROLLBACK TO s");
    expect_left("101", "5950");
    host_run(host.db, "ROLLBACK");
    expect_left("100", "4950");
    host_run(host.db, "PRAGMA query_only = ON");
    host_expect_words(&host, "SELECT byron_delete_range('t', 'c', 'd')",
                      "readonly");
    host_run(host.db, "PRAGMA query_only = OFF");
    expect_left("100", "4950");
}
END_TEST

START_TEST(only_the_function_makes_the_request)
{
    host_expect_words(&host,
                      "INSERT INTO t(t, arg) VALUES('delete-range', 'a')",
                      "unknown command 'delete-range'");
    host_run(host.db, "CREATE VIRTUAL TABLE c USING byron(c PRIMARY KEY); "
                      "CREATE VIEW w AS SELECT byron_delete_range('t', 1, 2)");
    host_expect_words(&host, "SELECT byron_delete_range('c', 1, 2)",
                      "has the name that commands need");
    host_expect_words(&host, "SELECT * FROM w",
                      "unsafe use of byron_delete_range");
}
END_TEST

/* The same as DELETE with a WHERE, for random bounds of random types. */
START_TEST(bounds_compare_as_in_sql)
{
    static const char *const values[] = {
        "NULL", "-1",  "0",     "1",     "1.5", "2",     "'1'",
        "'a'",  "'B'", "x'31'", "9e999", "''",  "'1.5'", "5"};
    static const char *const types[] = {"", "TEXT", "INT", "REAL",
                                        "TEXT COLLATE NOCASE"};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 60; i++) {
        const char *lower = values[rng_below(&rng, 14)];
        const char *upper = values[rng_below(&rng, 14)];
        const char *type = types[rng_below(&rng, 5)];
        const char *order = rng_one_in(&rng, 2) ? "DESC" : "";
        char sql[1000];

        snprintf(sql, sizeof sql,
                 "CREATE VIRTUAL TABLE g USING byron(k %s, PRIMARY KEY(k %s)); "
                 "CREATE TABLE p(k %s PRIMARY KEY) WITHOUT ROWID; "
                 "INSERT OR IGNORE INTO p VALUES(-1), (0), (1), (1.5), (2), "
                 "('1'), ('a'), ('A'), ('b'), (x'31'), (5), (''), ('1.50'); "
                 "INSERT INTO g SELECT * FROM p; "
                 "SELECT byron_delete_range('g', %s, %s); "
                 "DELETE FROM p WHERE (%s IS NULL OR k >= %s) "
                 "AND (%s IS NULL OR k < %s)",
                 type, order, type, lower, upper, lower, lower, upper, upper);
        host_run(host.db, sql);
        ck_assert_msg(
            strcmp(host_ask(host.db, "SELECT group_concat(quote(k)) FROM "
                                     "(SELECT k FROM g ORDER BY k, quote(k))"),
                   host_ask(host.db,
                            "SELECT group_concat(quote(k)) FROM "
                            "(SELECT k FROM p ORDER BY k, quote(k))")) == 0,
            "%s", sql);
        host_run(host.db, "DROP TABLE g; DROP TABLE p");
    }
}
END_TEST

Suite *test_range_delete_suite(void)
{
    Suite *suite = suite_create("range_delete");
    TCase *cases = tcase_create("range_delete");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, open_filled, close_filled);
    tcase_add_test(cases,
                   delete_all_leaves_nothing_and_takes_part_in_transactions);
    tcase_add_test(cases, delete_all_costs_the_same_for_many_rows);
    tcase_add_test(cases, other_connections_see_all_of_it_or_nothing);
    tcase_add_test(cases, a_range_is_of_the_first_key_column);
    tcase_add_test(cases, columns_before_the_range_are_equal);
    tcase_add_test(cases, a_range_may_be_of_rowids);
    tcase_add_test(cases, a_range_is_part_of_the_transaction);
    tcase_add_test(cases, only_the_function_makes_the_request);
    tcase_add_test(cases, bounds_compare_as_in_sql);
    suite_add_tcase(suite, cases);
    return suite;
}
