/*
 * What a backup tells while it runs, how it is ended, and what may happen in
 * the middle of it.
 */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "support/host.h"

Suite *test_backup_progress_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

static unsigned count_files(void)
{
    DIR *directory = opendir(host.folder);
    unsigned count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void open_filled(void)
{
    host_open(&host);
    host_run(host.db,
             "PRAGMA journal_mode = wal;"
             "CREATE TABLE plain(k INTEGER PRIMARY KEY, v);"
             "CREATE VIRTUAL TABLE kv USING byron;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 1000) INSERT INTO kv SELECT i, 'value ' || i FROM n;"
             "INSERT INTO plain SELECT key, value FROM kv");
}

/* --- progress and interrupt -------------------------------------------------
 */

struct observer {
    int calls;
    int file_calls; /* Of those, about the database file. */
    int stop_at;
    sqlite3_int64 last_done;
    sqlite3_int64 last_all;
    const char *run; /* SQL to run in the first call; or NULL. */
    bool interrupts;
};

static void observe(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct observer *observer = sqlite3_user_data(context);
    const char *part;

    ck_assert_int_eq(count, 3);
    part = strrchr((const char *)sqlite3_value_text(values[0]), '/') + 1;
    ck_assert(strncmp(part, "copy", 4) == 0);
    observer->file_calls += strchr(part, '-') == NULL;
    observer->last_done = sqlite3_value_int64(values[1]);
    observer->last_all = sqlite3_value_int64(values[2]);
    if (observer->run && observer->calls == 0)
        host_run(host.db, observer->run);
    observer->calls++;
    if (observer->interrupts)
        sqlite3_interrupt(host.db);
    else
        sqlite3_result_int(context, observer->calls == observer->stop_at);
}

static void add_observer(struct observer *observer)
{
    ck_assert_int_eq(sqlite3_create_function(host.db, "show", 3, SQLITE_UTF8,
                                             observer, observe, NULL, NULL),
                     SQLITE_OK);
}

static const char *back_up(const char *name)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, name));
    return host_ask(host.db, sql);
}

static const char *back_up_observed(const char *name)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s', 'show')",
             host_at(&host, name));
    return host_ask(host.db, sql);
}

START_TEST(progress_is_told_to_a_function_and_ended_by_it)
{
    struct observer observer = {0};
    unsigned files;
    int calls;

    open_filled();
    add_observer(&observer);
    ck_assert_ptr_nonnull(strstr(back_up_observed("copy0.db"), " files, "));
    calls = observer.calls;
    ck_assert_int_gt(calls, 1);
    ck_assert_int_gt(observer.last_done, 0);
    ck_assert_int_ge(observer.last_all, observer.last_done);
    files = count_files();
    for (int i = 1; i <= calls; i += 1 + calls / 3) {
        observer = (struct observer){.stop_at = i};
        ck_assert_str_eq(back_up_observed("copy.db"),
                         "error: byron: show ended the backup");
        ck_assert_uint_eq(count_files(), files);
    }
    expect("SELECT count(*) FROM kv", "1000");
    host_close(&host);
}
END_TEST

START_TEST(an_interrupt_ends_a_backup)
{
    struct observer observer = {.interrupts = true};
    unsigned files;

    open_filled();
    add_observer(&observer);
    files = count_files();
    ck_assert_str_eq(back_up_observed("copy.db"), "error: byron: interrupted");
    ck_assert_uint_eq(count_files(), files);
    expect("SELECT count(*) FROM kv", "1000");
    host_close(&host);
}
END_TEST

static int always(void *context)
{
    (void)context;
    return 1;
}

START_TEST(a_progress_handler_ends_a_backup)
{
    unsigned files;

    open_filled();
    files = count_files();
    sqlite3_progress_handler(host.db, 2, always, NULL);
    ck_assert_ptr_nonnull(strstr(back_up("copy.db"), "interrupt"));
    sqlite3_progress_handler(host.db, 0, NULL, NULL);
    ck_assert_uint_eq(count_files(), files);
    host_close(&host);
}
END_TEST

START_TEST(a_function_that_writes_spoils_the_backup)
{
    struct observer observer = {.run = "INSERT INTO plain VALUES(5000, 1)"};

    open_filled();
    add_observer(&observer);
    ck_assert_ptr_nonnull(strstr(back_up_observed("copy.db"),
                                 "wrote to the database during its backup"));
    ck_assert(!host_has(&host, "copy.db"));
    expect("SELECT count(*) FROM plain", "1001");
    host_close(&host);
}
END_TEST

/* --- what others do meanwhile ------------------------------------------------
 */

