/*
 * Covers: key_range, interval, path, constraint, order.
 * Covers: cost, statistics, words.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "support/host.h"

Suite *test_plan_suite(void);

static struct host host;

static void open_tables(void)
{
    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE kv USING byron;"
                      "CREATE VIRTUAL TABLE ev USING byron(tenant INT, ts INT, "
                      "id BLOB, body, PRIMARY KEY(tenant, ts DESC, id));"
                      "CREATE VIRTUAL TABLE nc USING byron("
                      "name TEXT COLLATE NOCASE PRIMARY KEY, v);"
                      "CREATE VIRTUAL TABLE r USING byron("
                      "id INTEGER PRIMARY KEY, v);"
                      "CREATE TABLE o(n INT, t TEXT);");
}

static void close_tables(void)
{
    host_close(&host);
}

/* The plan of a statement must hold the words; a sort must be there or not. */
static void expect(const char *sql, const char *words, bool is_sorted)
{
    char explain[512];
    char end[256];
    const char *found;

    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    snprintf(end, sizeof end, ":%s", words);
    found = host_ask(host.db, explain);
    ck_assert_msg(strstr(found, end) &&
                      strchr("\n ", strstr(found, end)[strlen(end)]),
                  "%s: %s", sql, found);
    ck_assert_msg(!strstr(found, "TEMP B-TREE") == !is_sorted, "%s: %s", sql,
                  found);
}

START_TEST(a_plan_travels_behind_its_words)
{
    struct plan plan = {.path = 3,
                        .equal_count = 2,
                        .upper = BOUND_OPEN,
                        .lists = 2,
                        .is_covering = true,
                        .distinct = 1};
    struct plan back;
    char *text = plan_write(sqlite3_mprintf("in words"), &plan);

    ck_assert_str_eq(text, "in words");
    plan_read(text, &back);
    ck_assert_mem_eq(&back, &plan, sizeof plan);
    sqlite3_free(text);
}
END_TEST

START_TEST(equality_ranges_and_lists_use_the_key)
{
    expect("SELECT * FROM kv", "scan", false);
    expect("SELECT * FROM kv WHERE key = 1", "key key=?", false);
    expect("SELECT * FROM kv WHERE 1 = key", "key key=?", false);
    expect("SELECT * FROM kv WHERE key IS ?", "key key=?", false);
    expect("SELECT * FROM kv WHERE key IN (1, 2)", "key key IN (...)", false);
    expect("SELECT * FROM kv WHERE key <= 9 AND key > 2",
           "key key>? AND key<=?", false);
    expect("SELECT * FROM kv WHERE key BETWEEN 1 AND 2",
           "key key>=? AND key<=?", false);
    expect("SELECT * FROM kv WHERE value = 1", "scan", false);
    expect("SELECT * FROM r WHERE id = 1", "key id=?", false);
    expect("SELECT * FROM r WHERE rowid > 1 AND id < 5", "key id>? AND id<?",
           false);
}
END_TEST

START_TEST(a_prefix_of_the_key_may_be_followed_by_a_range)
{
    expect("SELECT * FROM ev WHERE tenant = 1", "key tenant=?", false);
    expect("SELECT * FROM ev WHERE ts = 1", "scan", false);
    expect("SELECT * FROM ev WHERE id = 1 AND tenant = 2", "key tenant=?",
           false);
    expect("SELECT * FROM ev WHERE ts < 5 AND tenant = 2 AND ts >= 1",
           "key tenant=? AND ts>=? AND ts<?", false);
    expect("SELECT * FROM ev WHERE tenant IN (1, 2) AND ts = 3 AND id > x''",
           "key tenant IN (...) AND ts=? AND id>?", false);
    expect("SELECT * FROM ev WHERE (tenant, ts) > (1, 2)", "key tenant>=?",
           false);
}
END_TEST

START_TEST(order_of_the_key_is_not_sorted_again)
{
    expect("SELECT * FROM kv ORDER BY key", "scan ORDER BY key", false);
    expect("SELECT * FROM kv ORDER BY key DESC, value",
           "scan ORDER BY key DESC", false);
    expect("SELECT * FROM kv ORDER BY value", "scan", true);
    expect("SELECT * FROM ev ORDER BY tenant, ts DESC, id", "scan ORDER BY key",
           false);
    expect("SELECT * FROM ev ORDER BY tenant DESC, ts",
           "scan ORDER BY key DESC", false);
    expect("SELECT * FROM ev ORDER BY tenant, ts", "scan", true);
    expect("SELECT * FROM ev WHERE tenant = ? ORDER BY ts",
           "key tenant=? ORDER BY key DESC", false);
    expect(
        "SELECT * FROM ev WHERE tenant = ? AND ts = ? ORDER BY id DESC, body",
        "key tenant=? AND ts=? ORDER BY key DESC", false);
    expect("SELECT * FROM ev WHERE tenant IN (1, 2) ORDER BY tenant, ts DESC",
           "key tenant IN (...) ORDER BY key", false);
    expect("SELECT * FROM ev WHERE tenant IN (1, 2) ORDER BY ts DESC",
           "key tenant IN (...)", true);
    expect("SELECT * FROM r WHERE id > 5 ORDER BY rowid DESC",
           "key id>? ORDER BY key DESC", false);
}
END_TEST

