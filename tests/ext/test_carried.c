/*
 * Commits that the row in byron_store carries: one sync, the host's, where the
 * row has room; and what is recovered out of the row.
 *
 * Covers: commit_point.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"

Suite *test_carried_suite(void);

static struct host host;

static int ask_number(const char *sql)
{
    return atoi(host_ask(host.db, sql));
}

/* How often the log is synced for sql. */
static int cost(const char *sql)
{
    static const char count[] =
        "SELECT value FROM byron_stats('t') WHERE name = 'syncs'";
    int before = ask_number(count);
    host_run(host.db, sql);
    return ask_number(count) - before;
}

static void expect(const char *sql, const char *answer)
{
    ck_assert_str_eq(host_ask(host.db, sql), answer);
}

static void open_journal(const char *journal, const char *synchronous,
                         int page_size)
{
    char sql[300];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "PRAGMA page_size=%d; PRAGMA journal_mode=%s; "
             "CREATE TABLE p(a); CREATE VIRTUAL TABLE t USING byron; "
             "PRAGMA synchronous=%s; INSERT INTO t VALUES('first', 1)",
             page_size, journal, synchronous);
    host_run(host.db, sql);
}

static void shell(const char *words)
{
    char line[700];
    snprintf(line, sizeof line, "cd '%s' && %s", host.folder, words);
    ck_assert_msg(system(line) == 0, "%s", line);
}

/* The power goes: of the log only its header is on the disk, for nothing has
 * synced it since; the host has synced its file. */
static void cut_power(void)
{
    shell("mkdir cut && cp x.db cut/ && cp x.db-wal cut/ && "
          "cp -r x.db-byron cut/ && "
          "truncate -s 128 cut/x.db-byron/W-*");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    shell("rm -r x.db x.db-byron && mv cut/* . && rmdir cut");
    host.db = host_connect(&host);
}

START_TEST(a_commit_costs_no_sync_of_ours)
{
    open_journal("wal", _i ? "EXTRA" : "FULL", 4096);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(1, 'one'); "
                          "UPDATE t SET value = 'two' WHERE key = 1; "
                          "BEGIN; INSERT INTO p VALUES(1); "
                          "DELETE FROM t WHERE key = 1; COMMIT; "
                          "INSERT INTO t VALUES(2, 'two'); "
                          "INSERT INTO p VALUES(2)"),
                     0);
    expect("SELECT * FROM t", "2|two\nfirst|1");
    host_reopen(&host);
    expect("SELECT * FROM t", "2|two\nfirst|1");
    host_close(&host);
}
END_TEST

/* Those on byron tables alone are in no log for sure, and the row has only what
 * follows one that is. */
START_TEST(at_normal_mixed_commits_are_carried)
{
    open_journal("wal", "NORMAL", 4096);
    ck_assert_int_eq(cost("BEGIN; INSERT INTO p VALUES(1); "
                          "INSERT INTO t VALUES(1, 1); COMMIT"),
                     1);
    ck_assert_int_eq(cost("BEGIN; INSERT INTO p VALUES(2); "
                          "INSERT INTO t VALUES(2, 2); COMMIT; "
                          "BEGIN; INSERT INTO p VALUES(3); "
                          "INSERT INTO t VALUES(3, 3); COMMIT; "
                          "INSERT INTO t VALUES(4, 4)"),
                     0);
    host_close(&host);
}
END_TEST

START_TEST(many_commits_cost_few_syncs)
{
    char sql[100];
    int syncs = 0;
    open_journal("wal", "FULL", 4096);
    for (int i = 0; i < 300; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES(%d, zeroblob(60))", i);
        syncs += cost(sql);
    }
    ck_assert_int_gt(syncs, 3);
    ck_assert_int_le(syncs, 15);
    host_close(&host);
}
END_TEST

/* What was FULL a moment ago is believed only as long as that costs no sync. */
START_TEST(a_change_of_synchronous_counts_at_once)
{
    char sql[100];
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 'full')");
    host_run(host.db,
             _i ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=OFF");
    for (int i = 100; i < 200; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES(%d, zeroblob(60))", i);
        ck_assert_int_eq(cost(sql), 0);
    }
    host_run(host.db, "PRAGMA synchronous=FULL");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(2, 'full')"), 1);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 'full')"), 0);
    host_run(host.db,
             _i ? "PRAGMA journal_mode=delete" : "PRAGMA journal_mode=persist");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(4, 'full')"), 1);
    host_close(&host);
}
END_TEST

