#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_store_suite(void);

static struct host host;

static void expect(const char *sql, const char *expected)
{
    ck_assert_str_eq(host_ask(host.db, sql), expected);
}

/* Dies where SQLite asks whether to commit: after xSync, before the commit. */
static int die(void *context)
{
    (void)context;
    _exit(0);
}

/* A virtual table whose xCommit kills the process. */
static int killer_connect(sqlite3 *db, void *context, int count,
                          const char *const *arguments, sqlite3_vtab **out,
                          char **message)
{
    (void)context;
    (void)count;
    (void)arguments;
    (void)message;
    *out = calloc(1, sizeof **out);
    return sqlite3_declare_vtab(db, "CREATE TABLE x(a)");
}

static int killer_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static int killer_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    (void)info;
    return SQLITE_OK;
}

static int killer_update(sqlite3_vtab *base, int count,
                         sqlite3_value **arguments, sqlite3_int64 *out)
{
    (void)base;
    (void)count;
    (void)arguments;
    (void)out;
    return SQLITE_OK;
}

static int killer_begin(sqlite3_vtab *base)
{
    (void)base;
    return SQLITE_OK;
}

static int killer_commit(sqlite3_vtab *base)
{
    (void)base;
    _exit(0);
}

static int refuse(sqlite3_vtab *base)
{
    (void)base;
    return SQLITE_IOERR;
}

static const sqlite3_module killer = {
    .iVersion = 1,
    .xConnect = killer_connect,
    .xBestIndex = killer_index,
    .xDisconnect = killer_disconnect,
    .xDestroy = killer_disconnect,
    .xUpdate = killer_update,
    .xBegin = killer_begin,
    .xCommit = killer_commit,
};

static const sqlite3_module refuser = {
    .iVersion = 1,
    .xConnect = killer_connect,
    .xBestIndex = killer_index,
    .xDisconnect = killer_disconnect,
    .xDestroy = killer_disconnect,
    .xUpdate = killer_update,
    .xBegin = killer_begin,
    .xSync = refuse,
};

/* The second database, where there is one. */
static void attach(sqlite3 *db)
{
    char sql[400];

    snprintf(sql, sizeof sql, "ATTACH '%s' AS two", host_at(&host, "y.db"));
    host_run(db, sql);
}

/* Not the first transactions: of those nobody knows what else they changed. */
static void attach_and_write(sqlite3 *db)
{
    attach(db);
    host_run(db, "INSERT INTO t VALUES(9, 9); INSERT INTO u VALUES(9, 9);"
                 "BEGIN; DELETE FROM t; COMMIT; BEGIN; DELETE FROM u; COMMIT");
}

enum moment { BEFORE_SYNC, BEFORE_COMMIT, AFTER_COMMIT };

/* A process that runs sql and dies at the moment of its (last) commit. */
static void run_and_die(const char *sql, enum moment moment)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        sqlite3 *db = host_connect(&host);
        sqlite3_create_module(db, "killer", &killer, NULL);
        if (host_has(&host, "y.db"))
            attach_and_write(db);
        if (moment == AFTER_COMMIT)
            host_run(db, "BEGIN; INSERT INTO killer VALUES(1)");
        else
            host_run(db, "BEGIN");
        host_run(db, sql);
        if (moment == BEFORE_SYNC)
            _exit(0);
        if (moment == BEFORE_COMMIT)
            sqlite3_commit_hook(db, die, NULL);
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static void open_closed(const char *sql)
{
    host_open(&host);
    host_run(host.db, sql);
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
}

