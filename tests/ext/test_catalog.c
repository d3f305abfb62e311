/*
 * catalog: what byron's tables in the host may hold, as anybody can write
 * to them.
 *
 * Covers: commit_point.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/host.h"

Suite *test_catalog_suite(void);

static struct host host;

static void open_damaged(const char *sql)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    host_run(host.db, sql);
    host_reopen(&host);
}

static void expect_words(const char *sql, const char *words)
{
    const char *answer = host_ask(host.db, sql);
    ck_assert_msg(strstr(answer, words) != NULL, "%s: %s", sql, answer);
}

START_TEST(a_commit_point_of_the_wrong_size_is_damage)
{
    static const char *const wrong[] = {
        "UPDATE byron_store SET commits = x'0102'",
        "UPDATE byron_store SET commits = 17",
        "UPDATE byron_store SET commits = zeroblob(65)",
    };

    open_damaged(wrong[_i]);
    ck_assert_int_ne(host_fail(host.db, "SELECT * FROM t"), SQLITE_OK);
    ck_assert_int_ne(host_fail(host.db, "INSERT INTO t VALUES(2, 3)"),
                     SQLITE_OK);
    host_close(&host);
}
END_TEST

START_TEST(a_commit_point_of_nonsense_is_refused)
{
    open_damaged("UPDATE byron_store SET commits = randomblob(64)");
    ck_assert_int_ne(host_fail(host.db, "SELECT * FROM t"), SQLITE_OK);
    host_close(&host);
}
END_TEST

START_TEST(lost_rows_are_told_and_the_table_can_be_dropped)
{
    static const char *const lost[] = {
        "DELETE FROM byron_store",
        "DELETE FROM byron_catalog",
        "UPDATE byron_catalog SET store = 99",
        "UPDATE byron_catalog SET id = -1",
        "DROP TABLE byron_catalog",
        "DROP TABLE byron_store",
    };

    open_damaged(lost[_i]);
    expect_words("SELECT * FROM t", "main.t is not in byron_catalog");
    expect_words("INSERT INTO t VALUES(2, 3)", "is not in byron_catalog");
    host_run(host.db, "DROP TABLE t");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT 1 FROM sqlite_schema WHERE name = 't'"), "");
    host_close(&host);
}
END_TEST

START_TEST(another_id_is_another_store)
{
    open_damaged("UPDATE byron_store SET id = randomblob(16)");
    expect_words("SELECT * FROM t", "belongs to another database");
    host_run(host.db, "DROP TABLE t");
    host_close(&host);
}
END_TEST

START_TEST(a_newer_format_is_told)
{
    open_damaged("UPDATE byron_catalog SET format = 3");
    expect_words("SELECT * FROM t", "written by a newer byron");
    host_close(&host);
}
END_TEST

START_TEST(strange_table_numbers_do_no_harm)
{
    static const char *const strange[] = {
        "UPDATE byron_store SET next_table = -5",
        "UPDATE byron_store SET next_table = 1",
        "UPDATE byron_store SET next_table = 'x'",
        "UPDATE byron_store SET options = 'memory=zzz fanout=99999'",
    };

    open_damaged(strange[_i]);
    host_fail(host.db, "SELECT * FROM nothing");
    if (_i < 3) {
        host_run(host.db, "CREATE VIRTUAL TABLE u USING byron");
        ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM u"), "0");
        ck_assert_str_eq(host_ask(host.db, "SELECT value FROM t"), "2");
    } else {
        expect_words("SELECT * FROM t", "byron: ");
    }
    host_close(&host);
}
END_TEST

START_TEST(names_compare_as_sqlites_do)
{
    open_damaged("ALTER TABLE t RENAME TO TeST");
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM tEst"), "2");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('TEST')"), "ok");
    host_close(&host);
}
END_TEST

START_TEST(options_of_the_first_table_stay)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE a USING byron(k PRIMARY KEY, "
             "memory='32MB'); CREATE VIRTUAL TABLE b USING byron(k PRIMARY "
             "KEY, memory='64MB', fanout=4); DROP TABLE a");

    ck_assert_str_eq(host_ask(host.db, "SELECT options FROM byron_store"),
                     "memory=33554432 fanout=4");
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM byron_stats('b') "
                                       "WHERE name = 'memory'"),
                     "33554432");
    host_close(&host);
}
END_TEST

Suite *test_catalog_suite(void)
{
    Suite *suite = suite_create("catalog");
    TCase *cases = tcase_create("catalog");

    tcase_add_loop_test(cases, a_commit_point_of_the_wrong_size_is_damage, 0,
                        3);
    tcase_add_test(cases, a_commit_point_of_nonsense_is_refused);
    tcase_add_loop_test(cases, lost_rows_are_told_and_the_table_can_be_dropped,
                        0, 6);
    tcase_add_test(cases, another_id_is_another_store);
    tcase_add_test(cases, a_newer_format_is_told);
    tcase_add_loop_test(cases, strange_table_numbers_do_no_harm, 0, 4);
    tcase_add_test(cases, names_compare_as_sqlites_do);
    tcase_add_test(cases, options_of_the_first_table_stay);
    suite_add_tcase(suite, cases);
    return suite;
}
