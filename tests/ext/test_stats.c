#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/host_expect.h"

Suite *test_stats_suite(void);

static struct host host;

static void open_filled(void)
{
    host_open_kv(&host, 1000);
}

static double figure(const char *name)
{
    char sql[200];
    sqlite3_snprintf(sizeof sql, sql,
                     "SELECT value FROM byron_stats('kv') WHERE name = %Q",
                     name);
    return atof(host_ask(host.db, sql));
}

START_TEST(rows_are_counted_where_they_are)
{
    open_filled();
    ck_assert_double_ge(figure("memtable_entries"), 1000);
    ck_assert_double_eq(figure("levels"), 0);
    host_run(host.db, "SELECT byron_flush('kv')");

    ck_assert_double_eq(figure("memtable_entries"), 0);
    ck_assert_double_eq(figure("levels"), 1);
    ck_assert_double_ge(figure("files"), 1);
    ck_assert_double_gt(figure("write_amplification"), 0);
    ck_assert_double_ge(figure("space_amplification"), 1);
    host_close(&host);
}
END_TEST

START_TEST(a_table_must_be_named)
{
    const char *answer;

    open_filled();
    answer = host_ask(host.db, "SELECT * FROM byron_stats");
    ck_assert_ptr_nonnull(strstr(answer, "needs a table's name"));
    answer = host_ask(host.db, "SELECT count(*) FROM byron_stats('kv') WHERE "
                               "name = 'files' OR name GLOB 'memt*entries'");
    ck_assert_str_eq(answer, "2");
    answer = host_ask(host.db, "SELECT * FROM byron_stats('x')");
    ck_assert_ptr_nonnull(strstr(answer, "no such byron table: x"));
    host_close(&host);
}
END_TEST

START_TEST(it_joins_with_a_list_of_tables)
{
    open_filled();
    ck_assert_str_eq(
        host_ask(host.db, "SELECT c.name, s.value >= 1000 FROM byron_catalog c "
                          "JOIN byron_stats(c.name) s "
                          "WHERE s.name = 'memtable_entries'"),
        "kv|1");
    host_close(&host);
}
END_TEST

START_TEST(mapped_files_are_told_apart_from_memory)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE kv USING byron(k INTEGER PRIMARY KEY, v, "
             "compression=none, mmap=on); "
             "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 "
             "FROM n WHERE i < 5000) INSERT INTO kv SELECT i, "
             "printf('%100d', i) FROM n; SELECT byron_flush('kv')");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT count(*), byron_check('kv') FROM kv WHERE "
                          "v = printf('%100d', k)"),
        "5000|ok");
    ck_assert_double_gt(figure("mapped_bytes"), 500000);
    host_close(&host);
}
END_TEST

Suite *test_stats_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *cases = tcase_create("stats");

    tcase_add_test(cases, rows_are_counted_where_they_are);
    tcase_add_test(cases, mapped_files_are_told_apart_from_memory);
    tcase_add_test(cases, a_table_must_be_named);
    tcase_add_test(cases, it_joins_with_a_list_of_tables);
    suite_add_tcase(suite, cases);
    return suite;
}
