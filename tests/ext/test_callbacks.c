/*
 * callbacks: the orders in which SQLite calls a virtual table's transaction
 * methods, each as a claim about what a user then sees.
 */
#include <check.h>
#include <stdio.h>

#include "support/host.h"

Suite *test_callbacks_suite(void);

#define ALL "SELECT group_concat(key || '=' || value, ' ') FROM kv"

static struct host host;

static void open_kv(void)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE kv USING byron; "
                      "CREATE TABLE plain(a INTEGER PRIMARY KEY)");
}

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

START_TEST(autocommit_write_is_there_after_reopening)
{
    open_kv();
    host_run(host.db, "INSERT INTO kv VALUES('a', 1)");
    host_reopen(&host);

    expect(ALL, "a=1");
    host_close(&host);
}
END_TEST

START_TEST(writes_after_create_in_one_transaction_commit)
{
    host_open(&host);
    host_run(host.db, "BEGIN; CREATE VIRTUAL TABLE kv USING byron; "
                      "INSERT INTO kv VALUES('a', 1); COMMIT");
    host_reopen(&host);

    expect(ALL, "a=1");
    host_close(&host);
}
END_TEST

START_TEST(writes_after_create_roll_back)
{
    host_open(&host);
    host_run(host.db, "BEGIN; CREATE VIRTUAL TABLE kv USING byron; "
                      "INSERT INTO kv VALUES('a', 1); ROLLBACK; "
                      "CREATE VIRTUAL TABLE kv USING byron");

    expect("SELECT count(*) FROM kv", "0");
    host_close(&host);
}
END_TEST

START_TEST(a_read_transaction_blocks_nobody)
{
    sqlite3 *other;

    open_kv();
    host_run(host.db, "PRAGMA journal_mode=wal; BEGIN");
    expect("SELECT count(*) FROM kv", "0");
    other = host_connect(&host);
    host_run(other, "INSERT INTO kv VALUES('a', 1)");

    expect("SELECT count(*) FROM kv", "0");
    host_run(host.db, "COMMIT");
    expect(ALL, "a=1");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

START_TEST(a_read_transaction_keeps_its_state_while_others_write)
{
    sqlite3 *other;

    open_kv();
    host_run(host.db, "PRAGMA journal_mode=wal; "
                      "INSERT INTO kv VALUES('a', 1); BEGIN");
    expect(ALL, "a=1");
    other = host_connect(&host);
    for (int i = 0; i < 6; i++) {
        host_run(other, "UPDATE kv SET value = value + 1");
        sqlite3_sleep(200); /* Longer than the engine retains in all. */
    }
    host_run(other, "SELECT byron_compact('kv')");

    expect(ALL, "a=1");
    host_run(host.db, "COMMIT");
    expect(ALL, "a=7");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

START_TEST(a_failed_multi_row_insert_leaves_nothing)
{
    open_kv();
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1)");
    ck_assert_int_eq(
        host_fail(host.db, "INSERT INTO kv VALUES('b', 2), ('a', 3)"),
        SQLITE_CONSTRAINT_PRIMARYKEY);
    host_run(host.db, "INSERT INTO kv VALUES('c', 4); COMMIT");

    expect(ALL, "a=1 c=4");
    host_close(&host);
}
END_TEST

START_TEST(a_failed_single_row_insert_leaves_the_rest)
{
    open_kv();
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1)");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO kv VALUES('a', 3)"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    host_run(host.db, "COMMIT");

    expect(ALL, "a=1");
    host_close(&host);
}
END_TEST

START_TEST(rollback_to_an_outer_savepoint_never_heard_of)
{
    open_kv();
    host_run(host.db, "SAVEPOINT a; SAVEPOINT b; "
                      "INSERT INTO kv VALUES('a', 1); "
                      "RELEASE b; INSERT INTO kv VALUES('b', 2); "
                      "ROLLBACK TO a; INSERT INTO kv VALUES('c', 3); "
                      "RELEASE a");

    expect(ALL, "c=3");
    host_close(&host);
}
END_TEST

START_TEST(a_savepoint_from_before_the_first_write_undoes_all)
{
    open_kv();
    host_run(host.db, "BEGIN; SAVEPOINT a; "
                      "INSERT INTO kv VALUES('a', 1), ('z', 9); "
                      "SAVEPOINT b; INSERT INTO kv VALUES('b', 2); "
                      "ROLLBACK TO a; INSERT INTO kv VALUES('c', 3); COMMIT");

    expect(ALL, "c=3");
    host_close(&host);
}
END_TEST

START_TEST(a_table_that_joins_late_knows_no_savepoint_better)
{
    open_kv();
    host_run(host.db, "CREATE VIRTUAL TABLE w USING byron; "
                      "BEGIN; SAVEPOINT a; "
                      "INSERT INTO kv VALUES('a', 1), ('z', 9); "
                      "INSERT INTO w VALUES('d', 4); ROLLBACK TO a; "
                      "INSERT INTO kv VALUES('c', 3); COMMIT");

    expect(ALL, "c=3");
    expect("SELECT count(*) FROM w", "0");
    host_close(&host);
}
END_TEST

