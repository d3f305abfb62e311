#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "support/host.h"

Suite *test_directory_suite(void);

static void expect_path(const char *database, const char *path,
                        const char *expected)
{
    char *found = directory_path(database, path);
    ck_assert_str_eq(found, expected);
    free(found);
}

START_TEST(paths_are_relative_to_the_database)
{
    expect_path("/a/x.db", "", "/a/x.db-byron");
    expect_path("/a/x.db", "rows", "/a/rows");
    expect_path("/a/x.db", "/b/rows", "/b/rows");
    expect_path("x.db", "rows", "rows");
}
END_TEST

START_TEST(a_claim_names_its_database_until_it_is_settled)
{
    struct host host;
    const char *path;

    host_open(&host);
    path = host_at(&host, "rows");
    ck_assert(directory_claim(path, "/a/x.db"));

    ck_assert(directory_has_claim(path));
    ck_assert(directory_is_claimed(path, "/a/x.db"));
    ck_assert(!directory_is_claimed(path, "/a/x.d"));
    ck_assert(!directory_is_claimed(path, "/a/x.db2"));
    directory_settle(path);
    ck_assert(!directory_is_claimed(path, "/a/x.db"));
    host_close(&host);
}
END_TEST

START_TEST(removal_spares_a_strangers_files)
{
    struct host host;
    char *path;
    int file;

    host_open(&host);
    path = strdup(host_at(&host, "rows"));
    ck_assert(directory_claim(path, "x"));
    ck_assert_int_eq(close(open(host_at(&host, "rows/M-0000000000000001"),
                                O_CREAT | O_WRONLY, 0600)),
                     0);
    file = open(host_at(&host, "rows/notes"), O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(close(file), 0);
    directory_remove(path);

    ck_assert(host_has(&host, "rows/notes"));
    ck_assert(!host_has(&host, "rows/M-0000000000000001"));
    ck_assert(!host_has(&host, "rows/CREATING"));
    free(path);
    host_close(&host);
}
END_TEST

START_TEST(private_directories_are_fresh)
{
    char *first = directory_private();
    char *second = directory_private();

    ck_assert_str_ne(first, second);
    ck_assert(!directory_has_store(first));
    ck_assert_int_eq(rmdir(first), 0);
    ck_assert_int_eq(rmdir(second), 0);
    free(first);
    free(second);
}
END_TEST

Suite *test_directory_suite(void)
{
    Suite *suite = suite_create("directory");
    TCase *cases = tcase_create("directory");

    tcase_add_test(cases, paths_are_relative_to_the_database);
    tcase_add_test(cases, a_claim_names_its_database_until_it_is_settled);
    tcase_add_test(cases, removal_spares_a_strangers_files);
    tcase_add_test(cases, private_directories_are_fresh);
    suite_add_tcase(suite, cases);
    return suite;
}
