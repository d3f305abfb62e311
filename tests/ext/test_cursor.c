/*
 * Covers: walk, scan, fetch, row, field, hop, sorting.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host_expect.h"

Suite *test_cursor_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
}

static void close_host(void)
{
    host_close(&host);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(host.db, sql, -1, &statement, NULL),
                     SQLITE_OK);
    return statement;
}

/* Steps to the next row and compares its first column. */
static void expect_row(sqlite3_stmt *statement, int expected)
{
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), expected);
}

static void fill(int count)
{
    char sql[200];

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(k INT PRIMARY KEY, "
                      "v)");
    snprintf(sql, sizeof sql,
             "INSERT INTO t WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL "
             "SELECT x + 1 FROM c WHERE x < %d) SELECT x, 'v' || x FROM c",
             count);
    host_run(host.db, sql);
}

START_TEST(bytes_come_back_as_they_were_given)
{
    static const char text[] = "a\0b\xff\xc3(";
    sqlite3_stmt *insert;
    sqlite3_stmt *select;

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    insert = prepare("INSERT INTO t VALUES(?, ?)");
    sqlite3_bind_text(insert, 1, text, sizeof text, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, text, sizeof text, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);

    select = prepare("SELECT key, value FROM t");
    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    for (int i = 0; i < 2; i++) {
        const unsigned char *found = sqlite3_column_text(select, i);

        ck_assert_int_eq(sqlite3_column_bytes(select, i), sizeof text);
        ck_assert_mem_eq(found, text, sizeof text);
    }
    sqlite3_finalize(select);
}
END_TEST

START_TEST(a_database_in_utf16_is_refused)
{
    host_run(host.db, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE p(a)");

    ck_assert_str_eq(
        host_ask(host.db, "CREATE VIRTUAL TABLE t USING byron"),
        "error: byron: texts of this database are in UTF-16; PRAGMA encoding "
        "must be 'UTF-8'");
}
END_TEST

START_TEST(large_values_come_back)
{
    static const int sizes[] = {0, 1, 4096, 100000, 20000000};

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char sql[300];

        snprintf(sql, sizeof sql,
                 "INSERT INTO t VALUES(%d, zeroblob(%d));"
                 "INSERT INTO t VALUES(x'%02x', replace(hex(zeroblob(%d)), "
                 "'00', 'ab'));",
                 sizes[i], sizes[i], (int)i, sizes[i] / 2);
        host_run(host.db, sql);
    }

    host_run(host.db, "SELECT byron_flush('t')");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT count(*) FROM t WHERE typeof(key) <> 'blob' "
                          "AND value = zeroblob(key)"),
        "5");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT sum(length(value)), sum(length(replace(value,"
                          " 'ab', ''))) FROM t WHERE typeof(key) = 'blob'"),
        "20104096|0");
}
END_TEST

/* Large values are blocks of their own: reading one is a miss of the cache. */
static int count_reads(const char *sql)
{
    const char *misses =
        "SELECT value FROM byron_stats('t') WHERE name = 'cache_misses'";
    int before;

    host_reopen(&host);
    before = atoi(host_ask(host.db, misses));
    host_run(host.db, sql);
    return atoi(host_ask(host.db, misses)) - before;
}

START_TEST(a_large_value_that_is_not_used_is_not_read)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k INTEGER PRIMARY KEY, g INT, "
             "v, INDEX by_g(g));"
             "INSERT INTO t WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT "
             "x + 1 FROM c WHERE x < 100) SELECT x, x % 5, randomblob(20000) "
             "FROM c; SELECT byron_compact('t')");
    ck_assert_int_ge(count_reads("SELECT sum(length(v)) FROM t"), 100);
    ck_assert_int_lt(count_reads("SELECT count(*) FROM t"), 20);
    ck_assert_int_lt(count_reads("SELECT byron_count('t')"), 20);
    ck_assert_int_lt(count_reads("SELECT min(k), max(k), sum(k) FROM t"), 20);
    ck_assert_int_lt(count_reads("SELECT k FROM t WHERE k > 50"), 20);
    ck_assert_int_lt(count_reads("SELECT DISTINCT g FROM t"), 20);
    ck_assert_int_lt(count_reads("SELECT g, k FROM t WHERE g = 3"), 20);
    /* One file with a hash index is opened, and two data blocks at most. */
    ck_assert_int_lt(count_reads("SELECT k FROM t WHERE k IN (SELECT value * 2 "
                                 "FROM json_each('[1,5,9,20,33,40,41,42]'))"),
                     8);
    ck_assert_int_lt(count_reads("SELECT k FROM t WHERE k = 77"), 8);
    ck_assert_int_lt(count_reads("INSERT OR IGNORE INTO t VALUES(50, 1, 2), "
                                 "(51, 1, 2), (52, 1, 2), (53, 1, 2), "
                                 "(54, 1, 2), (55, 1, 2), (56, 1, 2), "
                                 "(57, 1, 2)"),
                     8);
}
END_TEST

