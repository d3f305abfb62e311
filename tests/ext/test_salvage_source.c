/*
 * byron_salvage on real files: by a connection that could not use the table any
 * more, into tables of another database.
 *
 * Covers: salvage_target.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/host_expect.h"

Suite *test_salvage_source_suite(void);

static struct host host;

#define MANY                                                                   \
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "    \
    "i < 3000) INSERT INTO kv SELECT i, 'Name ' || i, i * 0.5 FROM c;"

/* Tables of each shape of key, in files and in the log. */
static void open_filled(void)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE kv USING byron(id INTEGER PRIMARY KEY, name "
             "TEXT COLLATE NOCASE DEFAULT 'x', v REAL, block_size=1024);" MANY
             "INSERT INTO kv(kv, arg) VALUES('add-index', 'UNIQUE by_v(v)');"
             "UPDATE kv SET name = NULL WHERE id % 1000 = 7;"
             "DELETE FROM kv WHERE id % 10 = 0;"
             "CREATE VIRTUAL TABLE pair USING byron(a, b, "
             "PRIMARY KEY(b DESC, a));"
             "INSERT INTO pair VALUES(1, 2), ('x', x'00'), (2.5, 'y');"
             "CREATE VIRTUAL TABLE note USING byron(rowid, body DEFAULT 5);"
             "INSERT INTO note(oid, rowid, body) VALUES(7, 1, 'one'), "
             "(-3, 2, '');"
             "SELECT byron_flush('kv');"
             "INSERT INTO kv VALUES(100001, 'in the log', 0.25);"
             "CREATE VIRTUAL TABLE plain USING byron();"
             "INSERT INTO plain VALUES('k', 'v')");
    host_reopen(&host);
    sqlite3_exec(host.db, "ATTACH '' AS unused", NULL, NULL, NULL);
}

static void attach_new(void)
{
    char sql[400];

    snprintf(sql, sizeof sql, "ATTACH '%s' AS new", host_at(&host, "new.db"));
    host_run(host.db, sql);
}

/* The first file of the store of that kind, inside the host's folder. */
static void find_file(char kind, char *out, size_t size)
{
    DIR *folder = opendir(host_at(&host, "x.db-byron"));
    const struct dirent *entry;

    ck_assert_ptr_nonnull(folder);
    *out = 0;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] == kind)
            snprintf(out, size, "x.db-byron/%s", entry->d_name);
    closedir(folder);
    ck_assert_int_ne(*out, 0);
}

static void damage(char kind, long offset)
{
    char name[300];
    FILE *file;

    find_file(kind, name, sizeof name);
    file = fopen(host_at(&host, name), "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET);
    fputs("damage", file);
    fclose(file);
}

static void expect_same(const char *table)
{
    char sql[400];

    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM "
             "new.%s)",
             table, table);
    host_expect(&host, sql, "0");
    snprintf(sql, sizeof sql,
             "SELECT (SELECT count(*) FROM main.%s) = (SELECT count(*) FROM "
             "new.%s)",
             table, table);
    host_expect(&host, sql, "1");
}

START_TEST(every_shape_of_table_comes_whole)
{
    open_filled();
    attach_new();
    host_expect(&host,
                "SELECT what, count FROM byron_salvage('kv', 'new.kv') "
                "WHERE count > 0 AND what NOT IN ('files', 'deleted keys')",
                "rows|2701");
    host_run(host.db, "SELECT * FROM byron_salvage('pair', 'new.pair')");
    host_run(host.db, "SELECT * FROM byron_salvage('note', 'new.note')");
    host_run(host.db, "SELECT * FROM byron_salvage('main.plain', 'new.plain')");
    expect_same("kv");
    expect_same("pair");
    expect_same("note");
    expect_same("plain");
    host_expect(&host, "SELECT oid, * FROM new.note ORDER BY oid",
                "-3|2|\n7|1|one");
    host_expect(&host, "SELECT count(*) FROM new.kv WHERE name IS NULL", "3");
    host_expect(&host, "SELECT byron_check('new.kv')", "ok");
    host_expect(&host, "SELECT id FROM new.kv WHERE v = 0.25", "100001");
    host_close(&host);
}
END_TEST

