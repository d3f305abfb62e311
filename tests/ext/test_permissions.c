/*
 * What byron makes beside a database may be read and written by whom the
 * database may be, whatever the umask; what root makes is its owner's.
 *
 * Covers: posix_open.
 */
#include <check.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/host.h"

Suite *test_permissions_suite(void);

static struct host host;

/* What nftw is to find; it hands nothing through. */
static struct {
    mode_t file, directory;
    uid_t user;
    gid_t group;
    unsigned files;
} wanted;

static int look(const char *path, const struct stat *status, int kind,
                struct FTW *place)
{
    mode_t mode = kind == FTW_D ? wanted.directory : wanted.file;
    (void)place;
    ck_assert_msg((status->st_mode & 0777) == mode, "%s: %o, wanted %o", path,
                  status->st_mode & 0777, mode);
    ck_assert_msg(status->st_uid == wanted.user &&
                      status->st_gid == wanted.group,
                  "%s: owner %u:%u, wanted %u:%u", path, status->st_uid,
                  status->st_gid, wanted.user, wanted.group);
    wanted.files += kind == FTW_F;
    return 0;
}

static void expect_all(const char *directory, mode_t mode)
{
    wanted.file = mode;
    wanted.directory = mode | (mode & 0444) >> 2;
    wanted.files = 0;
    ck_assert_int_eq(nftw(host_at(&host, directory), look, 8, FTW_PHYS), 0);
    ck_assert_uint_ge(wanted.files, 4); /* HEAD, LOCK, a log, a manifest. */
}

static void fill(void)
{
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(a PRIMARY KEY, b);"
                      "INSERT INTO t VALUES (1, 'one'), (2, 'two');"
                      "SELECT byron_flush('t');"
                      "INSERT INTO t VALUES (3, 'three');");
}

/* An empty database with these permissions. */
static void open_database(mode_t mode)
{
    host_open(&host);
    host_run(host.db, "CREATE TABLE other(x)");
    ck_assert_int_eq(chmod(host.path, mode), 0);
    host_reopen(&host);
    wanted.user = geteuid();
    wanted.group = getegid();
}

static const mode_t modes[] = {0600, 0640, 0644, 0660, 0664, 0666};

START_TEST(files_may_be_read_by_whom_the_database_may)
{
    mode_t mode = modes[_i / 2];
    mode_t before = umask(_i % 2 ? 0077 : 0);
    char sql[400];
    open_database(mode);
    fill();
    expect_all("x.db-byron", mode);
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, "copy.db"));
    host_run(host.db, sql);
    expect_all("copy.db-byron", mode);
    host_close(&host);
    umask(before);
}
END_TEST

START_TEST(a_folder_open_to_all_makes_no_files_that_are)
{
    open_database(0600);
    ck_assert_int_eq(mkdir(host_at(&host, "wide"), 0777), 0);
    ck_assert_int_eq(chmod(host_at(&host, "wide"), 0777), 0);
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(a, path = 'wide');"
                      "INSERT INTO t VALUES (1); SELECT byron_flush('t');");
    ck_assert_int_eq(chmod(host_at(&host, "wide"), 0700), 0);
    expect_all("wide", 0600);
    host_close(&host);
}
END_TEST

START_TEST(permissions_of_today_count_for_files_of_today)
{
    open_database(0666);
    fill();
    expect_all("x.db-byron", 0666);
    ck_assert_int_eq(chmod(host.path, 0600), 0);
    host_reopen(&host);
    host_run(host.db, "INSERT INTO t VALUES (4, 'four');"
                      "SELECT byron_flush('t'); SELECT byron_compact('t');");
    struct stat status;
    unsigned narrow = 0;
    for (int number = 1; number < 40; number++) {
        char name[64];
        snprintf(name, sizeof name, "x.db-byron/S-%016x", (unsigned)number);
        narrow += stat(host_at(&host, name), &status) == 0 &&
                  (status.st_mode & 0777) == 0600;
    }
    ck_assert_uint_gt(narrow, 0);
    host_close(&host);
}
END_TEST