START_TEST(a_rollback_journal_goes_on_as_before)
{
    open_journal(_i ? "delete" : "persist", "FULL", 4096);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(1, 1)"), 1);
    host_run(host.db, "PRAGMA journal_mode=wal");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(2, 1)"), 0);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, 1)"), 0);
    host_run(host.db, "PRAGMA journal_mode=delete");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(4, 1)"), 1);
    host_run(host.db, "PRAGMA synchronous=OFF");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(5, 1)"), 0);
    host_close(&host);
}
END_TEST

START_TEST(a_large_transaction_is_synced)
{
    open_journal("wal", "FULL", 4096);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(1, zeroblob(3100))"), 1);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(2, zeroblob(2800))"), 0);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(3, zeroblob(2800))"), 1);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(4, zeroblob(2800))"), 0);
    host_close(&host);
}
END_TEST

START_TEST(a_row_of_before_goes_on_as_before)
{
    open_journal("wal", "FULL", 4096);
    host_run(host.db,
             "UPDATE byron_store SET commits = substr(commits, 1, 64)");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cost("INSERT INTO t VALUES(1, 1)"), 1);
        ck_assert_int_eq(cost("UPDATE t SET value = 2"), 1);
        ck_assert_int_eq(cost("DELETE FROM t WHERE key = 1"), 1);
        expect("SELECT length(commits) FROM byron_store", "64");
        host_reopen(&host);
        host_run(host.db, "PRAGMA synchronous=FULL");
        ck_assert_int_ge(cost("INSERT INTO t VALUES(3 + random(), 0)"), 1);
    }
    host_close(&host);
}
END_TEST

START_TEST(the_room_fits_the_page)
{
    static const struct {
        int page_size;
        int bytes;
    } pages[] = {{512, 64},    {1024, 768},    {2048, 1536},  {4096, 3072},
                 {8192, 6144}, {32768, 16384}, {65536, 16384}};
    open_journal("wal", "FULL", pages[_i].page_size);
    ck_assert_int_eq(ask_number("SELECT length(commits) FROM byron_store"),
                     pages[_i].bytes);
    ck_assert_int_eq(cost("INSERT INTO t VALUES(1, 1)"), pages[_i].bytes == 64);
    host_reopen(&host);
    expect("SELECT count(*) FROM t", "2");
    expect("PRAGMA integrity_check", "ok");
    host_close(&host);
}
END_TEST

START_TEST(savepoints_and_second_tries_are_carried)
{
    open_journal("wal", "FULL", 4096);
    ck_assert_int_eq(cost("BEGIN; SAVEPOINT a; INSERT INTO t VALUES(1, 1); "
                          "SAVEPOINT b; INSERT INTO t VALUES(2, 2); "
                          "ROLLBACK TO b; INSERT INTO t VALUES(3, 3); "
                          "ROLLBACK TO a; INSERT INTO t VALUES(4, 4); COMMIT; "
                          "BEGIN; INSERT INTO t VALUES(5, 5); ROLLBACK; "
                          "BEGIN; INSERT INTO t VALUES(6, 6); COMMIT"),
                     0);
    cut_power();
    expect("SELECT group_concat(key) FROM t", "4,6,first");
    host_close(&host);
}
END_TEST

static int refuse_commit(void *context)
{
    (void)context;
    return 1;
}

/* The host refuses after xSync: the row goes back with everything else. */
START_TEST(what_the_host_refused_is_not_carried)
{
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 1)");
    sqlite3_commit_hook(host.db, refuse_commit, NULL);
    ck_assert_int_ne(host_fail(host.db, "INSERT INTO t VALUES(2, 2)"),
                     SQLITE_OK);
    sqlite3_commit_hook(host.db, NULL, NULL);
    host_run(host.db, "INSERT INTO t VALUES(3, 3)");
    cut_power();
    expect("SELECT group_concat(key) FROM t", "1,3,first");
    host_close(&host);
}
END_TEST

