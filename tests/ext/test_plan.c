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
                      "CREATE VIRTUAL TABLE x USING byron("
                      "k TEXT PRIMARY KEY, a INT, b INT, "
                      "name TEXT COLLATE NOCASE, body, u UNIQUE, "
                      "INDEX by_a(a, b DESC), INDEX by_name(name));"
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

START_TEST(an_index_is_searched_as_the_key_is)
{
    expect("SELECT body FROM x WHERE a = 1", "index by_a a=?", false);
    expect("SELECT body FROM x WHERE a = ? AND b > ?", "index by_a a=? AND b>?",
           false);
    expect("SELECT k, b FROM x WHERE a = 1", "covering index by_a a=?", false);
    expect("SELECT k FROM x WHERE a IS NULL AND b = 2",
           "covering index by_a a IS NULL AND b=?", false);
    expect("SELECT k FROM x WHERE a IS ?", "covering index by_a a=?", false);
    expect("SELECT k FROM x WHERE a IS 1", "covering index by_a a=?", false);
    expect("SELECT k FROM x WHERE a IS NOT NULL",
           "covering index by_a a IS NOT NULL", false);
    expect("SELECT body FROM x WHERE a IN (1, 2) AND b IN (3, 4)",
           "index by_a a IN (...) AND b IN (...)", false);
    expect("SELECT body FROM x WHERE u = ?", "index unique_u u=?", false);
    expect("SELECT body FROM x WHERE k = ? AND u = ?", "key k=?", false);
    expect("SELECT body FROM x WHERE name LIKE 'ab%'",
           "index by_name name>=? AND name<?", false);
    expect("SELECT body FROM x WHERE name = 'a' COLLATE BINARY", "scan", false);
    expect("SELECT body FROM x WHERE b = 1", "scan", false);
    expect("SELECT count(*) FROM x WHERE b = 1", "covering index by_a scan",
           false);
}
END_TEST

START_TEST(an_or_searches_once_for_each_side)
{
    const char *found =
        host_ask(host.db, "EXPLAIN QUERY PLAN SELECT body FROM x WHERE a = 1 "
                          "OR k = 'x' OR u = 3");

    ck_assert_str_ne(found, "");
    ck_assert(strstr(found, "MULTI-INDEX OR"));
    ck_assert(strstr(found, ":index by_a a=?"));
    ck_assert(strstr(found, ":key k=?"));
    ck_assert(strstr(found, ":index unique_u u=?"));
}
END_TEST

START_TEST(an_index_gives_its_order)
{
    expect("SELECT k FROM x ORDER BY a, b DESC",
           "covering index by_a scan ORDER BY index", false);
    expect("SELECT k FROM x ORDER BY a DESC, b",
           "covering index by_a scan ORDER BY index DESC", false);
    expect("SELECT k FROM x ORDER BY a, b DESC, k",
           "covering index by_a scan ORDER BY index", false);
    expect("SELECT k FROM x WHERE a = 1 ORDER BY b, k DESC",
           "covering index by_a a=? ORDER BY index DESC", false);
    expect("SELECT k FROM x WHERE a = 1 ORDER BY b, k",
           "covering index by_a a=?", true);
    expect("SELECT k FROM x WHERE a IN (1, 2) ORDER BY b DESC",
           "covering index by_a a IN (...)", true);
    expect("SELECT k FROM x WHERE a IN (1, 2) ORDER BY a, b DESC",
           "covering index by_a a IN (...) ORDER BY index", false);
}
END_TEST

START_TEST(patterns_that_are_bound_search_what_they_begin_with)
{
    expect("SELECT * FROM kv WHERE key GLOB ?", "key key GLOB ?", false);
    expect("SELECT * FROM kv WHERE key GLOB 'a*'", "key key>=? AND key<?",
           false);
    expect("SELECT * FROM kv WHERE key GLOB '12*'", "key key GLOB ?", false);
    expect("SELECT * FROM nc WHERE name LIKE ?", "key name LIKE ?", false);
    expect("SELECT * FROM kv WHERE key LIKE ?", "scan", false);
    expect("SELECT * FROM kv WHERE key LIKE 'ab%'", "scan", false);
    expect("SELECT * FROM kv WHERE key LIKE '2026-%'", "key key LIKE ?", false);
    expect("SELECT * FROM r WHERE id GLOB '1*'", "scan", false);
}
END_TEST

START_TEST(a_prefix_is_of_the_first_key_column_without_an_equality)
{
    expect("SELECT * FROM kv('user:')", "key key begins with ?", false);
    expect("SELECT * FROM kv WHERE prefix = x'00ff' AND value = 1",
           "key key begins with ?", false);
    expect("SELECT * FROM ev WHERE tenant = 1 AND ts = 2 AND prefix = x'00'",
           "key tenant=? AND ts=? AND id begins with ?", false);
    expect("SELECT * FROM x WHERE a = 1 AND prefix = 'k'",
           "key k begins with ?", false);
    /* Its answer may not depend on which table comes first. */
    expect("SELECT * FROM ev('a'), o WHERE ev.tenant = o.n AND ev.ts = 1",
           "key tenant=? AND ts=? AND id begins with ?", false);
}
END_TEST

