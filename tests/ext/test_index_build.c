/*
 * Covers: interrupt.
 */
#include <check.h>
#include <string.h>

#include "connection.h"
#include "index.h"
#include "support/host.h"

Suite *test_index_build_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k TEXT PRIMARY KEY, a INT, b, "
             "INDEX declared(b), UNIQUE(k, b), memory='1MB');"
             "WITH RECURSIVE s(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM s "
             "WHERE n < 2000) INSERT INTO t SELECT 'k' || n, n % 10, n FROM s");
}

static void close_host(void)
{
    host_close(&host);
}

static void expect(const char *sql, const char *answer)
{
    ck_assert_str_eq(host_ask(host.db, sql), answer);
}

static void expect_indexes(const char *names)
{
    expect("SELECT group_concat(name, ' ') FROM (SELECT name FROM byron_index "
           "ORDER BY id)",
           names);
    expect("SELECT byron_check('t')", "ok");
}

static void expect_failure(const char *sql, int code, const char *words)
{
    ck_assert_int_eq(host_fail(host.db, sql), code);
    ck_assert_str_eq(sqlite3_errmsg(host.db), words);
}

START_TEST(an_index_is_built_over_the_rows_there_are)
{
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('add-index', "
                      "'by_a(a DESC, b COLLATE NOCASE)')");
    expect("SELECT definition FROM byron_index WHERE name = 'by_a'",
           "INDEX \"by_a\"(\"a\" COLLATE BINARY DESC, \"b\" COLLATE NOCASE)");
    expect_indexes("declared unique_k_b by_a");
    host_reopen(&host);
    host_run(host.db, "UPDATE t SET a = a + 1 WHERE a < 3");
    expect_indexes("declared unique_k_b by_a");
}
END_TEST

/* Rows that the same transaction wrote, more than memory holds. */
START_TEST(an_index_of_a_large_transaction_is_spilled)
{
    host_run(host.db,
             "BEGIN; WITH RECURSIVE s(n) AS (VALUES(1) UNION ALL SELECT n + 1 "
             "FROM s WHERE n < 8000) INSERT INTO t SELECT 'x' || n, n % 10, "
             "'some longer text that fills the memory ' || n FROM s;"
             "DELETE FROM t WHERE a = 4;"
             "INSERT INTO t(t, arg) VALUES('add-index', 'by_b(b, a)'), "
             "('add-index', 'UNIQUE by_kb(b DESC)')");
    expect_indexes("declared unique_k_b by_b by_kb");
    host_run(host.db, "SAVEPOINT s; INSERT INTO t(t, arg) VALUES('add-index', "
                      "'by_a(a)'); ROLLBACK TO s; COMMIT");
    expect_indexes("declared unique_k_b by_b by_kb");
    host_reopen(&host);
    expect_indexes("declared unique_k_b by_b by_kb");
}
END_TEST

START_TEST(wrong_definitions_are_told)
{
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'by_x(x)')",
                   SQLITE_ERROR, "no such column: x");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', '(a)')",
                   SQLITE_ERROR,
                   "byron: an index has a name: INDEX name(column, ...)");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'i(a) b')",
                   SQLITE_ERROR,
                   "near \"b\": syntax error; an index is name(column, ...) "
                   "or UNIQUE name(column, ...)");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'a')",
                   SQLITE_ERROR,
                   "incomplete index definition; an index is "
                   "name(column, ...) or UNIQUE name(column, ...)");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'i(a ?')",
                   SQLITE_ERROR,
                   "byron: an index is on columns, not on "
                   "expressions");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'Declared(a)')",
                   SQLITE_ERROR, "index Declared already exists");
    expect_failure("INSERT INTO t(t, arg) VALUES('drop-index', 'x')",
                   SQLITE_ERROR, "no such index: x");
    expect_failure("INSERT INTO t(t, arg) VALUES('drop-index', 'unique_k_b')",
                   SQLITE_ERROR,
                   "index associated with UNIQUE or PRIMARY KEY constraint "
                   "cannot be dropped");
    expect_indexes("declared unique_k_b");
}
END_TEST

