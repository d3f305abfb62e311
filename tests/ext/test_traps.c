/*
 * What SQLite's virtual table interface does that one would not expect, each
 * shown by queries on a byron table and on an ordinary one.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/host.h"

Suite *test_traps_suite(void);

static struct host host;

/* Runs sql twice: $ is b, the byron table, and then p, the ordinary one. */
static void run_both(const char *sql)
{
    char text[2000];

    for (int side = 0; side < 2; side++) {
        snprintf(text, sizeof text, "%s", sql);
        for (char *at = strchr(text, '$'); at; at = strchr(at, '$'))
            *at = side == 0 ? 'b' : 'p';
        host_run(host.db, text);
    }
}

static void same(const char *sql)
{
    char text[2][2000];
    const char *answers[2];

    for (int side = 0; side < 2; side++) {
        snprintf(text[side], sizeof text[side], "%s", sql);
        for (char *at = strchr(text[side], '$'); at; at = strchr(at, '$'))
            *at = side == 0 ? 'b' : 'p';
        answers[side] = host_ask(host.db, text[side]);
    }
    ck_assert_msg(strcmp(answers[0], answers[1]) == 0, "%s\n%s\n%s", sql,
                  answers[0], answers[1]);
    ck_assert_msg(strncmp(answers[0], "error", 5) != 0, "%s: %s", sql,
                  answers[0]);
}

static const char *plan_of(const char *sql)
{
    char text[1000];

    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
    return host_ask(host.db, text);
}

static void open_twins(void)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE b USING byron(k TEXT, n INT, a INT, "
             "c TEXT COLLATE NOCASE, v, PRIMARY KEY(k, n), INDEX b_a(a, c), "
             "INDEX b_c(c));"
             "CREATE TABLE p(k TEXT, n INT, a INT, c TEXT COLLATE NOCASE, v, "
             "PRIMARY KEY(k, n)) WITHOUT ROWID;"
             "CREATE INDEX p_a ON p(a, c); CREATE INDEX p_c ON p(c);"
             "CREATE TABLE o(x INT, y TEXT);"
             "INSERT INTO o VALUES(1, 'k1'), (2, '2'), (NULL, NULL), (9, '')");
    run_both("INSERT INTO $ WITH RECURSIVE s(i) AS (VALUES(0) UNION ALL SELECT "
             "i + 1 FROM s WHERE i < 199) SELECT 'k' || (i % 7), i, "
             "CASE WHEN i % 11 THEN i % 5 END, "
             "substr('aAbBcC', 1 + i % 6, 1) || i % 3, 'v' || i FROM s");
}

static void close_twins(void)
{
    host_close(&host);
}

START_TEST(a_like_comes_as_bounds_without_case)
{
    same("SELECT k, n FROM $ WHERE k LIKE 'K1%' ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE c LIKE 'A%' ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE k = 'K1' COLLATE NOCASE ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE c = 'A1' COLLATE BINARY ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE c = 'a1' AND a = 1 ORDER BY k, n");
}
END_TEST

START_TEST(is_is_an_equality_that_null_may_meet)
{
    same("SELECT count(*) FROM $ WHERE k IS 'k1'");
    same("SELECT count(*) FROM $ WHERE k IS NULL");
    same("SELECT count(*) FROM $ WHERE a IS NULL");
    same("SELECT x, (SELECT count(*) FROM $ WHERE a IS x) FROM o ORDER BY 1");
    same("SELECT x, (SELECT count(*) FROM $ WHERE a = x) FROM o ORDER BY 1");
    same("SELECT count(*) FROM o LEFT JOIN $ ON a = x WHERE a IS NULL");
}
END_TEST

START_TEST(a_row_value_comes_as_a_bound_of_its_first_column)
{
    same("SELECT k, n FROM $ WHERE (k, n) > ('k2', 100) ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE (k, n) > ('k2', 100) ORDER BY k, n LIMIT 5");
    same("SELECT k, n FROM $ WHERE (k, n) <= ('k2', 100) ORDER BY k DESC, "
         "n DESC LIMIT 5 OFFSET 3");
    same("SELECT k, n FROM $ WHERE (a, c) >= (2, 'b') ORDER BY a, c, k, n "
         "LIMIT 7");
}
END_TEST

