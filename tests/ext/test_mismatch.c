/*
 * A database file without its directory, or with one that does not belong to
 * it: refused with a sentence that says what to do, and nothing is lost.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"

Suite *test_mismatch_suite(void);

static struct host host;

/* In the host's folder. */
static void shell(const char *command)
{
    char line[1200];
    snprintf(line, sizeof line, "cd %s && %s", host.folder, command);
    ck_assert_msg(system(line) == 0, "%s", line);
}

static void expect_words(const char *sql, const char *words)
{
    const char *answer = host_ask(host.db, sql);
    ck_assert_msg(strstr(answer, words) != NULL, "%s: %s", sql, answer);
}

static void let_go(void)
{
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    host.db = NULL;
}

static void come_back(void)
{
    host.db = host_connect(&host);
}

static void open_filled(void)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron;"
                      "INSERT INTO t VALUES(1, 'one')");
}

static void back_up(const char *name)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, name));
    host_run(host.db, sql);
}

/* Reading and writing alike are refused in these words, with this code. */
static void expect_refused(int code, const char *words, const char *advice)
{
    ck_assert_int_eq(host_fail(host.db, "SELECT * FROM t"), code);
    expect_words("SELECT * FROM t", words);
    expect_words("SELECT * FROM t", advice);
    expect_words("INSERT INTO t VALUES(9, 9)", words);
    expect_words("SELECT byron_check('t')", words);
}

static void expect_fine(const char *rows)
{
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM t"), rows);
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('t')"), "ok");
}

START_TEST(a_file_without_its_directory)
{
    open_filled();
    let_go();
    shell("mv x.db-byron elsewhere");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "x.db-byron is missing", "put it back");
    expect_words("SELECT * FROM t", "DROP TABLE");
    let_go();
    shell("mv elsewhere x.db-byron");
    come_back();
    expect_fine("1|one");
    host_close(&host);
}
END_TEST

START_TEST(a_directory_without_its_content)
{
    open_filled();
    let_go();
    shell("mv x.db-byron elsewhere && mkdir x.db-byron");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "x.db-byron has no store in it",
                   "put it back");
    ck_assert(!host_has(&host, "x.db-byron/LOCK"));
    host_run(host.db, "DROP TABLE t; CREATE VIRTUAL TABLE t USING byron");
    expect_words("SELECT count(*) FROM t", "0");
    host_close(&host);
}
END_TEST

START_TEST(anothers_directory)
{
    open_filled();
    host_run(host.db,
             "CREATE VIRTUAL TABLE u USING byron(k INT PRIMARY KEY, path='u');"
             "INSERT INTO u VALUES(7)");
    let_go();
    shell("mv x.db-byron elsewhere && mv u x.db-byron");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "belongs to another database",
                   "from the same backup");
    let_go();
    shell("mv x.db-byron u && mv elsewhere x.db-byron");
    come_back();
    expect_fine("1|one");
    host_close(&host);
}
END_TEST

/* Two files that name one directory. */
START_TEST(anothers_directory_that_is_open)
{
    char sql[600];

    open_filled();
    host_run(host.db,
             "CREATE VIRTUAL TABLE u USING byron(k INT PRIMARY KEY, path='u');"
             "INSERT INTO u VALUES(7)");
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'; ATTACH '%s' AS y",
             host_at(&host, "y.db"), host_at(&host, "y.db"));
    host_run(host.db, sql);
    expect_words("SELECT * FROM y.u", "belongs to another database");
    expect_words("SELECT * FROM y.u", "byron_backup");
    expect_words("SELECT * FROM y.t", "y.db-byron is missing");
    expect_words("SELECT * FROM y.t", "byron_backup");
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM main.u"), "7");
    host_close(&host);
}
END_TEST

START_TEST(a_directory_older_than_its_file)
{
    open_filled();
    let_go();
    shell("cp -r x.db-byron older");
    come_back();
    host_run(host.db, "INSERT INTO t VALUES(2, 'two')");
    let_go();
    shell("mv x.db-byron newer && mv older x.db-byron");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "the store is older than its database file",
                   "from the same backup");
    let_go();
    shell("rm -r x.db-byron && mv newer x.db-byron");
    come_back();
    expect_fine("1|one\n2|two");
    host_close(&host);
}
END_TEST

