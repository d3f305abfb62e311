/*
 * A process that has byron tables open forks, or starts another program. The
 * child may use nothing of its parent's, whatever it tries, and spoils nothing
 * by trying; the program inherits neither descriptor nor lock.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/host_expect.h"

Suite *test_fork_suite(void);

#define ROWS     500
#define GIVES_UP 60 /* Seconds, for a child that hangs. */

static struct host host;

static void set_up(void)
{
    host_open(&host);
    host_run(host.db,
             "PRAGMA journal_mode=wal; CREATE TABLE p(a);"
             "CREATE VIRTUAL TABLE t USING byron(a INT PRIMARY KEY, b)");
    host_run(host.db,
             "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
             "WHERE i < 500) INSERT INTO t SELECT i, 'row ' || i FROM n");
    host_run(host.db, "SELECT byron_flush('t')");
}

/* What the child has answered: 0, or the number of what went wrong. */
static int run_child(int (*play)(void *context), void *context)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(GIVES_UP);
        _exit(play(context));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child died of signal %d",
                  WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* The parent's tables are whole, it goes on, and what it writes is there. */
static void expect_well(int extra)
{
    char count[16];

    snprintf(count, sizeof count, "%d", ROWS + extra);
    host_expect(&host, "SELECT count(*) FROM t", count);
    host_expect(&host, "SELECT byron_check('t')", "ok");
    host_expect(&host, "PRAGMA integrity_check", "ok");
    host_run(host.db, "INSERT INTO t VALUES(1000, 'more')");
    host_reopen(&host);
    host_expect(&host, "SELECT b FROM t WHERE a = 1000", "more");
    host_run(host.db, "DELETE FROM t WHERE a = 1000");
    host_expect(&host, "SELECT count(*) FROM t", count);
}

/* --- statements ------------------------------------------------------------
 */

static const char *const statements[] = {
    "SELECT * FROM t",
    "SELECT count(*) FROM t",
    "SELECT b FROM t WHERE a = 7",
    "INSERT INTO t VALUES(9999, 1)",
    "INSERT OR REPLACE INTO t VALUES(7, 1)",
    "UPDATE t SET b = 1 WHERE a = 7",
    "DELETE FROM t WHERE a = 7",
    "DELETE FROM t",
    "INSERT INTO t(t) VALUES('delete-all')",
    "INSERT INTO t(t) VALUES('flush')",
    "INSERT INTO t(t) VALUES('compact')",
    "SELECT byron_flush('t')",
    "SELECT byron_compact('t')",
    "SELECT byron_check('t')",
    "SELECT byron_count('t')",
    "SELECT byron_count('t', 'approx')",
    "SELECT byron_delete_range('t', 1, 100)",
    "SELECT byron_backup('main', 'copy.db')",
    "SELECT count(*) FROM byron_stats('t')",
    "SELECT count(*) FROM byron_sstables('t')",
    "BEGIN; INSERT INTO p VALUES(1); INSERT INTO t VALUES(9999, 1); COMMIT",
    "SAVEPOINT s; DELETE FROM t; RELEASE s",
    "CREATE VIRTUAL TABLE u USING byron(a)",
    "ALTER TABLE t RENAME TO u",
    "DROP TABLE t",
};
#define STATEMENTS (int)(sizeof statements / sizeof *statements)

/* What xDestroy says SQLite does not hand on. */
static int run_statement(void *context)
{
    const char *words = host_ask(host.db, context);
    bool has_words = strncmp(context, "DROP", 4) != 0;

    if (strncmp(words, "error: ", 7) == 0 &&
        (!has_words || strstr(words, "fork()")))
        return 0;
    fprintf(stderr, "%s: %s\n", (const char *)context, words);
    return 1;
}

START_TEST(whatever_a_child_asks_is_refused)
{
    char sql[200];

    set_up();
    snprintf(sql, sizeof sql, "%s", statements[_i]);
    ck_assert_int_eq(run_child(run_statement, sql), 0);
    expect_well(0);
    host_close(&host);
}
END_TEST

static int run_all(void *context)
{
    (void)context;
    for (int i = 0; i < STATEMENTS; i++) {
        const char *words = host_ask(host.db, statements[i]);
        if (strncmp(words, "error", 5) != 0)
            return 1 + i;
        sqlite3_exec(host.db, "ROLLBACK", NULL, NULL, NULL);
    }
    return 0;
}

/* One after the other, on one connection, which is closed then (_i). */
static int run_all_and_close(void *context)
{
    int failed = run_all(context);

    return failed ? failed : sqlite3_close(host.db);
}

START_TEST(it_is_refused_again_and_again)
{
    set_up();
    ck_assert_int_eq(run_child(_i == 0 ? run_all : run_all_and_close, NULL), 0);
    expect_well(0);
    host_close(&host);
}
END_TEST

