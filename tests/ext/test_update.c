/*
 * Covers: conflict, rowid.
 */
#include <check.h>
#include <string.h>

#include "support/host.h"

Suite *test_update_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE kv USING byron;"
             "CREATE VIRTUAL TABLE ev USING byron(tenant INT, ts INT, "
             "body TEXT NOT NULL, PRIMARY KEY(tenant, ts DESC));"
             "CREATE VIRTUAL TABLE r USING byron(id INTEGER PRIMARY KEY, v);"
             "CREATE VIRTUAL TABLE h USING byron(a, b);");
}

static void close_host(void)
{
    host_close(&host);
}

static void expect_failure(const char *sql, int code, const char *words)
{
    ck_assert_int_eq(host_fail(host.db, sql), code);
    ck_assert_str_eq(sqlite3_errmsg(host.db), words);
}

START_TEST(failures_have_sqlites_codes_and_words)
{
    host_run(host.db, "INSERT INTO kv VALUES('a', 1);"
                      "INSERT INTO ev VALUES(1, 2, 'x');"
                      "INSERT INTO r VALUES(1, 2);"
                      "INSERT INTO h(rowid, a) VALUES(1, 2);");

    expect_failure("INSERT INTO kv VALUES('a', 2)",
                   SQLITE_CONSTRAINT_PRIMARYKEY,
                   "UNIQUE constraint failed: kv.key");
    expect_failure("INSERT INTO kv VALUES(NULL, 2)", SQLITE_CONSTRAINT_NOTNULL,
                   "NOT NULL constraint failed: kv.key");
    expect_failure("INSERT INTO ev VALUES('1', 2.0, '')",
                   SQLITE_CONSTRAINT_PRIMARYKEY,
                   "UNIQUE constraint failed: ev.tenant, ev.ts");
    expect_failure("UPDATE ev SET body = NULL", SQLITE_CONSTRAINT_NOTNULL,
                   "NOT NULL constraint failed: ev.body");
    expect_failure("INSERT INTO r VALUES(1.0, 2)", SQLITE_CONSTRAINT_PRIMARYKEY,
                   "UNIQUE constraint failed: r.id");
    expect_failure("INSERT INTO r VALUES('x', 2)", SQLITE_MISMATCH,
                   "datatype mismatch");
    expect_failure("UPDATE r SET id = NULL", SQLITE_MISMATCH,
                   "datatype mismatch");
    expect_failure("INSERT INTO h(rowid, a) VALUES(1, 2)",
                   SQLITE_CONSTRAINT_ROWID,
                   "UNIQUE constraint failed: h.rowid");
}
END_TEST

START_TEST(numbers_that_are_equal_are_one_key)
{
    host_run(host.db,
             "INSERT INTO kv VALUES(1, 'one'), (0.0, 'zero'), "
             "(9007199254740993, 'odd'), (9007199254740992.0, 'even')");

    ck_assert_int_eq(host_fail(host.db, "INSERT INTO kv VALUES(1.0, '')"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO kv VALUES(-0.0, '')"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    host_run(host.db, "REPLACE INTO kv VALUES(1.0, 'real')");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT typeof(key), value FROM kv ORDER BY key"),
        "real|zero\nreal|real\nreal|even\ninteger|odd");
}
END_TEST

START_TEST(what_a_key_loses_is_in_the_row)
{
    host_run(host.db, "CREATE VIRTUAL TABLE n USING byron("
                      "k COLLATE NOCASE PRIMARY KEY);"
                      "INSERT INTO n VALUES('Abc'), (2.0), (-0.0), ('d');"
                      "UPDATE n SET k = 'ABC' WHERE k = 'abc'");

    ck_assert_str_eq(host_ask(host.db, "SELECT k, typeof(k) FROM n ORDER BY k"),
                     "0.0|real\n2.0|real\nABC|text\nd|text");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO n VALUES('aBC')"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
}
END_TEST

START_TEST(last_insert_rowid_belongs_to_tables_with_rowids)
{
    host_run(host.db, "INSERT INTO r VALUES(77, 1);"
                      "INSERT INTO kv VALUES('a', 1);"
                      "INSERT INTO ev VALUES(1, 1, '')");
    ck_assert_str_eq(host_ask(host.db, "SELECT last_insert_rowid()"), "77");
    host_run(host.db, "INSERT INTO h VALUES(1, 2)");
    ck_assert_str_eq(host_ask(host.db, "SELECT last_insert_rowid()"), "1");
}
END_TEST

