/*
 * witness: which transactions are taken for mixed, seen by the log's syncs in
 * WAL mode at synchronous=NORMAL.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/host.h"

Suite *test_witness_suite(void);

static struct host host;

static int syncs(void)
{
    return atoi(host_ask(host.db, "SELECT value FROM byron_stats('t') "
                                  "WHERE name = 'syncs'"));
}

/* How often the log is synced for sql. */
static int cost(const char *sql)
{
    int before = syncs();
    host_run(host.db, sql);
    return syncs() - before;
}

/* Two transactions before: the log's header and the cookies are known. The row
 * has no room for commits, so that they are synced in the log. */
static void open_wal(const char *synchronous)
{
    char sql[100];

    host_open(&host);
    host_run(host.db, "PRAGMA journal_mode=wal; "
                      "CREATE TABLE p(a INTEGER PRIMARY KEY, b); "
                      "INSERT INTO p VALUES(1, 1); "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "UPDATE byron_store SET commits = zeroblob(64)");
    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s", synchronous);
    host_run(host.db, sql);
    host_run(host.db, "INSERT INTO t VALUES(1, 1); "
                      "BEGIN; INSERT INTO t VALUES(2, 2); COMMIT");
}

START_TEST(byron_alone_is_not_synced)
{
    open_wal("NORMAL");

    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 3)"), 0);
    ck_assert_int_eq(cost("BEGIN; INSERT INTO t VALUES(4, 4); "
                          "UPDATE t SET value = 5; COMMIT"),
                     0);
    ck_assert_int_eq(cost("BEGIN; SELECT * FROM p; "
                          "DELETE FROM t WHERE key = 4; COMMIT"),
                     0);
    host_close(&host);
}
END_TEST

START_TEST(a_change_of_an_ordinary_table_is_noticed)
{
    static const char *const mixed[] = {
        "BEGIN; INSERT INTO t VALUES(3, 3); INSERT INTO p VALUES(2, 2); COMMIT",
        "BEGIN; INSERT INTO p VALUES(2, 2); INSERT INTO t VALUES(3, 3); COMMIT",
        "BEGIN; UPDATE p SET b = 1; INSERT INTO t VALUES(3, 3); COMMIT",
        "BEGIN; CREATE TABLE q(a); INSERT INTO t VALUES(3, 3); COMMIT",
        "BEGIN; CREATE VIEW v AS SELECT 1; INSERT INTO t VALUES(3, 3); COMMIT",
        "BEGIN; PRAGMA user_version = 7; INSERT INTO t VALUES(3, 3); COMMIT",
        "BEGIN; INSERT INTO t VALUES(3, 3); PRAGMA application_id = 7; COMMIT",
        ("CREATE TRIGGER r AFTER INSERT ON p BEGIN "
         "INSERT INTO t VALUES(new.a, 0); END; INSERT INTO p VALUES(5, 5)"),
    };

    open_wal("NORMAL");
    ck_assert_int_ge(cost(mixed[_i]), 1);
    host_close(&host);
}
END_TEST

START_TEST(what_is_not_certain_is_synced)
{
    static const char *const doubtful[] = {
        "BEGIN; SAVEPOINT s; INSERT INTO t VALUES(3, 3); ROLLBACK TO s; "
        "INSERT INTO t VALUES(4, 4); COMMIT",
        "BEGIN; INSERT OR IGNORE INTO t VALUES(1, 3); "
        "INSERT INTO t VALUES(4, 4); INSERT INTO p VALUES(9, 9); COMMIT",
    };

    open_wal("NORMAL");
    ck_assert_int_ge(cost(doubtful[_i]), 1);
    host_close(&host);
}
END_TEST

START_TEST(full_and_off_mean_what_they_say)
{
    open_wal("FULL");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 3)"), 1);
    host_run(host.db, "PRAGMA synchronous=OFF");
    ck_assert_int_eq(cost("BEGIN; INSERT INTO t VALUES(4, 4); "
                          "INSERT INTO p VALUES(2, 2); COMMIT"),
                     0);
    host_close(&host);
}
END_TEST

START_TEST(a_rollback_journal_syncs_at_normal)
{
    host_open(&host);
    host_run(host.db, "PRAGMA synchronous=NORMAL; "
                      "CREATE VIRTUAL TABLE t USING byron");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 3)"), 1);
    host_close(&host);
}
END_TEST

START_TEST(a_change_of_the_journal_is_noticed)
{
    open_wal("NORMAL");
    host_run(host.db, "PRAGMA journal_mode=delete");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 3)"), 1);
    host_run(host.db, "PRAGMA journal_mode=wal");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(4, 4)"), 0);
    host_run(host.db, "PRAGMA journal_mode=persist");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(5, 5)"), 1);
    host_close(&host);
}
END_TEST

START_TEST(own_commits_leave_the_row_alone)
{
    host_open(&host);
    host_run(host.db, "PRAGMA journal_mode=wal; CREATE TABLE p(a); "
                      "CREATE VIRTUAL TABLE t USING byron(key PRIMARY KEY, "
                      "value, commit=own); INSERT INTO t VALUES(1, 1); "
                      "INSERT INTO t VALUES(2, 2); DELETE FROM t WHERE key=1");

    ck_assert_str_eq(host_ask(host.db, "SELECT hex(commits) = "
                                       "hex(zeroblob(length(commits))) "
                                       "FROM byron_store"),
                     "1");
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM t"), "2|2");
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM t"), "2|2");
    host_run(host.db, "BEGIN; INSERT INTO p VALUES(1); "
                      "INSERT INTO t VALUES(3, 3); COMMIT");
    ck_assert_str_eq(host_ask(host.db, "SELECT hex(commits) = "
                                       "hex(zeroblob(length(commits))) "
                                       "FROM byron_store"),
                     "0");
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM t"), "2|2\n3|3");
    host_close(&host);
}
END_TEST

Suite *test_witness_suite(void)
{
    Suite *suite = suite_create("witness");
    TCase *cases = tcase_create("witness");

    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, byron_alone_is_not_synced);
    tcase_add_loop_test(cases, a_change_of_an_ordinary_table_is_noticed, 0, 8);
    tcase_add_loop_test(cases, what_is_not_certain_is_synced, 0, 2);
    tcase_add_test(cases, full_and_off_mean_what_they_say);
    tcase_add_test(cases, a_rollback_journal_syncs_at_normal);
    tcase_add_test(cases, a_change_of_the_journal_is_noticed);
    tcase_add_test(cases, own_commits_leave_the_row_alone);
    suite_add_tcase(suite, cases);
    return suite;
}
