/*
 * ttl: rows that expire are absent from every kind of read at once, and from
 * the disk after a compaction; their entries in indexes go with them.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/host.h"

Suite *test_ttl_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    const char *answer = host_ask(host.db, sql);
    ck_assert_msg(strcmp(answer, expected) == 0, "%s: %s instead of %s", sql,
                  answer, expected);
}

/* Rows 1 and 2 have expired, 3 does in a day, 4 never. */
static void open_filled(const char *columns)
{
    char sql[400];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE t USING byron(%s, ttl=until);", columns);
    host_run(host.db, sql);
    host_run(host.db,
             "INSERT INTO t(k, v, until) VALUES(1, 'a', 0), "
             "(2, 'b', strftime('%s', 'now') - 100.5), "
             "(3, 'c', strftime('%s', 'now') + 86400), (4, 'd', NULL)");
}

static const char *const shapes[] = {
    "k PRIMARY KEY, v, until",
    "k INTEGER PRIMARY KEY, v, until INT",
    "k, v, until",
    "k, v, until, PRIMARY KEY(k, v), INDEX by_v(v), UNIQUE(v)",
    "k PRIMARY KEY, v UNIQUE, until, INDEX by_until(until)",
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

START_TEST(what_has_expired_is_absent_from_every_read)
{
    open_filled(shapes[_i % SHAPES]);
    for (int flushed = 0; flushed < 2; flushed++) {
        expect("SELECT k FROM t ORDER BY k", "3\n4");
        expect("SELECT k FROM t ORDER BY k DESC", "4\n3");
        expect("SELECT count(*), min(k), max(k) FROM t", "2|3|4");
        expect("SELECT v FROM t WHERE k = 2", "");
        expect("SELECT v FROM t WHERE k IN (1, 2, 3)", "c");
        expect("SELECT k FROM t WHERE v = 'b'", "");
        expect("SELECT k FROM t WHERE v >= 'a' ORDER BY v", "3\n4");
        expect("SELECT k FROM t WHERE until < 1e18", "3");
        expect("SELECT byron_check('t')", "ok");
        host_run(host.db, "SELECT byron_flush('t')");
    }
    host_run(host.db, "BEGIN; UPDATE t SET v = v || '!'");
    expect("SELECT changes()", "2");
    expect("SELECT v FROM t ORDER BY k", "c!\nd!");
    host_run(host.db, "COMMIT");
    host_close(&host);
}
END_TEST

START_TEST(compaction_takes_it_from_the_disk)
{
    open_filled(shapes[_i % SHAPES]);
    host_run(host.db, "DELETE FROM t WHERE k > 2");
    sqlite3_sleep(1100); /* So long a state that was left stays readable. */
    host_run(host.db, "SELECT byron_compact('t')");
    expect("SELECT value FROM byron_stats('t') WHERE name = 'files'", "0");
    expect("SELECT count(*) FROM t", "0");
    host_close(&host);
}
END_TEST

START_TEST(an_update_moves_the_end)
{
    open_filled(shapes[_i % SHAPES]);
    host_run(host.db, "UPDATE t SET until = 1 WHERE k = 3");
    expect("SELECT k FROM t", "4");
    expect("SELECT k FROM t WHERE v >= 'a'", "4");
    host_run(host.db, "UPDATE t SET until = 1e15 WHERE k = 4");
    expect("SELECT k FROM t WHERE v = 'd'", "4");
    expect("SELECT byron_check('t')", "ok");
    host_close(&host);
}
END_TEST

START_TEST(a_place_that_expired_is_free)
{
    open_filled(shapes[_i % SHAPES]);
    host_run(host.db, "INSERT INTO t(k, v) VALUES(1, 'a')");
    expect("SELECT k, v FROM t WHERE k = 1", "1|a");
    expect("SELECT k FROM t WHERE v = 'a'", "1");
    host_run(host.db, "BEGIN; DELETE FROM t WHERE k = 1; ROLLBACK");
    expect("SELECT k FROM t ORDER BY v", "1\n3\n4");
    expect("SELECT byron_check('t')", "ok");
    host_reopen(&host);
    expect("SELECT k FROM t WHERE v = 'a'", "1");
    host_close(&host);
}
END_TEST

START_TEST(an_index_that_comes_later_expires_with_its_rows)
{
    open_filled(shapes[_i % SHAPES]);
    host_run(host.db,
             "INSERT INTO t(t, arg) VALUES('add-index', 'late(v, k)')");
    expect("SELECT byron_check('t')", "ok");
    host_run(host.db, "UPDATE t SET until = 5 WHERE k = 3");
    expect("SELECT v, k FROM t WHERE v > 'a' ORDER BY v", "d|4");
    expect("SELECT byron_check('t')", "ok");
    host_close(&host);
}
END_TEST

START_TEST(seconds_count_from_the_last_write)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, v, ttl=1);"
             "CREATE VIRTUAL TABLE u USING byron(k PRIMARY KEY, v, ttl=86400);"
             "INSERT INTO t VALUES(1, 'a'), (2, 'b');"
             "INSERT INTO u VALUES(1, 'a')");
    sqlite3_sleep(600);
    host_run(host.db, "UPDATE t SET v = 'B' WHERE k = 2");
    for (int i = 0; i < 100; i++) {
        if (strcmp(host_ask(host.db, "SELECT k FROM t"), "1\n2") != 0)
            break;
        sqlite3_sleep(20);
    }
    ck_assert_str_ne(host_ask(host.db, "SELECT count(*) FROM t"), "2");
    sqlite3_sleep(1100);
    expect("SELECT count(*) FROM t", "0");
    expect("SELECT count(*) FROM u", "1");
    expect("SELECT byron_config('u', 'ttl')", "86400");
    host_close(&host);
}
END_TEST

