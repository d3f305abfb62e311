/*
 * How byron gets on with SQLites that are older, that were built with less, or
 * that have no byron loaded.
 */
#define SQLITE_CORE /* The table of functions as a type, without macros. */
#include <check.h>
#include <sqlite3ext.h>
#include <stddef.h>
#include <string.h>

#include "support/host.h"

Suite *test_extension_suite(void);

int sqlite3_byron_init(sqlite3 *db, char **message,
                       const sqlite3_api_routines *api);

static struct host host;

/* The host's table of functions, and one of ours to take things out of. */
static const sqlite3_api_routines *whole;
static sqlite3_api_routines part;

static int learn(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    (void)db;
    (void)message;
    whole = api;
    return SQLITE_OK;
}

static int begin_with_part(sqlite3 *db, char **message,
                           const sqlite3_api_routines *api)
{
    (void)api;
    return sqlite3_byron_init(db, message, &part);
}

/* From now on connections open with `entry` in place of byron. */
static void load_instead(int (*entry)(sqlite3 *, char **,
                                      const sqlite3_api_routines *))
{
    sqlite3_reset_auto_extension();
    if (entry)
        sqlite3_auto_extension((void (*)(void))entry);
}

/* Opens x.db with what is loaded now, without the host's own byron. */
static sqlite3 *open_as_it_is(void)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(host.path, &db), SQLITE_OK);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

static void open_host(void)
{
    host_open(&host);
    load_instead(learn);
    sqlite3_close(open_as_it_is());
    part = *whole;
}

static void close_host(void)
{
    load_instead(NULL);
    host_close(&host);
}

static int version_3_37(void)
{
    return 3037002;
}

static const char *words_3_37(void)
{
    return "3.37.2";
}

