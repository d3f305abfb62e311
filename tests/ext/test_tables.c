/*
 * tables: byron_tables; sstables: byron_sstables.
 *
 * Covers: sstables.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/host.h"

Suite *test_tables_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

static void open_empty(void)
{
    host_open(&host);
}

static void close_empty(void)
{
    host_close(&host);
}

START_TEST(every_table_of_every_schema_is_listed)
{
    expect("SELECT count(*) FROM byron_tables", "0");
    host_run(host.db, "CREATE VIRTUAL TABLE b USING byron; "
                      "CREATE VIRTUAL TABLE a USING byron(x); "
                      "CREATE VIRTUAL TABLE temp.c USING byron(x); "
                      "ATTACH ':memory:' AS more; "
                      "CREATE VIRTUAL TABLE more.a USING byron(x); "
                      "INSERT INTO a VALUES(1), (2)");
    expect("SELECT \"schema\", name, id FROM byron_tables",
           "main|a|2\nmain|b|1\ntemp|c|1\nmore|a|1");
    expect("SELECT \"rows\", store LIKE '%/x.db-byron' FROM byron_tables "
           "WHERE \"schema\" = 'main' AND name = 'a'",
           "2|1");
    expect("SELECT t.name, s.value > 0 FROM byron_tables t, byron_stats("
           "t.\"schema\" || '.' || t.name) s WHERE s.name = 'memory' "
           "AND t.\"schema\" = 'more'",
           "a|1");
}
END_TEST

START_TEST(a_store_that_is_gone_does_not_hide_its_tables)
{
    char command[600];

    host_run(host.db, "CREATE VIRTUAL TABLE a USING byron");
    sqlite3_close(host.db);
    sqlite3_snprintf(sizeof command, command, "rm -r %s",
                     host_at(&host, "x.db-byron"));
    ck_assert_int_eq(system(command), 0);
    host.db = host_connect(&host);
    expect("SELECT \"schema\", name, store, id, \"rows\" FROM byron_tables",
           "main|a|NULL|1|NULL");
}
END_TEST

START_TEST(files_are_listed_with_the_keys_they_hold)
{
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(a TEXT, b, v, "
                      "PRIMARY KEY(a, b DESC)); "
                      "INSERT INTO t VALUES('m', 1, 1), ('it''s', 2.5, 1), "
                      "('z', x'00', 1)");
    expect("SELECT count(*) FROM byron_sstables('t')", "0");
    host_run(host.db, "INSERT INTO t(t) VALUES('flush')");
    expect("SELECT level, entries, tombstones, smallest, largest, "
           "bytes > 100, file GLOB 'S-[0-9a-f]*', length(file) "
           "FROM byron_sstables('t')",
           "0|3|0|'it''s', 2.5|'z', x'00'|1|1|18");
    host_run(host.db, "DELETE FROM t WHERE a = 'm'; "
                      "SELECT byron_config('t', 'hash_index', 'off'); "
                      "INSERT INTO t(t) VALUES('flush')");
    expect("SELECT level, tombstones, hash_index, smallest "
           "FROM byron_sstables('t')",
           "0|1|0|'m', 1\n0|0|1|'it''s', 2.5");
}
END_TEST

START_TEST(indexes_are_counted_and_their_files_listed)
{
    host_run(host.db, "CREATE VIRTUAL TABLE i USING byron(a PRIMARY KEY, b, "
                      "INDEX by_b(b)); INSERT INTO i VALUES(1, 'x'); "
                      "INSERT INTO i(i) VALUES('flush')");
    expect("SELECT name, indexes FROM byron_tables", "i|1");
    expect("SELECT smallest, largest FROM byron_sstables('i')",
           "1|by_b: 'x', 1");
    host_run(host.db, "INSERT INTO i VALUES(2, 'y'); "
                      "INSERT INTO i(i) VALUES('compact')");
    expect("SELECT count(*), min(smallest), max(largest) "
           "FROM byron_sstables('i')",
           "1|1|by_b: 'y', 2");
}
END_TEST

START_TEST(keys_of_other_tables_are_bytes)
{
    host_run(host.db, "CREATE VIRTUAL TABLE a USING byron(x); "
                      "CREATE VIRTUAL TABLE b USING byron; "
                      "INSERT INTO a(rowid, x) VALUES(-1, 'x'); "
                      "INSERT INTO b VALUES('k', 'v'); "
                      "INSERT INTO a(a) VALUES('flush')");
    expect("SELECT smallest, largest LIKE 'x''00000002%' "
           "FROM byron_sstables('a')",
           "-1|1");
    expect("SELECT smallest LIKE 'x''00000001%', largest "
           "FROM byron_sstables('b')",
           "1|'k'");
}
END_TEST

START_TEST(the_list_needs_a_table)
{
    ck_assert_ptr_nonnull(
        strstr(host_ask(host.db, "SELECT * FROM byron_sstables"),
               "byron_sstables needs a table's name"));
    ck_assert_ptr_nonnull(
        strstr(host_ask(host.db, "SELECT * FROM byron_sstables('x')"),
               "no such byron table: x"));
}
END_TEST

Suite *test_tables_suite(void)
{
    Suite *suite = suite_create("tables");
    TCase *cases = tcase_create("tables");

    tcase_add_checked_fixture(cases, open_empty, close_empty);
    tcase_add_test(cases, every_table_of_every_schema_is_listed);
    tcase_add_test(cases, a_store_that_is_gone_does_not_hide_its_tables);
    tcase_add_test(cases, files_are_listed_with_the_keys_they_hold);
    tcase_add_test(cases, indexes_are_counted_and_their_files_listed);
    tcase_add_test(cases, keys_of_other_tables_are_bytes);
    tcase_add_test(cases, the_list_needs_a_table);
    suite_add_tcase(suite, cases);
    return suite;
}
