/*
 * bad_input: what is wrong is told in a sentence, with the right code, and
 * leaves everything as it was.
 *
 * Covers: create_text.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create_text.h"
#include "support/host.h"

Suite *test_bad_input_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
}

static void close_host(void)
{
    host_close(&host);
}

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

/* Fails with this code, and says these words. */
static void refuse(const char *sql, int code, const char *words)
{
    ck_assert_int_eq(host_fail(host.db, sql), code);
    ck_assert_msg(strstr(sqlite3_errmsg(host.db), words) != NULL, "%s: %s", sql,
                  sqlite3_errmsg(host.db));
}

/* --- Declarations --------------------------------------------------------- */

static void refuse_declaration(const char *text, const char *words)
{
    char sql[400];

    snprintf(sql, sizeof sql, "CREATE VIRTUAL TABLE t USING byron(%s)", text);
    refuse(sql, SQLITE_ERROR, words);
    expect("SELECT count(*) FROM sqlite_schema", "0");
    ck_assert(!host_has(&host, "x.db-byron"));
}

START_TEST(a_wrong_declaration_creates_nothing)
{
    refuse_declaration("a,", "a column is missing");
    refuse_declaration(",a", "a column is missing");
    refuse_declaration("a,,b", "a column is missing");
    refuse_declaration("a, /* b */, c", "a column is missing");
    refuse_declaration("a, a", "duplicate column name: a");
    refuse_declaration("a, PRIMARY KEY(b)", "no such column: b");
    refuse_declaration("a PRIMARY KEY, b PRIMARY KEY",
                       "more than one primary key");
    refuse_declaration("a CHECK(a > 1)", "CHECK constraints are not supported");
    refuse_declaration("a COLLATE german", "\"german\" is not supported");
    refuse_declaration("a DEFAULT (1 + 1)", "must be a literal");
    refuse_declaration("a, memory='1KB'",
                       "option memory is 1024, but must be from 65536");
    refuse_declaration("a, memory=-5", "option memory needs a value");
    refuse_declaration("a, memory=5, memory=6", "option given twice");
    refuse_declaration("a, path=/tmp/x", "or a text in quotes");
    refuse_declaration("a, nothing=1", "unrecognized option: \"nothing\"");
}
END_TEST

START_TEST(commas_inside_an_argument_are_its_own)
{
    ck_assert(!create_text_has_gap("CREATE VIRTUAL TABLE t USING byron"));
    ck_assert(!create_text_has_gap("CREATE VIRTUAL TABLE t USING byron()"));
    ck_assert(!create_text_has_gap(
        "CREATE VIRTUAL TABLE \"a,,(\" USING byron(a DEFAULT ',', "
        "PRIMARY KEY(a, b), -- ,,\n c DECIMAL(1,2))"));
    ck_assert(create_text_has_gap("create virtual table t using byron(a ,)"));
    ck_assert(create_text_has_gap("create virtual table t using byron(,)"));
    ck_assert(!create_text_has_gap("create virtual table t using byron(a"));
    ck_assert(!create_text_has_gap(""));
    host_run(host.db, "CREATE VIRTUAL TABLE temp.u USING byron(a DECIMAL(5,2), "
                      "b DEFAULT ',,'); DROP TABLE u; "
                      "CREATE VIRTUAL TABLE v USING byron( ); DROP TABLE v");
}
END_TEST

START_TEST(a_strangers_table_of_our_name_is_left_alone)
{
    host_run(host.db, "CREATE TABLE byron_store(mine)");
    refuse("CREATE VIRTUAL TABLE t USING byron", SQLITE_ERROR,
           "main.byron_store or main.byron_catalog is not byron's");
    expect("SELECT group_concat(name) FROM sqlite_schema", "byron_store");
    ck_assert(!host_has(&host, "x.db-byron"));
}
END_TEST

/* --- Directories ---------------------------------------------------------- */

static void write_file(const char *name)
{
    FILE *file = fopen(host_at(&host, name), "w");

    ck_assert_ptr_nonnull(file);
    fputs("mine", file);
    fclose(file);
}