START_TEST(checks_are_left_out_for_sixteen_terms_only)
{
    same("SELECT k, n FROM $ WHERE v <> 0 AND v <> 1 AND v <> 2 AND v <> 3 AND "
         "v <> 4 AND v <> 5 AND v <> 6 AND v <> 7 AND v <> 8 AND v <> 9 AND "
         "v <> 10 AND v <> 11 AND v <> 12 AND v <> 13 AND v <> 14 AND v <> 15 "
         "AND v <> 16 AND k = 'k1' AND n > 20 AND n <= 90 ORDER BY n");
}
END_TEST

START_TEST(a_list_comes_sorted_with_its_null_first)
{
    same("SELECT k, n FROM $ WHERE k IN ('k3', NULL, 'k1', 'k3', 5, x'6b31') "
         "AND n > 150 ORDER BY k, n");
    same("SELECT a, k, n FROM $ WHERE a IN (3, NULL, '1', 3.0, 'x', 1.5) "
         "ORDER BY a DESC, c DESC, k DESC, n DESC");
    same("SELECT a, k, n FROM $ WHERE a IN (SELECT x FROM o) ORDER BY k, n");
    same("SELECT k, n FROM $ WHERE k IN () OR k IN (SELECT y FROM o) "
         "ORDER BY k, n");
    same("SELECT count(*) FROM $ WHERE k IN (NULL)");
}
END_TEST

/* And it does so on old versions without asking. */
START_TEST(a_limit_may_stand_beside_terms_that_are_not_told)
{
    same("SELECT k, n FROM $ WHERE a = n ORDER BY k, n LIMIT 2");
    same("SELECT k, n FROM $ WHERE k = 'k1' AND a = n LIMIT 2");
    same("SELECT k, n FROM $ WHERE k = 'k1' AND n % 5 = 0 ORDER BY n LIMIT 2");
    same("SELECT k, n FROM $ WHERE k = 'k1' ORDER BY v LIMIT 3 OFFSET 2");
    same("SELECT k, n FROM $ ORDER BY n DESC LIMIT 3 OFFSET 2");
    same("SELECT count(*) FROM (SELECT n FROM $ WHERE a = 1 UNION ALL SELECT n "
         "FROM $ WHERE a = 2 LIMIT 60 OFFSET 30)");
    same("SELECT n FROM $ WHERE EXISTS (SELECT 1 FROM $ AS i WHERE i.a = $.n) "
         "ORDER BY n");
}
END_TEST

START_TEST(nothing_after_a_unique_key_matters_to_the_order)
{
    same("SELECT k, n FROM $ ORDER BY k, n, v DESC LIMIT 5");
    same("SELECT k, n FROM $ ORDER BY k DESC, n DESC, random() LIMIT 5");
    same("SELECT min(k), max(k) FROM $");
    same("SELECT min(n) FROM $ WHERE k = 'k3'");
    same("SELECT min(a) FROM $");
    same("SELECT max(a) FROM $");
    same("SELECT a FROM $ ORDER BY a NULLS LAST, k, n");
    same("SELECT a FROM $ ORDER BY a DESC NULLS FIRST, k, n");
}
END_TEST

START_TEST(a_unique_plan_is_updated_in_one_pass)
{
    run_both("UPDATE $ SET v = 'new' WHERE k = 'k1' AND n = 1");
    ck_assert_int_ne(
        host_fail(host.db,
                  "UPDATE b SET n = 8, v = 'no' WHERE k = 'k1' AND n = 1"),
        SQLITE_OK);
    run_both("UPDATE OR IGNORE $ SET n = 8, v = 'no' WHERE k = 'k1' AND n = 1");
    run_both("UPDATE OR REPLACE $ SET n = 15 WHERE k = 'k1' AND n = 8");
    run_both("DELETE FROM $ WHERE k = 'k1' AND n = 22");

    same("SELECT * FROM $ ORDER BY k, n");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('b')"), "ok");
}
END_TEST

/* A DELETE asks for the key, and an UPDATE for all that it leaves, unnamed. */
START_TEST(columns_are_asked_for_that_were_not_named_as_used)
{
    run_both("DELETE FROM $ WHERE a = 2");
    run_both("UPDATE $ SET a = 10 WHERE a = 3");
    run_both("UPDATE $ SET c = 'zz' WHERE c = 'a1'");
    run_both("UPDATE $ SET n = n + 1000 WHERE a IS NULL");

    same("SELECT * FROM $ ORDER BY k, n");
    same("SELECT count(*) FROM $");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('b')"), "ok");
}
END_TEST

