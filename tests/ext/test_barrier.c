#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "barrier.h"
#include "support/host.h"

Suite *test_barrier_suite(void);

START_TEST(absent_files_are_no_failure)
{
    char path[] = "/tmp/byron-no-such.db";

    ck_assert_int_eq(barrier_sync(path), BYRON_OK);
    ck_assert_int_eq(barrier_sync(NULL), BYRON_OK);
}
END_TEST

START_TEST(a_missing_folder_is_no_failure_to_be_feared)
{
    char path[] = "/no-such-folder/x.db";
    ck_assert_int_eq(barrier_sync(path), BYRON_OK);
}
END_TEST

/* Does another process find the write lock of the database free? */
static bool is_lock_free(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = 0x40000000,
                         .l_len = 512};
    int status;
    pid_t child = fork();

    if (child == 0) {
        int file = open(path, O_RDWR);
        int result = file < 0 ? 2 : fcntl(file, F_SETLK, &lock) == 0;
        _exit(result);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_ne(WEXITSTATUS(status), 2);
    return WEXITSTATUS(status) == 1;
}

START_TEST(the_hosts_locks_survive)
{
    struct host host;

    host_open(&host);
    host_run(host.db, "CREATE TABLE t(a); BEGIN IMMEDIATE; "
                      "INSERT INTO t VALUES(1)");
    ck_assert(!is_lock_free(host.path));
    ck_assert_int_eq(barrier_sync(host.path), BYRON_OK);

    ck_assert(!is_lock_free(host.path));
    host_run(host.db, "COMMIT");
    host_close(&host);
}
END_TEST

Suite *test_barrier_suite(void)
{
    Suite *suite = suite_create("barrier");
    TCase *cases = tcase_create("barrier");

    tcase_add_test(cases, absent_files_are_no_failure);
    tcase_add_test(cases, a_missing_folder_is_no_failure_to_be_feared);
    tcase_add_test(cases, the_hosts_locks_survive);
    suite_add_tcase(suite, cases);
    return suite;
}
