/*
 * command: what a table is told to do by an INSERT.
 *
 * Covers: upkeep, integrity, set_option.
 */
#include <check.h>
#include <stdio.h>

#include "support/host_expect.h"

Suite *test_command_suite(void);

static struct host host;

static void open_filled(void)
{
    host_open_kv(&host, 1000);
}

static void close_filled(void)
{
    host_close(&host);
}

START_TEST(flush_and_compact_write_files)
{
    host_run(host.db, "INSERT INTO kv(kv) VALUES('flush')");
    host_expect(&host, "SELECT count(*) FROM byron_sstables('kv')", "1");
    host_run(host.db, "DELETE FROM kv WHERE key > 10");
    host_run(host.db, "INSERT INTO kv(kv) VALUES('FLUSH')");
    host_run(host.db, "INSERT INTO kv(kv) VALUES('Compact')");
    host_expect(&host, "SELECT count(*) FROM byron_sstables('kv')", "1");
    host_expect(&host, "SELECT count(*) FROM kv", "10");
}
END_TEST

START_TEST(a_command_changes_no_row_and_no_rowid)
{
    host_run(host.db,
             "CREATE TABLE plain(a); INSERT INTO plain VALUES(1), (2)");
    host_run(host.db, "INSERT INTO kv(kv) VALUES('integrity-check')");
    host_expect(&host,
                "SELECT changes(), last_insert_rowid(), count(*) FROM kv",
                "1|2|1000");
}
END_TEST

START_TEST(what_is_no_command_is_named_with_those_that_are)
{
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('optimize')",
                        "unknown command 'optimize'; there are compact, flush, "
                        "integrity-check");
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES(5)",
                        "unknown command '5'");
    host_expect_failure(&host, "INSERT INTO kv(kv, arg) VALUES('flush', 1)",
                        "command 'flush' takes no argument");
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('set')",
                        "command 'set' needs an argument");
    host_expect_failure(&host, "INSERT INTO kv(kv, key) VALUES('flush', 1)",
                        "a command takes no columns but kv and arg");
    host_expect_failure(&host, "INSERT INTO kv(arg) VALUES('flush')",
                        "cannot be set");
    host_expect_failure(&host, "UPDATE kv SET kv = 'flush'", "cannot be set");
    host_expect(&host, "SELECT count(*) FROM kv", "1000");
}
END_TEST

START_TEST(a_writer_does_not_wait_for_itself)
{
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES(0, 'mine')");
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('flush')",
                        "has written");
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('compact')",
                        "has written");
    host_run(host.db, "INSERT INTO kv(kv) VALUES('integrity-check')");
    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'fanout=4')");
    host_run(host.db, "COMMIT");
    host_run(host.db, "INSERT INTO kv(kv) VALUES('flush')");
    host_expect(&host, "SELECT value FROM kv WHERE key = 0", "mine");
}
END_TEST

START_TEST(a_command_works_in_a_transaction_that_only_read)
{
    host_run(host.db, "BEGIN; SELECT count(*) FROM kv; "
                      "INSERT INTO kv(kv) VALUES('flush'); "
                      "SELECT count(*) FROM kv; COMMIT");
    host_expect(&host, "SELECT count(*) FROM kv", "1000");
}
END_TEST

START_TEST(set_is_kept_and_rolled_back_with_the_database)
{
    host_expect(&host, "SELECT byron_config('kv', 'memory')", "67108864");
    host_run(host.db,
             "INSERT INTO kv(kv, arg) VALUES('set', 'memory=128MB'); "
             "INSERT INTO kv(kv, arg) VALUES('set', 'threads = 0'); "
             "INSERT INTO kv(kv, arg) VALUES('set', 'compression=none')");
    host_run(host.db, "BEGIN; INSERT INTO kv(kv, arg) "
                      "VALUES('set', 'memory=1GB'); ROLLBACK");
    host_reopen(&host);
    host_expect(&host,
                "SELECT byron_config('kv', 'memory'), byron_config('kv', "
                "'threads'), byron_config('kv', 'compression')",
                "134217728|0|none");
    host_expect(&host,
                "SELECT value FROM byron_stats('kv') WHERE name = 'memory'",
                "134217728");
    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'threads=1')");
    host_expect(&host, "SELECT options FROM byron_store",
                "memory=134217728 compression=1");
}
END_TEST

#define MEMORY "SELECT value FROM byron_stats('kv') WHERE name = 'memory'"