START_TEST(rows_that_are_alike_undo_the_building)
{
    host_run(host.db, "BEGIN; UPDATE t SET a = a + 1 WHERE k = 'k1'");
    expect_failure("INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE u(a)')",
                   SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a");
    expect_indexes("declared unique_k_b");
    host_run(host.db, "UPDATE t SET a = NULL WHERE k <> 'k1';"
                      "INSERT INTO t(t, arg) VALUES('add-index', "
                      "'UNIQUE(a)'); COMMIT");
    expect_indexes("declared unique_k_b unique_a");
    expect_failure("INSERT INTO t VALUES('k0', 2, 0)", SQLITE_CONSTRAINT_UNIQUE,
                   "UNIQUE constraint failed: t.a");
}
END_TEST

static int stop(void *context)
{
    (void)context;
    return 1;
}

static int interrupt(void *db)
{
    sqlite3_interrupt(db);
    return 0;
}

START_TEST(building_can_be_interrupted)
{
    host_run(host.db, "BEGIN; INSERT INTO t VALUES('new', 1, 'new')");
    sqlite3_progress_handler(host.db, 10, _i == 0 ? stop : interrupt, host.db);
    ck_assert_int_eq(
        host_fail(host.db,
                  "INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a)')"),
        SQLITE_INTERRUPT);
    sqlite3_progress_handler(host.db, 0, NULL, NULL);
    /* SQLite rolls an interrupted transaction back. */
    ck_assert(sqlite3_get_autocommit(host.db));
    expect_indexes("declared unique_k_b");
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a)')");
    expect_indexes("declared unique_k_b by_a");
}
END_TEST

/* The second command fails, and the first is undone with it. */
START_TEST(a_statement_that_fails_leaves_no_index)
{
    static const char *const begin[] = {"SELECT 1", "BEGIN"};
    static const char *const end[] = {"SELECT 1", "COMMIT"};

    host_run(host.db, begin[_i]);
    host_fail(host.db, "INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a)'), "
                       "('add-index', 'by_x(x)')");
    host_run(host.db, "INSERT INTO t VALUES('new', 1, 'new')");
    expect_indexes("declared unique_k_b");
    host_fail(host.db, "INSERT INTO t(t, arg) VALUES('drop-index', 'declared'),"
                       "('add-index', 'by_x(x)')");
    host_run(host.db, "INSERT INTO t VALUES('newer', 1, 'new')");
    expect_indexes("declared unique_k_b");
    host_run(host.db, end[_i]);
    expect_indexes("declared unique_k_b");
}
END_TEST

static int refuse_view(void *context, int action, const char *a, const char *b,
                       const char *c, const char *d)
{
    const char *name = context;

    (void)b;
    (void)c;
    (void)d;
    if (action == SQLITE_CREATE_VIEW || action == SQLITE_DROP_VIEW)
        return *name == 'v' ? SQLITE_DENY : SQLITE_OK;
    if (action == SQLITE_INSERT || action == SQLITE_DELETE)
        return *name == 'r' && strcmp(a, "byron_index") == 0 ? SQLITE_DENY
                                                             : SQLITE_OK;
    return SQLITE_OK;
}

START_TEST(a_host_that_refuses_changes_nothing)
{
    static const char *const refused[] = {"view", "row"};

    host_run(host.db, "BEGIN");
    sqlite3_set_authorizer(host.db, refuse_view, (void *)refused[_i]);
    host_fail(host.db, "INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a)')");
    ck_assert_str_eq(sqlite3_errmsg(host.db), "byron: not authorized");
    host_fail(host.db,
              "INSERT INTO t(t, arg) VALUES('drop-index', 'declared')");
    ck_assert_str_eq(sqlite3_errmsg(host.db), "byron: not authorized");
    sqlite3_set_authorizer(host.db, NULL, NULL);
    host_run(host.db, "INSERT INTO t VALUES('new', 1, 'new')");
    expect_indexes("declared unique_k_b");
    host_run(host.db, "COMMIT");
    expect_indexes("declared unique_k_b");
}
END_TEST

START_TEST(a_dropped_index_gives_its_entries_up)
{
    bool is_new;
    struct store *store = connection_of(host.db, &is_new)->transactions->store;

    host_run(host.db, "BEGIN; INSERT INTO t(t, arg) VALUES('drop-index', "
                      "'declared'); ROLLBACK");
    ck_assert(!store_is_dropped(store, 2));
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('drop-index', 'declared')");
    ck_assert(store_is_dropped(store, 2) && !store_is_dropped(store, 1));
    host_reopen(&host);
    expect_indexes("unique_k_b");
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('add-index', "
                      "'declared(a)')");
    expect_indexes("unique_k_b declared");
}
END_TEST

