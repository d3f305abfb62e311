/*
 * module: CREATE, DROP and RENAME, and where tables live.
 *
 * Covers: ending.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host_expect.h"

Suite *test_module_suite(void);

static struct host host;

static void run_shell(const char *format, const char *a, const char *b)
{
    char command[1200];
    snprintf(command, sizeof command, format, a, b);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(create_rolled_back_leaves_nothing_behind)
{
    host_open(&host);
    host_run(host.db, "BEGIN; CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); ROLLBACK");
    host_expect(&host, "SELECT count(*) FROM sqlite_schema", "0");
    host_reopen(&host);

    ck_assert(!host_has(&host, "x.db-byron"));
    host_close(&host);
}
END_TEST

START_TEST(a_committed_creation_keeps_no_claim)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    ck_assert(host_has(&host, "x.db-byron/CREATING"));
    host_reopen(&host);

    ck_assert(!host_has(&host, "x.db-byron/CREATING"));
    host_expect(&host, "SELECT count(*) FROM t", "0");
    host_close(&host);
}
END_TEST

START_TEST(create_undone_by_a_savepoint_leaves_no_rows)
{
    host_open(&host);
    host_run(host.db, "BEGIN; CREATE TABLE p(a); SAVEPOINT s; "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); ROLLBACK TO s; "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(3, 4); COMMIT");
    host_expect(&host, "SELECT key FROM t", "3");
    host_reopen(&host);

    host_expect(&host, "SELECT key FROM t", "3");
    host_close(&host);
}
END_TEST

START_TEST(create_undone_by_a_savepoint_commits_the_rest)
{
    host_open(&host);
    host_run(host.db, "BEGIN; CREATE TABLE p(a); SAVEPOINT s; "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); ROLLBACK TO s; COMMIT");
    host_expect(&host, "SELECT name FROM sqlite_schema", "p");
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);

    host_expect(&host, "SELECT key FROM t", "3");
    host_close(&host);
}
END_TEST

START_TEST(a_second_creation_undone_leaves_no_rows_for_the_next)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE a USING byron; "
                      "BEGIN; INSERT INTO a VALUES(7, 7); SAVEPOINT s; "
                      "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); ROLLBACK TO s; COMMIT");
    host_reopen(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");

    host_expect(&host, "SELECT count(*) FROM t", "0");
    host_expect(&host, "SELECT key FROM a", "7");
    host_close(&host);
}
END_TEST

START_TEST(drop_rolls_back)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); "
                      "BEGIN; DROP TABLE t; ROLLBACK");
    host_expect(&host, "SELECT value FROM t", "2");
    host_run(host.db, "SAVEPOINT s; DROP TABLE t; ROLLBACK TO s; RELEASE s");
    host_expect(&host, "SELECT value FROM t", "2");
    host_reopen(&host);

    host_expect(&host, "SELECT value FROM t", "2");
    host_close(&host);
}
END_TEST

START_TEST(a_dropped_table_is_gone_and_its_number_is_not_used_again)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "CREATE VIRTUAL TABLE u USING byron; "
                      "INSERT INTO t VALUES(1, 2); INSERT INTO u VALUES(5, 6);"
                      "DROP TABLE t; CREATE VIRTUAL TABLE t USING byron");
    host_expect(&host, "SELECT count(*) FROM t", "0");
    host_expect(&host, "SELECT name, id FROM byron_catalog ORDER BY id",
                "u|2\nt|3");
    host_run(host.db, "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);

    host_expect(&host, "SELECT key FROM t UNION ALL SELECT key FROM u", "3\n5");
    host_close(&host);
}
END_TEST

START_TEST(insert_and_drop_in_one_transaction_end_it)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "CREATE VIRTUAL TABLE u USING byron; "
                      "BEGIN; INSERT INTO t VALUES(1, 2); DROP TABLE t; COMMIT;"
                      "INSERT INTO u VALUES(3, 4);"
                      "BEGIN; INSERT INTO u VALUES(5, 6); DROP TABLE u; "
                      "ROLLBACK");
    host_expect(&host, "SELECT * FROM u", "3|4");
    host_reopen(&host);

    host_expect(&host, "SELECT * FROM u", "3|4");
    host_close(&host);
}
END_TEST

/* What hears the end of such a transaction is a table, though not to see. */
START_TEST(the_ending_is_neither_read_nor_written)
{
    host_open(&host);
    host_expect(&host, "SELECT * FROM byron_ending",
                "error: no query solution");
    host_expect(&host, "DELETE FROM byron_ending", "error: no query solution");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO byron_ending VALUES(1)"),
                     SQLITE_READONLY);
    host_close(&host);
}
END_TEST