/* --- what is open ----------------------------------------------------------
 */

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;

    ck_assert_int_eq(sqlite3_prepare_v2(host.db, sql, -1, &statement, NULL),
                     SQLITE_OK);
    return statement;
}

/* Rows that it shows still are the parent's; then it is refused. */
static int step_on(void *context)
{
    sqlite3_stmt *statement = context;
    int last = sqlite3_column_int(statement, 0);
    int rc;

    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (sqlite3_column_int(statement, 0) != last + 1)
            return 1;
        last++;
    }
    if (rc == SQLITE_DONE || !strstr(sqlite3_errmsg(host.db), "fork()"))
        return 2;
    if (sqlite3_reset(statement) == SQLITE_OK)
        return 3;
    if (sqlite3_step(statement) == SQLITE_ROW)
        return 4;
    sqlite3_finalize(statement);
    return sqlite3_close(host.db) == SQLITE_OK ? 0 : 5;
}

/* The child ends without a word, or lets go of it. */
static int let_go(void *context)
{
    sqlite3_finalize(context);
    return sqlite3_close(host.db) == SQLITE_OK ? 0 : 1;
}

START_TEST(an_open_statement_goes_on_in_the_parent_alone)
{
    sqlite3_stmt *statement;

    set_up();
    statement = prepare("SELECT a FROM t ORDER BY a");
    for (int i = 1; i <= 1 + 20 * (_i / 2); i++) {
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(statement, 0), i);
    }
    ck_assert_int_eq(run_child(_i % 2 == 0 ? step_on : let_go, statement), 0);
    for (int i = 2 + 20 * (_i / 2); i <= ROWS; i++) {
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(statement, 0), i);
    }
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    expect_well(0);
    host_close(&host);
}
END_TEST

/* --- transactions ----------------------------------------------------------
 */

static int commit_it(void *context)
{
    const char *words = host_ask(host.db, "COMMIT");

    (void)context;
    return strstr(words, "fork()") ? 0 : 1;
}

static int commit_and_close(void *context)
{
    return commit_it(context) ? 1 : sqlite3_close(host.db);
}

static int roll_back(void *context)
{
    (void)context;
    sqlite3_exec(host.db, "ROLLBACK", NULL, NULL, NULL);
    return sqlite3_get_autocommit(host.db) ? 0 : 1;
}

static int roll_back_to(void *context)
{
    (void)context;
    sqlite3_exec(host.db, "ROLLBACK TO s; RELEASE s", NULL, NULL, NULL);
    return commit_it(context);
}

static int close_it(void *context)
{
    (void)context;
    return sqlite3_close(host.db);
}

static int (*const endings[])(void *context) = {
    commit_it, commit_and_close, roll_back, roll_back_to, close_it,
};
#define ENDINGS (int)(sizeof endings / sizeof *endings)

START_TEST(an_open_transaction_is_the_parents)
{
    bool is_committed = _i / ENDINGS == 0;

    set_up();
    host_run(host.db, "BEGIN; INSERT INTO p VALUES(1);"
                      "INSERT INTO t VALUES(501, 'a'); SAVEPOINT s;"
                      "INSERT INTO t VALUES(502, 'b')");
    ck_assert_int_eq(run_child(endings[_i % ENDINGS], NULL), 0);
    host_expect(&host, "SELECT count(*) FROM t", "502");
    host_run(host.db, "INSERT INTO t VALUES(503, 'c')");
    host_run(host.db, is_committed ? "COMMIT" : "ROLLBACK");
    host_expect(&host, "SELECT count(*) FROM p", is_committed ? "1" : "0");
    expect_well(is_committed ? 3 : 0);
    host_close(&host);
}
END_TEST

/* The directory of a temporary table goes with its connection: the parent's. */
START_TEST(a_private_store_outlives_a_childs_close)
{
    set_up();
    host_run(host.db, "CREATE VIRTUAL TABLE temp.q USING byron(a INT PRIMARY "
                      "KEY); INSERT INTO q SELECT a FROM t");
    host_run(host.db, "SELECT byron_flush('q')");
    ck_assert_int_eq(run_child(close_it, NULL), 0);
    host_run(host.db, "INSERT INTO q VALUES(501); SELECT byron_compact('q')");
    host_expect(&host, "SELECT count(*) FROM q", "501");
    host_expect(&host, "SELECT byron_check('q')", "ok");
    expect_well(0);
    host_close(&host);
}
END_TEST

/* --- the lock --------------------------------------------------------------
 */

/* A process of its own that opens the database anew. */
static int ask_anew(void *context)
{
    sqlite3 *db = host_connect(&host);
    const char *words = host_ask(db, "SELECT count(*) FROM t");

    return strstr(words, context) ? 0 : 1;
}