START_TEST(set_counts_from_the_commit_on)
{
    sqlite3 *other = host_connect(&host);

    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'memory=128MB')");
    host_expect(&host, MEMORY, "134217728");
    ck_assert_str_eq(host_ask(other, MEMORY), "134217728");
    for (int i = 0; i < 2; i++) {
        const char *set =
            i == 0 ? "INSERT INTO kv(kv, arg) VALUES('set', 'memory=1GB')"
                   : "SELECT byron_config('kv', 'memory', '1GB')";
        host_run(host.db, "BEGIN");
        host_run(host.db, set);
        host_expect(&host, MEMORY, "134217728");
        host_run(host.db, "ROLLBACK");
        host_expect(&host, MEMORY, "134217728");
        host_run(host.db, "BEGIN; SAVEPOINT s");
        host_run(host.db, set);
        host_run(host.db, "ROLLBACK TO s; COMMIT");
        host_expect(&host, MEMORY, "134217728");
        host_run(host.db, "BEGIN");
        host_run(host.db, set);
        host_run(host.db, "COMMIT");
        host_expect(&host, MEMORY, "1073741824");
        host_run(host.db, "SELECT byron_config('kv', 'memory', '128MB')");
        host_expect(&host, MEMORY, "134217728");
    }
    sqlite3_close(other);
}
END_TEST

START_TEST(set_counts_in_every_schema)
{
    char sql[600];

    snprintf(sql, sizeof sql, "ATTACH '%s' AS two", host_at(&host, "y.db"));
    host_run(host.db, sql);
    for (int i = 0; i < 2; i++) {
        const char *schema = i == 0 ? "two" : "temp";
        snprintf(sql, sizeof sql,
                 "CREATE VIRTUAL TABLE %s.kv%d USING byron; "
                 "INSERT INTO kv%d(kv%d, arg) VALUES('set', 'memory=2MB')",
                 schema, i, i, i);
        host_run(host.db, sql);
        snprintf(sql, sizeof sql,
                 "SELECT value FROM byron_stats('%s.kv%d') "
                 "WHERE name = 'memory'",
                 schema, i);
        host_expect(&host, sql, "2097152");
        snprintf(sql, sizeof sql,
                 "BEGIN; SELECT byron_config('kv%d', 'memory', '4MB'); COMMIT",
                 i);
        host_run(host.db, sql);
        snprintf(sql, sizeof sql,
                 "SELECT value FROM byron_stats('%s.kv%d') "
                 "WHERE name = 'memory'",
                 schema, i);
        host_expect(&host, sql, "4194304");
    }
    host_expect(&host, MEMORY, "67108864");
}
END_TEST

START_TEST(set_changes_the_thread_and_the_memtable_at_once)
{
    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'threads=0'), "
                      "('set', 'memtable=64KB')");
    host_run(host.db,
             "WITH RECURSIVE n(i) AS (SELECT 2000 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 2100) INSERT INTO kv SELECT i, randomblob(900) FROM n");
    host_run(host.db, "INSERT INTO kv VALUES(3000, 1); "
                      "INSERT INTO kv VALUES(3001, 1)");
    host_expect(
        &host, "SELECT value > 0 FROM byron_stats('kv') WHERE name = 'flushes'",
        "1");
    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'threads=1')");
    host_expect(&host, "SELECT byron_compact('kv'), byron_check('kv')",
                "ok|ok");
    host_expect(&host, "SELECT count(*) FROM kv", "1103");
}
END_TEST

START_TEST(what_a_store_could_not_open_with_is_not_set)
{
    host_expect_failure(&host,
                        "INSERT INTO kv(kv, arg) VALUES('set', 'fanout=1')",
                        "option fanout is 1, but must be from 2 to 100");
    host_expect_failure(&host,
                        "INSERT INTO kv(kv, arg) VALUES('set', 'fanout=0')",
                        "fanout cannot be \"0\"; it is a whole number from 2");
    host_expect_failure(
        &host, "INSERT INTO kv(kv, arg) VALUES('set', 'bloom_bits=65')",
        "option bloom_bits is 65, but must be from 0 to 64");
    host_expect_failure(&host,
                        "INSERT INTO kv(kv, arg) VALUES('set', 'memory')",
                        "'set' needs name=value");
    host_expect_failure(&host, "INSERT INTO kv(kv, arg) VALUES('set', '')",
                        "'set' needs name=value");
    host_expect_failure(&host,
                        "INSERT INTO kv(kv, arg) VALUES('set', 'nothing=1')",
                        "unrecognized option: \"nothing\"");
    host_expect_failure(
        &host, "INSERT INTO kv(kv, arg) VALUES('set', 'path=elsewhere')",
        "option path is fixed when the table is created");
    host_expect_failure(
        &host, "INSERT INTO kv(kv, arg) VALUES('set', 'fanout=4 memory=5')",
        "more than a value");
    host_expect(&host, "SELECT options FROM byron_store", "");
    host_expect_failure(&host,
                        "CREATE VIRTUAL TABLE other USING byron(fanout=1)",
                        "option fanout is 1, but must be from 2 to 100");
    host_run(host.db, "INSERT INTO kv(kv, arg) VALUES('set', 'fanout=4')");
    host_expect_failure(&host,
                        "CREATE VIRTUAL TABLE other USING byron(fanout=1)",
                        "option fanout is 1, but must be from 2 to 100");
    host_reopen(&host);
    host_expect(&host, "SELECT count(*) FROM kv", "1000");
}
END_TEST