START_TEST(rows_alike_may_be_left_out_only_if_nothing_else_is_read)
{
    same("SELECT DISTINCT k FROM $ ORDER BY k");
    same("SELECT DISTINCT k FROM $ WHERE n > 195 ORDER BY k");
    same("SELECT DISTINCT k FROM $ WHERE v = 'v33' OR k = 'k2' ORDER BY k");
    same("SELECT DISTINCT a FROM $ WHERE length(v) < 3 ORDER BY a");
    same("SELECT DISTINCT c FROM $ WHERE hex(c) LIKE '41%' ORDER BY c");
    same("SELECT DISTINCT a, c FROM $ WHERE a > 2 ORDER BY a, c");
    same("SELECT count(DISTINCT k), count(DISTINCT a) FROM $");
    same("SELECT DISTINCT $.k FROM $, o WHERE o.x = $.a ORDER BY 1");
}
END_TEST

START_TEST(groups_may_come_in_any_order_but_not_where_they_are_ordered)
{
    same("SELECT a, c, count(*) FROM $ GROUP BY c, a ORDER BY 1, 2");
    same("SELECT k, n, count(*) FROM $ GROUP BY n, k ORDER BY n DESC, k "
         "LIMIT 5");
    same("SELECT a, count(*) FROM $ GROUP BY a ORDER BY a DESC");
    same("SELECT k, sum(n) FROM $ GROUP BY k ORDER BY k DESC");
    same("SELECT k, sum(n) FROM $ GROUP BY k ORDER BY 2");
}
END_TEST

START_TEST(a_join_asks_twice_and_may_take_either_answer)
{
    same("SELECT o.x, count(*), sum($.n) FROM o, $ WHERE $.a = o.x GROUP BY "
         "o.x ORDER BY 1");
    same("SELECT o.x, count($.n) FROM o LEFT JOIN $ ON $.k = o.y GROUP BY o.x "
         "ORDER BY 1");
    same("SELECT count(*) FROM $, o WHERE $.n > o.x AND $.k > o.y");
    same("SELECT count(*) FROM $ AS l, $ AS r WHERE l.a = r.n AND r.k = l.k");
}
END_TEST

START_TEST(a_join_is_not_quadratic_where_an_index_serves)
{
    /* A fifth of the rows, as a = x finds, are had as soon by a scan: but not
     * where the index has all that is used. */
    ck_assert(strstr(plan_of("SELECT b.a FROM o CROSS JOIN b ON b.a = o.x"),
                     "index b_a a=?"));
    ck_assert(strstr(plan_of("SELECT * FROM o CROSS JOIN b ON b.k = o.y"),
                     "key k=?"));
}
END_TEST

/* The other side's affinity turns texts into numbers, unseen. */
START_TEST(a_comparison_does_not_tell_its_affinity)
{
    run_both("INSERT INTO $ VALUES('1', 1, 1, '1', 0), ('01', 1, 1, '01', 0), "
             "('2', 2, 2, '2.0', 0), (' 2', 2, 2, '2', 0)");

    same("SELECT o.x, $.k FROM o JOIN $ ON $.k = o.x ORDER BY 1, 2");
    same("SELECT o.x, $.c FROM o JOIN $ ON $.c = o.x ORDER BY 1, 2");
    same("SELECT o.x, $.k FROM o JOIN $ ON $.k <= o.x ORDER BY 1, 2");
    same("SELECT o.y, $.n FROM o JOIN $ ON $.n = o.y ORDER BY 1, 2");
    same("SELECT k FROM $ WHERE k IN (SELECT x FROM o) ORDER BY k");
    same("SELECT k, n FROM $ WHERE k = +1 ORDER BY k");
}
END_TEST