START_TEST(a_power_cut_takes_nothing)
{
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 'a'); INSERT INTO p VALUES(7); "
                      "UPDATE t SET value = 'b' WHERE key = 1; "
                      "BEGIN; INSERT INTO p VALUES(8); "
                      "INSERT INTO t VALUES(2, 'c'); COMMIT");
    cut_power();
    if (_i) /* Nobody may write, and all is there. */
        host_run(host.db, "PRAGMA query_only=1");
    expect("SELECT * FROM t", "1|b\n2|c\nfirst|1");
    expect("SELECT group_concat(a) FROM p", "7,8");
    host_reopen(&host);
    expect("SELECT * FROM t", "1|b\n2|c\nfirst|1");
    host_run(host.db, "INSERT INTO t VALUES(3, 'd'); DELETE FROM t "
                      "WHERE key = 2");
    host_reopen(&host);
    expect("SELECT * FROM t", "1|b\n3|d\nfirst|1");
    host_close(&host);
}
END_TEST

START_TEST(a_backup_brings_nothing_along_that_it_does_not_need)
{
    char sql[400];
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 'a')");
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, "copy.db"));
    ck_assert_ptr_null(strstr(host_ask(host.db, sql), "error"));
    cut_power();
    expect("SELECT * FROM t", "1|a\nfirst|1");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    snprintf(host.path, sizeof host.path, "%s/copy.db", host.folder);
    host.db = host_connect(&host);
    expect("SELECT * FROM t", "1|a\nfirst|1");
    host_run(host.db, "PRAGMA journal_mode=wal");
    ck_assert_int_eq(cost("INSERT INTO t VALUES(2, 'b'); "
                          "INSERT INTO t VALUES(3, 'c')"),
                     0);
    host_reopen(&host);
    expect("SELECT group_concat(key) FROM t", "1,2,3,first");
    host_close(&host);
}
END_TEST

/* What the original's row carried is not the copy's: its id is another. A
 * commit that brings nothing along leaves it there. */
START_TEST(a_copy_does_not_carry_what_the_original_did)
{
    char sql[400];
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 'a')");
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, "copy.db"));
    ck_assert_ptr_null(strstr(host_ask(host.db, sql), "error"));
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    shell("rm -r x.db x.db-byron && mv copy.db x.db && "
          "mv copy.db-byron x.db-byron");
    host.db = host_connect(&host);
    host_run(host.db, "PRAGMA synchronous=NORMAL; "
                      "INSERT INTO t VALUES(2, 'b')");
    cut_power();
    expect("SELECT * FROM t", "1|a\nfirst|1");
    host_run(host.db, "PRAGMA synchronous=FULL; INSERT INTO t VALUES(3, 'c')");
    cut_power();
    expect("SELECT * FROM t", "1|a\n3|c\nfirst|1");
    host_close(&host);
}
END_TEST

START_TEST(damage_of_what_is_carried_is_told_where_it_is_needed)
{
    open_journal("wal", "FULL", 4096);
    host_run(host.db, "INSERT INTO t VALUES(1, 'a')");
    host_run(host.db, "UPDATE byron_store SET commits = CAST("
                      "substr(commits, 1, 100) || x'00' || "
                      "substr(commits, 102) AS BLOB)");
    host_reopen(&host);
    expect("SELECT count(*) FROM t", "2");
    cut_power();
    ck_assert_ptr_nonnull(strstr(host_ask(host.db, "SELECT count(*) FROM t"),
                                 "in its table byron_store are damaged"));
    host_close(&host);
}
END_TEST

Suite *test_carried_suite(void)
{
    Suite *suite = suite_create("carried");
    TCase *cases = tcase_create("carried");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_commit_costs_no_sync_of_ours, 0, 2);
    tcase_add_test(cases, at_normal_mixed_commits_are_carried);
    tcase_add_test(cases, many_commits_cost_few_syncs);
    tcase_add_loop_test(cases, a_change_of_synchronous_counts_at_once, 0, 2);
    tcase_add_loop_test(cases, a_rollback_journal_goes_on_as_before, 0, 2);
    tcase_add_test(cases, a_large_transaction_is_synced);
    tcase_add_test(cases, a_row_of_before_goes_on_as_before);
    tcase_add_loop_test(cases, the_room_fits_the_page, 0, 7);
    tcase_add_test(cases, savepoints_and_second_tries_are_carried);
    tcase_add_test(cases, what_the_host_refused_is_not_carried);
    tcase_add_loop_test(cases, a_power_cut_takes_nothing, 0, 2);
    tcase_add_test(cases, a_backup_brings_nothing_along_that_it_does_not_need);
    tcase_add_test(cases, a_copy_does_not_carry_what_the_original_did);
    tcase_add_test(cases, damage_of_what_is_carried_is_told_where_it_is_needed);
    suite_add_tcase(suite, cases);
    return suite;
}