START_TEST(a_prefix_finds_texts_or_blobs)
{
    host_run(host.db, "INSERT INTO kv VALUES('user:1', 1), ('user:2', 2), "
                      "('user', 3), ('uses', 4), (x'757365723a31', 5), "
                      "(x'ff', 6), (x'ffff01', 7), (x'fe', 8), ('', 9), "
                      "(x'', 10), (5, 11), ('5x', 12);"
                      "INSERT INTO nc VALUES('User:1', 1), ('uSER', 2);"
                      "CREATE VIRTUAL TABLE d USING byron(a TEXT, b TEXT, "
                      "PRIMARY KEY(a DESC, b));"
                      "INSERT INTO d VALUES('ab', 1), ('abc', 2), ('b', 3), "
                      "('a', 4), ('ab', 12)");

    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv('user:')"),
                     "1\n2");
    ck_assert_str_eq(host_ask(host.db, "SELECT value, prefix FROM kv('us') "
                                       "ORDER BY key DESC"),
                     "4|us\n2|us\n1|us\n3|us");
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv(x'ff')"), "6\n7");
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv(x'')"),
                     "10\n5\n8\n6\n7");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM kv('')"), "6");
    ck_assert_str_eq(host_ask(host.db, "SELECT value FROM kv(5)"), "12");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM kv(NULL)"), "0");
    ck_assert_str_eq(host_ask(host.db, "SELECT v FROM nc('uS')"), "2\n1");
    ck_assert_str_eq(host_ask(host.db, "SELECT a, b FROM d('ab')"),
                     "abc|2\nab|1\nab|12");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT b FROM d WHERE a = 'ab' AND prefix = '1'"),
        "1\n12");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM r('1')"), "0");
}
END_TEST

/* Sixteen terms are the most that SQLite leaves unchecked. */
START_TEST(a_prefix_is_right_behind_sixteen_terms)
{
    host_run(host.db, "INSERT INTO kv VALUES('aa', 1), ('ab', 2), ('b', 3)");

    ck_assert_str_eq(
        host_ask(host.db,
                 "SELECT key FROM kv WHERE value > 0 AND value > -1 AND "
                 "value > -2 AND value > -3 AND value > -4 AND value > -5 AND "
                 "value > -6 AND value > -7 AND value > -8 AND value > -9 AND "
                 "value > -10 AND value > -11 AND value > -12 AND value > -13 "
                 "AND value > -14 AND value > -15 AND value > -16 AND "
                 "prefix = 'a'"),
        "aa\nab");
}
END_TEST

START_TEST(distinct_and_groups_go_by_the_key)
{
    const char *distinct = "EXPLAIN QUERY PLAN SELECT DISTINCT tenant FROM ev";

    ck_assert(
        strstr(host_ask(host.db, distinct), "scan DISTINCT tenant ORDER BY"));
    ck_assert(!strstr(host_ask(host.db, "EXPLAIN QUERY PLAN SELECT DISTINCT "
                                        "tenant FROM ev WHERE body = 1"),
                      "DISTINCT tenant ORDER"));
    ck_assert(strstr(host_ask(host.db, "EXPLAIN QUERY PLAN SELECT DISTINCT a "
                                       "FROM x"),
                     "covering index by_a scan DISTINCT a ORDER BY index"));
    expect("SELECT tenant, count(*) FROM ev GROUP BY tenant",
           "scan ORDER BY key", false);
    expect("SELECT a, count(*) FROM x GROUP BY a",
           "covering index by_a scan ORDER BY index", false);
}
END_TEST

