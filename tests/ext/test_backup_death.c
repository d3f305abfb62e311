/*
 * A process that is killed at each step of a backup: the database and earlier
 * backups are as they were, and the unfinished one does not pass for one.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_backup_death_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

static void die(sqlite3_context *context, int count, sqlite3_value **values)
{
    int *left = sqlite3_user_data(context);

    (void)count;
    (void)values;
    if (--*left == 0)
        raise(SIGKILL);
}

static void back_up(sqlite3 *db, const char *name)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s', 'die')",
             host_at(&host, name));
    host_run(db, sql);
}

/* True if the process lived to the end of the backup. */
static bool back_up_and_die(const char *name, int call)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        sqlite3 *db = host_connect(&host);
        sqlite3_create_function(db, "die", 3, SQLITE_UTF8, &call, die, NULL,
                                NULL);
        back_up(db, name);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void expect_attached(const char *name)
{
    char sql[600];

    snprintf(sql, sizeof sql, "ATTACH '%s' AS c", host_at(&host, name));
    host_run(host.db, sql);
    expect("SELECT count(*), sum(key) FROM c.kv", "500|125250");
    expect("SELECT count(*) FROM c.far JOIN c.kv USING (key)", "100");
    expect("SELECT byron_check('c.kv')", "ok");
    expect("SELECT byron_check('c.far')", "ok");
    host_run(host.db, "DETACH c");
}

static void open_filled(void)
{
    int never = 0;

    host_open(&host);
    sqlite3_create_function(host.db, "die", 3, SQLITE_UTF8, &never, die, NULL,
                            NULL);
    host_run(host.db,
             "PRAGMA journal_mode = wal; CREATE VIRTUAL TABLE kv USING byron;"
             "CREATE VIRTUAL TABLE far USING byron(key INT PRIMARY KEY, "
             "path='far');"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 500) INSERT INTO kv SELECT i, 'value ' || i FROM n;"
             "INSERT INTO far SELECT key FROM kv WHERE key <= 100;"
             "SELECT byron_flush('kv');"
             "UPDATE kv SET value = 'other' WHERE key % 5 = 0");
    back_up(host.db, "early.db");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
}

START_TEST(a_killed_backup_is_none_and_harms_nothing)
{
    bool has_lived = false;
    int call;

    open_filled();
    for (call = 1; !has_lived; call++) {
        char name[32];
        snprintf(name, sizeof name, "copy%d.db", call);
        has_lived = back_up_and_die(name, call);
        ck_assert_int_eq(host_has(&host, name), has_lived);
        host.db = host_connect(&host);
        expect("SELECT count(*), sum(key) FROM kv", "500|125250");
        expect("SELECT byron_check('kv')", "ok");
        expect_attached("early.db");
        if (has_lived)
            expect_attached(name);
        ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    }
    ck_assert_int_gt(call, 5);
    host.db = host_connect(&host);
    host_close(&host);
}
END_TEST

START_TEST(what_a_killed_backup_left_is_named_to_the_next)
{
    const char *answer;
    char sql[600];

    open_filled();
    ck_assert(!back_up_and_die("copy.db", 4));
    host.db = host_connect(&host);
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, "copy.db"));
    answer = host_ask(host.db, sql);
    ck_assert_msg(strstr(answer, "copy.db-incomplete exists") &&
                      strstr(answer, "broken off") && strstr(answer, "remove"),
                  "%s", answer);
    host_close(&host);
}
END_TEST

Suite *test_backup_death_suite(void)
{
    Suite *suite = suite_create("backup_death");
    TCase *cases = tcase_create("backup_death");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_killed_backup_is_none_and_harms_nothing);
    tcase_add_test(cases, what_a_killed_backup_left_is_named_to_the_next);
    suite_add_tcase(suite, cases);
    return suite;
}