START_TEST(a_drop_undone_by_a_savepoint_keeps_the_transactions_rows)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "BEGIN; INSERT INTO t VALUES(1, 2); SAVEPOINT s; "
                      "INSERT INTO t VALUES(3, 4); DROP TABLE t; "
                      "ROLLBACK TO s");
    host_expect(&host, "SELECT * FROM t", "1|2");
    host_run(host.db, "COMMIT");
    host_reopen(&host);

    host_expect(&host, "SELECT * FROM t", "1|2");
    host_close(&host);
}
END_TEST

START_TEST(a_drop_in_an_attached_file_ends_its_transaction)
{
    char sql[600];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS d; CREATE VIRTUAL TABLE d.t USING byron; "
             "CREATE VIRTUAL TABLE d.u USING byron; BEGIN; "
             "INSERT INTO d.t VALUES(1, 1); DROP TABLE d.t; COMMIT; "
             "DROP TABLE d.u; CREATE VIRTUAL TABLE d.u USING byron; "
             "INSERT INTO d.u VALUES(2, 2)",
             host_at(&host, "y.db"));
    host_run(host.db, sql);

    host_expect(&host, "SELECT * FROM d.u", "2|2");
    host_close(&host);
}
END_TEST

START_TEST(the_store_outlives_its_last_table)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); DROP TABLE t");
    host_reopen(&host);
    host_expect(&host, "SELECT next_table FROM byron_store", "2");
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");

    host_expect(&host, "SELECT count(*) FROM t", "0");
    host_expect(&host, "SELECT id FROM byron_catalog", "2");
    host_close(&host);
}
END_TEST

START_TEST(a_missing_directory_is_told_and_can_be_given_up)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    sqlite3_close(host.db);
    run_shell("mv %s %s", host_at(&host, "x.db-byron"), host_at(&host, "y"));
    host.db = host_connect(&host);
    ck_assert_int_eq(host_fail(host.db, "SELECT * FROM t"), SQLITE_CANTOPEN);
    host_expect_words(&host, "SELECT * FROM t", "x.db-byron is missing");
    host_expect_words(&host, "INSERT INTO t VALUES(3, 4)",
                      "x.db-byron is missing");
    ck_assert(!host_has(&host, "x.db-byron"));
    run_shell("mv %s %s", host_at(&host, "y"), host_at(&host, "x.db-byron"));
    host_expect(&host, "SELECT value FROM t", "2");
    host_reopen(&host);
    sqlite3_close(host.db);
    run_shell("mv %s %s", host_at(&host, "x.db-byron"), host_at(&host, "y"));
    host.db = host_connect(&host);
    host_run(host.db, "DROP TABLE t; CREATE VIRTUAL TABLE t USING byron");

    host_expect(&host, "SELECT count(*) FROM t", "0");
    host_close(&host);
}
END_TEST

START_TEST(a_copy_does_not_share_the_rows)
{
    char sql[600];

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, v, "
                      "path='rows'); INSERT INTO t VALUES(1, 2)");
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'; ATTACH '%s' AS copy",
             host_at(&host, "y.db"), host_at(&host, "y.db"));
    host_run(host.db, sql);

    host_expect_words(&host, "SELECT * FROM copy.t",
                      "belongs to another database");
    host_expect(&host, "SELECT * FROM main.t", "1|2");
    host_close(&host);
}
END_TEST

