/*
 * byron_backup: a database file and its stores, copied while others write.
 *
 * Covers: file_copy, store_pin.
 */
#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_backup_suite(void);

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

/* byron_backup('main', folder/name). */
static const char *back_up(sqlite3 *db, const char *name)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, name));
    return host_ask(db, sql);
}

static void expect_backup(const char *name)
{
    const char *answer = back_up(host.db, name);
    ck_assert_msg(strstr(answer, " files, ") != NULL, "%s", answer);
}

static void expect_refused(const char *name, const char *words)
{
    const char *answer = back_up(host.db, name);
    ck_assert_msg(strstr(answer, "error: ") && strstr(answer, words), "%s",
                  answer);
}

static void attach(const char *name, const char *schema)
{
    char sql[600];
    snprintf(sql, sizeof sql, "ATTACH '%s' AS %s", host_at(&host, name),
             schema);
    host_run(host.db, sql);
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

static void open_filled(const char *journal_mode)
{
    host_open(&host);
    host_run(host.db, journal_mode);
    host_run(host.db,
             "CREATE TABLE plain(k INTEGER PRIMARY KEY, v);"
             "CREATE VIRTUAL TABLE kv USING byron;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n "
             "WHERE i < 1000) INSERT INTO kv SELECT i, 'value ' || i FROM n;"
             "INSERT INTO plain SELECT key, value FROM kv");
}

static const char *const modes[] = {"PRAGMA journal_mode = wal",
                                    "PRAGMA journal_mode = delete",
                                    "PRAGMA journal_mode = wal; "
                                    "PRAGMA page_size = 512; VACUUM"};

START_TEST(a_backup_is_a_database_of_its_own)
{
    open_filled(modes[_i]);
    host_run(host.db, "SELECT byron_flush('kv'); DELETE FROM kv WHERE key = 7");
    expect_backup("copy.db");
    host_run(host.db, "DELETE FROM kv; DELETE FROM plain");
    attach("copy.db", "copy");
    expect("SELECT count(*), sum(key) FROM copy.kv", "999|500493");
    expect("SELECT count(*) FROM copy.plain", "1000");
    expect("SELECT byron_check('copy.kv')", "ok");
    expect("PRAGMA copy.integrity_check", "ok");
    host_run(host.db, "INSERT INTO copy.kv VALUES('new', 1);"
                      "SELECT byron_compact('copy.kv')");
    expect("SELECT count(*) FROM copy.kv", "1000");
    expect("SELECT count(*) FROM main.kv", "0");
    host_run(host.db, "INSERT INTO main.kv VALUES('old', 1)");
    host_reopen(&host);
    attach("copy.db", "copy");
    expect("SELECT count(*) FROM copy.kv", "1000");
    expect("SELECT * FROM main.kv", "old|1");
    host_close(&host);
}
END_TEST

START_TEST(nothing_is_left_beside_a_backup)
{
    unsigned files;

    open_filled(modes[_i]);
    files = count_files();
    expect_backup("copy.db");
    ck_assert_uint_eq(count_files(), files + 2);
    ck_assert(host_has(&host, "copy.db"));
    ck_assert(host_has(&host, "copy.db-byron/HEAD"));
    host_close(&host);
}
END_TEST

START_TEST(both_put_in_place_restore_it)
{
    char command[2000];

    open_filled(modes[0]);
    expect_backup("copy.db");
    host_run(host.db, "UPDATE kv SET value = 'spoilt'");
    sqlite3_close(host.db);
    snprintf(command, sizeof command,
             "cd %s && rm -r x.db* && mv copy.db x.db && "
             "mv copy.db-byron x.db-byron",
             host.folder);
    ck_assert_int_eq(system(command), 0);
    host.db = host_connect(&host);
    expect("SELECT count(*) FROM kv JOIN plain ON k = key AND v = value",
           "1000");
    host_run(host.db, "INSERT INTO kv VALUES('new', 1)");
    host_close(&host);
}
END_TEST

START_TEST(stores_elsewhere_come_to_lie_beside_the_copy)
{
    open_filled(modes[0]);
    host_run(host.db,
             "CREATE VIRTUAL TABLE far USING byron(k INT PRIMARY KEY, v, "
             "path='far'); INSERT INTO far VALUES(1, 'x')");
    expect_backup("copy.db");
    ck_assert(host_has(&host, "copy.db-byron-2/HEAD"));
    attach("copy.db", "copy");
    expect("SELECT path FROM copy.byron_store WHERE number = 2",
           "copy.db-byron-2");
    host_run(host.db, "INSERT INTO copy.far VALUES(2, 'y')");
    expect("SELECT count(*) FROM copy.far", "2");
    expect("SELECT count(*) FROM main.far", "1");
    /* And it can be backed up again. */
    host_run(host.db, "SELECT byron_backup('copy', (SELECT file || '2' FROM "
                      "pragma_database_list WHERE name = 'copy'))");
    attach("copy.db2", "again");
    expect("SELECT count(*) FROM again.far", "2");
    expect("SELECT byron_check('again.far')", "ok");
    host_close(&host);
}
END_TEST

START_TEST(a_database_without_byron_tables_is_one_file)
{
    host_open(&host);
    host_run(host.db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    ck_assert_ptr_nonnull(strstr(back_up(host.db, "copy.db"), "1 file, "));
    attach("copy.db", "copy");
    expect("SELECT * FROM copy.t", "1");
    host_close(&host);
}
END_TEST

START_TEST(a_backup_may_be_read_by_whom_its_database_may)
{
    struct stat status;

    open_filled(modes[0]);
    ck_assert_int_eq(chmod(host.path, 0600), 0);
    expect_backup("copy.db");
    ck_assert_int_eq(stat(host_at(&host, "copy.db"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    host_close(&host);
}
END_TEST

START_TEST(a_database_that_is_only_read_is_backed_up)
{
    static const char *const ways[] = {"mode=ro", "immutable=1"};
    char uri[600];
    sqlite3 *db;

    open_filled(modes[0]);
    sqlite3_close(host.db);
    snprintf(uri, sizeof uri, "file:%s?%s", host.path, ways[_i]);
    ck_assert_int_eq(
        sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
        SQLITE_OK);
    ck_assert_ptr_nonnull(strstr(back_up(db, "copy.db"), " files, "));
    sqlite3_close(db);
    host.db = host_connect(&host);
    attach("copy.db", "copy");
    host_run(host.db, "INSERT INTO copy.kv VALUES('new', 1)");
    expect("SELECT count(*) FROM copy.kv", "1001");
    host_close(&host);
}
END_TEST

/* --- refusals ------------------------------------------------------------- */

START_TEST(what_is_there_is_not_overwritten)
{
    static const char *const there[] = {"copy.db", "copy.db-byron",
                                        "copy.db-incomplete"};
    char command[600];
    unsigned files;

    open_filled(modes[0]);
    snprintf(command, sizeof command, "echo mine > %s",
             host_at(&host, there[_i]));
    ck_assert_int_eq(system(command), 0);
    files = count_files();
    expect_refused("copy.db", "exists");
    expect_refused("copy.db", there[_i]);
    ck_assert_uint_eq(count_files(), files);
    snprintf(command, sizeof command, "grep -q mine %s",
             host_at(&host, there[_i]));
    ck_assert_int_eq(system(command), 0);
    host_close(&host);
}
END_TEST

START_TEST(a_wrong_argument_is_told)
{
    char sql[600];

    open_filled(modes[0]);
    expect_words("SELECT byron_backup('main', NULL)", "the file to make");
    expect_words("SELECT byron_backup(NULL, 'x')", "a database's name");
    expect_words("SELECT byron_backup('main', '')", "is no name of a file");
    expect_words("SELECT byron_backup('nix', 'x')", "no database \"nix\"");
    expect_words("SELECT byron_backup('temp', 'x')", "only a database file");
    expect_words("ATTACH ':memory:' AS m; SELECT byron_backup('m', 'x')",
                 "only a database file");
    expect_words("SELECT byron_backup('main', '/nowhere/at/all/x.db')",
                 "/nowhere/at/all/ cannot be opened");
    expect_words("SELECT byron_backup('main', '/proc/x.db')",
                 "cannot be created");
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s', 'nix')",
             host_at(&host, "copy.db"));
    expect_words(sql, "no such function: nix");
    ck_assert(!host_has(&host, "copy.db-incomplete"));
    host_close(&host);
}
END_TEST

START_TEST(a_transaction_that_writes_is_refused)
{
    open_filled(modes[0]);
    host_run(host.db, "BEGIN; INSERT INTO kv VALUES('x', 1)");
    expect_refused("copy.db", "COMMIT it first");
    host_run(host.db, "ROLLBACK; BEGIN IMMEDIATE");
    expect_refused("copy.db", "COMMIT it first");
    host_run(host.db, "COMMIT");
    expect_backup("copy.db");
    host_close(&host);
}
END_TEST

START_TEST(the_schema_may_not_make_backups)
{
    open_filled(modes[0]);
    host_run(host.db, "CREATE VIEW v AS SELECT byron_backup('main', 'x')");
    expect_words("SELECT * FROM v", "unsafe use of byron_backup");
    host_close(&host);
}
END_TEST

/* --- the state that is copied ----------------------------------------------
 */

START_TEST(a_read_transaction_is_backed_up_as_it_sees_the_database)
{
    sqlite3 *other;

    open_filled(modes[0]);
    other = host_connect(&host);
    host_run(host.db, "BEGIN; SELECT count(*) FROM kv");
    host_run(other, "DELETE FROM kv; DELETE FROM plain;"
                    "SELECT byron_flush('kv')");
    expect_backup("copy.db");
    expect("SELECT count(*) FROM kv", "1000");
    host_run(host.db, "COMMIT");
    attach("copy.db", "copy");
    expect("SELECT count(*), (SELECT count(*) FROM copy.plain) FROM copy.kv",
           "1000|1000");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

START_TEST(a_state_that_is_gone_is_refused)
{
    sqlite3 *other;

    open_filled(modes[0]);
    other = host_connect(&host);
    host_run(host.db, "BEGIN; SELECT count(*) FROM plain");
    host_run(other, "INSERT INTO kv VALUES('x', 1); SELECT byron_flush('kv')");
    expect_refused("copy.db", "end it and make the backup anew");
    host_run(host.db, "COMMIT; BEGIN; SELECT count(*) FROM plain");
    host_run(other, "DROP TABLE kv");
    expect_refused("copy.db", "end it and make the backup anew");
    host_run(host.db, "COMMIT");
    ck_assert(!host_has(&host, "copy.db-incomplete"));
    expect_backup("copy.db");
    sqlite3_close(other);
    host_close(&host);
}
END_TEST

START_TEST(commits_of_their_own_are_in_the_backup)
{
    open_filled(modes[0]);
    host_run(host.db,
             "CREATE VIRTUAL TABLE own USING byron(commit=own);"
             "INSERT INTO own VALUES(1, 1); INSERT INTO own VALUES(2, 2)");
    expect_backup("copy.db");
    host_run(host.db, "INSERT INTO own VALUES(3, 3)");
    attach("copy.db", "copy");
    expect("SELECT count(*) FROM copy.own", "2");
    expect("SELECT count(*) FROM copy.kv", "1000");
    /* The copy goes on from what its host does not name. */
    host_run(host.db, "INSERT INTO copy.own VALUES(4, 4);"
                      "INSERT INTO copy.kv VALUES('x', 1);"
                      "INSERT INTO copy.own VALUES(5, 5); DETACH copy");
    attach("copy.db", "copy");
    expect("SELECT count(*) FROM copy.own", "4");
    expect("SELECT count(*) FROM copy.kv", "1001");
    host_close(&host);
}
END_TEST

START_TEST(indexes_are_in_the_backup)
{
    open_filled(modes[0]);
    host_run(host.db,
             "CREATE VIRTUAL TABLE i USING byron(k INTEGER PRIMARY KEY, v, "
             "INDEX by_v(v)); INSERT INTO i SELECT key, value FROM kv;"
             "SELECT byron_flush('i'); DELETE FROM i WHERE k % 2");
    expect_backup("copy.db");
    host_run(host.db, "DELETE FROM i");
    attach("copy.db", "copy");
    expect("SELECT k FROM copy.i WHERE v = 'value 10'", "10");
    expect("SELECT k FROM copy.i WHERE v = 'value 11'", "");
    host_run(host.db, "UPDATE copy.i SET v = 'other' WHERE k = 10");
    expect("SELECT k FROM copy.i WHERE v = 'other'", "10");
    expect("SELECT byron_check('copy.i')", "ok");
    host_close(&host);
}
END_TEST

struct writer {
    sqlite3 *db;
    atomic_bool is_over;
    atomic_int commits;
};

/* Each commit adds a row to both tables, and moves an amount within each. */
static void *write_both(void *context)
{
    struct writer *writer = context;

    host_run(writer->db, "PRAGMA busy_timeout = 20000;"
                         "PRAGMA synchronous = off");
    for (int i = 0; !atomic_load(&writer->is_over); i++) {
        char sql[600];
        snprintf(sql, sizeof sql,
                 "BEGIN IMMEDIATE;"
                 "INSERT INTO kv VALUES('n%d', hex(zeroblob(500)));"
                 "INSERT INTO plain(v) VALUES('n%d');"
                 "UPDATE kv SET value = value + 1 WHERE key = 'left';"
                 "UPDATE kv SET value = value - 1 WHERE key = 'right';"
                 "UPDATE plain SET v = v + 1 WHERE k = -1;"
                 "COMMIT",
                 i, i);
        host_run(writer->db, sql);
        atomic_store(&writer->commits, i);
    }
    return NULL;
}

static void expect_one_state(const char *name)
{
    attach(name, "c");
    expect("SELECT (SELECT count(*) FROM c.kv WHERE key GLOB 'n*') = "
           "(SELECT count(*) FROM c.plain WHERE v GLOB 'n*'), "
           "(SELECT value FROM c.kv WHERE key = 'left') = "
           "(SELECT v FROM c.plain WHERE k = -1), "
           "(SELECT sum(value) FROM c.kv WHERE key IN ('left', 'right')), "
           "byron_check('c.kv')",
           "1|1|0|ok");
    host_run(host.db, "DETACH c");
}

START_TEST(backups_beside_a_writer_show_one_state)
{
    struct writer writer = {0};
    pthread_t thread;
    char name[32];

    host_open(&host);
    host_run(host.db, modes[_i]);
    host_run(host.db, "PRAGMA busy_timeout = 20000;"
                      "CREATE TABLE plain(k INTEGER PRIMARY KEY, v);"
                      "CREATE VIRTUAL TABLE kv USING byron(memory=1048576);"
                      "INSERT INTO kv VALUES('left', 0), ('right', 0);"
                      "INSERT INTO plain VALUES(-1, 0)");
    writer.db = host_connect(&host);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_both, &writer), 0);
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&writer.commits);
        snprintf(name, sizeof name, "copy%d.db", i);
        expect_backup(name);
        /* It goes on. */
        while (atomic_load(&writer.commits) < before + 20)
            usleep(1000);
    }
    atomic_store(&writer.is_over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "copy%d.db", i);
        expect_one_state(name);
    }
    sqlite3_close(writer.db);
    host_close(&host);
}
END_TEST