START_TEST(a_folder_with_other_files_is_no_store)
{
    ck_assert_int_eq(mkdir(host_at(&host, "photos"), 0755), 0);
    write_file("photos/summer.jpg");
    refuse("CREATE VIRTUAL TABLE t USING byron(a, path='photos')",
           SQLITE_CANTOPEN, "holds other files; a store needs an empty one");
    expect("SELECT count(*) FROM sqlite_schema", "0");
    ck_assert(host_has(&host, "photos/summer.jpg"));
    ck_assert(!host_has(&host, "photos/HEAD"));
    ck_assert(!host_has(&host, "photos/CREATING"));

    ck_assert_int_eq(mkdir(host_at(&host, "empty"), 0755), 0);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(a, path='empty')");
    ck_assert(host_has(&host, "empty/HEAD"));
}
END_TEST

START_TEST(a_place_that_cannot_be_is_told)
{
    refuse("CREATE VIRTUAL TABLE t USING byron(a, path='no/such/folder')",
           SQLITE_CANTOPEN, "no/such/folder cannot be created: No such file");
    write_file("file");
    refuse("CREATE VIRTUAL TABLE t USING byron(a, path='file')",
           SQLITE_CANTOPEN, "cannot be created");
    refuse("CREATE VIRTUAL TABLE t USING byron(a, path='/proc/byron')",
           SQLITE_CANTOPEN, "/proc/byron cannot be created");
    expect("SELECT count(*) FROM sqlite_schema", "0");
}
END_TEST

/* --- The host's rows -------------------------------------------------------
 */

static void damage(const char *sql)
{
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    host_run(host.db, sql);
    host_reopen(&host);
}

static void expect_droppable(void)
{
    host_run(host.db, "DROP TABLE t");
    expect("SELECT count(*) FROM sqlite_schema WHERE name = 't'", "0");
}

START_TEST(a_commit_point_of_another_size_is_told)
{
    damage("UPDATE byron_store SET commits = x'00'");
    refuse("SELECT * FROM t", SQLITE_CORRUPT_VTAB,
           "the commit point in row 1 of main.byron_store is damaged");
    refuse("INSERT INTO t VALUES(3, 4)", SQLITE_CORRUPT_VTAB, "is damaged");
    refuse("SELECT byron_flush('t')", SQLITE_CORRUPT_VTAB, "is damaged");
    expect_droppable();
}
END_TEST

START_TEST(options_out_of_range_are_told)
{
    damage("UPDATE byron_store SET options = 'fanout=1'");
    refuse("SELECT * FROM t", SQLITE_ERROR,
           "option fanout is 1, but must be from 2 to 100");
    expect_droppable();
}
END_TEST

START_TEST(options_that_mean_nothing_are_passed_over)
{
    damage("UPDATE byron_store SET options = x'ff00' || ' memory=x =='");
    expect("SELECT * FROM t", "1|2");
}
END_TEST

START_TEST(rows_of_the_catalog_that_are_gone_are_told)
{
    damage("DELETE FROM byron_catalog");
    refuse("SELECT * FROM t", SQLITE_ERROR, "main.t is not in byron_catalog");
    expect_droppable();
}
END_TEST

START_TEST(tables_of_ours_that_another_took_are_told)
{
    damage("DROP TABLE byron_catalog; CREATE TABLE byron_catalog(x)");
    refuse("SELECT * FROM t", SQLITE_ERROR, "main.t is not in byron_catalog");
    expect_droppable();
}
END_TEST

/* --- Media and schemas ---------------------------------------------------- */

