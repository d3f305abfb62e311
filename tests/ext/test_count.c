/*
 * count: byron_count; config: byron_config; debug: byron_debug.
 *
 * Covers: sweep, interrupt, reply, config, debug.
 */
#include <check.h>

#include "interrupt.h"
#include "support/host_expect.h"

Suite *test_count_suite(void);

static struct host host;

static void open_filled(void)
{
    host_open_kv(&host, 3000);
}

static void close_filled(void)
{
    host_close(&host);
}

START_TEST(a_count_is_exact_at_the_statements_state)
{
    host_expect(&host, "SELECT byron_count('kv')", "3000");
    host_run(host.db, "BEGIN; DELETE FROM kv WHERE key % 3 = 0; "
                      "INSERT INTO kv VALUES('new', 1); SAVEPOINT s; "
                      "DELETE FROM kv");
    host_expect(&host, "SELECT byron_count('kv')", "0");
    host_run(host.db, "ROLLBACK TO s");
    host_expect(&host, "SELECT byron_count('main.kv', 'exact')", "2001");
    host_run(host.db, "ROLLBACK");
    host_expect(&host, "SELECT byron_count('kv'), count(*) FROM kv",
                "3000|3000");
}
END_TEST

START_TEST(a_reader_counts_what_it_began_to_read)
{
    host_expect_kept(&host, "SELECT byron_count('kv')",
                     "DELETE FROM kv WHERE key <= 1000", "3000", "2000");
}
END_TEST

START_TEST(about_how_many_costs_no_walk)
{
    host_run(host.db, "SELECT byron_compact('kv')");
    host_expect(
        &host, "SELECT byron_count('kv', 'approx') BETWEEN 2000 AND 4000", "1");
    host_expect_words(&host, "SELECT byron_count('kv', 'roughly')",
                      "'exact' or 'approx', not 'roughly'");
    host_expect_words(&host, "SELECT byron_count('nothing')",
                      "no such byron table: nothing");
    host_expect_words(&host, "SELECT byron_count('kv', NULL)", "not 'NULL'");
}
END_TEST

START_TEST(a_renamed_table_is_found_by_its_name)
{
    host_run(host.db, "BEGIN; ALTER TABLE kv RENAME TO other; "
                      "CREATE VIRTUAL TABLE kv USING byron; "
                      "INSERT INTO kv VALUES(1, 2)");
    host_expect(&host, "SELECT byron_count('kv'), byron_count('other')",
                "1|3000");
    host_run(host.db, "ROLLBACK");
    host_expect(&host, "SELECT byron_count('kv')", "3000");
    host_expect_words(&host, "SELECT byron_count('other')",
                      "no such byron table");
    host_run(host.db, "DROP TABLE kv");
    host_expect_words(&host, "SELECT byron_count('kv')", "no such byron table");
}
END_TEST

START_TEST(a_view_may_count_unless_the_schema_is_not_trusted)
{
    host_run(host.db, "CREATE VIEW v AS SELECT byron_count('kv') AS n");
    host_expect(&host, "SELECT n FROM v", "3000");
    host_run(host.db, "PRAGMA trusted_schema = OFF");
    host_expect_words(&host, "SELECT n FROM v", "unsafe use of byron_count");
    host_expect(&host, "SELECT byron_count('kv')", "3000");
}
END_TEST

START_TEST(an_interrupt_is_noticed_inside_a_call)
{
    struct interrupt interrupt = {.db = host.db};
    sqlite3_stmt *busy;
    int calls = 0;
    int rc = SQLITE_OK;

    sqlite3_prepare_v2(host.db, "SELECT key FROM kv", -1, &busy, NULL);
    ck_assert_int_eq(sqlite3_step(busy), SQLITE_ROW);
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(interrupt_check(&interrupt), SQLITE_OK);
    sqlite3_interrupt(host.db);
    while (rc == SQLITE_OK && ++calls < 5000)
        rc = interrupt_check(&interrupt);
    ck_assert_int_eq(rc, SQLITE_INTERRUPT);
    interrupt_deinit(&interrupt);
    ck_assert_int_eq(sqlite3_finalize(busy), SQLITE_OK);
    host_expect(&host, "SELECT byron_count('kv')", "3000");
}
END_TEST