START_TEST(new_rowids_are_one_above_the_highest)
{
    host_run(host.db, "INSERT INTO r(v) VALUES('a'), ('b');"
                      "INSERT INTO r VALUES(-5, 'c'), (100, 'd');"
                      "INSERT INTO r(v) VALUES('e'); DELETE FROM r WHERE id = "
                      "101; INSERT INTO r(v) VALUES('f')");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT group_concat(id || v, ' ') FROM r"),
        "-5c 1a 2b 100d 101f");

    host_run(host.db, "INSERT INTO r VALUES(9223372036854775807, 'z');"
                      "INSERT INTO r(v) VALUES('random')");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM r WHERE "
                                       "v = 'random' AND id > 0"),
                     "1");
}
END_TEST

/* The highest is remembered between inserts, and must not outlive an undo. */
START_TEST(new_rowids_follow_a_rollback)
{
    host_run(host.db, "INSERT INTO r(v) VALUES('a'), ('b'), ('c'); BEGIN;"
                      "DELETE FROM r WHERE id = 3; SAVEPOINT s;"
                      "INSERT INTO r(v) VALUES('d'), ('e'); ROLLBACK TO s;"
                      "INSERT INTO r(v) VALUES('f'); SAVEPOINT t;"
                      "DELETE FROM r WHERE id >= 2;"
                      "INSERT INTO r(v) VALUES('g'); ROLLBACK TO t;"
                      "INSERT INTO r(v) VALUES('h'); COMMIT;"
                      "BEGIN; DELETE FROM r WHERE id > 1; ROLLBACK;"
                      "INSERT INTO r(v) VALUES('i')");

    ck_assert_str_eq(
        host_ask(host.db, "SELECT group_concat(id || v, ' ') FROM r"),
        "1a 2b 3f 4h 5i");
}
END_TEST

START_TEST(changes_counts_rows_as_sqlite_does)
{
    host_run(host.db, "INSERT INTO kv VALUES(1, 1), (2, 2), (3, 3)");
    ck_assert_str_eq(host_ask(host.db, "SELECT changes()"), "3");
    host_run(host.db, "INSERT OR IGNORE INTO kv VALUES(3, 0), (4, 4), (1, 0)");
    ck_assert_str_eq(host_ask(host.db, "SELECT changes()"), "1");
    host_run(host.db, "REPLACE INTO kv VALUES(3, 0), (5, 4)");
    ck_assert_str_eq(host_ask(host.db, "SELECT changes()"), "2");
    host_run(host.db, "UPDATE kv SET value = 0 WHERE key > 1");
    ck_assert_str_eq(host_ask(host.db, "SELECT changes()"), "4");
    host_run(host.db, "DELETE FROM kv");
    ck_assert_str_eq(host_ask(host.db, "SELECT changes()"), "5");
}
END_TEST

START_TEST(conflict_replace_makes_insert_an_upsert)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE u USING byron(k PRIMARY KEY, v, "
             "conflict=replace); INSERT INTO u VALUES(1, 'a'), (1, 'b');"
             "INSERT OR IGNORE INTO u VALUES(1, 'c'), (2, 'd')");

    ck_assert_str_eq(host_ask(host.db, "SELECT k, v FROM u"), "1|b\n2|d");
    ck_assert_int_eq(host_fail(host.db, "UPDATE u SET k = 2 WHERE k = 1"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
}
END_TEST

START_TEST(declared_clauses_hold_where_the_statement_has_none)
{
    host_run(host.db, "CREATE VIRTUAL TABLE d USING byron(k PRIMARY KEY ON "
                      "CONFLICT IGNORE, v NOT NULL ON CONFLICT REPLACE "
                      "DEFAULT 'none', w NOT NULL ON CONFLICT IGNORE);"
                      "INSERT INTO d VALUES(1, 2, 3), (1, 0, 0), (2, NULL, 1), "
                      "(3, 1, NULL);"
                      "UPDATE d SET v = NULL WHERE k = 1;"
                      "UPDATE d SET w = NULL WHERE k = 1;"
                      "REPLACE INTO d VALUES(2, 4, 4)");

    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM d"), "1|none|3\n2|4|4");
}
END_TEST

/* Rows move onto rows that are still to be changed. */
START_TEST(update_or_replace_never_mixes_two_rows)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE m USING byron(k PRIMARY KEY, v, w);"
             "INSERT INTO m VALUES(2, 'two', 'two'), (3, 'three', 'three');"
             "UPDATE OR REPLACE m SET k = k + 1, v = v || '!';");
    ck_assert_str_eq(
        host_ask(host.db,
                 "SELECT count(*) FROM m WHERE v <> w || '!' OR k < 3"),
        "0");
}
END_TEST