struct intruder {
    sqlite3 *db;
    int left; /* Steps until it commits. */
};

static int intrude(void *context)
{
    struct intruder *intruder = context;

    if (--intruder->left == 0)
        host_run(intruder->db, "BEGIN; INSERT INTO kv VALUES('n', 1);"
                               "INSERT INTO plain(v) VALUES('n'); COMMIT;"
                               "SELECT byron_flush('kv')");
    return 0;
}

/* Another connection commits and flushes at each step of a backup. At some of
 * them the state that was begun with is gone as a whole: another is taken. */
START_TEST(a_commit_at_any_step_is_in_both_or_in_neither)
{
    struct observer observer = {0};
    struct intruder intruder = {0};
    bool has_intruded = true;
    int renewed = 0;

    open_filled();
    add_observer(&observer);
    intruder.db = host_connect(&host);
    for (int step = 1; has_intruded; step += 2) {
        char name[32];
        char sql[600];

        host_run(host.db, "DELETE FROM kv WHERE key = 'n';"
                          "DELETE FROM plain WHERE v = 'n'");
        observer = (struct observer){0};
        intruder.left = step;
        snprintf(name, sizeof name, "copy%d.db", step);
        sqlite3_progress_handler(host.db, 1, intrude, &intruder);
        ck_assert_ptr_nonnull(strstr(back_up_observed(name), " files, "));
        sqlite3_progress_handler(host.db, 0, NULL, NULL);
        has_intruded = intruder.left <= 0;
        renewed += observer.file_calls > 1;
        snprintf(sql, sizeof sql, "ATTACH '%s' AS c", host_at(&host, name));
        host_run(host.db, sql);
        expect("SELECT (SELECT count(*) FROM c.kv) = "
               "(SELECT count(*) FROM c.plain), byron_check('c.kv')",
               "1|ok");
        host_run(host.db, "DETACH c");
    }
    ck_assert_int_gt(renewed, 0);
    sqlite3_close(intruder.db);
    host_close(&host);
}
END_TEST

/* No file may grow beyond so many bytes. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_write_that_fails_leaves_nothing)
{
    bool has_failed = true;
    unsigned files;
    int failures = 0;

    open_filled();
    files = count_files();
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; has_failed; bytes += 3000) {
        const char *answer;
        limit_files(bytes);
        answer = back_up("copy.db");
        limit_files(RLIM_INFINITY);
        has_failed = strstr(answer, "error: byron: ") != NULL;
        ck_assert_uint_eq(count_files(), has_failed ? files : files + 2);
        failures += has_failed;
    }
    ck_assert_int_gt(failures, 3);
    host_run(host.db, "INSERT INTO kv VALUES('new', 1)");
    expect("SELECT count(*), byron_check('kv') FROM kv", "1001|ok");
    host_close(&host);
}
END_TEST

/* SQLite may have so much more memory than it has now. */
START_TEST(without_memory_nothing_is_left)
{
    bool has_failed = true;
    unsigned files;
    int failures = 0;

    open_filled();
    ck_assert_ptr_nonnull(strstr(back_up("copy.db"), " files, "));
    files = count_files();
    for (sqlite3_int64 more = 0; has_failed; more += 4000) {
        const char *answer;
        sqlite3_hard_heap_limit64(sqlite3_memory_used() + more);
        answer = back_up("copy2.db");
        sqlite3_hard_heap_limit64(0);
        has_failed = strstr(answer, " files, ") == NULL;
        if (has_failed)
            ck_assert_msg(strstr(answer, "error: ") != NULL, "%s", answer);
        ck_assert_uint_eq(count_files(), has_failed ? files : files + 2);
        failures += has_failed;
    }
    ck_assert_int_gt(failures, 3);
    host_run(host.db, "INSERT INTO kv VALUES('new', 1)");
    expect("SELECT count(*), byron_check('kv') FROM kv", "1001|ok");
    host_close(&host);
}
END_TEST

Suite *test_backup_progress_suite(void)
{
    Suite *suite = suite_create("backup_progress");
    TCase *cases = tcase_create("backup_progress");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, progress_is_told_to_a_function_and_ended_by_it);
    tcase_add_test(cases, an_interrupt_ends_a_backup);
    tcase_add_test(cases, a_progress_handler_ends_a_backup);
    tcase_add_test(cases, a_function_that_writes_spoils_the_backup);
    tcase_add_test(cases, a_commit_at_any_step_is_in_both_or_in_neither);
    tcase_add_test(cases, a_write_that_fails_leaves_nothing);
    tcase_add_test(cases, without_memory_nothing_is_left);
    suite_add_tcase(suite, cases);
    return suite;
}