START_TEST(what_cannot_be_opened_is_salvaged)
{
    static const char kinds[] = "HMS";

    open_filled();
    damage(kinds[_i], 0);
    if (kinds[_i] == 'H') {
        damage('H', 2048);
        damage('H', 4096);
        damage('H', 6144);
    }
    if (kinds[_i] == 'S')
        damage('S', -8);
    attach_new();
    host_expect(&host,
                "SELECT count FROM byron_salvage('kv', 'new.kv') "
                "WHERE what = 'rows'",
                "2701");
    host_expect(&host, "SELECT byron_check('new.kv')", "ok");
    host_expect(&host, "SELECT count(*), sum(id) FROM new.kv", "2701|4150001");
    /* The store was not changed: it is as broken as it was. */
    ck_assert_int_ne(
        sqlite3_exec(host.db, "SELECT sum(v) FROM main.kv", NULL, NULL, NULL),
        SQLITE_OK);
    host_close(&host);
}
END_TEST

START_TEST(a_damaged_block_is_told_and_the_rest_is_there)
{
    open_filled();
    damage('S', 3000);
    attach_new();
    host_expect(&host,
                "SELECT count(*) FROM byron_salvage('kv', 'new.kv') "
                "WHERE what = 'damage' AND file GLOB 'S-*' AND \"offset\" > 0 "
                "AND count > 0 AND reason LIKE '%checksum%'",
                "1");
    host_expect(&host, "SELECT count(*) BETWEEN 2500 AND 2700 FROM new.kv",
                "1");
    host_expect(&host, "SELECT count(*) FROM new.kv WHERE v != id * 0.5", "1");
    host_close(&host);
}
END_TEST

START_TEST(refused_rows_are_counted_and_change_nothing)
{
    open_filled();
    host_run(host.db,
             "CREATE TABLE few(id, name, v, CONSTRAINT a CHECK(id % 3 != 0), "
             "CONSTRAINT b CHECK(id % 3 != 1), CHECK(id < 3 OR id % 3 != 2));"
             "INSERT INTO few VALUES(NULL, 'there', 0)");
    host_expect(&host,
                "SELECT what, count FROM byron_salvage('kv', 'few') WHERE "
                "what IN ('rows', 'refused rows') OR what GLOB '*told'",
                "rows|1\nrefused rows|2700\ndamages and refusals not "
                "told|1700");
    host_expect(&host, "SELECT count(*) FROM few", "2");
    host_run(host.db, "CREATE TABLE odd(id CHECK(id % 2), name, v)");
    host_expect(&host,
                "SELECT what, count, reason FROM byron_salvage('kv', 'odd') "
                "WHERE what GLOB 'refus*' OR what GLOB '*told'",
                "refused rows|1200|NULL\nrefusal|1200|CHECK constraint failed: "
                "id % 2");
    host_close(&host);
}
END_TEST

/* Whatever the target says of conflicts: here the salvaged row has a NULL. */
START_TEST(a_row_that_is_there_already_stays)
{
    static const char *const targets[] = {
        "CREATE TABLE mine(id INTEGER PRIMARY KEY ON CONFLICT IGNORE, name "
        "DEFAULT 'x', v)",
        "CREATE TABLE mine(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, name "
        "DEFAULT 'x', v)",
        "CREATE VIRTUAL TABLE new.mine USING byron(id INTEGER PRIMARY KEY ON "
        "CONFLICT IGNORE, name DEFAULT 'x', v)",
        "CREATE VIRTUAL TABLE new.mine USING byron(id INTEGER PRIMARY KEY, "
        "name DEFAULT 'x', v, conflict=replace)",
    };

    open_filled();
    attach_new();
    host_run(host.db, targets[_i]);
    host_run(host.db, "INSERT INTO mine VALUES(7, 'mine', 0)");
    host_expect(&host,
                _i < 2 ? "SELECT what, count FROM byron_salvage('kv', 'mine') "
                         "WHERE what IN ('rows', 'refused rows')"
                       : "SELECT what, count FROM byron_salvage('kv', "
                         "'new.mine') WHERE what IN ('rows', 'refused rows')",
                "rows|2700\nrefused rows|1");
    host_expect(&host, "SELECT name, v FROM mine WHERE id = 7", "mine|0");
    host_expect(&host, "SELECT count(*), count(name) FROM mine", "2701|2699");
    host_close(&host);
}
END_TEST