START_TEST(what_root_makes_belongs_to_the_databases_owner)
{
    if (geteuid() != 0)
        return; /* Nobody else may give files away. */
    open_database(0640);
    ck_assert_int_eq(chown(host.path, 12345, 23456), 0);
    wanted.user = 12345;
    wanted.group = 23456;
    fill();
    expect_all("x.db-byron", 0640);
    host_close(&host);
}
END_TEST

/* A folder with the set-group-id bit: what anybody makes there is its group's,
 * as SQLite's own files are. */
START_TEST(a_folder_of_a_group_has_stores_of_the_group)
{
    gid_t group = 23456;
    char sql[400];
    char root[] = "/tmp/byron-group-XXXXXX";
    char usual[256];
    const char *folder = getenv("TMPDIR");
    if (geteuid() != 0)
        return; /* Nobody else may become another user. */
    /* The folder of all tests is root's alone. */
    snprintf(usual, sizeof usual, "%s", folder ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chmod(root, 0711), 0);
    ck_assert_int_eq(setenv("TMPDIR", root, 1), 0);
    open_database(0660);
    ck_assert_int_eq(chown(host.path, 12345, group), 0);
    ck_assert_int_eq(chown(host_at(&host, "."), 0, group), 0);
    ck_assert_int_eq(chmod(host_at(&host, "."), 02770), 0);
    ck_assert_int_eq(setgroups(1, &group), 0);
    ck_assert_int_eq(setegid(12345), 0);
    ck_assert_int_eq(seteuid(12345), 0);
    host_reopen(&host);
    fill();
    snprintf(sql, sizeof sql, "SELECT byron_backup('main', '%s')",
             host_at(&host, "copy.db"));
    host_run(host.db, sql);
    wanted.user = 12345;
    wanted.group = group;
    expect_all("x.db-byron", 0660);
    expect_all("copy.db-byron", 0660);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(setegid(0), 0);
    host_close(&host);
    ck_assert_int_eq(rmdir(root), 0);
    ck_assert_int_eq(setenv("TMPDIR", usual, 1), 0);
}
END_TEST

/* Somebody else could change the files under our hands. */
START_TEST(a_strangers_directory_is_refused)
{
    if (geteuid() != 0)
        return; /* Nobody else may give files away. */
    open_database(0644);
    ck_assert_int_eq(chmod(host.folder, 01777), 0);
    ck_assert_int_eq(mkdir(host_at(&host, "x.db-byron"), 0777), 0);
    ck_assert_int_eq(chown(host_at(&host, "x.db-byron"), 12345, 0), 0);
    ck_assert_int_eq(
        host_fail(host.db, "CREATE VIRTUAL TABLE t USING byron(a)"),
        SQLITE_CANTOPEN);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(host.db), "user 12345"));
    ck_assert(!host_has(&host, "x.db-byron/CREATING"));
    ck_assert_int_eq(chown(host_at(&host, "x.db-byron"), 0, 0), 0);
    fill();
    ck_assert_int_eq(chown(host_at(&host, "x.db-byron"), 12345, 0), 0);
    host_reopen(&host);
    ck_assert_int_eq(host_fail(host.db, "SELECT * FROM t"), SQLITE_CANTOPEN);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(host.db), "user 12345"));
    ck_assert_int_eq(chown(host.path, 12345, 0), 0); /* Now they belong. */
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "3");
    /* In a folder of a group, one of the group may have made it. */
    ck_assert_int_eq(chown(host.path, 23456, 0), 0);
    ck_assert_int_eq(chmod(host.folder, 0770), 0);
    host_reopen(&host);
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "3");
    host_close(&host);
}
END_TEST

Suite *test_permissions_suite(void)
{
    Suite *suite = suite_create("permissions");
    TCase *tcase = tcase_create("permissions");
    tcase_add_loop_test(tcase, files_may_be_read_by_whom_the_database_may, 0,
                        2 * sizeof modes / sizeof *modes);
    tcase_add_test(tcase, a_folder_open_to_all_makes_no_files_that_are);
    tcase_add_test(tcase, permissions_of_today_count_for_files_of_today);
    tcase_add_test(tcase, what_root_makes_belongs_to_the_databases_owner);
    tcase_add_test(tcase, a_folder_of_a_group_has_stores_of_the_group);
    tcase_add_test(tcase, a_strangers_directory_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
