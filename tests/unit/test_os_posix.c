#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/os.h"

Suite *test_os_posix_suite(void);

static struct byron_os *os;
static char root[128], store[256]; /* One of this test alone; root/store. */
static struct os_dir *dir;
static size_t live_before;

static void set_up(void)
{
    const char *folder = getenv("TMPDIR");

    live_before = alloc_live();
    os = os_posix();
    snprintf(root, sizeof root, "%s/byron-os-XXXXXX", folder ? folder : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(store, sizeof store, "%s/store", root);
    ck_assert_int_eq(os->dir_open(os, store, true, &dir), BYRON_OK);
}

static void remove_root(void)
{
    char command[256];

    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static void tear_down(void)
{
    os->dir_close(dir);
    remove_root();
    ck_assert_uint_eq(alloc_live(), live_before);
}

static struct os_file *create(const char *name)
{
    struct os_file *file;
    ck_assert_int_eq(os->file_create(dir, name, &file), BYRON_OK);
    return file;
}

static void append(struct os_file *file, const char *text)
{
    ck_assert_int_eq(os->file_append(file, text, strlen(text)), BYRON_OK);
}

static uint64_t size_of(struct os_file *file)
{
    uint64_t size;
    ck_assert_int_eq(os->file_size(file, &size), BYRON_OK);
    return size;
}

static void path_of(const char *name, char out[512])
{
    snprintf(out, 512, "%s/%s", store, name);
}

/* --- directories --------------------------------------------------------- */

START_TEST(missing_directory_is_missing)
{
    struct os_dir *other;
    char path[512];

    path_of("none", path);
    ck_assert_int_eq(os->dir_open(os, path, false, &other), BYRON_MISSING);
    ck_assert_ptr_nonnull(strstr(error_last()->words, path));
    ck_assert_int_eq(error_last()->system_errno, ENOENT);
    path_of("none/deeper", path);
    ck_assert_int_eq(os->dir_open(os, path, true, &other), BYRON_MISSING);
}
END_TEST

START_TEST(a_file_is_no_directory)
{
    struct os_dir *other;
    char path[512];

    os->file_close(create("S-1"));
    path_of("S-1", path);
    ck_assert_int_eq(os->dir_open(os, path, true, &other), BYRON_IO);
}
END_TEST

START_TEST(store_may_be_a_symbolic_link)
{
    struct os_dir *other;
    struct os_file *file;
    char link[256];

    snprintf(link, sizeof link, "%s/link", root);
    ck_assert_int_eq(symlink(store, link), 0);
    os->file_close(create("S-1"));
    ck_assert_int_eq(os->dir_open(os, link, true, &other), BYRON_OK);
    ck_assert_str_eq(os->dir_path(other), os->dir_path(dir));
    ck_assert_int_eq(os->file_open(other, "S-1", &file), BYRON_OK);
    os->file_close(file);
    os->dir_close(other);
}
END_TEST

START_TEST(host_may_change_its_directory)
{
    struct os_dir *other;
    char before[512];

    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(root), 0);
    ck_assert_int_eq(os->dir_open(os, "relative", true, &other), BYRON_OK);
    ck_assert_int_eq(chdir(before), 0);

    ck_assert_int_eq(os->dir_remove(other), BYRON_OK);
    os->dir_close(other);
}
END_TEST

static byron_status collect(void *context, const char *name)
{
    char *names = context;
    strcat(strcat(names, name), " ");
    return BYRON_OK;
}

static byron_status stop(void *context, const char *name)
{
    (void)name;
    ++*(int *)context;
    return BYRON_INTERRUPTED;
}

START_TEST(list_names_every_file_and_may_be_stopped)
{
    char names[256] = "";
    int count = 0;

    os->file_close(create("S-1"));
    os->file_close(create("S-2"));
    for (int i = 0; i < 2; i++) {
        names[0] = '\0';
        ck_assert_int_eq(os->dir_list(dir, collect, names), BYRON_OK);
        ck_assert_uint_eq(strlen(names), 8);
        ck_assert_ptr_nonnull(strstr(names, "S-1 "));
        ck_assert_ptr_nonnull(strstr(names, "S-2 "));
    }
    ck_assert_int_eq(os->dir_list(dir, stop, &count), BYRON_INTERRUPTED);
    ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(only_an_empty_directory_is_removed)
{
    os->file_close(create("S-1"));
    ck_assert_int_eq(os->dir_remove(dir), BYRON_IO);
    ck_assert_int_eq(os->file_remove(dir, "S-1"), BYRON_OK);
    ck_assert_int_eq(os->dir_sync(dir), BYRON_OK);
    ck_assert_int_eq(os->dir_remove(dir), BYRON_OK);
    ck_assert_int_eq(access(store, F_OK), -1);
}
END_TEST

/* The superuser may write anywhere: these tests are then somebody else. */
static void become_nobody(void)
{
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
}

static void become_self(void)
{
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(unwritable_directory_is_read_only)
{
    struct os_file *file;
    uint8_t slot[OS_HEAD_SLOT_SIZE] = {1};
    byron_status created;
    byron_status head;
    byron_status removed;
    bool is_writable;

    os->file_close(create("S-1"));
    ck_assert(os->dir_is_writable(dir));
    ck_assert_int_eq(chmod(root, 0755), 0);
    ck_assert_int_eq(chmod(store, 0555), 0);
    become_nobody();
    is_writable = os->dir_is_writable(dir);
    created = os->file_create(dir, "S-2", &file);
    head = os->head_write(dir, 0, slot);
    removed = os->file_remove(dir, "S-1");
    become_self();
    ck_assert_int_eq(chmod(store, 0755), 0);

    ck_assert(!is_writable);
    ck_assert_int_eq(created, BYRON_READ_ONLY);
    ck_assert_int_eq(head, BYRON_READ_ONLY);
    ck_assert_int_eq(removed, BYRON_READ_ONLY);
}
END_TEST

/* --- locks ------------------------------------------------------------------
 */

static struct os_dir *open_again(void)
{
    struct os_dir *other;
    ck_assert_int_eq(os->dir_open(os, store, false, &other), BYRON_OK);
    return other;
}

START_TEST(exclusive_lock_keeps_out_all)
{
    struct os_dir *other = open_again();

    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    ck_assert_int_eq(os->dir_lock(other, true, true), BYRON_BUSY);
    ck_assert_int_eq(os->dir_lock(other, false, true), BYRON_BUSY);
    ck_assert_ptr_nonnull(strstr(error_last()->words, store));
    os->dir_close(dir);
    dir = other;
    ck_assert_int_eq(os->dir_lock(other, true, false), BYRON_OK);
}
END_TEST

START_TEST(shared_lock_keeps_out_only_the_exclusive)
{
    struct os_dir *second = open_again();
    struct os_dir *third = open_again();

    ck_assert_int_eq(os->dir_lock(dir, false, true), BYRON_OK);
    ck_assert_int_eq(os->dir_lock(second, false, true), BYRON_OK);
    ck_assert_int_eq(os->dir_lock(third, true, true), BYRON_BUSY);
    os->dir_close(second);
    ck_assert_int_eq(os->dir_lock(third, true, true), BYRON_BUSY);
    os->dir_close(third);
}
END_TEST

START_TEST(lock_survives_another_close_of_its_file)
{
    struct os_dir *other = open_again();
    char path[512];
    int fd;

    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    path_of("LOCK", path);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(os->dir_lock(other, true, true), BYRON_BUSY);
    os->dir_close(other);
}
END_TEST

START_TEST(missing_lock_file_is_made_only_if_allowed)
{
    char path[512];

    path_of("LOCK", path);
    ck_assert_int_eq(os->dir_lock(dir, false, false), BYRON_OK);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(shared_lock_works_where_lock_is_unwritable)
{
    struct os_dir *other = open_again();
    byron_status exclusive;
    byron_status shared;
    char path[512];

    path_of("LOCK", path);
    close(open(path, O_CREAT | O_RDONLY, 0444));
    ck_assert_int_eq(chmod(path, 0444), 0);
    become_nobody();
    exclusive = os->dir_lock(dir, true, false);
    shared = os->dir_lock(dir, false, false);
    become_self();

    ck_assert_int_eq(exclusive, BYRON_READ_ONLY);
    ck_assert_int_eq(shared, BYRON_OK);
    ck_assert_int_eq(os->dir_lock(other, true, false), BYRON_BUSY);
    os->dir_close(other);
}
END_TEST

/* A child that lives on shares the open lock file. */
START_TEST(forked_child_does_not_keep_the_lock)
{
    struct os_dir *other = open_again();
    pid_t child;

    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    os->dir_close(dir);
    dir = other;
    ck_assert_int_eq(os->dir_lock(other, true, true), BYRON_OK);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(forked_child_does_not_release_the_lock)
{
    struct os_dir *other = open_again();
    int status;
    pid_t child;

    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    child = fork();
    if (child == 0) {
        os->dir_close(dir);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(os->dir_lock(other, true, true), BYRON_BUSY);
    os->dir_close(other);
}
END_TEST

/* --- HEAD -------------------------------------------------------------------
 */

START_TEST(head_slots_are_apart)
{
    uint8_t first[OS_HEAD_SLOT_SIZE];
    uint8_t second[OS_HEAD_SLOT_SIZE];
    uint8_t read[OS_HEAD_SLOT_SIZE];

    memset(first, 1, sizeof first);
    memset(second, 2, sizeof second);
    ck_assert_int_eq(os->head_read(dir, 0, read), BYRON_MISSING);
    ck_assert_int_eq(os->head_write(dir, 0, first), BYRON_OK);
    ck_assert_int_eq(os->head_write(dir, 1, second), BYRON_OK);
    ck_assert_int_eq(os->head_read(dir, 0, read), BYRON_OK);
    ck_assert_mem_eq(read, first, sizeof read);
    ck_assert_int_eq(os->head_read(dir, 1, read), BYRON_OK);
    ck_assert_mem_eq(read, second, sizeof read);
}
END_TEST

START_TEST(short_head_slot_reads_as_zeros)
{
    uint8_t zeros[OS_HEAD_SLOT_SIZE] = {0};
    uint8_t read[OS_HEAD_SLOT_SIZE];
    char path[512];

    path_of("HEAD", path);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    ck_assert_int_eq(truncate(path, 10), 0);
    memset(read, 9, sizeof read);
    ck_assert_int_eq(os->head_read(dir, 1, read), BYRON_OK);
    ck_assert_mem_eq(read, zeros, sizeof read);
    memset(read, 9, sizeof read);
    ck_assert_int_eq(os->head_read(dir, 0, read), BYRON_OK);
    ck_assert_mem_eq(read, zeros, sizeof read);
}
END_TEST

/* --- files ------------------------------------------------------------------
 */

START_TEST(create_is_exclusive)
{
    struct os_file *file;

    os->file_close(create("S-1"));
    ck_assert_int_eq(os->file_create(dir, "S-1", &file), BYRON_MISUSE);
    ck_assert_int_eq(error_last()->system_errno, EEXIST);
}
END_TEST

/* A directory open to all must not make files that all may write to. */
START_TEST(files_of_a_store_without_a_model_are_the_umasks)
{
    mode_t before = umask(0027);
    struct stat status;
    char path[512];

    ck_assert_int_eq(chmod(store, 0777), 0);
    os->file_close(create("S-1"));
    umask(before);
    path_of("S-1", path);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
}
END_TEST

START_TEST(missing_file_is_missing)
{
    struct os_file *file;

    ck_assert_int_eq(os->file_open(dir, "S-1", &file), BYRON_MISSING);
    ck_assert_int_eq(os->file_remove(dir, "S-1"), BYRON_MISSING);
    ck_assert_ptr_nonnull(strstr(error_last()->path, "/S-1"));
    os->file_close(NULL);
}
END_TEST

START_TEST(what_was_appended_is_read_back)
{
    struct os_file *file = create("W-1");
    struct os_file *reader;
    char bytes[16] = "";

    append(file, "hello ");
    append(file, "world");
    os->file_start_sync(file);
    ck_assert_int_eq(os->file_sync(file), BYRON_OK);
    ck_assert_int_eq(os->file_read(file, 4, bytes, 3), BYRON_OK);
    ck_assert_str_eq(bytes, "o w");
    os->file_close(file);
    ck_assert_int_eq(os->file_open(dir, "W-1", &reader), BYRON_OK);
    ck_assert_uint_eq(size_of(reader), 11);
    os->file_prefetch(reader, 0, 11);
    ck_assert_int_eq(os->file_read(reader, 0, bytes, 11), BYRON_OK);
    ck_assert_mem_eq(bytes, "hello world", 11);
    ck_assert_int_eq(os->file_read(reader, 11, bytes, 0), BYRON_OK);
    os->file_close(reader);
}
END_TEST

START_TEST(reading_past_the_end_is_corrupt)
{
    struct os_file *file = create("W-1");
    char bytes[16];

    append(file, "hello");
    ck_assert_int_eq(os->file_read(file, 3, bytes, 3), BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, 5);
    ck_assert_int_eq(os->file_read(file, 6, bytes, 1), BYRON_CORRUPT);
    os->file_close(file);
}
END_TEST

START_TEST(append_goes_over_prewritten_zeros)
{
    struct os_file *file = create("W-1");
    char bytes[8];

    append(file, "ab");
    ck_assert_int_eq(os->file_extend(file, 200000), BYRON_OK);
    ck_assert_uint_eq(size_of(file), 200002);
    append(file, "cd");
    ck_assert_uint_eq(size_of(file), 200002);
    ck_assert_int_eq(os->file_read(file, 0, bytes, 6), BYRON_OK);
    ck_assert_mem_eq(bytes, "abcd\0\0", 6);
    ck_assert_int_eq(os->file_read(file, 199998, bytes, 4), BYRON_OK);
    ck_assert_mem_eq(bytes, "\0\0\0\0", 4);
    ck_assert_int_eq(os->file_extend(file, 100), BYRON_OK);
    ck_assert_uint_eq(size_of(file), 200002);
    os->file_close(file);
}
END_TEST

START_TEST(links_inside_the_store_are_not_followed)
{
    struct os_file *file;
    uint8_t slot[OS_HEAD_SLOT_SIZE] = {0};
    char path[512];

    path_of("S-1", path);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_assert_int_eq(os->file_open(dir, "S-1", &file), BYRON_IO);
    ck_assert_int_eq(error_last()->system_errno, ELOOP);
    path_of("HEAD", path);
    ck_assert_int_eq(symlink("S-2", path), 0);
    ck_assert_int_eq(os->head_write(dir, 0, slot), BYRON_IO);
    path_of("LOCK", path);
    ck_assert_int_eq(symlink("S-2", path), 0);
    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_IO);
}
END_TEST

START_TEST(standard_descriptors_are_left_alone)
{
    struct os_file *file;
    int saved = dup(STDIN_FILENO);
    char link[64];
    char target[512];
    ssize_t size;

    close(STDIN_FILENO);
    file = create("S-1");
    snprintf(link, sizeof link, "/proc/self/fd/%d", STDIN_FILENO);
    size = readlink(link, target, sizeof target);
    if (saved >= 0)
        dup2(saved, STDIN_FILENO);
    close(saved);
    os->file_close(file);
    ck_assert_int_eq(size, -1);
}
END_TEST

START_TEST(descriptors_close_on_exec)
{
    struct os_file *file = create("S-1");
    char command[1024];

    ck_assert_int_eq(os->dir_lock(dir, true, true), BYRON_OK);
    snprintf(command, sizeof command, "ls -l /proc/self/fd | grep -q '%s'",
             os->dir_path(dir));
    ck_assert_int_ne(system(command), 0);
    os->file_close(file);
}
END_TEST

START_TEST(without_memory_nothing_is_left_behind)
{
    struct os_dir *other;
    struct os_file *file;
    char fresh[sizeof store + 1];

    snprintf(fresh, sizeof fresh, "%s2", store);
    alloc_fail_after(1);
    ck_assert_int_eq(os->dir_open(os, store, false, &other), BYRON_NO_MEMORY);
    alloc_fail_after(1);
    ck_assert_int_eq(os->dir_open(os, fresh, true, &other), BYRON_NO_MEMORY);
    ck_assert_int_eq(os->dir_open(os, fresh, false, &other), BYRON_MISSING);
    alloc_fail_after(1);
    ck_assert_int_eq(os->file_create(dir, "S-1", &file), BYRON_NO_MEMORY);
    ck_assert_int_eq(os->file_open(dir, "S-1", &file), BYRON_MISSING);
}
END_TEST

static TCase *directory_cases(void)
{
    TCase *cases = tcase_create("directory");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, missing_directory_is_missing);
    tcase_add_test(cases, a_file_is_no_directory);
    tcase_add_test(cases, store_may_be_a_symbolic_link);
    tcase_add_test(cases, host_may_change_its_directory);
    tcase_add_test(cases, list_names_every_file_and_may_be_stopped);
    tcase_add_test(cases, only_an_empty_directory_is_removed);
    tcase_add_test(cases, unwritable_directory_is_read_only);
    tcase_add_test(cases, exclusive_lock_keeps_out_all);
    tcase_add_test(cases, shared_lock_keeps_out_only_the_exclusive);
    tcase_add_test(cases, lock_survives_another_close_of_its_file);
    tcase_add_test(cases, missing_lock_file_is_made_only_if_allowed);
    tcase_add_test(cases, shared_lock_works_where_lock_is_unwritable);
    tcase_add_test(cases, forked_child_does_not_keep_the_lock);
    tcase_add_test(cases, forked_child_does_not_release_the_lock);
    return cases;
}

static TCase *file_cases(void)
{
    TCase *cases = tcase_create("file");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, head_slots_are_apart);
    tcase_add_test(cases, short_head_slot_reads_as_zeros);
    tcase_add_test(cases, create_is_exclusive);
    tcase_add_test(cases, files_of_a_store_without_a_model_are_the_umasks);
    tcase_add_test(cases, missing_file_is_missing);
    tcase_add_test(cases, what_was_appended_is_read_back);
    tcase_add_test(cases, reading_past_the_end_is_corrupt);
    tcase_add_test(cases, append_goes_over_prewritten_zeros);
    tcase_add_test(cases, links_inside_the_store_are_not_followed);
    tcase_add_test(cases, standard_descriptors_are_left_alone);
    tcase_add_test(cases, descriptors_close_on_exec);
    tcase_add_test(cases, without_memory_nothing_is_left_behind);
    return cases;
}

Suite *test_os_posix_suite(void)
{
    Suite *suite = suite_create("os_posix");

    suite_add_tcase(suite, directory_cases());
    suite_add_tcase(suite, file_cases());
    return suite;
}