START_TEST(a_read_only_database_takes_no_table)
{
    char uri[400];
    sqlite3 *reader;

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    host_reopen(&host);
    snprintf(uri, sizeof uri, "file:%s?mode=ro", host.path);
    ck_assert_int_eq(sqlite3_open_v2(uri, &reader,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                                     NULL),
                     SQLITE_OK);
    ck_assert_str_eq(host_ask(reader, "SELECT * FROM t"), "1|2");
    ck_assert_int_eq(host_fail(reader, "INSERT INTO t VALUES(3, 4)"),
                     SQLITE_READONLY);
    ck_assert_int_eq(host_fail(reader, "INSERT INTO t(t) VALUES('compact')"),
                     SQLITE_READONLY);
    ck_assert_int_eq(host_fail(reader, "SELECT byron_config('t', 'fanout', 4)"),
                     SQLITE_READONLY);
    ck_assert_int_eq(host_fail(reader, "CREATE VIRTUAL TABLE u USING byron"),
                     SQLITE_READONLY);
    ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
    expect("SELECT * FROM t", "1|2");
}
END_TEST

START_TEST(a_schema_that_is_not_trusted_reaches_nothing)
{
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "CREATE TABLE plain(a); "
                      "CREATE VIEW v AS SELECT * FROM t; "
                      "CREATE VIEW f AS SELECT byron_count('t'); "
                      "CREATE TRIGGER g AFTER INSERT ON plain BEGIN "
                      "INSERT INTO t(t) VALUES('compact'); END; "
                      "PRAGMA trusted_schema = OFF");
    refuse("SELECT * FROM v", SQLITE_ERROR, "unsafe use of virtual table");
    refuse("SELECT * FROM f", SQLITE_ERROR, "unsafe use of byron_count");
    refuse("INSERT INTO plain VALUES(1)", SQLITE_ERROR,
           "unsafe use of virtual table");
    host_run(host.db, "INSERT INTO t VALUES(1, 2)");
    expect("SELECT * FROM t", "1|2");
}
END_TEST

START_TEST(side_effects_are_direct_only)
{
    static const char *const calls[] = {
        "byron_flush('t')", "byron_compact('t')", "byron_check('t')",
        "byron_config('t', 'fanout', 4)"};

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char sql[200];

        snprintf(sql, sizeof sql, "CREATE VIEW v%d AS SELECT %s", (int)i,
                 calls[i]);
        host_run(host.db, sql);
        snprintf(sql, sizeof sql, "SELECT * FROM v%d", (int)i);
        refuse(sql, SQLITE_ERROR, "unsafe use of byron_");
    }
}
END_TEST

START_TEST(commands_work_under_defensive)
{
    sqlite3_db_config(host.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    host_run(host.db,
             "CREATE VIRTUAL TABLE byron USING byron; "
             "INSERT INTO byron VALUES(1, 2); "
             "INSERT INTO byron(byron) VALUES('compact'); "
             "INSERT INTO byron(byron, arg) VALUES('set', 'fanout=4'); "
             "INSERT INTO byron(byron) VALUES('integrity-check')");
    expect("SELECT byron_config('byron', 'fanout', 5)", "5");
}
END_TEST

Suite *test_bad_input_suite(void)
{
    Suite *suite = suite_create("bad_input");
    TCase *cases = tcase_create("bad_input");

    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_add_test(cases, a_wrong_declaration_creates_nothing);
    tcase_add_test(cases, commas_inside_an_argument_are_its_own);
    tcase_add_test(cases, a_strangers_table_of_our_name_is_left_alone);
    tcase_add_test(cases, a_folder_with_other_files_is_no_store);
    tcase_add_test(cases, a_place_that_cannot_be_is_told);
    tcase_add_test(cases, a_commit_point_of_another_size_is_told);
    tcase_add_test(cases, options_out_of_range_are_told);
    tcase_add_test(cases, options_that_mean_nothing_are_passed_over);
    tcase_add_test(cases, rows_of_the_catalog_that_are_gone_are_told);
    tcase_add_test(cases, tables_of_ours_that_another_took_are_told);
    tcase_add_test(cases, a_read_only_database_takes_no_table);
    tcase_add_test(cases, a_schema_that_is_not_trusted_reaches_nothing);
    tcase_add_test(cases, side_effects_are_direct_only);
    tcase_add_test(cases, commands_work_under_defensive);
    suite_add_tcase(suite, cases);
    return suite;
}
