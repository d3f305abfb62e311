/*
 * A disk that is full, and one that cannot be written to, seen from SQL: a
 * small file system in memory, mounted for this process alone.
 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_disk_suite(void);

static struct host host;
static char disk[300];

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

/* A mount of our own: root may have it, others as root of their own. */
static bool leave_the_others(void)
{
    char map[64];

    snprintf(map, sizeof map, "0 %u 1", (unsigned)getuid());
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        write_text("/proc/self/uid_map", map);
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Is the database on a disk of its own, of 12 MB? */
static bool open_on_small_disk(void)
{
    host_open(&host);
    snprintf(disk, sizeof disk, "%s/disk", host.folder);
    ck_assert_int_eq(mkdir(disk, 0700), 0);
    if (!leave_the_others() ||
        mount("tmpfs", disk, "tmpfs", 0, "size=12m") != 0) {
        printf("skipped: no disk of our own can be mounted here\n");
        host_close(&host);
        return false;
    }
    snprintf(host.path, sizeof host.path, "%s/disk/x.db", host.folder);
    host_reopen(&host);
    host_run(host.db, "CREATE TABLE p(k INTEGER PRIMARY KEY);"
                      "CREATE VIRTUAL TABLE t USING byron(k INTEGER PRIMARY "
                      "KEY, v, memory='1MB', INDEX by_v(v))");
    return true;
}

static void close_on_small_disk(void)
{
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    host.db = NULL;
    ck_assert_int_eq(umount2(disk, MNT_DETACH), 0);
    host_close(&host);
}

static void fill_ballast(void)
{
    static const char zeros[1 << 16];
    FILE *file = fopen(host_at(&host, "disk/ballast"), "w");

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 32; i++)
        ck_assert_uint_eq(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    ck_assert_int_eq(fclose(file), 0);
}

/* Transactions of two tables, until one fails; how many did not. */
static int insert_until_full(int from)
{
    char sql[200];
    int rc;

    for (int i = from; i < 5000; i++) {
        snprintf(sql, sizeof sql,
                 "BEGIN; INSERT INTO p VALUES(%d); INSERT INTO t VALUES(%d, "
                 "randomblob(3000)); COMMIT",
                 i, i);
        rc = sqlite3_exec(host.db, sql, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            continue;
        ck_assert_msg((rc & 0xff) == SQLITE_FULL, "%d: %s", rc,
                      sqlite3_errmsg(host.db));
        sqlite3_exec(host.db, "ROLLBACK", NULL, NULL, NULL);
        return i;
    }
    ck_abort_msg("the disk does not fill");
    return 0;
}

/* The engine tries again what failed four times a second. */
static void wait_for_room(int number)
{
    char sql[200];
    int rc = SQLITE_FULL;

    snprintf(sql, sizeof sql,
             "BEGIN; INSERT INTO p VALUES(%d); INSERT INTO t VALUES(%d, 'x'); "
             "COMMIT",
             number, number);
    for (int i = 0; i < 10 && rc != SQLITE_OK; i++) {
        if (i > 0)
            usleep(100000);
        rc = sqlite3_exec(host.db, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            sqlite3_exec(host.db, "ROLLBACK", NULL, NULL, NULL);
    }
    ck_assert_int_eq(rc, SQLITE_OK);
}

static void expect_rows(int count)
{
    char expected[100];

    snprintf(expected, sizeof expected, "%d|%d|ok", count, count);
    ck_assert_str_eq(host_ask(host.db, "SELECT (SELECT count(*) FROM p), "
                                       "(SELECT count(v) FROM t), "
                                       "byron_check('t')"),
                     expected);
}

START_TEST(a_full_disk_fails_the_statement_and_heals)
{
    int count;
    int more;

    if (!open_on_small_disk())
        return;
    host_run(host.db, "PRAGMA journal_mode = WAL");
    fill_ballast();
    count = insert_until_full(0);
    ck_assert_int_gt(count, 100);
    expect_rows(count);
    ck_assert_int_eq(unlink(host_at(&host, "disk/ballast")), 0);
    /* What failed before there was room again may be told until then, too. */
    more = count;
    for (int i = 0; i < 5 && more <= count + 20; i++) {
        wait_for_room(more);
        more = insert_until_full(more + 1);
    }
    ck_assert_int_gt(more, count + 20);
    expect_rows(more);
    host_reopen(&host);
    expect_rows(more);
    close_on_small_disk();
}
END_TEST

static void set_writable(bool is_writable)
{
    ck_assert_int_eq(sqlite3_close(host.db), SQLITE_OK);
    ck_assert_int_eq(mount(NULL, disk, NULL,
                           MS_REMOUNT | (is_writable ? 0 : MS_RDONLY), NULL),
                     0);
    host.db = host_connect(&host);
}

START_TEST(a_medium_that_cannot_be_written_is_read)
{
    if (!open_on_small_disk())
        return;
    host_run(host.db, "INSERT INTO p VALUES(0), (1); INSERT INTO t VALUES(0, "
                      "'a'); SELECT byron_flush('t'); INSERT INTO t VALUES(1, "
                      "'b')");
    set_writable(false);
    expect_rows(2);
    ck_assert_str_eq(host_ask(host.db, "SELECT k FROM t WHERE v = 'b'"), "1");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO t VALUES(2, 'c')"),
                     SQLITE_READONLY);
    ck_assert_int_eq(host_fail(host.db, "CREATE VIRTUAL TABLE u USING byron"),
                     SQLITE_READONLY);
    ck_assert_int_ne(host_fail(host.db, "SELECT byron_compact('t')"),
                     SQLITE_OK);
    expect_rows(2);
    set_writable(true);
    host_run(host.db, "INSERT INTO t VALUES(2, 'c'); INSERT INTO p VALUES(2)");
    expect_rows(3);
    close_on_small_disk();
}
END_TEST

Suite *test_disk_suite(void)
{
    Suite *suite = suite_create("disk");
    TCase *cases = tcase_create("disk");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_full_disk_fails_the_statement_and_heals);
    tcase_add_test(cases, a_medium_that_cannot_be_written_is_read);
    suite_add_tcase(suite, cases);
    return suite;
}