START_TEST(a_table_may_be_called_arg_or_prefix)
{
    host_run(host.db, "CREATE VIRTUAL TABLE arg USING byron(a); "
                      "CREATE VIRTUAL TABLE prefix USING byron(a); "
                      "INSERT INTO arg(arg) VALUES('flush'); "
                      "INSERT INTO prefix(prefix) VALUES('flush'); "
                      "INSERT INTO prefix(prefix, arg) "
                      "VALUES('set', 'fanout=4')");
    host_expect(&host, "SELECT count(*) FROM arg", "0");
    host_expect_failure(&host, "INSERT INTO arg(arg) VALUES('set')",
                        "needs an argument");
}
END_TEST

START_TEST(a_column_of_the_tables_name_is_a_column)
{
    host_run(host.db, "CREATE VIRTUAL TABLE c USING byron(c, d); "
                      "INSERT INTO c(c) VALUES('flush')");
    host_expect(&host, "SELECT c, d FROM c", "flush|NULL");
}
END_TEST

START_TEST(a_reader_of_the_file_alone_may_not_command)
{
    host_run(host.db, "PRAGMA query_only = ON");
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('flush')",
                        "readonly");
}
END_TEST

/* Eight bytes in the middle of a file. */
static void damage_file(void)
{
    char path[600];
    FILE *file;

    snprintf(
        path, sizeof path, "%s/%s", host_at(&host, "x.db-byron"),
        host_ask(host.db, "SELECT file FROM byron_sstables('kv') LIMIT 1"));
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, 100, SEEK_SET);
    fputs("damaged!", file);
    fclose(file);
    host.db = host_connect(&host);
}

START_TEST(integrity_check_fails_in_words_where_something_is_damaged)
{
    host_run(host.db, "INSERT INTO kv(kv) VALUES('flush')");
    damage_file();
    host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('integrity-check')",
                        "/S-");
    ck_assert_int_eq(sqlite3_extended_errcode(host.db), SQLITE_CORRUPT_VTAB);
    host_expect_failure(
        &host, "INSERT INTO kv(kv) VALUES('flush'), ('integrity-check')",
        "byron: kv: ");
}
END_TEST

/* What was found damaged is left out by the compactions that follow. */
START_TEST(compact_fails_in_words_as_long_as_something_is_damaged)
{
    host_run(host.db, "INSERT INTO kv(kv) VALUES('flush'); "
                      "UPDATE kv SET value = 1 WHERE key < 9; "
                      "INSERT INTO kv(kv) VALUES('flush')");
    damage_file();
    for (int i = 0; i < 3; i++) {
        host_expect_failure(&host, "INSERT INTO kv(kv) VALUES('compact')",
                            "/S-");
        ck_assert_int_eq(sqlite3_extended_errcode(host.db),
                         SQLITE_CORRUPT_VTAB);
    }
    host_expect_failure(&host, "SELECT byron_compact('kv')", "/S-");
    host_run(host.db, "INSERT INTO kv VALUES(-1, -1); "
                      "INSERT INTO kv(kv) VALUES('flush')");
}
END_TEST

Suite *test_command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *cases = tcase_create("command");

    tcase_add_checked_fixture(cases, open_filled, close_filled);
    tcase_add_test(cases, flush_and_compact_write_files);
    tcase_add_test(cases, a_command_changes_no_row_and_no_rowid);
    tcase_add_test(cases, what_is_no_command_is_named_with_those_that_are);
    tcase_add_test(cases, a_writer_does_not_wait_for_itself);
    tcase_add_test(cases, a_command_works_in_a_transaction_that_only_read);
    tcase_add_test(cases, set_is_kept_and_rolled_back_with_the_database);
    tcase_add_test(cases, set_counts_from_the_commit_on);
    tcase_add_test(cases, set_counts_in_every_schema);
    tcase_add_test(cases, set_changes_the_thread_and_the_memtable_at_once);
    tcase_add_test(cases, what_a_store_could_not_open_with_is_not_set);
    tcase_add_test(cases, a_table_may_be_called_arg_or_prefix);
    tcase_add_test(cases, a_column_of_the_tables_name_is_a_column);
    tcase_add_test(cases, a_reader_of_the_file_alone_may_not_command);
    tcase_add_test(cases,
                   integrity_check_fails_in_words_where_something_is_damaged);
    tcase_add_test(cases,
                   compact_fails_in_words_as_long_as_something_is_damaged);
    suite_add_tcase(suite, cases);
    return suite;
}