START_TEST(what_cannot_be_is_refused_in_words)
{
    open_filled();
    host_expect_words(&host, "SELECT * FROM byron_salvage('kv', 'kv2')",
                      "ATTACH another one");
    host_expect_words(&host, "SELECT * FROM byron_salvage('no', 'x')",
                      "no such byron table: no");
    host_expect_words(&host, "SELECT * FROM byron_salvage('kv')",
                      "needs the damaged table");
    host_run(host.db, "CREATE TABLE other(a)");
    host_expect_words(&host, "SELECT * FROM byron_salvage('kv', 'other')",
                      "no column named id");
    host_run(host.db,
             "CREATE VIEW w AS SELECT * FROM byron_salvage('kv', 'o')");
    host_expect_words(&host, "SELECT * FROM w", "unsafe use");
    host_run(host.db, "SELECT count(*) FROM kv; CREATE TABLE o(id, name, v)");
    host_expect_words(&host, "SELECT * FROM byron_salvage('kv', 'o')",
                      "the store of kv is open");
    host_expect(&host, "SELECT count(*) FROM o", "0");
    host_close(&host);
}
END_TEST

START_TEST(another_database_s_store_is_refused)
{
    char sql[400], own[300], foreign[300];

    open_filled();
    snprintf(sql, sizeof sql, "ATTACH '%s' AS y", host_at(&host, "y.db"));
    host_run(host.db, sql);
    host_run(host.db,
             "CREATE VIRTUAL TABLE y.kv USING byron(id INTEGER PRIMARY KEY, "
             "name, v); INSERT INTO y.kv VALUES(1, 'foreign', 0)");
    host_reopen(&host);
    snprintf(own, sizeof own, "%s", host_at(&host, "x.db-byron"));
    snprintf(foreign, sizeof foreign, "%s", host_at(&host, "y.db-byron"));
    snprintf(sql, sizeof sql, "%s-away", own);
    ck_assert_int_eq(rename(own, sql), 0);
    ck_assert_int_eq(rename(foreign, own), 0);
    attach_new();
    host_expect_failure(&host, "SELECT * FROM byron_salvage('kv', 'new.kv')",
                        "belongs to another database");
    host_expect(
        &host, "SELECT count(*) FROM new.sqlite_schema WHERE name = 'kv'", "0");
    host_close(&host);
}
END_TEST

static int stop(void *calls)
{
    return ++*(int *)calls > 50;
}

START_TEST(an_interrupt_leaves_nothing)
{
    int calls = 0;

    open_filled();
    host_run(host.db, "CREATE TABLE o(id, name, v)");
    sqlite3_progress_handler(host.db, 1000, stop, &calls);
    host_expect_words(&host, "SELECT * FROM byron_salvage('kv', 'o')",
                      "interrupted");
    sqlite3_progress_handler(host.db, 0, NULL, NULL);
    host_expect(&host, "SELECT count(*) FROM o", "0");
    host_expect(&host,
                "SELECT count FROM byron_salvage('kv', 'o') WHERE "
                "what = 'rows'",
                "2701");
    host_close(&host);
}
END_TEST

Suite *test_salvage_source_suite(void)
{
    Suite *suite = suite_create("salvage_source");
    TCase *cases = tcase_create("salvage_source");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_shape_of_table_comes_whole);
    tcase_add_loop_test(cases, what_cannot_be_opened_is_salvaged, 0, 3);
    tcase_add_test(cases, a_damaged_block_is_told_and_the_rest_is_there);
    tcase_add_test(cases, refused_rows_are_counted_and_change_nothing);
    tcase_add_loop_test(cases, a_row_that_is_there_already_stays, 0, 4);
    tcase_add_test(cases, what_cannot_be_is_refused_in_words);
    tcase_add_test(cases, another_database_s_store_is_refused);
    tcase_add_test(cases, an_interrupt_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