/* The same log went on after the copy was made. */
START_TEST(a_directory_copied_while_it_was_written)
{
    open_filled();
    shell("cp -r x.db-byron older");
    host_run(host.db, "INSERT INTO t VALUES(2, 'two')");
    let_go();
    shell("mv x.db-byron newer && mv older x.db-byron");
    come_back();
    expect_refused(SQLITE_CORRUPT_VTAB, "a synced commit is missing",
                   "from the same backup");
    let_go();
    shell("rm -r x.db-byron && mv newer x.db-byron");
    come_back();
    expect_fine("1|one\n2|two");
    host_close(&host);
}
END_TEST

START_TEST(a_file_older_than_its_directory)
{
    open_filled();
    let_go();
    shell("cp x.db older");
    come_back();
    host_run(host.db, "INSERT INTO t VALUES(2, 'two');"
                      "SELECT byron_flush('t')");
    let_go();
    shell("mv x.db newer && mv older x.db");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "the store is ahead of its database file",
                   "from the same backup");
    let_go();
    shell("mv newer x.db");
    come_back();
    expect_fine("1|one\n2|two");
    host_close(&host);
}
END_TEST

/* Half a restore, from either half; then the other half, too. */
START_TEST(half_of_a_backup_put_back)
{
    open_filled();
    back_up("copy.db");
    if (_i >= 2)
        host_run(host.db, "INSERT INTO t VALUES(2, 'two')");
    let_go();
    if (_i % 2 == 0)
        shell("mv copy.db x.db");
    else
        shell("rm -r x.db-byron && mv copy.db-byron x.db-byron");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "another backup of it",
                   "from the same backup");
    let_go();
    if (_i % 2 == 0)
        shell("rm -r x.db-byron && mv copy.db-byron x.db-byron");
    else
        shell("mv copy.db x.db");
    come_back();
    expect_fine("1|one");
    host_close(&host);
}
END_TEST

START_TEST(halves_of_two_backups)
{
    open_filled();
    back_up("copy.db");
    back_up("other.db");
    let_go();
    shell("rm -r x.db* && mv copy.db x.db && mv other.db-byron x.db-byron");
    come_back();
    expect_refused(SQLITE_CANTOPEN, "another backup of it",
                   "from the same backup");
    let_go();
    shell("rm -r x.db-byron && mv copy.db-byron x.db-byron");
    come_back();
    expect_fine("1|one");
    host_close(&host);
}
END_TEST

START_TEST(a_copy_that_was_broken_off)
{
    open_filled();
    host_run(host.db, "SELECT byron_flush('t')");
    back_up("copy.db");
    let_go();
    shell("rm -r x.db* && mv copy.db x.db && mv copy.db-byron x.db-byron && "
          "rm x.db-byron/HEAD");
    come_back();
    expect_refused(SQLITE_CORRUPT_VTAB, "HEAD is gone", "it was broken off");
    host_close(&host);
}
END_TEST

Suite *test_mismatch_suite(void)
{
    Suite *suite = suite_create("mismatch");
    TCase *cases = tcase_create("mismatch");

    tcase_add_test(cases, a_file_without_its_directory);
    tcase_add_test(cases, a_directory_without_its_content);
    tcase_add_test(cases, anothers_directory);
    tcase_add_test(cases, anothers_directory_that_is_open);
    tcase_add_test(cases, a_directory_older_than_its_file);
    tcase_add_test(cases, a_directory_copied_while_it_was_written);
    tcase_add_test(cases, a_file_older_than_its_directory);
    tcase_add_loop_test(cases, half_of_a_backup_put_back, 0, 4);
    tcase_add_test(cases, halves_of_two_backups);
    tcase_add_test(cases, a_copy_that_was_broken_off);
    suite_add_tcase(suite, cases);
    return suite;
}