/* Older versions hand a limit down beside terms that they do not hand down. */
START_TEST(a_limit_is_taken_where_it_is_exact)
{
    bool is_sound = sqlite3_libversion_number() >= 3050000;
    const char *end = is_sound ? " LIMIT" : "";
    char words[100];

    snprintf(words, sizeof words, "scan%s", end);
    expect("SELECT * FROM r LIMIT 5", words, false);
    snprintf(words, sizeof words, "key id>? ORDER BY key%s", end);
    expect("SELECT * FROM r WHERE id > 5 ORDER BY id LIMIT 5", words, false);
    snprintf(words, sizeof words, "key id>?%s%s", end,
             is_sound ? " OFFSET" : "");
    expect("SELECT * FROM r WHERE id > 5 LIMIT 5 OFFSET 3", words, false);
    /* Not where a row value may be behind a bound, or a check is to come. */
    expect("SELECT * FROM ev WHERE (tenant, ts) > (1, 2) LIMIT 5",
           "key tenant>=?", false);
    expect("SELECT * FROM ev WHERE tenant >= ? LIMIT 5", "key tenant>=?",
           false);
    expect("SELECT * FROM kv WHERE key = ? LIMIT 5", "key key=?", false);
    expect("SELECT * FROM ev WHERE tenant = 1 AND body = 2 LIMIT 5",
           "key tenant=?", false);
    expect("SELECT * FROM ev WHERE tenant = 1 ORDER BY body LIMIT 5",
           "key tenant=?", true);
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

/* The column in front tells nearly nothing, the one behind it all. */
START_TEST(estimates_know_what_an_index_tells)
{
    host_run(host.db, "CREATE VIRTUAL TABLE e USING byron(k INT PRIMARY KEY, "
                      "few INT, many INT, v, INDEX by_few(few), "
                      "INDEX by_many(many));"
                      "INSERT INTO e WITH RECURSIVE c(x) AS (VALUES(1) UNION "
                      "ALL SELECT x + 1 FROM c WHERE x < 5000) "
                      "SELECT x, x % 2, x % 2500, x FROM c");

    for (int i = 0; i < 2; i++) {
        expect("SELECT v FROM e WHERE few = ? AND many = ?",
               "index by_many many=?", false);
        expect("SELECT v FROM e WHERE few = 1 AND many = 7",
               "index by_many many=?", false);
        /* Half of the table is better read than looked up. */
        expect("SELECT v FROM e WHERE few = 1", "scan", false);
        expect("SELECT v FROM e WHERE few = ?", "scan", false);
        host_run(host.db, "SELECT byron_flush('e')");
    }
}
END_TEST

START_TEST(the_smaller_side_of_a_join_leads)
{
    const char *found;

    host_run(host.db, "CREATE VIRTUAL TABLE big USING byron(k INT PRIMARY KEY, "
                      "s INT, INDEX by_s(s));"
                      "CREATE VIRTUAL TABLE few USING byron(k INT PRIMARY KEY, "
                      "s INT, INDEX by_s(s));"
                      "INSERT INTO big WITH RECURSIVE c(x) AS (VALUES(1) UNION "
                      "ALL SELECT x + 1 FROM c WHERE x < 5000) "
                      "SELECT x, x FROM c;"
                      "INSERT INTO few VALUES(1, 1), (2, 2)");
    found = host_ask(host.db, "EXPLAIN QUERY PLAN SELECT * FROM big, few WHERE "
                              "big.s = few.s");

    ck_assert_msg(strstr(found, "few") < strstr(found, "big"), "%s", found);
    ck_assert(strstr(found, "s=?"));
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

/* What a part of a memtable holds is told from all of it. */
START_TEST(estimates_follow_rows_that_are_in_memory)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE e USING byron(a TEXT, b INT, c, d, "
             "PRIMARY KEY(a, b DESC), INDEX ic(c));"
             "INSERT INTO e WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL "
             "SELECT i + 1 FROM n WHERE i < 20000) "
             "SELECT 'k' || (i % 100), i, i % 500, i FROM n;"
             "CREATE TABLE small(x)");

    expect("SELECT sum(c) FROM e WHERE a = 'k1'", "key a=?", false);
    expect("SELECT sum(d) FROM e WHERE c = 5", "index ic c=?", false);
    expect("SELECT sum(c) FROM small CROSS JOIN e ON e.a = small.x", "key a=?",
           false);
    expect("SELECT sum(d) FROM small CROSS JOIN e ON e.c = small.x",
           "index ic c=?", false);
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
    tcase_add_test(cases, an_index_is_searched_as_the_key_is);
    tcase_add_test(cases, an_or_searches_once_for_each_side);
    tcase_add_test(cases, an_index_gives_its_order);
    tcase_add_test(cases, patterns_that_are_bound_search_what_they_begin_with);
    tcase_add_test(cases,
                   a_prefix_is_of_the_first_key_column_without_an_equality);
    tcase_add_test(cases, a_prefix_finds_texts_or_blobs);
    tcase_add_test(cases, a_prefix_is_right_behind_sixteen_terms);
    tcase_add_test(cases, distinct_and_groups_go_by_the_key);
    tcase_add_test(cases, a_limit_is_taken_where_it_is_exact);
    tcase_add_test(cases, estimates_know_what_an_index_tells);
    tcase_add_test(cases, the_smaller_side_of_a_join_leads);
    tcase_add_test(cases, order_of_the_key_is_not_sorted_again);
    tcase_add_test(cases, another_collation_is_not_the_keys);
    tcase_add_test(cases, joins_look_up_rows_by_key);
    tcase_add_test(cases, a_number_met_by_a_text_key_compares_as_in_sqlite);
    tcase_add_test(cases, order_is_kept_where_one_equality_is_many_texts);
    tcase_add_test(cases, estimates_follow_the_data);
    tcase_add_test(cases, estimates_follow_rows_that_are_in_memory);
    suite_add_tcase(suite, cases);
    return suite;
}
