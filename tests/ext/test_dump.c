/*
 * dump: SQL that makes a table again.
 *
 * Covers: literal_text, listing.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"
#include "support/seed.h"

Suite *test_dump_suite(void);

static struct host host;
static struct host copy;
static struct rng rng;

static void open_hosts(void)
{
    host_open(&host);
    host_open(&copy);
    rng_init(&rng, test_seed());
}

static void close_hosts(void)
{
    host_close(&host);
    host_close(&copy);
}

/* Runs the dump of a table in the other database. */
static void dump(const char *table)
{
    char sql[200];
    sqlite3_stmt *lines;

    snprintf(sql, sizeof sql, "SELECT sql FROM byron_dump('%s')", table);
    ck_assert_int_eq(sqlite3_prepare_v2(host.db, sql, -1, &lines, NULL),
                     SQLITE_OK);
    while (sqlite3_step(lines) == SQLITE_ROW)
        host_run(copy.db, (const char *)sqlite3_column_text(lines, 0));
    ck_assert_int_eq(sqlite3_finalize(lines), SQLITE_OK);
}

static void expect_same(const char *sql)
{
    const char *answer = host_ask(host.db, sql);

    ck_assert_ptr_null(strstr(answer, "error"));
    ck_assert_str_eq(host_ask(copy.db, sql), answer);
}

START_TEST(every_value_comes_back_as_it_was)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(a, b TEXT COLLATE NOCASE, "
             "c REAL, d, PRIMARY KEY(a, b DESC)); INSERT INTO t VALUES"
             "(1, 'it''s', 1.5, NULL), (1.0, 'Other', 2, x''), "
             "(x'00ff', 'a' || char(0) || 'b', 9e999, '\"'), "
             "('k', 'line' || char(13, 10) || 'two', -9e999, char(27) || '1'), "
             "(2.5, '', '0.1', 'x\n.quit\n;'), "
             "(9223372036854775807, 'm', 1e308, -9223372036854775808), "
             "(-9223372036854775808, 'r', 4.9e-324, '5'), "
             "('', x'78', 'text', CAST(x'c328' AS TEXT))");
    dump("t");
    expect_same("SELECT typeof(a), quote(a), typeof(b), hex(b), typeof(c), "
                "quote(c), typeof(d), hex(d) FROM t");
    expect_same("SELECT sql FROM sqlite_schema WHERE name = 't'");
}
END_TEST

START_TEST(rowids_come_back_hidden_or_not)
{
    host_run(host.db, "CREATE VIRTUAL TABLE h USING byron(a, rowid); "
                      "INSERT INTO h(_rowid_, a, rowid) "
                      "VALUES(-5, 'five', 1), (77, NULL, 2); "
                      "CREATE VIRTUAL TABLE i USING byron("
                      "a, id INTEGER PRIMARY KEY); "
                      "INSERT INTO i VALUES('x', 12), ('y', -3)");
    dump("h");
    dump("i");
    expect_same("SELECT _rowid_, * FROM h");
    expect_same("SELECT rowid, * FROM i");
}
END_TEST

START_TEST(a_rowid_without_a_name_is_refused)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE n USING byron(oid, rowid, _rowid_)");
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM byron_dump('n')"),
                     "error: byron: columns of n have all names of the rowid, "
                     "so that it cannot be told");
}
END_TEST

START_TEST(a_null_beside_a_default_stays_null)
{
    host_run(host.db, "CREATE VIRTUAL TABLE d USING byron(k TEXT PRIMARY KEY, "
                      "a DEFAULT 'x', b, c DEFAULT 7); "
                      "INSERT INTO d(k, b) VALUES('o''ne', 1), ('two', NULL); "
                      "UPDATE d SET a = NULL WHERE k = 'two'; "
                      "UPDATE d SET a = NULL, c = NULL WHERE b = 1; "
                      "CREATE VIRTUAL TABLE e USING byron(a DEFAULT 1); "
                      "INSERT INTO e VALUES(2), (3); UPDATE e SET a = NULL "
                      "WHERE a = 3");
    dump("d");
    dump("main.e");
    expect_same("SELECT k, quote(a), b, quote(c) FROM d");
    expect_same("SELECT rowid, quote(a) FROM e");
}
END_TEST

/* Any bits; few digits; many digits of a usual size. */
static double random_real(int i)
{
    union {
        uint64_t bits;
        double real;
    } both;

    if (i % 3 == 1)
        return (double)rng_below(&rng, 1000000) / 1000;
    if (i % 3 == 2)
        return (double)rng_next(&rng) / (double)(rng_below(&rng, 1 << 30) + 1);
    do
        both.bits = rng_next(&rng);
    while (both.real != both.real);
    return both.real;
}