START_TEST(a_long_key_is_a_key)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k TEXT PRIMARY KEY DESC);"
             "INSERT INTO t SELECT replace(hex(zeroblob(32768)), '0', 'k');"
             "INSERT INTO t SELECT k || 'x' FROM t;");

    ck_assert_str_eq(host_ask(host.db, "SELECT length(k) FROM t ORDER BY k"),
                     "65536\n65537");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO t SELECT k FROM t"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO t SELECT "
                                        "hex(zeroblob(1000000))"),
                     SQLITE_TOOBIG);
}
END_TEST

START_TEST(a_scan_goes_on_after_commit)
{
    sqlite3_stmt *scan;

    fill(10);
    host_run(host.db, "BEGIN; DELETE FROM t WHERE k = 2");
    scan = prepare("SELECT k, v FROM t ORDER BY k");
    expect_row(scan, 1);
    expect_row(scan, 3);
    host_run(host.db, "COMMIT");

    ck_assert_str_eq((const char *)sqlite3_column_text(scan, 1), "v3");
    for (int i = 4; i <= 10; i++)
        expect_row(scan, i);
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);
}
END_TEST

START_TEST(a_scan_backwards_or_of_a_list_goes_on_after_commit)
{
    sqlite3_stmt *down;
    sqlite3_stmt *list;

    fill(10);
    host_run(host.db, "BEGIN; DELETE FROM t WHERE k = 5");
    down = prepare("SELECT k FROM t WHERE k < 9 ORDER BY k DESC");
    list = prepare("SELECT k FROM t WHERE k IN (7, 3, 5, 11, 9) ORDER BY k");
    expect_row(down, 8);
    expect_row(list, 3);
    host_run(host.db, "COMMIT");

    expect_row(down, 7);
    expect_row(down, 6);
    expect_row(down, 4);
    expect_row(list, 7);
    expect_row(list, 9);
    ck_assert_int_eq(sqlite3_step(list), SQLITE_DONE);
    sqlite3_finalize(down);
    sqlite3_finalize(list);
}
END_TEST

START_TEST(a_scan_goes_on_after_rollback)
{
    sqlite3_stmt *scan;

    fill(6);
    host_run(host.db, "BEGIN; DELETE FROM t WHERE k = 4");
    scan = prepare("SELECT k FROM t ORDER BY k");
    expect_row(scan, 1);
    expect_row(scan, 2);
    host_run(host.db, "ROLLBACK");

    expect_row(scan, 3);
    expect_row(scan, 4);
    sqlite3_finalize(scan);
}
END_TEST

START_TEST(a_scan_is_blind_to_later_writes_of_its_transaction)
{
    sqlite3_stmt *scan;

    fill(3);
    host_run(host.db, "BEGIN; INSERT INTO t VALUES(4, 'four')");
    scan = prepare("SELECT k, v FROM t ORDER BY k");
    expect_row(scan, 1);
    host_run(host.db, "INSERT INTO t VALUES(5, 'five');"
                      "UPDATE t SET v = 'new' WHERE k = 2");

    expect_row(scan, 2);
    ck_assert_str_eq((const char *)sqlite3_column_text(scan, 1), "v2");
    expect_row(scan, 3);
    expect_row(scan, 4);
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);
    host_run(host.db, "COMMIT");
}
END_TEST