static TCase *copy_cases(void)
{
    TCase *cases = tcase_create("copies");

    tcase_add_loop_test(cases, a_backup_is_a_database_of_its_own, 0, 3);
    tcase_add_loop_test(cases, nothing_is_left_beside_a_backup, 0, 3);
    tcase_add_test(cases, both_put_in_place_restore_it);
    tcase_add_test(cases, stores_elsewhere_come_to_lie_beside_the_copy);
    tcase_add_test(cases, a_database_without_byron_tables_is_one_file);
    tcase_add_test(cases, a_backup_may_be_read_by_whom_its_database_may);
    tcase_add_loop_test(cases, a_database_that_is_only_read_is_backed_up, 0, 2);
    tcase_add_loop_test(cases, what_is_there_is_not_overwritten, 0, 3);
    tcase_add_test(cases, a_wrong_argument_is_told);
    tcase_add_test(cases, a_transaction_that_writes_is_refused);
    tcase_add_test(cases, the_schema_may_not_make_backups);
    return cases;
}

static TCase *state_cases(void)
{
    TCase *cases = tcase_create("states");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases,
                   a_read_transaction_is_backed_up_as_it_sees_the_database);
    tcase_add_test(cases, a_state_that_is_gone_is_refused);
    tcase_add_test(cases, commits_of_their_own_are_in_the_backup);
    tcase_add_test(cases, indexes_are_in_the_backup);
    tcase_add_loop_test(cases, backups_beside_a_writer_show_one_state, 0, 2);
    return cases;
}

Suite *test_backup_suite(void)
{
    Suite *suite = suite_create("backup");

    suite_add_tcase(suite, copy_cases());
    suite_add_tcase(suite, state_cases());
    return suite;
}
