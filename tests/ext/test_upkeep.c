/*
 * upkeep: flush and compact beside other connections' transactions; and how
 * they and a check end when SQLite is interrupted.
 *
 * Covers: interrupt, patience, wait.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_upkeep_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

static void expect_words(const char *sql, const char *words)
{
    const char *answer = host_ask(host.db, sql);
    ck_assert_msg(strstr(answer, words) != NULL, "%s: %s", sql, answer);
}

static void open_filled(const char *options, int rows)
{
    char sql[400];

    host_open(&host);
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE kv USING byron(key PRIMARY KEY, value, "
             "INDEX by_value(value)%s); "
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
             "WHERE i < %d) INSERT INTO kv SELECT i, hex(randomblob(40)) "
             "FROM n",
             options, rows);
    host_run(host.db, sql);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define FLUSHED "SELECT value FROM byron_stats('kv') WHERE name = 'flushes'"

/* --- beside another connection's transaction ------------------------------ */

START_TEST(an_open_transaction_is_not_waited_for)
{
    static const char *const works[] = {
        "SELECT byron_flush('kv')",
        "SELECT byron_compact('kv')",
    };
    sqlite3 *writer;
    double began;

    open_filled("", 1000);
    host_run(host.db, "PRAGMA journal_mode = WAL");
    writer = host_connect(&host);
    for (int i = 0; i < 2; i++) {
        host_run(writer, "BEGIN; INSERT OR REPLACE INTO kv VALUES('new', 1); "
                         "SAVEPOINT s; DELETE FROM kv WHERE key < 10");
        began = seconds();
        expect(works[i], "ok");
        ck_assert(seconds() - began < 5);
        expect(FLUSHED, i == 0 ? "1" : "2");
        expect("SELECT count(*) FROM kv", i == 0 ? "1000" : "1001");
        ck_assert_str_eq(host_ask(writer, "SELECT count(*) FROM kv"), "992");
        host_run(writer, "ROLLBACK TO s; INSERT OR REPLACE INTO kv "
                         "VALUES('new', 2); COMMIT");
    }
    expect("SELECT count(*), sum(value = 2) FROM kv", "1001|1");
    sqlite3_close(writer);
    host_reopen(&host);
    expect("SELECT count(*), sum(value = 2) FROM kv", "1001|1");
    expect("SELECT byron_check('kv')", "ok");
    host_close(&host);
}
END_TEST

START_TEST(a_large_open_transaction_is_not_waited_for)
{
    sqlite3 *writer;

    open_filled(", memory = '1MB'", 1000);
    host_run(host.db, "PRAGMA journal_mode = WAL");
    writer = host_connect(&host);
    host_run(writer, "BEGIN; UPDATE kv SET value = value || hex(randomblob(500)"
                     "), key = key + 5000");
    expect("SELECT byron_compact('kv')", "ok");
    expect("SELECT count(*), max(key) FROM kv", "1000|1000");
    host_run(writer, "COMMIT");
    expect("SELECT byron_flush('kv')", "ok");
    expect("SELECT count(*), min(key) FROM kv", "1000|5001");
    sqlite3_close(writer);
    host_reopen(&host);
    expect("SELECT count(*), min(key) FROM kv", "1000|5001");
    expect("SELECT byron_check('kv')", "ok");
    host_close(&host);
}
END_TEST

/* The COMMIT of the connection that is answered met a reader, host.db: it is
 * prepared, and whether it will count is not known. */
static sqlite3 *open_prepared(void)
{
    sqlite3 *writer;

    open_filled("", 100);
    host_run(host.db, "CREATE TABLE plain(a)");
    writer = host_connect(&host);
    host_run(host.db, "BEGIN");
    expect("SELECT count(*) FROM plain", "0");
    host_run(writer, "BEGIN; INSERT INTO kv VALUES('new', 1)");
    ck_assert_int_eq(host_fail(writer, "COMMIT"), SQLITE_BUSY);
    return writer;
}

START_TEST(a_prepared_one_is_waited_for_as_busy_timeout_says)
{
    sqlite3 *writer = open_prepared();
    double began;

    sqlite3_busy_timeout(host.db, 0);
    began = seconds();
    expect_words("SELECT byron_flush('kv')",
                 "another transaction is about to commit");
    ck_assert_int_eq(sqlite3_extended_errcode(host.db), SQLITE_BUSY);
    ck_assert(seconds() - began < 0.2);
    sqlite3_busy_timeout(host.db, 300);
    expect_words("SELECT byron_compact('kv')", "about to commit");
    ck_assert(seconds() - began >= 0.3 && seconds() - began < 5);

    host_run(host.db, "COMMIT");
    host_run(writer, "COMMIT");
    expect("SELECT byron_flush('kv')", "ok");
    expect("SELECT count(*) FROM kv", "101");
    sqlite3_close(writer);
    host_close(&host);
}
END_TEST

/* --- interrupts -------------------------------------------------------------
 */

