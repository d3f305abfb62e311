/*
 * connection: many connections and threads over one store.
 *
 * Covers: view, pragma.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"

Suite *test_connection_suite(void);

static struct host host;

#define WRITERS 3
#define ROUNDS  40

struct worker {
    int number;
    int failures;
};

/* A transaction over an ordinary and a byron table, tried until it works. */
static int transfer(sqlite3 *db, int number, int round)
{
    char sql[300];
    int rc;

    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; INSERT INTO t VALUES('%d-%d', 1); "
             "UPDATE p SET n = n + 1; UPDATE u SET value = value + 1; COMMIT",
             number, round);
    do {
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    } while ((rc & 0xff) == SQLITE_BUSY);
    return rc;
}

static void *write_rows(void *context)
{
    struct worker *worker = context;
    sqlite3 *db = host_connect(&host);

    sqlite3_busy_timeout(db, 10000);
    for (int i = 0; i < ROUNDS; i++)
        worker->failures += transfer(db, worker->number, i) != SQLITE_OK;
    worker->failures += sqlite3_close(db) != SQLITE_OK;
    return NULL;
}

static int take_row(void *context, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    snprintf(context, 100, "%s", values[0]);
    return 0;
}

/* One statement, and one read transaction, see one state of all tables. */
static void *read_rows(void *context)
{
    struct worker *worker = context;
    sqlite3 *db = host_connect(&host);

    sqlite3_busy_timeout(db, 10000);
    for (int i = 0; i < ROUNDS; i++) {
        char same[100] = "";
        char count[100] = "";
        char sum[100] = "";
        int rc = sqlite3_exec(db,
                              "SELECT (SELECT n FROM p) = count(*) AND "
                              "(SELECT value FROM u) = count(*) FROM t",
                              take_row, same, NULL);
        worker->failures += rc != SQLITE_OK || strcmp(same, "1") != 0;
        rc = sqlite3_exec(db, "BEGIN; SELECT n FROM p", take_row, count, NULL);
        worker->failures += rc != SQLITE_OK;
        rc = sqlite3_exec(db, "SELECT sum(value) FROM t", take_row, sum, NULL);
        worker->failures += rc == SQLITE_OK ? atoi(sum) != atoi(count)
                                            : sqlite3_extended_errcode(db) !=
                                                  SQLITE_BUSY_SNAPSHOT;
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    worker->failures += sqlite3_close(db) != SQLITE_OK;
    return NULL;
}

START_TEST(threads_take_turns_and_read_one_state)
{
    pthread_t threads[WRITERS + 1];
    struct worker workers[WRITERS + 1] = {{0, 0}};
    char expected[100];

    host_open(&host);
    host_run(host.db, "PRAGMA journal_mode=wal; PRAGMA synchronous=off; "
                      "CREATE TABLE p(n); INSERT INTO p VALUES(0); "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "CREATE VIRTUAL TABLE u USING byron; "
                      "INSERT INTO u VALUES('n', 0)");
    for (int i = 0; i <= WRITERS; i++) {
        workers[i].number = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                        i < WRITERS ? write_rows : read_rows,
                                        &workers[i]),
                         0);
    }
    for (int i = 0; i <= WRITERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].failures, 0);
    }

    snprintf(expected, sizeof expected, "%d|%d|%d", WRITERS * ROUNDS,
             WRITERS * ROUNDS, WRITERS * ROUNDS);
    ck_assert_str_eq(host_ask(host.db, "SELECT n, (SELECT count(*) FROM t), "
                                       "(SELECT value FROM u) FROM p"),
                     expected);
    host_close(&host);
}
END_TEST

static void *open_and_close(void *context)
{
    struct worker *worker = context;

    for (int i = 0; i < 20; i++) {
        sqlite3 *db = host_connect(&host);
        sqlite3_busy_timeout(db, 10000);
        worker->failures +=
            strcmp(host_ask(db, "SELECT 1 FROM t LIMIT 0"), "") != 0;
        worker->failures += sqlite3_close(db) != SQLITE_OK;
    }
    return NULL;
}

START_TEST(the_last_of_many_closes_the_store)
{
    pthread_t threads[WRITERS];
    struct worker workers[WRITERS] = {{0, 0}};

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    sqlite3_close(host.db);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, open_and_close, &workers[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(workers[i].failures, 0);
    }
    host.db = host_connect(&host);

    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "0");
    host_close(&host);
}
END_TEST

START_TEST(a_second_writer_is_busy_as_with_ordinary_tables)
{
    sqlite3 *other;

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; BEGIN; "
                      "INSERT INTO t VALUES(1, 1)");
    other = host_connect(&host);
    ck_assert_int_eq(host_fail(other, "INSERT INTO t VALUES(2, 2)"),
                     SQLITE_BUSY);
    host_run(host.db, "COMMIT");
    host_run(other, "INSERT INTO t VALUES(2, 2)");

    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "2");
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    host_close(&host);
}
END_TEST

START_TEST(total_changes_count_rows_as_with_ordinary_tables)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "CREATE TABLE p(a INTEGER PRIMARY KEY); "
                      "INSERT INTO p VALUES(77)");
    sqlite3_int64 before = sqlite3_total_changes64(host.db);
    host_run(host.db, "INSERT INTO t VALUES(1, 1), (2, 2); "
                      "UPDATE t SET value = 3");

    ck_assert_int_eq(sqlite3_changes(host.db), 2);
    ck_assert_int_eq(sqlite3_total_changes64(host.db) - before, 4);
    ck_assert_int_eq(sqlite3_last_insert_rowid(host.db), 77);
    host_close(&host);
}
END_TEST

START_TEST(rows_are_written_under_defensive)
{
    host_open(&host);
    sqlite3_db_config(host.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    host_run(host.db, "CREATE VIRTUAL TABLE byron USING byron; "
                      "INSERT INTO byron VALUES(1, 1); "
                      "BEGIN; INSERT INTO byron VALUES(2, 2); COMMIT");
    host_reopen(&host);

    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM byron"), "2");
    host_close(&host);
}
END_TEST

START_TEST(a_connection_ends_with_its_last_statement)
{
    sqlite3_stmt *select;

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron;"
                      "INSERT INTO t VALUES(1, 'a'), (2, 'b')");
    ck_assert_int_eq(
        sqlite3_prepare_v2(host.db, "SELECT value FROM t", -1, &select, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_BUSY);
    ck_assert_int_eq(sqlite3_close_v2(host.db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(select, 0), "b");
    ck_assert_int_eq(sqlite3_finalize(select), SQLITE_OK);
    host.db = host_connect(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "2");
    host_close(&host);
}
END_TEST

Suite *test_connection_suite(void)
{
    Suite *suite = suite_create("connection");
    TCase *cases = tcase_create("connection");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, threads_take_turns_and_read_one_state);
    tcase_add_test(cases, the_last_of_many_closes_the_store);
    tcase_add_test(cases, a_second_writer_is_busy_as_with_ordinary_tables);
    tcase_add_test(cases, total_changes_count_rows_as_with_ordinary_tables);
    tcase_add_test(cases, rows_are_written_under_defensive);
    tcase_add_test(cases, a_connection_ends_with_its_last_statement);
    suite_add_tcase(suite, cases);
    return suite;
}