START_TEST(options_are_told_and_changed)
{
    host_expect_words(&host, "SELECT byron_config('kv')",
                      "memory=67108864, memtable=8388608, cache=58720256, "
                      "file_size=33554432, block_size=4096, bloom_bits=10, "
                      "hash_index=auto, fanout=8, compression=");
    host_expect_words(&host, "SELECT byron_config('kv')",
                      "x.db-byron', commit=host, "
                      "conflict=abort");
    host_expect(&host,
                "SELECT byron_config('kv', 'memory', '32MB'), "
                "byron_config('kv', 'compression', 'none'), "
                "byron_config('kv', 'bloom_bits', 0), "
                "byron_config('kv', 'hash_index', 'on'), "
                "byron_config('kv', 'mmap', 'on')",
                "33554432|none|0|on|on");
    host_expect_words(&host, "SELECT byron_config('kv')", ", mmap=on, ");
    host_expect_words(&host, "SELECT byron_config('kv', 'mmap', 'perhaps')",
                      "error: byron: option mmap cannot be");
    host_expect(&host, "SELECT byron_config('kv', 'mmap', 'off')", "off");
    host_expect(&host,
                "SELECT byron_config('kv', 'MEMORY'), "
                "typeof(byron_config('kv', 'memory')), "
                "byron_config('kv', 'commit')",
                "33554432|integer|host");
    host_expect_words(&host, "SELECT byron_config('kv', 'nothing')",
                      "unrecognized option: \"nothing\"; there are memory, ");
    host_expect_words(&host, "SELECT byron_config('kv', 'fanout', x'3400')",
                      "error: byron: option fanout cannot be a blob");
    host_expect_words(&host, "SELECT byron_config('kv', 'fanout', 0)",
                      "option fanout cannot be \"0\"");
    host_expect(&host,
                "SELECT byron_config('kv', 'memtable', '1GB'), "
                "byron_config('kv', 'memory', '64MB'), "
                "byron_config('kv', 'memtable')",
                "33554432|67108864|67108864");
    host_expect_words(&host, "SELECT byron_config('kv', NULL)",
                      "unrecognized option");
    host_expect_words(&host, "SELECT byron_config('kv', 'path', '/')",
                      "fixed when the table is created");
    host_expect_words(&host, "SELECT byron_config('kv', 'fanout', 'many')",
                      "option fanout cannot be \"many\"");
    host_expect_words(&host, "SELECT byron_config('kv', 'fanout', NULL)",
                      "option fanout cannot be");
    host_run(host.db, "CREATE VIEW v AS SELECT "
                      "byron_config('kv', 'memory', '1MB')");
    host_expect_words(&host, "SELECT * FROM v", "unsafe use of byron_config");
}
END_TEST

START_TEST(byron_tells_how_it_was_built)
{
    host_expect_words(&host, "SELECT byron_debug()", "byron: 0.1.0\n");
    host_expect_words(&host, "SELECT byron_debug()", "\ncompiler: ");
    host_expect_words(&host, "SELECT byron_debug()", sqlite3_libversion());
}
END_TEST

Suite *test_count_suite(void)
{
    Suite *suite = suite_create("count");
    TCase *cases = tcase_create("count");

    tcase_add_checked_fixture(cases, open_filled, close_filled);
    tcase_add_test(cases, a_count_is_exact_at_the_statements_state);
    tcase_add_test(cases, a_reader_counts_what_it_began_to_read);
    tcase_add_test(cases, about_how_many_costs_no_walk);
    tcase_add_test(cases, a_renamed_table_is_found_by_its_name);
    tcase_add_test(cases, a_view_may_count_unless_the_schema_is_not_trusted);
    tcase_add_test(cases, an_interrupt_is_noticed_inside_a_call);
    tcase_add_test(cases, options_are_told_and_changed);
    tcase_add_test(cases, byron_tells_how_it_was_built);
    suite_add_tcase(suite, cases);
    return suite;
}