/* Lets so many calls pass, then has enough. */
struct enough {
    int calls;
    bool interrupts;
};

static int had_enough(void *context)
{
    struct enough *enough = context;

    if (enough->calls-- > 0)
        return 0;
    if (enough->interrupts)
        sqlite3_interrupt(host.db);
    return !enough->interrupts;
}

static const struct {
    const char *sql;
    const char *words;
} long_works[] = {
    {"SELECT byron_compact('kv')", "ok"},
    {"INSERT INTO kv(kv) VALUES('compact') RETURNING 'ok'", "ok"},
    {"SELECT byron_check('kv')", "ok"},
    {"INSERT INTO kv(kv) VALUES('integrity-check') RETURNING 'ok'", "ok"},
};

#define WORKS ((int)(sizeof long_works / sizeof *long_works))

/* By a progress handler, or sqlite3_interrupt; with the engine's thread or
 * without. */
START_TEST(long_work_can_be_interrupted)
{
    const char *sql = long_works[_i % WORKS].sql;
    bool interrupts = _i / WORKS % 2;
    int most = 0;

    open_filled(_i / WORKS / 2 ? ", threads = 0" : "", 10000);
    expect("SELECT byron_flush('kv')", "ok");
    for (int calls = 0; calls < 12; calls = 2 * calls + 1) {
        struct enough enough = {calls, interrupts};
        int rc;

        host_run(host.db, "UPDATE kv SET value = value || 'x' "
                          "WHERE key % 7 = 0");
        sqlite3_progress_handler(host.db, 100, had_enough, &enough);
        rc = sqlite3_exec(host.db, sql, NULL, NULL, NULL);
        sqlite3_progress_handler(host.db, 0, NULL, NULL);
        ck_assert_int_eq(rc, enough.calls < 0 ? SQLITE_INTERRUPT : SQLITE_OK);
        if (rc == SQLITE_INTERRUPT)
            most = calls;
        ck_assert_str_eq(sqlite3_errmsg(host.db),
                         rc == SQLITE_OK ? "not an error" : "interrupted");
        expect("SELECT count(*) FROM kv", "10000");
    }
    /* The work itself heard it, not only the statement around it. */
    ck_assert_int_gt(most, 1);
    expect(sql, long_works[_i % WORKS].words);
    expect("SELECT byron_check('kv')", "ok");
    host_close(&host);
}
END_TEST

static atomic_bool is_over;

static void *interrupt_soon(void *context)
{
    (void)context;
    while (!atomic_load(&is_over)) {
        usleep(1000);
        sqlite3_interrupt(host.db);
    }
    return NULL;
}

/* It is given up, and not done behind the caller's back. */
START_TEST(an_interrupted_compact_does_not_go_on)
{
    pthread_t thread;

    /* Runs that overlap: more work than putting a file elsewhere. */
    open_filled(", memory = '1MB', compression = none", 30000);
    for (int i = 0; i < 3; i++) {
        expect("SELECT byron_flush('kv')", "ok");
        host_run(host.db, "UPDATE kv SET value = value || 'x'");
    }
    atomic_store(&is_over, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert_int_eq(host_fail(host.db, "SELECT byron_compact('kv')"),
                     SQLITE_INTERRUPT);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    expect("SELECT count(*) FROM kv", "30000");
    expect("SELECT byron_compact('kv')", "ok");
    expect("SELECT count(DISTINCT level), count(DISTINCT run) "
           "FROM byron_sstables('kv')",
           "1|1");
    expect("SELECT byron_check('kv')", "ok");
    host_close(&host);
}
END_TEST

/* Waiting for another thread is work that can be interrupted, too. */
START_TEST(waiting_can_be_interrupted)
{
    sqlite3 *writer = open_prepared();
    pthread_t thread;
    double began;

    sqlite3_busy_timeout(host.db, 30000);
    began = seconds();
    atomic_store(&is_over, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert_int_eq(host_fail(host.db, "SELECT byron_flush('kv')"),
                     SQLITE_INTERRUPT);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    ck_assert(seconds() - began < 5);
    host_run(host.db, "COMMIT");
    host_run(writer, "COMMIT");
    sqlite3_close(writer);
    host_close(&host);
}
END_TEST

Suite *test_upkeep_suite(void)
{
    Suite *suite = suite_create("upkeep");
    TCase *cases = tcase_create("upkeep");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_open_transaction_is_not_waited_for);
    tcase_add_test(cases, a_large_open_transaction_is_not_waited_for);
    tcase_add_test(cases, a_prepared_one_is_waited_for_as_busy_timeout_says);
    tcase_add_loop_test(cases, long_work_can_be_interrupted, 0, 4 * WORKS);
    tcase_add_test(cases, an_interrupted_compact_does_not_go_on);
    tcase_add_test(cases, waiting_can_be_interrupted);
    suite_add_tcase(suite, cases);
    return suite;
}