START_TEST(savepoints_nest_over_two_tables)
{
    open_kv();
    host_run(host.db, "CREATE VIRTUAL TABLE w USING byron; "
                      "BEGIN; INSERT INTO kv VALUES('a', 1); SAVEPOINT s; "
                      "INSERT INTO kv VALUES('b', 2); SAVEPOINT t; "
                      "INSERT INTO kv VALUES('c', 3); "
                      "INSERT INTO w VALUES('d', 4); ROLLBACK TO t; "
                      "INSERT INTO w VALUES('e', 5)");
    expect(ALL, "a=1 b=2");
    expect("SELECT key FROM w", "e");
    host_run(host.db, "ROLLBACK TO s; COMMIT");

    expect(ALL, "a=1");
    expect("SELECT count(*) FROM w", "0");
    host_close(&host);
}
END_TEST

START_TEST(rename_inside_a_transaction_keeps_its_writes)
{
    open_kv();
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1); "
                      "ALTER TABLE kv RENAME TO k2; "
                      "INSERT INTO k2 VALUES('b', 2); COMMIT");
    host_reopen(&host);

    expect("SELECT count(*) FROM k2", "2");
    expect("SELECT name FROM byron_catalog", "k2");
    host_close(&host);
}
END_TEST

START_TEST(rename_rolls_back)
{
    open_kv();
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1); "
                      "ALTER TABLE kv RENAME TO k2; ROLLBACK; "
                      "INSERT INTO kv VALUES('b', 2)");

    expect(ALL, "b=2");
    host_close(&host);
}
END_TEST

START_TEST(commit_that_met_a_reader_commits_what_followed)
{
    sqlite3 *reader;

    open_kv();
    host_run(host.db, "INSERT INTO plain VALUES(1)");
    reader = host_connect(&host);
    host_run(reader, "BEGIN");
    ck_assert_str_eq(host_ask(reader, "SELECT a FROM plain"), "1");
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1)");
    ck_assert_int_eq(host_fail(host.db, "COMMIT"), SQLITE_BUSY);
    host_run(host.db, "INSERT INTO kv VALUES('b', 2)");
    ck_assert_int_eq(host_fail(host.db, "COMMIT"), SQLITE_BUSY);
    host_run(reader, "COMMIT");
    host_run(host.db, "COMMIT");

    expect(ALL, "a=1 b=2");
    host_reopen(&host);
    expect(ALL, "a=1 b=2");
    sqlite3_close(reader);
    host_close(&host);
}
END_TEST

START_TEST(commit_that_met_a_reader_can_be_rolled_back_in_part)
{
    sqlite3 *reader;

    open_kv();
    host_run(host.db, "INSERT INTO plain VALUES(1)");
    reader = host_connect(&host);
    host_run(reader, "BEGIN");
    ck_assert_str_eq(host_ask(reader, "SELECT a FROM plain"), "1");
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1); SAVEPOINT s; "
                      "INSERT INTO kv VALUES('b', 2)");
    ck_assert_int_eq(host_fail(host.db, "COMMIT"), SQLITE_BUSY);
    host_run(reader, "COMMIT");
    host_run(host.db, "ROLLBACK TO s; COMMIT");
    host_reopen(&host);

    expect(ALL, "a=1");
    host_run(host.db, "INSERT INTO kv VALUES('c', 3)");
    expect(ALL, "a=1 c=3");
    sqlite3_close(reader);
    host_close(&host);
}
END_TEST

START_TEST(commit_that_met_a_reader_can_be_rolled_back)
{
    sqlite3 *reader;

    open_kv();
    host_run(host.db, "INSERT INTO plain VALUES(1)");
    reader = host_connect(&host);
    host_run(reader, "BEGIN");
    ck_assert_str_eq(host_ask(reader, "SELECT a FROM plain"), "1");
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a', 1)");
    ck_assert_int_eq(host_fail(host.db, "COMMIT"), SQLITE_BUSY);
    host_run(host.db, "ROLLBACK");
    host_run(reader, "COMMIT");
    expect("SELECT count(*) FROM kv", "0");
    host_run(host.db, "INSERT INTO kv VALUES('b', 2)");
    host_reopen(&host);

    expect(ALL, "b=2");
    sqlite3_close(reader);
    host_close(&host);
}
END_TEST