START_TEST(an_older_sqlite_is_told_so)
{
    char *message = NULL;
    sqlite3 *db;

    load_instead(NULL);
    db = open_as_it_is();
    part.libversion_number = version_3_37;
    part.libversion = words_3_37;
    ck_assert_int_eq(sqlite3_byron_init(db, &message, &part), SQLITE_ERROR);
    ck_assert_str_eq(message,
                     "byron needs SQLite 3.38 or newer, this is 3.37.2");
    sqlite3_free(message);
    ck_assert_str_eq(host_ask(db, "CREATE VIRTUAL TABLE t USING byron"),
                     "error: no such module: byron");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

static int version_3_38(void)
{
    return 3038000;
}

/* What stands behind the end of an older host's table is anything. */
static void forget_what_is_newer(void)
{
    size_t first =
        offsetof(sqlite3_api_routines, vtab_in_next) + sizeof part.vtab_in_next;
    unsigned char *bytes = (unsigned char *)&part;

    part.libversion_number = version_3_38;
    memset(bytes + first, 0x5a, sizeof part - first);
}

/* What SQLITE_OMIT_..., SQLITE_THREADSAFE=0 and the like leave out. */
static void forget_what_may_be_left_out(void)
{
    part.aggregate_count = NULL;
    part.column_database_name = NULL;
    part.column_database_name16 = NULL;
    part.column_decltype = NULL;
    part.column_decltype16 = NULL;
    part.column_name16 = NULL;
    part.column_origin_name = NULL;
    part.column_origin_name16 = NULL;
    part.column_table_name = NULL;
    part.column_table_name16 = NULL;
    part.column_text16 = NULL;
    part.column_bytes16 = NULL;
    part.bind_text16 = NULL;
    part.collation_needed16 = NULL;
    part.complete16 = NULL;
    part.create_collation16 = NULL;
    part.create_function16 = NULL;
    part.errmsg16 = NULL;
    part.open16 = NULL;
    part.prepare16 = NULL;
    part.prepare16_v2 = NULL;
    part.prepare16_v3 = NULL;
    part.result_error16 = NULL;
    part.result_text16 = NULL;
    part.value_text16 = NULL;
    part.enable_shared_cache = NULL;
    part.get_table = NULL;
    part.free_table = NULL;
    part.set_authorizer = NULL;
    part.progress_handler = NULL;
    part.trace = NULL;
    part.profile = NULL;
    part.trace_v2 = NULL;
    part.global_recover = NULL;
    part.thread_cleanup = NULL;
    part.expired = NULL;
    part.mutex_alloc = NULL;
    part.mutex_enter = NULL;
    part.mutex_free = NULL;
    part.mutex_leave = NULL;
    part.mutex_try = NULL;
    part.db_mutex = NULL;
    part.unlock_notify = NULL;
    part.compileoption_get = NULL;
    part.compileoption_used = NULL;
    part.autovacuum_pages = NULL;
}

/* A table's life, by way of all that byron asks of SQLite. */
static void live_a_life(sqlite3 *db)
{
    host_run(db,
             "CREATE VIRTUAL TABLE t USING byron(a INT, b TEXT COLLATE NOCASE, "
             "until, c UNIQUE, PRIMARY KEY(a, b), INDEX by_b(b), ttl=until);"
             "CREATE TABLE p(x);"
             "INSERT INTO t WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT "
             "i + 1 FROM n WHERE i < 499) SELECT i % 5, 'x' || i, NULL, i FROM "
             "n;"
             "BEGIN; INSERT INTO p VALUES(1); UPDATE t SET c = -c WHERE a = 1;"
             "SAVEPOINT s; DELETE FROM t WHERE a = 2; ROLLBACK TO s; COMMIT;"
             "INSERT OR REPLACE INTO t VALUES(0, 'X5', NULL, 1);"
             "INSERT INTO t(t) VALUES('flush');"
             "INSERT INTO t(t, arg) VALUES('add-index', 'by_c(c DESC)');"
             "INSERT INTO t(t, arg) VALUES('set', 'threads=0');"
             "ALTER TABLE t RENAME TO u; VACUUM");
    ck_assert_str_eq(host_ask(db, "SELECT count(*), byron_count('u'), "
                                  "byron_check('u') FROM u"),
                     "500|500|ok");
    ck_assert_str_eq(host_ask(db, "SELECT count(*) FROM u WHERE a IN (1, 3) "
                                  "AND b LIKE 'X1%'"),
                     "45");
    ck_assert_str_eq(host_ask(db, "SELECT DISTINCT a FROM u ORDER BY a DESC "
                                  "LIMIT 2 OFFSET 1"),
                     "3\n2");
    ck_assert_int_eq(host_fail(db, "INSERT INTO u VALUES(0, 'x0', 0, 0)"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    ck_assert_str_eq(
        host_ask(db, "SELECT byron_delete_range('u', 3, NULL), byron_flush('u')"
                     ", byron_compact('u'), byron_config('u', 'threads')"),
        "ok|ok|ok|0");
    ck_assert_str_eq(
        host_ask(db, "SELECT (SELECT count(*) > 300 FROM byron_dump('u')), "
                     "(SELECT count(*) FROM byron_tables), (SELECT count(*) > "
                     "5 FROM byron_stats('u')), (SELECT count(*) > 0 FROM "
                     "byron_sstables('u')), byron_debug() IS NOT NULL"),
        "1|1|1|1|1");
    host_run(db, "DROP TABLE u");
}

START_TEST(nothing_newer_and_nothing_optional_is_called)
{
    sqlite3 *db;

    forget_what_is_newer();
    forget_what_may_be_left_out();
    load_instead(begin_with_part);
    db = open_as_it_is();
    live_a_life(db);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

/* As better-sqlite3 and others have it by default. */
START_TEST(strings_stand_in_single_quotes)
{
    sqlite3_db_config(host.db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(host.db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    host_run(host.db, "PRAGMA foreign_keys = ON");
    live_a_life(host.db);
}
END_TEST

static int pass_over_encoding(void *context, int action, const char *pragma,
                              const char *b, const char *c, const char *d)
{
    (void)context;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_PRAGMA && strcmp(pragma, "encoding") == 0
               ? SQLITE_IGNORE
               : SQLITE_OK;
}

/* SQLITE_OMIT_UTF16 leaves the pragma out: it answers nothing. */
START_TEST(who_does_not_tell_the_encoding_has_only_one)
{
    sqlite3_set_authorizer(host.db, pass_over_encoding, NULL);
    ck_assert_str_eq(host_ask(host.db, "PRAGMA encoding"), "");
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    sqlite3_set_authorizer(host.db, NULL, NULL);
}
END_TEST

START_TEST(without_byron_the_rest_of_the_database_works)
{
    sqlite3 *db;

    host_run(host.db, "CREATE VIRTUAL TABLE kv USING byron;"
                      "INSERT INTO kv VALUES('k', 'v');"
                      "CREATE TABLE p(x); INSERT INTO p VALUES(1)");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    load_instead(NULL);
    db = open_as_it_is();
    host_run(db, "INSERT INTO p VALUES(2)");
    ck_assert_str_eq(host_ask(db, "SELECT count(*) FROM p"), "2");
    ck_assert_str_eq(host_ask(db, "SELECT * FROM kv"),
                     "error: no such module: byron");
    ck_assert_str_eq(host_ask(db, "DROP TABLE kv"),
                     "error: no such module: byron");
    ck_assert_str_eq(host_ask(db, "PRAGMA integrity_check"), "ok");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    host.db = host_connect(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT * FROM kv, p"), "k|v|1\nk|v|2");
}
END_TEST

Suite *test_extension_suite(void)
{
    Suite *suite = suite_create("extension");
    TCase *cases = tcase_create("extension");

    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, an_older_sqlite_is_told_so);
    tcase_add_test(cases, nothing_newer_and_nothing_optional_is_called);
    tcase_add_test(cases, strings_stand_in_single_quotes);
    tcase_add_test(cases, who_does_not_tell_the_encoding_has_only_one);
    tcase_add_test(cases, without_byron_the_rest_of_the_database_works);
    suite_add_tcase(suite, cases);
    return suite;
}