START_TEST(a_failed_row_leaves_nothing_behind)
{
    host_run(host.db, "INSERT INTO kv VALUES(1, 'a'), (2, 'b'); BEGIN;");
    ck_assert_int_eq(host_fail(host.db, "UPDATE kv SET key = 2 WHERE key = 1"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    ck_assert_int_eq(
        host_fail(host.db, "INSERT INTO kv VALUES(3, 'c'), (1, 'd')"),
        SQLITE_CONSTRAINT_PRIMARYKEY);
    host_run(host.db, "COMMIT");

    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM kv"), "1|a\n2|b");
}
END_TEST

START_TEST(the_hidden_key_follows_from_the_columns)
{
    host_run(host.db, "INSERT INTO ev VALUES(1, 1, 'a')");

    ck_assert_int_eq(host_fail(host.db, "UPDATE ev SET _key = x'00'"),
                     SQLITE_CONSTRAINT);
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO ev(tenant, ts, body, "
                                        "_key) VALUES(1, 2, '', x'01')"),
                     SQLITE_CONSTRAINT);
    host_run(host.db, "UPDATE ev SET ts = 9, body = body || tenant");
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM ev"), "1|9|a1");
}
END_TEST

START_TEST(hidden_columns_stay_out_of_the_way)
{
    host_run(host.db, "INSERT INTO kv VALUES(1, 'a')");

    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM kv"), "1|a");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT prefix, kv, arg FROM kv WHERE key = 1"),
        "NULL|NULL|NULL");
    ck_assert_str_eq(host_ask(host.db, "SELECT group_concat(name, ' ') FROM "
                                       "pragma_table_info('kv')"),
                     "key value");
    ck_assert_str_eq(host_ask(host.db, "SELECT group_concat(name, ' ') FROM "
                                       "pragma_table_xinfo('ev') "
                                       "WHERE hidden = 1"),
                     "prefix _key ev arg");
    host_run(host.db, "UPDATE kv SET arg = NULL, value = 'b'");
    ck_assert_int_eq(host_fail(host.db, "UPDATE kv SET arg = 1"), SQLITE_ERROR);
    ck_assert_int_eq(
        host_fail(host.db, "INSERT INTO kv(key, prefix) VALUES(2, 'p')"),
        SQLITE_ERROR);
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM kv"), "1|b");
}
END_TEST

Suite *test_update_suite(void)
{
    Suite *suite = suite_create("update");
    TCase *cases = tcase_create("update");

    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_add_test(cases, failures_have_sqlites_codes_and_words);
    tcase_add_test(cases, hidden_columns_stay_out_of_the_way);
    tcase_add_test(cases, numbers_that_are_equal_are_one_key);
    tcase_add_test(cases, what_a_key_loses_is_in_the_row);
    tcase_add_test(cases, last_insert_rowid_belongs_to_tables_with_rowids);
    tcase_add_test(cases, new_rowids_are_one_above_the_highest);
    tcase_add_test(cases, new_rowids_follow_a_rollback);
    tcase_add_test(cases, changes_counts_rows_as_sqlite_does);
    tcase_add_test(cases, conflict_replace_makes_insert_an_upsert);
    tcase_add_test(cases, declared_clauses_hold_where_the_statement_has_none);
    tcase_add_test(cases, update_or_replace_never_mixes_two_rows);
    tcase_add_test(cases, a_failed_row_leaves_nothing_behind);
    tcase_add_test(cases, the_hidden_key_follows_from_the_columns);
    suite_add_tcase(suite, cases);
    return suite;
}
