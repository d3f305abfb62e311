/*
 * One database, and one directory of a store, that are named in several ways:
 * through links, from other folders, by two connections or two processes. It
 * is one engine in a process, and one lock among them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host_expect.h"

Suite *test_names_suite(void);

static struct host host;

/* The folder "real" has the database; "link" leads to that folder, "y.db" to
 * the database, and we are in "here". */
static void set_up(void)
{
    host_open(&host);
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    ck_assert_int_eq(mkdir(host_at(&host, "real"), 0700), 0);
    ck_assert_int_eq(mkdir(host_at(&host, "here"), 0700), 0);
    ck_assert_int_eq(symlink("real", host_at(&host, "link")), 0);
    ck_assert_int_eq(symlink("real/x.db", host_at(&host, "y.db")), 0);
    ck_assert_int_eq(symlink("../link/x.db", host_at(&host, "here/z.db")), 0);
    ck_assert_int_eq(chdir(host_at(&host, "here")), 0);
    snprintf(host.path, sizeof host.path, "%s/real/x.db", host.folder);
    host.db = host_connect(&host);
    host_run(host.db, "PRAGMA journal_mode=wal; CREATE TABLE p(a);"
                      "CREATE VIRTUAL TABLE t USING byron(a INT PRIMARY KEY)");
    host_run(host.db, "INSERT INTO t VALUES(1)");
}

static void tear_down(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    host_close(&host);
}

/* From where we are, where they do not begin with a slash. */
static const char *const names[] = {
    "/real/x.db",
    "/link/x.db",
    "/y.db",
    "/here/z.db",
    "../real/x.db",
    "../link/x.db",
    "../y.db",
    "z.db",
    "./../here/.././link//x.db",
    "/real/../y.db",
    "file:../link/x.db",
    "file:z.db?mode=rw",
};
#define NAMES (int)(sizeof names / sizeof *names)

static sqlite3 *connect_by(const char *name)
{
    char path[400];
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;

    snprintf(path, sizeof path, "%s%s", *name == '/' ? host.folder : "", name);
    ck_assert_int_eq(sqlite3_open_v2(path, &db, flags, NULL), SQLITE_OK);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

START_TEST(another_name_is_the_same_engine)
{
    sqlite3 *other;

    set_up();
    other = connect_by(names[_i]);
    ck_assert_str_eq(host_ask(other, "SELECT a FROM t"), "1");
    host_run(other, "INSERT INTO t VALUES(2); INSERT INTO p VALUES(2)");
    host_expect(&host, "SELECT a FROM t", "1\n2");
    host_run(host.db, "INSERT INTO t VALUES(3); SELECT byron_flush('t')");
    ck_assert_str_eq(host_ask(other, "SELECT sum(a) FROM t"), "6");
    /* The first that came may go first. */
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    host_run(other, "INSERT INTO t VALUES(4)");
    host.db = host_connect(&host);
    host_expect(&host, "SELECT sum(a) FROM t", "10");
    host_expect(&host, "SELECT byron_check('t')", "ok");
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    host_expect(&host, "SELECT sum(a) FROM t", "10");
    tear_down();
}
END_TEST

/* What a process of its own is told, that names it so. */
static void expect_elsewhere(const char *name, const char *words)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        sqlite3 *db = connect_by(name);
        const char *told = host_ask(db, "SELECT sum(a) FROM t");
        _exit(strstr(told, words) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", name);
}

START_TEST(another_name_is_the_same_lock)
{
    set_up();
    expect_elsewhere(names[_i], "is open in another process");
    host_run(host.db, "INSERT INTO t VALUES(2)");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    expect_elsewhere(names[_i], "3");
    /* And the other way round. */
    host.db = connect_by(names[_i]);
    host_expect(&host, "SELECT sum(a) FROM t", "3");
    expect_elsewhere("/real/x.db", "is open in another process");
    tear_down();
}
END_TEST

/* The store's directory was moved elsewhere, and a link left in its place. */
START_TEST(a_directory_behind_a_link_is_one_store)
{
    sqlite3 *other;

    set_up();
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    ck_assert_int_eq(
        rename(host_at(&host, "real/x.db-byron"), host_at(&host, "here/moved")),
        0);
    ck_assert_int_eq(
        symlink("../here/moved", host_at(&host, "real/x.db-byron")), 0);
    host.db = host_connect(&host);
    other = connect_by("../link/x.db");
    host_run(host.db, "INSERT INTO t VALUES(2); SELECT byron_compact('t')");
    host_run(other, "INSERT INTO t VALUES(3)");
    host_expect(&host, "SELECT sum(a) FROM t", "6");
    expect_elsewhere("/y.db", "is open in another process");
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    host_reopen(&host);
    host_expect(&host, "SELECT sum(a) FROM t", "6");
    host_expect(&host, "SELECT byron_check('t')", "ok");
    ck_assert(host_has(&host, "here/moved/HEAD"));
    tear_down();
}
END_TEST

/* Another database whose directory leads to ours may not have it, neither
 * while it is open nor after. */
START_TEST(a_link_makes_nobody_its_owner)
{
    sqlite3 *other;

    set_up();
    ck_assert_int_eq(symlink("x.db-byron", host_at(&host, "real/o.db-byron")),
                     0);
    for (int i = 0; i < 2; i++) {
        char sql[200];
        const char *words;
        other = connect_by("/real/o.db");
        words = host_ask(other, "CREATE VIRTUAL TABLE t USING byron");
        ck_assert_msg(strstr(words, "belongs to another database"), "%s",
                      words);
        snprintf(sql, sizeof sql,
                 "CREATE VIRTUAL TABLE t USING byron(a, path='%s')",
                 host_at(&host, "link/x.db-byron"));
        words = host_ask(other, sql);
        ck_assert_msg(strstr(words, "belongs to another database"), "%s",
                      words);
        ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
        if (i == 0)
            ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    }
    host.db = host_connect(&host);
    host_run(host.db, "INSERT INTO t VALUES(2)");
    host_expect(&host, "SELECT sum(a) FROM t", "3");
    tear_down();
}
END_TEST

/* A second table that names the first one's directory by a link. */
START_TEST(a_table_by_another_name_of_the_directory_spoils_nothing)
{
    char sql[200];
    const char *words;

    set_up();
    ck_assert_int_eq(symlink("x.db-byron", host_at(&host, "real/other")), 0);
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE u USING byron(a, path='other')");
    words = host_ask(host.db, sql);
    ck_assert_msg(strstr(words, "belongs to another database") ||
                      strcmp(words, "") == 0,
                  "%s", words);
    host_run(host.db, "INSERT INTO t VALUES(2)");
    host_reopen(&host);
    host_expect(&host, "SELECT sum(a) FROM t", "3");
    host_expect(&host, "SELECT byron_check('t')", "ok");
    tear_down();
}
END_TEST

Suite *test_names_suite(void)
{
    Suite *suite = suite_create("names");
    TCase *cases = tcase_create("names");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, another_name_is_the_same_engine, 0, NAMES);
    tcase_add_loop_test(cases, another_name_is_the_same_lock, 0, NAMES);
    tcase_add_test(cases, a_directory_behind_a_link_is_one_store);
    tcase_add_test(cases, a_link_makes_nobody_its_owner);
    tcase_add_test(cases,
                   a_table_by_another_name_of_the_directory_spoils_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