/* Statements that were prepared before, here and on another connection. */
START_TEST(prepared_statements_learn_of_an_index)
{
    sqlite3 *other = host_connect(&host);
    sqlite3 *dbs[2] = {host.db, other};
    sqlite3_stmt *inserts[2];

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(sqlite3_prepare_v2(dbs[i],
                                            "INSERT INTO t VALUES(?1, 1, ?1)",
                                            -1, &inserts[i], NULL),
                         SQLITE_OK);
    for (int round = 0; round < 6; round++) {
        host_run(dbs[round % 2],
                 round == 3 ? "INSERT INTO t(t, arg) VALUES('drop-index', "
                              "'UNIQUE_B')"
                 : round == 4
                     ? "INSERT INTO t(t, arg) VALUES('add-index', 'i(a)')"
                 : round == 0
                     ? "INSERT INTO t(t, arg) VALUES('add-index', 'UNIQUE(b)')"
                     : "SELECT 1");
        for (int i = 0; i < 2; i++) {
            sqlite3_bind_int(inserts[i], 1, 10000 + 10 * round + i);
            ck_assert_int_eq(sqlite3_step(inserts[i]), SQLITE_DONE);
            sqlite3_reset(inserts[i]);
        }
        expect("SELECT byron_check('t')", "ok");
        ck_assert_str_eq(host_ask(other, "SELECT byron_check('t')"), "ok");
    }
    sqlite3_finalize(inserts[0]);
    sqlite3_finalize(inserts[1]);
    sqlite3_close(other);
}
END_TEST

/* Whole files of entries go at once: who still reads the old state is told. */
START_TEST(a_reader_of_before_is_told_of_a_dropped_index)
{
    sqlite3 *other = host_connect(&host);
    const char *answer;

    host_run(host.db, "PRAGMA journal_mode = WAL; SELECT byron_flush('t');"
                      "SELECT byron_compact('t')");
    host_run(other, "BEGIN; SELECT count(*) FROM sqlite_schema");
    ck_assert_str_eq(host_ask(other, "SELECT k FROM t WHERE b = 7"), "k7");
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('drop-index', 'declared')");
    answer = host_ask(other, "SELECT k FROM t WHERE b = 7");
    ck_assert_msg(strstr(answer, "index declared was dropped since") != NULL,
                  "%s", answer);
    ck_assert_int_eq(sqlite3_extended_errcode(other), SQLITE_BUSY_SNAPSHOT);
    ck_assert_str_eq(host_ask(other, "SELECT b FROM t WHERE k = 'k7'"), "7");
    host_run(other, "COMMIT");
    ck_assert_str_eq(host_ask(other, "SELECT k FROM t WHERE b = 7"), "k7");
    sqlite3_close(other);
}
END_TEST

/* What a running statement was lent of the list stays in place. */
START_TEST(a_running_statement_survives_a_change)
{
    bool is_new;
    struct table *table;
    const struct index *index;
    sqlite3_stmt *statement;

    ck_assert_int_eq(
        sqlite3_prepare_v2(host.db, "SELECT * FROM t", -1, &statement, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    table = connection_of(host.db, &is_new)->tables;
    index = &table->indexes[0];
    host_run(host.db, "INSERT INTO t(t, arg) VALUES('add-index', 'by_a(a)');"
                      "INSERT INTO t(t, arg) VALUES('drop-index', 'declared')");
    ck_assert_int_eq(table->index_count, 2);
    ck_assert_str_eq(index->name, "declared");
    ck_assert_int_eq(index->entry->key_count, 2);
    for (int i = 1; i < 2000; i++)
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
}
END_TEST

Suite *test_index_build_suite(void)
{
    Suite *suite = suite_create("index_build");
    TCase *cases = tcase_create("index_build");

    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_add_test(cases, an_index_is_built_over_the_rows_there_are);
    tcase_add_test(cases, an_index_of_a_large_transaction_is_spilled);
    tcase_add_test(cases, wrong_definitions_are_told);
    tcase_add_test(cases, rows_that_are_alike_undo_the_building);
    tcase_add_loop_test(cases, building_can_be_interrupted, 0, 2);
    tcase_add_loop_test(cases, a_statement_that_fails_leaves_no_index, 0, 2);
    tcase_add_loop_test(cases, a_host_that_refuses_changes_nothing, 0, 2);
    tcase_add_test(cases, a_dropped_index_gives_its_entries_up);
    tcase_add_test(cases, prepared_statements_learn_of_an_index);
    tcase_add_test(cases, a_reader_of_before_is_told_of_a_dropped_index);
    tcase_add_test(cases, a_running_statement_survives_a_change);
    suite_add_tcase(suite, cases);
    return suite;
}