START_TEST(anothers_directory_is_refused)
{
    char sql[600];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, path='rows');"
             "INSERT INTO t VALUES(1); ATTACH '%s' AS two",
             host_at(&host, "y.db"));
    host_run(host.db, sql);
    host_expect_words(&host,
                      "CREATE VIRTUAL TABLE two.t USING byron(k PRIMARY KEY, "
                      "path='rows')",
                      "belongs to another database");
    host_reopen(&host);
    host_run(host.db, strstr(sql, "ATTACH"));
    host_expect_words(&host,
                      "CREATE VIRTUAL TABLE two.t USING byron(k PRIMARY KEY, "
                      "path='rows')",
                      "belongs to another database");

    host_expect(&host, "SELECT * FROM main.t", "1");
    host_close(&host);
}
END_TEST

START_TEST(a_foreign_directory_in_our_place_is_refused)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, path='a');"
             "CREATE VIRTUAL TABLE u USING byron(k PRIMARY KEY, path='b')");
    sqlite3_close(host.db);
    run_shell("cd %s && rm -r a && mv b a && cd %s", host.folder, host.folder);
    host.db = host_connect(&host);

    host_expect_words(&host, "SELECT * FROM t", "belongs to another database");
    host_close(&host);
}
END_TEST

START_TEST(a_database_file_put_back_alone_is_told_so)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron;"
                      "INSERT INTO t VALUES(1, 2)");
    run_shell("cp %s %s", host_at(&host, "x.db"), host_at(&host, "backup"));
    host_run(host.db, "INSERT INTO t VALUES(3, 4); SELECT byron_flush('t')");
    sqlite3_close(host.db);
    run_shell("mv %s %s", host_at(&host, "backup"), host_at(&host, "x.db"));
    host.db = host_connect(&host);

    host_expect_words(&host, "SELECT * FROM t",
                      "the store is ahead of its database file");
    host_close(&host);
}
END_TEST

START_TEST(names_of_our_own_tables_are_refused)
{
    host_open(&host);
    host_expect_words(&host, "CREATE VIRTUAL TABLE byron_store USING byron",
                      "byron's own");
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    host_expect_words(&host, "ALTER TABLE t RENAME TO byron_catalog",
                      "already");
    host_close(&host);
}
END_TEST

START_TEST(memory_and_temp_tables_live_and_go)
{
    host_open(&host);
    setenv("SQLITE_TMPDIR", host.folder, 1);
    host_run(host.db, "ATTACH ':memory:' AS m; "
                      "CREATE VIRTUAL TABLE m.t USING byron; "
                      "CREATE VIRTUAL TABLE temp.u USING byron; "
                      "INSERT INTO m.t VALUES(1, 2); "
                      "INSERT INTO u VALUES(3, 4); "
                      "BEGIN; INSERT INTO m.t VALUES(5, 6); ROLLBACK");
    host_expect(&host, "SELECT * FROM m.t UNION ALL SELECT * FROM u",
                "1|2\n3|4");
    host_expect_words(&host,
                      "CREATE VIRTUAL TABLE m.w USING byron(k PRIMARY KEY, "
                      "path='x')",
                      "path= needs a database file");
    host_reopen(&host);

    run_shell("test -z \"$(ls -d %s/byron-* 2>/dev/null)\"", host.folder, "");
    host_close(&host);
}
END_TEST

START_TEST(vacuum_keeps_rows_and_place)
{
    host_open(&host);
    host_run(host.db, "CREATE TABLE p(a); CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2); DROP TABLE p; VACUUM; "
                      "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);

    host_expect(&host, "SELECT count(*) FROM t", "2");
    host_close(&host);
}
END_TEST

START_TEST(detach_lets_go_and_another_file_may_take_the_name)
{
    char sql[600];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS d; CREATE VIRTUAL TABLE d.t USING byron; "
             "INSERT INTO d.t VALUES('y', 1); DETACH d",
             host_at(&host, "y.db"));
    host_run(host.db, sql);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS d; CREATE VIRTUAL TABLE d.t USING byron; "
             "INSERT INTO d.t VALUES('z', 1)",
             host_at(&host, "z.db"));
    host_run(host.db, sql);

    host_expect(&host, "SELECT key FROM d.t", "z");
    host_run(host.db, "DETACH d");
    snprintf(sql, sizeof sql, "ATTACH '%s' AS d", host_at(&host, "y.db"));
    host_run(host.db, sql);
    host_expect(&host, "SELECT key FROM d.t", "y");
    host_close(&host);
}
END_TEST