START_TEST(rows_may_be_changed_while_they_are_read)
{
    fill(2000);
    host_run(host.db, "UPDATE t SET v = (SELECT count(*) FROM t)");
    host_run(host.db, "INSERT INTO t SELECT k + 5000, v FROM t");
    host_run(host.db, "DELETE FROM t WHERE k % 2 = 0 AND EXISTS "
                      "(SELECT 1 FROM t AS u WHERE u.k = t.k + 5000)");

    ck_assert_str_eq(
        host_ask(host.db, "SELECT count(*), min(v), max(v) FROM t"),
        "3000|2000|2000");
}
END_TEST

/* --- Through an index ----------------------------------------------------- */

/* Row k has a = k / 10. */
static void fill_indexed(int count)
{
    char sql[300];

    host_run(host.db, "CREATE VIRTUAL TABLE i USING byron(k INT PRIMARY KEY, "
                      "a INT, v, INDEX by_a(a))");
    snprintf(sql, sizeof sql,
             "INSERT INTO i WITH RECURSIVE c(x) AS (VALUES(0) UNION ALL "
             "SELECT x + 1 FROM c WHERE x < %d) SELECT x, x / 10, 'v' || x "
             "FROM c",
             count - 1);
    host_run(host.db, sql);
}

static const char by_index[] = "SELECT k, v FROM i WHERE a >= 2 ORDER BY a, k";

/* The same among so many others that the index is worth it. */
static void fill_among_others(int count)
{
    char sql[300];

    fill_indexed(count);
    snprintf(sql, sizeof sql,
             "INSERT INTO i WITH RECURSIVE c(x) AS (VALUES(10000) UNION ALL "
             "SELECT x + 1 FROM c WHERE x < %d) SELECT x, 0, 'v' FROM c",
             10000 + 100 * count);
    host_run(host.db, sql);
    host_expect_words(&host,
                      "EXPLAIN QUERY PLAN SELECT k, v FROM i WHERE a >= 2 "
                      "ORDER BY a, k",
                      "index by_a a>=? ORDER BY index");
}

START_TEST(an_index_leads_to_rows_across_commits)
{
    sqlite3_stmt *scan;

    fill_among_others(1000);
    host_run(host.db, "BEGIN; DELETE FROM i WHERE k = 22; "
                      "DELETE FROM i WHERE k = 900");
    scan = prepare(by_index);
    expect_row(scan, 20);
    expect_row(scan, 21);
    host_run(host.db, "COMMIT");

    ck_assert_str_eq((const char *)sqlite3_column_text(scan, 1), "v21");
    for (int k = 23; k < 1000; k++) {
        char text[20];

        if (k == 900)
            continue;
        expect_row(scan, k);
        snprintf(text, sizeof text, "v%d", k);
        ck_assert_str_eq((const char *)sqlite3_column_text(scan, 1), text);
    }
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);
}
END_TEST

START_TEST(an_index_leads_to_rows_across_a_rollback)
{
    sqlite3_stmt *scan;

    fill_among_others(100);
    host_run(host.db, "BEGIN; INSERT INTO i VALUES(-1, 2, 'gone')");
    scan = prepare(by_index);
    expect_row(scan, -1);
    expect_row(scan, 20);
    host_run(host.db, "ROLLBACK");

    for (int k = 21; k < 100; k++)
        expect_row(scan, k);
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);
}
END_TEST

START_TEST(rows_that_went_since_the_scan_began_are_passed_over)
{
    sqlite3_stmt *scan;

    fill_among_others(200);
    host_run(host.db, "BEGIN; INSERT INTO i VALUES(1000, 50, 'new')");
    scan = prepare(by_index);
    expect_row(scan, 20);
    host_run(host.db, "DELETE FROM i WHERE k BETWEEN 30 AND 189");

    for (int k = 21; k < 24; k++)
        expect_row(scan, k); /* As many were read ahead. */
    for (int k = 24; k < 30; k++)
        expect_row(scan, k);
    while (sqlite3_step(scan) == SQLITE_ROW)
        ck_assert_int_ge(sqlite3_column_int(scan, 0), 30);
    ck_assert_int_eq(sqlite3_errcode(host.db), SQLITE_DONE);
    sqlite3_finalize(scan);
    host_run(host.db, "COMMIT");
}
END_TEST