static char busy[] = "is open in another process";
static char all[] = "500";

struct sleeper {
    pid_t child;
    int wake[2];
    int woken[2];
};

/* A child that has all that the parent had, and closes it when it is told. */
static void start_sleeper(struct sleeper *sleeper)
{
    ck_assert_int_eq(pipe(sleeper->wake), 0);
    ck_assert_int_eq(pipe(sleeper->woken), 0);
    sleeper->child = fork();
    if (sleeper->child != 0)
        return;
    char byte;
    alarm(GIVES_UP);
    if (read(sleeper->wake[0], &byte, 1) != 1 ||
        sqlite3_close(host.db) != SQLITE_OK ||
        write(sleeper->woken[1], "x", 1) != 1)
        _exit(1);
    _exit(read(sleeper->wake[0], &byte, 1) == 1 ? 0 : 1);
}

static void wake_sleeper(struct sleeper *sleeper)
{
    char byte;
    ck_assert_int_eq(write(sleeper->wake[1], "x", 1), 1);
    ck_assert_int_eq(read(sleeper->woken[0], &byte, 1), 1);
}

static void end_sleeper(struct sleeper *sleeper)
{
    int status;
    ck_assert_int_eq(write(sleeper->wake[1], "x", 1), 1);
    ck_assert_int_eq(waitpid(sleeper->child, &status, 0), sleeper->child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(a_child_neither_keeps_the_lock_nor_lets_it_go)
{
    struct sleeper sleeper;

    set_up();
    start_sleeper(&sleeper);
    ck_assert_int_eq(run_child(ask_anew, busy), 0);
    host_reopen(&host);
    host_expect(&host, "SELECT count(*) FROM t", all);
    wake_sleeper(&sleeper);
    ck_assert_int_eq(run_child(ask_anew, busy), 0);
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    ck_assert_int_eq(run_child(ask_anew, all), 0);
    end_sleeper(&sleeper);
    host.db = host_connect(&host);
    expect_well(0);
    host_close(&host);
}
END_TEST

/* --- another program --------------------------------------------------------
 */

START_TEST(another_program_gets_no_descriptor_of_ours)
{
    sqlite3_stmt *statement;
    char line[1024];
    int lines = 0;
    FILE *answer;

    set_up();
    host_run(host.db, "BEGIN; INSERT INTO t VALUES(501, 'a')");
    statement = prepare("SELECT a FROM t ORDER BY a");
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    answer = popen("ls -l /proc/self/fd", "r");
    ck_assert_ptr_nonnull(answer);
    while (fgets(line, sizeof line, answer)) {
        ck_assert_msg(strstr(line, host.folder) == NULL, "%s", line);
        lines++;
    }
    ck_assert_int_eq(pclose(answer), 0);
    ck_assert_int_gt(lines, 3);
    sqlite3_finalize(statement);
    host_run(host.db, "COMMIT");
    expect_well(1);
    host_close(&host);
}
END_TEST

/* It has begun when the call returns. */
static pid_t start_program(void)
{
    int begun[2];
    char byte;
    pid_t child;

    ck_assert_int_eq(pipe(begun), 0);
    child = fork();
    if (child == 0) {
        dup2(begun[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", "echo; exec sleep 60", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(read(begun[0], &byte, 1), 1);
    close(begun[0]);
    close(begun[1]);
    return child;
}

START_TEST(another_program_does_not_keep_the_lock)
{
    pid_t program;
    int status;

    set_up();
    program = start_program();
    ck_assert_int_eq(run_child(ask_anew, busy), 0);
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    ck_assert_int_eq(run_child(ask_anew, all), 0);
    host.db = host_connect(&host);
    expect_well(0);
    ck_assert_int_eq(kill(program, SIGKILL), 0);
    ck_assert_int_eq(waitpid(program, &status, 0), program);
    ck_assert(WIFSIGNALED(status));
    host_close(&host);
}
END_TEST

Suite *test_fork_suite(void)
{
    Suite *suite = suite_create("fork");
    TCase *cases = tcase_create("fork");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, whatever_a_child_asks_is_refused, 0, STATEMENTS);
    tcase_add_loop_test(cases, it_is_refused_again_and_again, 0, 2);
    tcase_add_loop_test(cases, an_open_statement_goes_on_in_the_parent_alone, 0,
                        4);
    tcase_add_loop_test(cases, an_open_transaction_is_the_parents, 0,
                        2 * ENDINGS);
    tcase_add_test(cases, a_private_store_outlives_a_childs_close);
    tcase_add_test(cases, a_child_neither_keeps_the_lock_nor_lets_it_go);
    tcase_add_test(cases, another_program_gets_no_descriptor_of_ours);
    tcase_add_test(cases, another_program_does_not_keep_the_lock);
    suite_add_tcase(suite, cases);
    return suite;
}