START_TEST(death_before_the_hosts_commit_loses_all_of_it)
{
    open_closed("CREATE VIRTUAL TABLE t USING byron; CREATE TABLE p(a)");
    run_and_die("INSERT INTO t VALUES(1, 2); INSERT INTO p VALUES(1)",
                _i ? BEFORE_COMMIT : BEFORE_SYNC);
    host.db = host_connect(&host);

    expect("SELECT count(*) FROM t", "0");
    expect("SELECT count(*) FROM p", "0");
    host_run(host.db, "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);
    expect("SELECT * FROM t", "3|4");
    host_close(&host);
}
END_TEST

/* Even where each table alone would need no host: see commit=own. */
START_TEST(death_before_the_commit_of_two_stores_loses_all_of_it)
{
    host_open(&host);
    attach(host.db);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(commit=own)");
    host_run(host.db, _i & 1 ? "CREATE VIRTUAL TABLE two.u USING byron"
                             : "CREATE VIRTUAL TABLE two.u USING "
                               "byron(commit=own)");
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    run_and_die(_i & 2 ? "INSERT INTO u VALUES(1, 2);"
                         "INSERT INTO t VALUES(1, 2)"
                       : "INSERT INTO t VALUES(1, 2);"
                         "INSERT INTO u VALUES(1, 2)",
                BEFORE_COMMIT);
    host.db = host_connect(&host);
    attach(host.db);

    expect("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)", "0|0");
    host_run(host.db, "BEGIN; INSERT INTO t VALUES(3, 4);"
                      "INSERT INTO u VALUES(5, 6); COMMIT");
    host_run(host.db, "DETACH two");
    host_reopen(&host);
    attach(host.db);
    expect("SELECT * FROM t, u", "3|4|5|6");
    host_close(&host);
}
END_TEST

START_TEST(death_after_the_hosts_commit_loses_nothing)
{
    open_closed("CREATE VIRTUAL TABLE t USING byron; CREATE TABLE p(a)");
    run_and_die("INSERT INTO t VALUES(1, 2); INSERT INTO p VALUES(1)",
                AFTER_COMMIT);
    host.db = host_connect(&host);

    expect("SELECT * FROM t", "1|2");
    expect("SELECT count(*) FROM p", "1");
    host_run(host.db, "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);
    expect("SELECT * FROM t", "1|2\n3|4");
    host_close(&host);
}
END_TEST

START_TEST(death_during_a_creation_leaves_room_for_the_next)
{
    static const enum moment moments[] = {BEFORE_SYNC, BEFORE_COMMIT};

    open_closed("CREATE TABLE p(a)");
    run_and_die("CREATE VIRTUAL TABLE t USING byron; "
                "INSERT INTO t VALUES(1, 2)",
                moments[_i]);
    ck_assert(host_has(&host, "x.db-byron/CREATING"));
    host.db = host_connect(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);

    expect("SELECT * FROM t", "3|4");
    host_close(&host);
}
END_TEST

START_TEST(death_after_a_creation_keeps_it)
{
    open_closed("CREATE TABLE p(a)");
    run_and_die("CREATE VIRTUAL TABLE t USING byron; "
                "INSERT INTO t VALUES(1, 2)",
                AFTER_COMMIT);
    host.db = host_connect(&host);

    expect("SELECT * FROM t", "1|2");
    host_run(host.db, "INSERT INTO t VALUES(3, 4)");
    ck_assert(!host_has(&host, "x.db-byron/CREATING"));
    host_close(&host);
}
END_TEST

START_TEST(death_after_a_drop_is_settled_at_the_next_opening)
{
    open_closed("CREATE VIRTUAL TABLE t USING byron; "
                "CREATE VIRTUAL TABLE u USING byron; "
                "INSERT INTO t VALUES(1, 2); INSERT INTO u VALUES(3, 4)");
    run_and_die("DROP TABLE t", AFTER_COMMIT);
    host.db = host_connect(&host);

    expect("SELECT * FROM u", "3|4");
    expect("SELECT byron_check('u')", "ok");
    host_reopen(&host);
    expect("SELECT * FROM u", "3|4");
    host_close(&host);
}
END_TEST

START_TEST(death_before_a_drops_commit_keeps_the_table)
{
    open_closed("CREATE VIRTUAL TABLE t USING byron; "
                "INSERT INTO t VALUES(1, 2)");
    run_and_die("DROP TABLE t", BEFORE_COMMIT);
    host.db = host_connect(&host);

    expect("SELECT * FROM t", "1|2");
    host_close(&host);
}
END_TEST

START_TEST(anothers_failed_sync_rolls_us_back)
{
    host_open(&host);
    sqlite3_create_module(host.db, "refuser", &refuser, NULL);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "BEGIN; INSERT INTO t VALUES(1, 2); "
                      "INSERT INTO refuser VALUES(1)");
    ck_assert_int_eq(host_fail(host.db, "COMMIT"), SQLITE_IOERR);

    expect("SELECT count(*) FROM t", "0");
    host_run(host.db, "INSERT INTO t VALUES(3, 4)");
    host_reopen(&host);
    expect("SELECT * FROM t", "3|4");
    host_close(&host);
}
END_TEST

START_TEST(a_second_process_is_told_who_has_the_store)
{
    int status;
    pid_t child;

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron");
    child = fork();
    if (child == 0) {
        sqlite3 *db = host_connect(&host);
        const char *words = host_ask(db, "SELECT * FROM t");
        int rc = sqlite3_errcode(db);
        _exit((rc & 0xff) == SQLITE_BUSY &&
                      strstr(words, "x.db-byron is open in another process")
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);

    ck_assert_int_eq(WEXITSTATUS(status), 0);
    host_close(&host);
}
END_TEST

START_TEST(busy_timeout_waits_for_the_other_process)
{
    int status;
    int ready[2];
    char byte;
    pid_t child;

    open_closed("CREATE VIRTUAL TABLE t USING byron; "
                "INSERT INTO t VALUES(1, 2)");
    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        sqlite3 *db = host_connect(&host);
        host_run(db, "INSERT INTO t VALUES(3, 4)");
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        usleep(200 * 1000);
        _exit(sqlite3_close(db));
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    host.db = host_connect(&host);
    host_run(host.db, "PRAGMA busy_timeout = 20000");

    expect("SELECT * FROM t", "1|2\n3|4");
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    host_close(&host);
}
END_TEST

START_TEST(an_inherited_connection_is_refused_after_fork)
{
    int status;
    pid_t child;

    host_open(&host);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron; "
                      "INSERT INTO t VALUES(1, 2)");
    child = fork();
    if (child == 0) {
        const char *words = host_ask(host.db, "SELECT * FROM t");
        _exit(strstr(words, "fork()") ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);

    ck_assert_int_eq(WEXITSTATUS(status), 0);
    expect("SELECT * FROM t", "1|2");
    host_close(&host);
}
END_TEST

START_TEST(an_old_read_transaction_opens_the_newest_state)
{
    int status;
    pid_t child;

    open_closed("PRAGMA journal_mode=wal; CREATE TABLE p(a); "
                "CREATE VIRTUAL TABLE t USING byron; "
                "INSERT INTO t VALUES(1, 2)");
    host.db = host_connect(&host);
    host_run(host.db, "BEGIN");
    expect("SELECT count(*) FROM p", "0");
    child = fork();
    if (child == 0) {
        sqlite3 *db = host_connect(&host);
        host_run(db, "INSERT INTO t VALUES(3, 4)");
        _exit(sqlite3_close(db));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);

    ck_assert_int_eq(host_fail(host.db, "SELECT * FROM t"),
                     SQLITE_BUSY_SNAPSHOT);
    host_run(host.db, "COMMIT");
    expect("SELECT * FROM t", "1|2\n3|4");
    host_close(&host);
}
END_TEST

Suite *test_store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *cases = tcase_create("store");

    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, death_before_the_hosts_commit_loses_all_of_it, 0,
                        2);
    tcase_add_loop_test(
        cases, death_before_the_commit_of_two_stores_loses_all_of_it, 0, 4);
    tcase_add_test(cases, death_after_the_hosts_commit_loses_nothing);
    tcase_add_loop_test(cases, death_during_a_creation_leaves_room_for_the_next,
                        0, 2);
    tcase_add_test(cases, death_after_a_creation_keeps_it);
    tcase_add_test(cases, death_after_a_drop_is_settled_at_the_next_opening);
    tcase_add_test(cases, death_before_a_drops_commit_keeps_the_table);
    tcase_add_test(cases, anothers_failed_sync_rolls_us_back);
    tcase_add_test(cases, a_second_process_is_told_who_has_the_store);
    tcase_add_test(cases, busy_timeout_waits_for_the_other_process);
    tcase_add_test(cases, an_inherited_connection_is_refused_after_fork);
    tcase_add_test(cases, an_old_read_transaction_opens_the_newest_state);
    suite_add_tcase(suite, cases);
    return suite;
}