/* Those that were read ahead, and the entry that the scan stood on. */
START_TEST(rows_that_went_before_the_commit_are_passed_over)
{
    static const char sql[] = "SELECT k, v FROM i WHERE a = 2 ORDER BY k";
    sqlite3_stmt *scan;

    fill_indexed(1000);
    host_run(host.db, "UPDATE i SET a = k % 20");
    ck_assert_ptr_nonnull(
        strstr(host_ask(host.db, "EXPLAIN QUERY PLAN SELECT k, v FROM i "
                                 "WHERE a = 2 ORDER BY k"),
               "index by_a a=? ORDER BY index"));
    for (int seen = 1; seen < 25; seen++) {
        host_run(host.db, "BEGIN; UPDATE i SET v = 'new' WHERE k = 1");
        scan = prepare(sql);
        for (int row = 0; row < seen; row++)
            expect_row(scan, 2 + 20 * row);
        host_run(host.db, "DELETE FROM i WHERE k BETWEEN 3 AND 900; COMMIT");
        for (int k = 902; k < 1000; k += 20)
            expect_row(scan, k);
        ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
        sqlite3_finalize(scan);
        host_run(host.db, "INSERT OR REPLACE INTO i WITH RECURSIVE c(x) AS "
                          "(VALUES(3) UNION ALL SELECT x + 1 FROM c WHERE "
                          "x < 900) SELECT x, x % 20, 'v' || x FROM c");
    }
    host_run(host.db, "DELETE FROM i WHERE k > 2");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('i')"), "ok");
}
END_TEST

/* Which writes nothing. */
START_TEST(rows_that_a_savepoint_took_back_are_passed_over)
{
    sqlite3_stmt *scan;

    fill_indexed(1000);
    host_run(host.db, "UPDATE i SET a = k % 20; BEGIN; "
                      "UPDATE i SET v = 'new' WHERE k = 1; SAVEPOINT s; "
                      "INSERT INTO i WITH RECURSIVE c(x) AS (VALUES(1000) "
                      "UNION ALL SELECT x + 1 FROM c WHERE x < 1100) "
                      "SELECT x, 2, 'gone' FROM c");
    scan = prepare("SELECT k, v FROM i WHERE a = 2 ORDER BY k");
    for (int k = 2; k < 1000; k += 20)
        expect_row(scan, k);
    host_run(host.db, "ROLLBACK TO s");
    while (sqlite3_step(scan) == SQLITE_ROW)
        ck_assert_int_ge(sqlite3_column_int(scan, 0), 1000);
    ck_assert_int_eq(sqlite3_errcode(host.db), SQLITE_DONE);
    sqlite3_finalize(scan);
    host_run(host.db, "COMMIT");
}
END_TEST

START_TEST(an_update_does_not_meet_its_own_rows_in_the_index)
{
    fill_indexed(300);
    host_run(host.db, "UPDATE i SET a = a + 5 WHERE a > 3");
    host_run(host.db, "UPDATE i SET v = 'odd' WHERE a = 10 AND k % 2");

    ck_assert_str_eq(host_ask(host.db, "SELECT count(*), min(a), max(a), "
                                       "sum(a) FROM i WHERE a > 3"),
                     "260|9|34|5590");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM i WHERE v = "
                                       "'odd'"),
                     "5");
    host_run(host.db, "DELETE FROM i WHERE a = 10");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM i"), "290");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('i')"), "ok");
}
END_TEST

/* --- Rows that nobody reads ----------------------------------------------- */

static void count_up(sqlite3_context *context, int count,
                     sqlite3_value **values)
{
    int *ticks = sqlite3_user_data(context);

    (void)count;
    (void)values;
    sqlite3_result_int(context, ++*ticks);
}

START_TEST(a_row_that_is_read_after_many_unread_is_itself)
{
    int ticks = 0;
    sqlite3_stmt *scan;

    fill(3000);
    host_run(host.db, "SELECT byron_flush('t')");
    sqlite3_create_function(host.db, "tick", 0, SQLITE_UTF8, &ticks, count_up,
                            NULL, NULL);
    scan = prepare("SELECT k, v FROM t WHERE tick() % 500 = 0");
    for (int k = 500; k <= 3000; k += 500)
        expect_row(scan, k);
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);

    ticks = 0;
    host_run(host.db, "DELETE FROM t WHERE tick() % 1000 = 0");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*), sum(k) FROM t"),
                     "2997|4495500");
}
END_TEST