START_TEST(reals_keep_every_bit)
{
    sqlite3_stmt *insert;

    host_run(host.db, "CREATE VIRTUAL TABLE r USING byron("
                      "i INTEGER PRIMARY KEY, v)");
    ck_assert_int_eq(sqlite3_prepare_v2(host.db, "INSERT INTO r(v) VALUES(?1)",
                                        -1, &insert, NULL),
                     SQLITE_OK);
    host_run(host.db, "BEGIN");
    for (int i = 0; i < 3000; i++) {
        sqlite3_bind_double(insert, 1, random_real(i));
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    host_run(host.db, "COMMIT");
    dump("r");
    host_run(copy.db, "ALTER TABLE r RENAME TO copied");
    for (int i = 1; i <= 3000; i++) {
        char sql[100];
        sqlite3_stmt *one, *other;

        snprintf(sql, sizeof sql, "SELECT v FROM r WHERE i = %d", i);
        sqlite3_prepare_v2(host.db, sql, -1, &one, NULL);
        snprintf(sql, sizeof sql, "SELECT v FROM copied WHERE i = %d", i);
        sqlite3_prepare_v2(copy.db, sql, -1, &other, NULL);
        ck_assert_int_eq(sqlite3_step(one), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_step(other), SQLITE_ROW);
        ck_assert_msg(sqlite3_column_double(one, 0) ==
                          sqlite3_column_double(other, 0),
                      "%.17g", sqlite3_column_double(one, 0));
        sqlite3_finalize(one);
        sqlite3_finalize(other);
    }
}
END_TEST

START_TEST(names_and_schemas_are_quoted)
{
    host_run(host.db, "ATTACH ':memory:' AS \"o\"\"ther\"; "
                      "CREATE VIRTUAL TABLE \"o\"\"ther\".\"a b\" USING "
                      "byron(\"x \"\"y\" PRIMARY KEY, [select]); "
                      "INSERT INTO \"a b\" VALUES(1, 2); "
                      "CREATE VIRTUAL TABLE temp.tt USING byron(a); "
                      "INSERT INTO tt VALUES(4)");
    dump("o\"ther.a b");
    dump("tt");
    expect_same("SELECT * FROM \"a b\"");
    expect_same("SELECT * FROM tt");
}
END_TEST

START_TEST(indexes_that_were_added_come_back)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE x USING byron(a PRIMARY KEY, b, c, "
             "INDEX by_b(b)); INSERT INTO x VALUES(1, 2, 3), (4, 5, 6); "
             "INSERT INTO x(x, arg) VALUES('add-index', "
             "'UNIQUE \"o''c\"(c COLLATE NOCASE DESC)')");
    dump("x");
    expect_same("SELECT name, indexes FROM byron_tables");
    expect_same("SELECT name FROM byron_index ORDER BY name");
    expect_same("SELECT * FROM x");
    ck_assert_int_eq(host_fail(copy.db, "INSERT INTO x VALUES(7, 8, 6)"),
                     SQLITE_CONSTRAINT_UNIQUE);
    ck_assert_str_eq(host_ask(copy.db, "SELECT byron_check('x')"), "ok");
}
END_TEST

START_TEST(a_dump_needs_a_table)
{
    ck_assert_ptr_nonnull(strstr(host_ask(host.db, "SELECT * FROM byron_dump"),
                                 "byron_dump needs a table's name"));
    ck_assert_ptr_nonnull(
        strstr(host_ask(host.db, "SELECT * FROM byron_dump('x')"),
               "no such byron table: x"));
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM byron_dump(NULL)"), "");
}
END_TEST

Suite *test_dump_suite(void)
{
    Suite *suite = suite_create("dump");
    TCase *cases = tcase_create("dump");

    tcase_add_checked_fixture(cases, open_hosts, close_hosts);
    tcase_add_test(cases, every_value_comes_back_as_it_was);
    tcase_add_test(cases, rowids_come_back_hidden_or_not);
    tcase_add_test(cases, a_rowid_without_a_name_is_refused);
    tcase_add_test(cases, a_null_beside_a_default_stays_null);
    tcase_add_test(cases, reals_keep_every_bit);
    tcase_add_test(cases, names_and_schemas_are_quoted);
    tcase_add_test(cases, indexes_that_were_added_come_back);
    tcase_add_test(cases, a_dump_needs_a_table);
    suite_add_tcase(suite, cases);
    return suite;
}