START_TEST(another_collation_is_not_the_keys)
{
    expect("SELECT * FROM nc WHERE name = 'a'", "key name=?", false);
    expect("SELECT * FROM nc WHERE name = 'a' COLLATE BINARY", "scan", false);
    expect("SELECT * FROM nc WHERE name LIKE 'ab%'", "key name>=? AND name<?",
           false);
    expect("SELECT * FROM nc ORDER BY name", "scan ORDER BY key", false);
    expect("SELECT * FROM nc ORDER BY name COLLATE BINARY", "scan", true);
    expect("SELECT * FROM kv WHERE key = 'a' COLLATE NOCASE", "scan", false);
}
END_TEST

START_TEST(joins_look_up_rows_by_key)
{
    expect("SELECT * FROM o CROSS JOIN kv ON kv.key = o.t", "key key=?", false);
    expect("SELECT * FROM o CROSS JOIN ev ON tenant = n AND ts > n",
           "key tenant=? AND ts>?", false);
}
END_TEST

/* What the other side of a comparison is changes what a text is equal to. */
START_TEST(a_number_met_by_a_text_key_compares_as_in_sqlite)
{
    host_run(host.db, "INSERT INTO o VALUES(5, '5');"
                      "INSERT INTO kv VALUES(5, 'number'), ('5', 'text'), "
                      "('05', 'zero'), (' 5', 'space'), ('five', 'word');");

    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv WHERE key = 5"),
                     "number");
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv WHERE key = '5'"),
                     "text");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT value FROM o CROSS JOIN kv ON key = n"),
        "number\nspace\nzero\ntext");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT value FROM o CROSS JOIN kv ON key = t"),
        "text");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT value FROM kv WHERE key IN (SELECT n FROM o) "
                          "ORDER BY key DESC"),
        "text\nzero\nspace\nnumber");
}
END_TEST

START_TEST(order_is_kept_where_one_equality_is_many_texts)
{
    host_run(host.db, "CREATE VIRTUAL TABLE m USING byron("
                      "a TEXT, b INT, PRIMARY KEY(a, b));"
                      "INSERT INTO o VALUES(5, 'x');"
                      "INSERT INTO m VALUES('5', 1), ('05', 2), ('5', 3), "
                      "('5.0', 0), ('6', 9);");

    ck_assert_str_eq(
        host_ask(host.db,
                 "SELECT (SELECT b FROM m WHERE a = n ORDER BY b LIMIT 1), "
                 "(SELECT b FROM m WHERE a = n ORDER BY b DESC LIMIT 1) "
                 "FROM o"),
        "0|3");
}
END_TEST

START_TEST(estimates_follow_the_data)
{
    host_run(host.db, "CREATE TABLE small(k);"
                      "INSERT INTO small VALUES(1);"
                      "INSERT INTO kv WITH RECURSIVE c(x) AS (VALUES(1) UNION "
                      "ALL SELECT x + 1 FROM c WHERE x < 3000) "
                      "SELECT x, x FROM c");

    /* The large table is looked up, the small one walked. */
    expect("SELECT * FROM kv, small WHERE kv.key = small.k", "key key=?",
           false);
}
END_TEST

Suite *test_plan_suite(void)
{
    Suite *suite = suite_create("plan");
    TCase *cases = tcase_create("plan");

    tcase_add_checked_fixture(cases, open_tables, close_tables);
    tcase_add_test(cases, a_plan_travels_behind_its_words);
    tcase_add_test(cases, equality_ranges_and_lists_use_the_key);
    tcase_add_test(cases, a_prefix_of_the_key_may_be_followed_by_a_range);
    tcase_add_test(cases, order_of_the_key_is_not_sorted_again);
    tcase_add_test(cases, another_collation_is_not_the_keys);
    tcase_add_test(cases, joins_look_up_rows_by_key);
    tcase_add_test(cases, a_number_met_by_a_text_key_compares_as_in_sqlite);
    tcase_add_test(cases, order_is_kept_where_one_equality_is_many_texts);
    tcase_add_test(cases, estimates_follow_the_data);
    suite_add_tcase(suite, cases);
    return suite;
}
