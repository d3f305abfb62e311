/*
 * One file under the same name in two directories of the real file system, and
 * one that is mapped.
 * Covers: posix_map.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

Suite *test_os_link_suite(void);

static struct byron_os *os;
static char root[128];
static struct os_dir *from, *to; /* root/from, root/to. */

static struct os_dir *open_inside(const char *name)
{
    struct os_dir *dir;
    char path[256];

    snprintf(path, sizeof path, "%s/%s", root, name);
    ck_assert_int_eq(os->dir_open(os, path, true, &dir), BYRON_OK);
    return dir;
}

static void set_up(void)
{
    const char *folder = getenv("TMPDIR");
    struct os_file *file;

    os = os_posix();
    snprintf(root, sizeof root, "%s/byron-os-XXXXXX", folder ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    from = open_inside("from");
    to = open_inside("to");
    ck_assert_int_eq(os->file_create(from, "S-1", &file), BYRON_OK);
    ck_assert_int_eq(os->file_append(file, "apple", 5), BYRON_OK);
    os->file_close(file);
}

static void tear_down(void)
{
    char command[256];

    os->dir_close(from);
    os->dir_close(to);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(linked_file_has_one_content_and_two_names)
{
    struct os_file *file;
    char text[8] = "";

    ck_assert_int_eq(os->file_link(from, "S-1", to), BYRON_OK);
    ck_assert_int_eq(os->file_remove(from, "S-1"), BYRON_OK);
    ck_assert_int_eq(os->file_open(to, "S-1", &file), BYRON_OK);
    ck_assert_int_eq(os->file_read(file, 0, text, 5), BYRON_OK);
    ck_assert_str_eq(text, "apple");
    os->file_close(file);
}
END_TEST

START_TEST(link_replaces_nothing_and_invents_nothing)
{
    ck_assert_int_eq(os->file_link(from, "S-1", to), BYRON_OK);
    ck_assert_int_eq(os->file_link(from, "S-1", to), BYRON_MISUSE);
    ck_assert_int_eq(os->file_link(from, "S-2", to), BYRON_MISSING);
}
END_TEST

/* /dev/shm is a file system of its own nearly everywhere. */
START_TEST(no_link_reaches_another_file_system)
{
    char path[] = "/dev/shm/byron-os-XXXXXX";
    struct os_dir *other;

    if (!mkdtemp(path))
        return;
    ck_assert_int_eq(os->dir_open(os, path, false, &other), BYRON_OK);
    ck_assert_int_eq(os->file_link(from, "S-1", other), BYRON_NOT_FOUND);
    ck_assert_int_eq(os->dir_remove(other), BYRON_OK);
    os->dir_close(other);
}
END_TEST

START_TEST(a_map_outlives_its_file)
{
    const uint8_t *bytes;
    struct os_file *file;

    ck_assert_int_eq(os->file_open(from, "S-1", &file), BYRON_OK);
    ck_assert_ptr_null(os->file_map(file, 0));
    bytes = os->file_map(file, 5);
    ck_assert_ptr_nonnull(bytes);
    os->file_close(file);
    ck_assert_int_eq(os->file_remove(from, "S-1"), BYRON_OK);
    ck_assert_mem_eq(bytes, "apple", 5);
    os->file_unmap(os, bytes, 5);
}
END_TEST

Suite *test_os_link_suite(void)
{
    Suite *suite = suite_create("os_link");
    TCase *cases = tcase_create("os_link");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, linked_file_has_one_content_and_two_names);
    tcase_add_test(cases, link_replaces_nothing_and_invents_nothing);
    tcase_add_test(cases, a_map_outlives_its_file);
    tcase_add_test(cases, no_link_reaches_another_file_system);
    suite_add_tcase(suite, cases);
    return suite;
}