START_TEST(one_commit_over_two_files)
{
    char sql[600];

    open_kv();
    snprintf(sql, sizeof sql, "ATTACH '%s' AS two", host_at(&host, "y.db"));
    host_run(host.db, sql);
    host_run(host.db, "CREATE VIRTUAL TABLE two.kv USING byron; "
                      "CREATE VIRTUAL TABLE temp.kv3 USING byron; BEGIN; "
                      "INSERT INTO main.kv VALUES('a', 1); "
                      "INSERT INTO two.kv VALUES('b', 2); "
                      "INSERT INTO kv3 VALUES('c', 3); COMMIT; "
                      "BEGIN; DELETE FROM main.kv; DELETE FROM two.kv; "
                      "DELETE FROM kv3; ROLLBACK");

    expect("SELECT key FROM main.kv UNION ALL SELECT key FROM two.kv "
           "UNION ALL SELECT key FROM kv3",
           "a\nb\nc");
    host_close(&host);
}
END_TEST

START_TEST(own_writes_are_seen_and_others_see_none)
{
    sqlite3 *other;

    open_kv();
    other = host_connect(&host);
    host_run(host.db, "PRAGMA journal_mode=wal; BEGIN; "
                      "INSERT INTO kv VALUES('a', 1)");

    expect(ALL, "a=1");
    ck_assert_str_eq(host_ask(other, "SELECT count(*) FROM kv"), "0");
    host_run(host.db, "COMMIT");
    ck_assert_str_eq(host_ask(other, ALL), "a=1");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

START_TEST(an_open_cursor_survives_commit)
{
    sqlite3_stmt *rows;

    open_kv();
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('a',1),('b',2),('c',3)");
    ck_assert_int_eq(
        sqlite3_prepare_v2(host.db, "SELECT key FROM kv", -1, &rows, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    host_run(host.db, "COMMIT; INSERT INTO kv VALUES('d', 4)");

    ck_assert_str_eq((const char *)sqlite3_column_text(rows, 0), "a");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(rows, 0), "b");
    ck_assert_int_eq(sqlite3_finalize(rows), SQLITE_OK);
    host_close(&host);
}
END_TEST

START_TEST(an_open_cursor_survives_rollback)
{
    sqlite3_stmt *rows;
    int rc;

    open_kv();
    host_run(host.db, "INSERT INTO kv VALUES('a', 1), ('b', 2); BEGIN; "
                      "INSERT INTO kv VALUES('c', 3)");
    ck_assert_int_eq(
        sqlite3_prepare_v2(host.db, "SELECT key FROM kv", -1, &rows, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    host_run(host.db, "ROLLBACK");

    /* SQLite may end it; a row that was rolled back may not come. */
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
        ck_assert_str_ne((const char *)sqlite3_column_text(rows, 0), "c");
    ck_assert(rc == SQLITE_DONE || (rc & 0xff) == SQLITE_ABORT);
    sqlite3_finalize(rows);
    host_close(&host);
}
END_TEST

START_TEST(stale_writer_is_told)
{
    sqlite3 *other;

    open_kv();
    host_run(host.db, "PRAGMA journal_mode=wal; BEGIN");
    expect("SELECT count(*) FROM kv", "0");
    other = host_connect(&host);
    host_run(other, "INSERT INTO kv VALUES('a', 1)");

    ck_assert_int_eq(host_fail(host.db, "INSERT INTO kv VALUES('b', 2)"),
                     SQLITE_BUSY_SNAPSHOT);
    host_run(host.db, "ROLLBACK; INSERT INTO kv VALUES('b', 2)");
    expect(ALL, "a=1 b=2");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

Suite *test_callbacks_suite(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *cases = tcase_create("callbacks");

    tcase_add_test(cases, autocommit_write_is_there_after_reopening);
    tcase_add_test(cases, writes_after_create_in_one_transaction_commit);
    tcase_add_test(cases, writes_after_create_roll_back);
    tcase_add_test(cases, a_read_transaction_blocks_nobody);
    tcase_add_test(cases,
                   a_read_transaction_keeps_its_state_while_others_write);
    tcase_add_test(cases, a_failed_multi_row_insert_leaves_nothing);
    tcase_add_test(cases, a_failed_single_row_insert_leaves_the_rest);
    tcase_add_test(cases, rollback_to_an_outer_savepoint_never_heard_of);
    tcase_add_test(cases, a_savepoint_from_before_the_first_write_undoes_all);
    tcase_add_test(cases, a_table_that_joins_late_knows_no_savepoint_better);
    tcase_add_test(cases, savepoints_nest_over_two_tables);
    tcase_add_test(cases, rename_inside_a_transaction_keeps_its_writes);
    tcase_add_test(cases, rename_rolls_back);
    tcase_add_test(cases, commit_that_met_a_reader_commits_what_followed);
    tcase_add_test(cases, commit_that_met_a_reader_can_be_rolled_back_in_part);
    tcase_add_test(cases, commit_that_met_a_reader_can_be_rolled_back);
    tcase_add_test(cases, one_commit_over_two_files);
    tcase_add_test(cases, own_writes_are_seen_and_others_see_none);
    tcase_add_test(cases, an_open_cursor_survives_commit);
    tcase_add_test(cases, an_open_cursor_survives_rollback);
    tcase_add_test(cases, stale_writer_is_told);
    suite_add_tcase(suite, cases);
    return suite;
}