START_TEST(a_statement_and_its_transaction_see_one_moment)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, v, ttl=1);"
             "BEGIN; INSERT INTO t VALUES(1, 'a')");
    sqlite3_sleep(1200);
    expect("SELECT k FROM t", "1");
    host_run(host.db, "COMMIT");
    expect("SELECT k FROM t", "");
    host_close(&host);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    open_filled(shapes[_i % SHAPES]);
    ck_assert_int_eq(
        host_fail(host.db, "INSERT INTO t(k, v, until) VALUES(9, 'x', 'soon')"),
        SQLITE_MISMATCH);
    ck_assert_str_eq(sqlite3_errmsg(host.db),
                     "byron: t.until tells when a row expires, in seconds "
                     "since 1970; it can be a number or NULL");
    ck_assert_int_eq(host_fail(host.db, "UPDATE t SET until = x'00'"),
                     SQLITE_MISMATCH);
    expect("SELECT k FROM t ORDER BY k", "3\n4");
    expect("SELECT byron_check('t')", "ok");
    host_close(&host);
}
END_TEST

Suite *test_ttl_suite(void)
{
    Suite *suite = suite_create("ttl");
    TCase *cases = tcase_create("ttl");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, what_has_expired_is_absent_from_every_read, 0,
                        SHAPES);
    tcase_add_loop_test(cases, compaction_takes_it_from_the_disk, 0, SHAPES);
    tcase_add_loop_test(cases, an_update_moves_the_end, 0, SHAPES);
    tcase_add_loop_test(cases, a_place_that_expired_is_free, 0, SHAPES);
    tcase_add_loop_test(cases, an_index_that_comes_later_expires_with_its_rows,
                        0, SHAPES);
    tcase_add_test(cases, seconds_count_from_the_last_write);
    tcase_add_test(cases, a_statement_and_its_transaction_see_one_moment);
    tcase_add_loop_test(cases, what_is_no_number_is_refused, 0, SHAPES);
    suite_add_tcase(suite, cases);
    return suite;
}