START_TEST(unread_rows_are_counted_across_a_commit)
{
    sqlite3_stmt *scan;
    int count = 0;

    fill(3000);
    host_run(host.db, "SELECT byron_flush('t'); BEGIN; "
                      "DELETE FROM t WHERE k % 3 = 0");
    scan = prepare("SELECT 1 FROM t");
    while (sqlite3_step(scan) == SQLITE_ROW)
        if (++count == 100)
            host_run(host.db, "COMMIT");
    ck_assert_int_eq(count, 2000);
    sqlite3_finalize(scan);
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t WHERE k > 300"),
                     "1800");
}
END_TEST

START_TEST(a_keyed_table_has_no_rowid)
{
    sqlite3_stmt *statement = NULL;

    fill(3);
    ck_assert_int_ne(host_fail(host.db, "SELECT rowid FROM t"), SQLITE_OK);
    host_reopen(&host);
    if (sqlite3_prepare_v2(host.db, "DELETE FROM t LIMIT 1", -1, &statement,
                           NULL) == SQLITE_OK) {
        int rc = sqlite3_step(statement);

        ck_assert(rc == SQLITE_DONE || rc == SQLITE_ERROR);
    }
    sqlite3_finalize(statement);
    ck_assert_str_ne(host_ask(host.db, "SELECT count(*) FROM t"), "0");
}
END_TEST

/* Rows that SQLite is shown for each parameter, 20,000 keys in all. */
START_TEST(a_number_among_texts_reads_few_of_them)
{
    static const int numbers[] = {1, 7, 10, 4711, 19999, 100, 99999};
    sqlite3_stmt *select;
    int steps;

    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k TEXT PRIMARY KEY, v);"
             "INSERT INTO t WITH RECURSIVE c(x) AS (VALUES(0) UNION ALL "
             "SELECT x + 1 FROM c WHERE x < 19999) SELECT x, x FROM c");
    select = prepare("SELECT v FROM t WHERE k = ?1");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sqlite3_bind_int(select, 1, numbers[i]);
        sqlite3_stmt_status(select, SQLITE_STMTSTATUS_VM_STEP, 1);
        if (numbers[i] < 20000)
            expect_row(select, numbers[i]);
        ck_assert_int_eq(sqlite3_step(select), SQLITE_DONE);
        sqlite3_reset(select);
        steps = sqlite3_stmt_status(select, SQLITE_STMTSTATUS_VM_STEP, 0);
        ck_assert_msg(steps < 200, "%d steps for %d", steps, numbers[i]);
    }
    sqlite3_finalize(select);
}
END_TEST

Suite *test_cursor_suite(void)
{
    Suite *suite = suite_create("cursor");
    TCase *cases = tcase_create("cursor");

    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, bytes_come_back_as_they_were_given);
    tcase_add_test(cases, a_database_in_utf16_is_refused);
    tcase_add_test(cases, large_values_come_back);
    tcase_add_test(cases, a_large_value_that_is_not_used_is_not_read);
    tcase_add_test(cases, a_long_key_is_a_key);
    tcase_add_test(cases, a_scan_goes_on_after_commit);
    tcase_add_test(cases, a_scan_backwards_or_of_a_list_goes_on_after_commit);
    tcase_add_test(cases, a_scan_goes_on_after_rollback);
    tcase_add_test(cases, a_scan_is_blind_to_later_writes_of_its_transaction);
    tcase_add_test(cases, rows_may_be_changed_while_they_are_read);
    tcase_add_test(cases, an_index_leads_to_rows_across_commits);
    tcase_add_test(cases, an_index_leads_to_rows_across_a_rollback);
    tcase_add_test(cases, rows_that_went_since_the_scan_began_are_passed_over);
    tcase_add_test(cases, rows_that_went_before_the_commit_are_passed_over);
    tcase_add_test(cases, rows_that_a_savepoint_took_back_are_passed_over);
    tcase_add_test(cases, an_update_does_not_meet_its_own_rows_in_the_index);
    tcase_add_test(cases, a_row_that_is_read_after_many_unread_is_itself);
    tcase_add_test(cases, unread_rows_are_counted_across_a_commit);
    tcase_add_test(cases, a_keyed_table_has_no_rowid);
    tcase_add_test(cases, a_number_among_texts_reads_few_of_them);
    suite_add_tcase(suite, cases);
    return suite;
}