/* Runs with ?1 bound to an integer. */
static void run_bound(const char *sql, int value)
{
    sqlite3_stmt *statement;

    ck_assert_int_eq(sqlite3_prepare_v2(host.db, sql, -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_int(statement, 1, value);
    while (sqlite3_step(statement) == SQLITE_ROW)
        ;
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
}

/* A parameter's mark goes with its value into NEW, and into the place of a
 * column that is equal to it; the comparison there is with the column. */
START_TEST(a_bound_number_may_stand_for_a_column)
{
    run_both("INSERT INTO $ VALUES('2', 1, 1, '2', 0), ('02', 1, 1, '02', 0), "
             "(' 2', 2, 2, '2.0 ', 0), ('2x', 2, 2, '2x', 0)");
    host_run(
        host.db,
        "CREATE TABLE found(side, k); CREATE TABLE u(id INTEGER PRIMARY KEY);"
        "INSERT INTO u VALUES(0);"
        "CREATE TRIGGER u_b AFTER UPDATE ON u BEGIN "
        "INSERT INTO found SELECT 'b', k FROM b WHERE k = new.id; "
        "INSERT INTO found SELECT 'b', c FROM b WHERE c = new.id; "
        "INSERT INTO found SELECT 'b', k FROM b WHERE k <= new.id; END;"
        "CREATE TRIGGER u_p AFTER UPDATE ON u BEGIN "
        "INSERT INTO found SELECT 'p', k FROM p WHERE k = new.id; "
        "INSERT INTO found SELECT 'p', c FROM p WHERE c = new.id; "
        "INSERT INTO found SELECT 'p', k FROM p WHERE k <= new.id; END;");
    run_bound("UPDATE u SET id = ?1", 2);
    run_bound("INSERT INTO found SELECT 'b', k FROM b JOIN u ON b.k = u.id "
              "WHERE u.id = ?1",
              2);
    run_bound("INSERT INTO found SELECT 'p', k FROM p JOIN u ON p.k = u.id "
              "WHERE u.id = ?1",
              2);
    ck_assert_str_ne(host_ask(host.db, "SELECT count(*) FROM found WHERE "
                                       "side = 'p' AND k = '02'"),
                     "0");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT k, sum(side = 'b') AS byrons, sum(side = "
                          "'p') AS plains FROM found GROUP BY k HAVING byrons "
                          "<> plains"),
        "");
}
END_TEST

/* The first statement on a table is compiled before SQLite knows its key. */
START_TEST(a_delete_with_a_limit_goes_by_rowid_at_first)
{
    if (!sqlite3_compileoption_used("ENABLE_UPDATE_DELETE_LIMIT"))
        return;
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "DELETE FROM b ORDER BY n LIMIT 3"),
                     "error: no such column: rowid");
    ck_assert_str_eq(host_ask(host.db, "UPDATE b SET v = 0 LIMIT 3"), "");
    run_both("UPDATE $ SET v = 1");
    run_both("DELETE FROM $ ORDER BY n DESC LIMIT 3 OFFSET 2");
    run_both("UPDATE $ SET v = 2, n = n + 500 WHERE a = 1 ORDER BY n LIMIT 4");
    same("SELECT * FROM $ ORDER BY k, n");
    same("SELECT count(*) FROM $ WHERE v = 2");
}
END_TEST

Suite *test_traps_suite(void)
{
    Suite *suite = suite_create("traps");
    TCase *cases = tcase_create("traps");

    tcase_add_checked_fixture(cases, open_twins, close_twins);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, a_like_comes_as_bounds_without_case);
    tcase_add_test(cases, is_is_an_equality_that_null_may_meet);
    tcase_add_test(cases, a_row_value_comes_as_a_bound_of_its_first_column);
    tcase_add_test(cases, checks_are_left_out_for_sixteen_terms_only);
    tcase_add_test(cases, a_list_comes_sorted_with_its_null_first);
    tcase_add_test(cases, a_limit_may_stand_beside_terms_that_are_not_told);
    tcase_add_test(cases, nothing_after_a_unique_key_matters_to_the_order);
    tcase_add_test(cases, a_unique_plan_is_updated_in_one_pass);
    tcase_add_test(cases, columns_are_asked_for_that_were_not_named_as_used);
    tcase_add_test(cases,
                   rows_alike_may_be_left_out_only_if_nothing_else_is_read);
    tcase_add_test(cases,
                   groups_may_come_in_any_order_but_not_where_they_are_ordered);
    tcase_add_test(cases, a_join_asks_twice_and_may_take_either_answer);
    tcase_add_test(cases, a_join_is_not_quadratic_where_an_index_serves);
    tcase_add_test(cases, a_comparison_does_not_tell_its_affinity);
    tcase_add_test(cases, a_bound_number_may_stand_for_a_column);
    tcase_add_test(cases, a_delete_with_a_limit_goes_by_rowid_at_first);
    suite_add_tcase(suite, cases);
    return suite;
}