START_TEST(quoted_names_work_everywhere)
{
    char sql[600];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS \"a \"\"b\"; "
             "CREATE VIRTUAL TABLE \"a \"\"b\".\"t \"\"' u\" USING byron; "
             "INSERT INTO \"t \"\"' u\" VALUES(1, 2); "
             "ALTER TABLE \"a \"\"b\".\"t \"\"' u\" RENAME TO \"w x\"",
             host_at(&host, "y.db"));
    host_run(host.db, sql);

    host_expect(&host, "SELECT value FROM \"w x\"", "2");
    host_expect(&host, "SELECT name FROM \"a \"\"b\".byron_catalog", "w x");
    host_close(&host);
}
END_TEST

START_TEST(integrity_check_reaches_byron)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    host_expect(&host, "PRAGMA integrity_check", "ok");
    host_expect(&host, "PRAGMA quick_check", "ok");
    host_close(&host);
}
END_TEST

START_TEST(a_read_only_database_is_read)
{
    sqlite3 *reader;
    char uri[400];

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    snprintf(uri, sizeof uri, "file:%s?mode=ro", host.path);
    ck_assert_int_eq(sqlite3_open_v2(uri, &reader,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                                     NULL),
                     SQLITE_OK);
    ck_assert_str_eq(host_ask(reader, "SELECT * FROM t"), "1|2");
    ck_assert_int_eq(host_fail(reader, "INSERT INTO t VALUES(3, 4)"),
                     SQLITE_READONLY);
    ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
    host_close(&host);
}
END_TEST

static void add_ddl(TCase *cases)
{
    tcase_add_test(cases, create_rolled_back_leaves_nothing_behind);
    tcase_add_test(cases, a_committed_creation_keeps_no_claim);
    tcase_add_test(cases, create_undone_by_a_savepoint_leaves_no_rows);
    tcase_add_test(cases, create_undone_by_a_savepoint_commits_the_rest);
    tcase_add_test(cases, a_second_creation_undone_leaves_no_rows_for_the_next);
    tcase_add_test(cases, drop_rolls_back);
    tcase_add_test(cases,
                   a_dropped_table_is_gone_and_its_number_is_not_used_again);
    tcase_add_test(cases, insert_and_drop_in_one_transaction_end_it);
    tcase_add_test(cases, the_ending_is_neither_read_nor_written);
    tcase_add_test(cases,
                   a_drop_undone_by_a_savepoint_keeps_the_transactions_rows);
    tcase_add_test(cases, a_drop_in_an_attached_file_ends_its_transaction);
    tcase_add_test(cases, the_store_outlives_its_last_table);
    tcase_add_test(cases, a_database_file_put_back_alone_is_told_so);
    tcase_add_test(cases, names_of_our_own_tables_are_refused);
    tcase_add_test(cases, quoted_names_work_everywhere);
}

Suite *test_module_suite(void)
{
    Suite *suite = suite_create("module");
    TCase *cases = tcase_create("module");

    add_ddl(cases);
    tcase_add_test(cases, a_missing_directory_is_told_and_can_be_given_up);
    tcase_add_test(cases, a_copy_does_not_share_the_rows);
    tcase_add_test(cases, anothers_directory_is_refused);
    tcase_add_test(cases, a_foreign_directory_in_our_place_is_refused);
    tcase_add_test(cases, memory_and_temp_tables_live_and_go);
    tcase_add_test(cases, vacuum_keeps_rows_and_place);
    tcase_add_test(cases, detach_lets_go_and_another_file_may_take_the_name);
    tcase_add_test(cases, integrity_check_reaches_byron);
    tcase_add_test(cases, a_read_only_database_is_read);
    suite_add_tcase(suite, cases);
    return suite;
}
