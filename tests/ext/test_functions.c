/*
 * functions: what a person calls.
 *
 * Covers: lookup, status.
 */
#include <check.h>
#include <stdio.h>

#include "support/host_expect.h"

Suite *test_functions_suite(void);

static struct host host;

static void open_filled(void)
{
    host_open_kv(&host, 1000);
}

START_TEST(version_is_a_pure_function)
{
    host_open(&host);
    host_run(host.db, "CREATE TABLE p(a, b GENERATED ALWAYS AS "
                      "(byron_version())); INSERT INTO p VALUES(1)");
    host_expect(&host, "SELECT b FROM p", "0.1.0");
    host_close(&host);
}
END_TEST

START_TEST(flush_compact_and_check_answer_ok)
{
    open_filled();
    host_expect(&host, "SELECT byron_flush('kv')", "ok");
    host_expect(&host,
                "SELECT value > 0 FROM byron_stats('kv') WHERE name = 'files'",
                "1");
    host_expect(&host, "SELECT byron_compact('main.kv')", "ok");
    host_expect(&host, "SELECT byron_check('kv')", "ok");
    host_expect(&host, "SELECT count(*), sum(key) FROM kv", "1000|500500");
    host_close(&host);
}
END_TEST

START_TEST(an_unknown_table_is_named)
{
    open_filled();
    host_expect(&host, "SELECT byron_flush('nothing')",
                "error: byron: no such byron table: nothing");
    host_expect(&host, "SELECT byron_check('sqlite_schema')",
                "error: byron: no such byron table: sqlite_schema");
    host_expect_words(&host, "SELECT byron_compact(NULL)", "a table's name");
    host_close(&host);
}
END_TEST

/* What SQLite knows of the schema may be older than the file. */
START_TEST(a_table_that_another_connection_made_is_found)
{
    sqlite3 *other;

    open_filled();
    other = host_connect(&host);
    host_expect(&host, "SELECT count(*) FROM kv", "1000");
    host_run(other, "CREATE VIRTUAL TABLE later USING byron;"
                    "INSERT INTO later VALUES(1, 1)");
    host_expect(&host, "SELECT byron_count('later')", "1");
    host_run(other, "CREATE VIRTUAL TABLE latest USING byron");
    host_run(host.db, "BEGIN");
    host_expect(&host, "SELECT byron_count('latest')", "0");
    host_run(host.db, "COMMIT");
    host_run(other, "DROP TABLE later");
    host_expect(&host, "SELECT byron_count('later')",
                "error: byron: no such byron table: later");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

/* Neither is it said that the table is missing, nor "not an error". */
START_TEST(a_locked_database_says_so)
{
    static const char *const asked[] = {
        "SELECT byron_count('kv')",
        "SELECT byron_flush('kv')",
        "SELECT byron_config('kv', 'memory')",
        "SELECT name FROM byron_tables",
        "SELECT count(*) FROM byron_stats('kv')",
    };
    sqlite3 *writer;

    open_filled();
    writer = host_connect(&host);
    host_run(writer, "BEGIN EXCLUSIVE; DELETE FROM kv WHERE key = 1");
    for (int is_fresh = 0; is_fresh < 2; is_fresh++) {
        if (is_fresh)
            host_reopen(&host);
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
            host_expect_words(&host, asked[i], "database is locked");
            ck_assert_int_eq(sqlite3_errcode(host.db), SQLITE_BUSY);
        }
    }
    host_run(writer, "COMMIT");
    host_expect(&host, asked[0], "999");
    sqlite3_close(writer);
    host_close(&host);
}
END_TEST

START_TEST(a_writer_is_not_kept_waiting_for_itself)
{
    open_filled();
    host_run(host.db, "BEGIN; DELETE FROM kv WHERE key = 1");
    host_expect_words(&host, "SELECT byron_flush('kv')", "not while");
    host_run(host.db, "COMMIT");
    host_expect(&host, "SELECT byron_flush('kv')", "ok");
    host_close(&host);
}
END_TEST

START_TEST(side_effects_are_not_for_views)
{
    open_filled();
    host_run(host.db, "CREATE VIEW v AS SELECT byron_flush('kv')");
    host_expect_words(&host, "SELECT * FROM v", "unsafe use of byron_flush");
    host_close(&host);
}
END_TEST

START_TEST(damage_is_reported_and_never_returned)
{
    FILE *file;
    char path[600];
    const char *name;

    open_filled();
    host_expect(&host, "SELECT byron_flush('kv')", "ok");
    sqlite3_close(host.db);
    name = host_at(&host, "x.db-byron");
    snprintf(path, sizeof path, "printf '%%s' %s/S-*", name);
    file = popen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(path, sizeof path, file));
    pclose(file);
    file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    fseek(file, 100, SEEK_SET);
    fputs("damage", file);
    fclose(file);
    host.db = host_connect(&host);

    host_expect_words(&host, "SELECT byron_check('kv')", "S-");
    if (sqlite3_libversion_number() >= 3044000)
        host_expect_words(&host, "PRAGMA integrity_check", "S-");
    host_expect_words(&host, "SELECT sum(length(value)) FROM kv",
                      "error: byron: ");
    ck_assert_int_eq(sqlite3_errcode(host.db) & 0xff, SQLITE_CORRUPT);
    host_close(&host);
}
END_TEST

Suite *test_functions_suite(void)
{
    Suite *suite = suite_create("functions");
    TCase *cases = tcase_create("functions");

    tcase_add_test(cases, version_is_a_pure_function);
    tcase_add_test(cases, flush_compact_and_check_answer_ok);
    tcase_add_test(cases, an_unknown_table_is_named);
    tcase_add_test(cases, a_table_that_another_connection_made_is_found);
    tcase_add_test(cases, a_locked_database_says_so);
    tcase_add_test(cases, a_writer_is_not_kept_waiting_for_itself);
    tcase_add_test(cases, side_effects_are_not_for_views);
    tcase_add_test(cases, damage_is_reported_and_never_returned);
    suite_add_tcase(suite, cases);
    return suite;
}
