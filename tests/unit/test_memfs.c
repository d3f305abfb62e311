#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "support/memfs_clock.h"
#include "support/memfs_world.h"
#include "support/seed.h"

Suite *test_memfs_suite(void);

/* --- as a file system  */

START_TEST(missing_and_existing_are_told_apart)
{
    struct os_dir *other;
    struct os_file *file;

    ck_assert_int_eq(world.os->dir_open(world.os, "none", false, &other),
                     BYRON_MISSING);
    ck_assert_int_eq(world.os->file_open(world.dir, "S-1", &file),
                     BYRON_MISSING);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_MISSING);
    world.os->file_close(world_create("S-1"));
    ck_assert_int_eq(world.os->file_create(world.dir, "S-1", &file),
                     BYRON_MISUSE);
    ck_assert_str_eq(error_last()->path, "store/S-1");
}
END_TEST

START_TEST(append_goes_over_prewritten_zeros)
{
    struct os_file *file = world_create("W-1");
    uint64_t size;
    char read[6];

    world_append(file, "ab");
    ck_assert_int_eq(world.os->file_extend(file, 100), BYRON_OK);
    world_append(file, "cd");
    ck_assert_int_eq(world.os->file_size(file, &size), BYRON_OK);
    ck_assert_uint_eq(size, 102);
    ck_assert_int_eq(world.os->file_read(file, 0, read, 6), BYRON_OK);
    ck_assert_mem_eq(read, "abcd\0\0", 6);
    ck_assert_int_eq(world.os->file_read(file, 100, read, 3), BYRON_CORRUPT);
    world.os->file_close(file);
}
END_TEST

START_TEST(removed_file_is_readable_while_open)
{
    struct os_file *file = world_create("S-1");
    char read[3];

    world_append(file, "abc");
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    ck_assert_int_eq(world.os->file_read(file, 0, read, 3), BYRON_OK);
    ck_assert_ptr_null(world_text(world.fs, "S-1"));
    world.os->file_close(file);
}
END_TEST

START_TEST(lock_is_held_until_close)
{
    struct os_dir *other;

    ck_assert_int_eq(world.os->dir_open(world.os, "store", false, &other),
                     BYRON_OK);
    ck_assert_int_eq(world.os->dir_lock(other, true, false), BYRON_OK);
    world.os->dir_close(other);
    ck_assert_int_eq(world.os->dir_open(world.os, "store", false, &other),
                     BYRON_OK);
    ck_assert_int_eq(world.os->dir_lock(other, true, true), BYRON_OK);
    ck_assert_int_eq(world.os->dir_lock(world.dir, false, true), BYRON_BUSY);
    ck_assert_int_eq(world.os->dir_lock(world.dir, true, true), BYRON_BUSY);
    world.os->dir_close(other);
    ck_assert_int_eq(world.os->dir_lock(world.dir, true, true), BYRON_OK);
}
END_TEST

START_TEST(stores_are_apart)
{
    struct os_dir *other;
    struct os_file *file = world_create("S-1");

    world_append(file, "one");
    world.os->file_close(file);
    ck_assert_int_eq(world.os->dir_open(world.os, "other", true, &other),
                     BYRON_OK);
    ck_assert_int_eq(world.os->dir_lock(world.dir, true, true), BYRON_OK);
    ck_assert_int_eq(world.os->dir_lock(other, true, true), BYRON_OK);
    ck_assert_int_eq(world.os->file_create(other, "S-1", &file), BYRON_OK);
    world_append(file, "two");
    world.os->file_close(file);
    world.os->dir_close(other);
    ck_assert_str_eq(world_text(world.fs, "S-1"), "one");
    ck_assert(memfs_read_all(world.fs, "other/S-1", &world.bytes));
    ck_assert_mem_eq(world.bytes.data, "two", 3);
}
END_TEST

START_TEST(only_an_empty_directory_is_removed)
{
    struct os_dir *other;

    world.os->file_close(world_create("S-1"));
    ck_assert_int_eq(world.os->dir_remove(world.dir), BYRON_IO);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    ck_assert_int_eq(world.os->dir_remove(world.dir), BYRON_OK);
    ck_assert_int_eq(world.os->dir_open(world.os, "store", false, &other),
                     BYRON_MISSING);
}
END_TEST

START_TEST(linked_file_outlives_its_first_name)
{
    struct os_dir *other;
    struct os_file *file;
    char text[8] = "";

    ck_assert_int_eq(world.os->dir_open(world.os, "copy", true, &other),
                     BYRON_OK);
    file = world_create("S-1");
    world_append(file, "apple");
    world.os->file_close(file);
    memfs_fail_nth(world.fs, MEMFS_LINK, 1, BYRON_NOT_FOUND, false);
    ck_assert_int_eq(world.os->file_link(world.dir, "S-1", other),
                     BYRON_NOT_FOUND);
    ck_assert_int_eq(world.os->file_link(world.dir, "S-1", other), BYRON_OK);
    ck_assert_int_eq(world.os->file_link(world.dir, "S-1", other),
                     BYRON_MISUSE);
    ck_assert_int_eq(world.os->file_link(world.dir, "S-2", other),
                     BYRON_MISSING);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    ck_assert_int_eq(world.os->file_open(other, "S-1", &file), BYRON_OK);
    ck_assert_int_eq(world.os->file_read(file, 0, text, 5), BYRON_OK);
    ck_assert_str_eq(text, "apple");
    world.os->file_close(file);
    world.os->dir_close(other);
}
END_TEST

START_TEST(read_only_refuses_every_writer)
{
    uint8_t slot[OS_HEAD_SLOT_SIZE] = {0};
    struct os_file *file = world_create("S-1");
    struct os_file *other;

    memfs_set_read_only(world.fs, true);
    ck_assert(!world.os->dir_is_writable(world.dir));
    ck_assert_int_eq(world.os->file_create(world.dir, "S-2", &other),
                     BYRON_READ_ONLY);
    ck_assert_int_eq(world.os->file_append(file, "a", 1), BYRON_READ_ONLY);
    ck_assert_int_eq(world.os->head_write(world.dir, 0, slot), BYRON_READ_ONLY);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_READ_ONLY);
    ck_assert_int_eq(world.os->dir_lock(world.dir, false, false), BYRON_OK);
    ck_assert_str_eq(world_text(world.fs, "S-1"), "");
    world.os->file_close(file);
}
END_TEST

START_TEST(virtual_time_moves_only_by_sleep)
{
    uint64_t start;

    memfs_use_virtual_time(world.fs);
    start = world.os->now_us(world.os);
    world.os->sleep_us(world.os, UINT64_C(3600000000));
    memfs_advance(world.fs, 5);
    ck_assert_uint_eq(world.os->now_us(world.os), start + UINT64_C(3600000005));
}
END_TEST

START_TEST(the_wall_clock_can_stand_apart)
{
    memfs_use_virtual_time(world.fs);
    uint64_t start = world.os->now_us(world.os);
    ck_assert_uint_eq(world.os->wall_ms(world.os), start / 1000);
    memfs_set_wall(world.fs, 5000);
    memfs_advance(world.fs, 7000);
    ck_assert_uint_eq(world.os->wall_ms(world.os), 5000);
    ck_assert_uint_eq(world.os->now_us(world.os), start + 7000);
}
END_TEST

/* --- failures ----------------------------------------------------------------
 */

START_TEST(the_nth_call_of_a_kind_fails_once)
{
    struct os_file *file = world_create("S-1");

    memfs_fail_nth(world.fs, MEMFS_SYNC | MEMFS_DIR_SYNC, 2, BYRON_IO, false);
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    world_append(file, "not counted");
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_IO);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    ck_assert_uint_eq(memfs_calls(world.fs, MEMFS_SYNC | MEMFS_DIR_SYNC), 3);
    world.os->file_close(file);
}
END_TEST

START_TEST(sticky_failure_lasts_until_disarmed)
{
    struct os_file *file = world_create("S-1");

    world_append(file, "abc");
    memfs_fail_nth(world.fs, MEMFS_READ, 1, BYRON_IO, true);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(world.os->file_read(file, 0, &(char[1]){0}, 1),
                         BYRON_IO);
    memfs_fail_nth(world.fs, 0, 0, BYRON_OK, false);
    ck_assert_int_eq(world.os->file_read(file, 0, &(char[1]){0}, 1), BYRON_OK);
    world.os->file_close(file);
}
END_TEST

START_TEST(failed_append_can_be_repeated)
{
    struct os_file *file = world_create("S-1");

    world_append(file, "abc");
    for (int i = 0; i < 20; i++) {
        memfs_fail_nth(world.fs, MEMFS_APPEND, 1, BYRON_IO, false);
        ck_assert_int_eq(world.os->file_append(file, "XXXXXX", 6), BYRON_IO);
        ck_assert_int_eq(strncmp(world_text(world.fs, "S-1"), "abcXXXXXX",
                                 strlen(world_text(world.fs, "S-1"))),
                         0);
    }
    world_append(file, "defghi");
    ck_assert_str_eq(world_text(world.fs, "S-1"), "abcdefghi");
    world.os->file_close(file);
    /* What the engine never does: memfs_free would tell. */
    ck_assert_uint_gt(memfs_rewritten(world.fs), 0);
    ck_assert_uint_eq(memfs_rewritten(world.fs), 0);
}
END_TEST

START_TEST(only_what_appends_put_over_others_is_rewritten)
{
    uint8_t slot[OS_HEAD_SLOT_SIZE] = {1};
    struct os_file *file = world_create("W-1");

    world_append(file, "ab");
    ck_assert_int_eq(world.os->file_extend(file, 100), BYRON_OK);
    world_append(file, "cd");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(world.os->head_write(world.dir, 0, slot), BYRON_OK);
    ck_assert_uint_eq(memfs_rewritten(world.fs), 0);
    world.os->file_close(file);
    /* What was opened to be read knows of no end: it would begin anew. */
    ck_assert_int_eq(world.os->file_open(world.dir, "W-1", &file), BYRON_OK);
    world_append(file, "xyz");
    ck_assert_uint_eq(memfs_rewritten(world.fs), 3);
    world.os->file_close(file);
}
END_TEST

START_TEST(failed_sync_loses_for_good)
{
    struct os_file *file = world_create("S-1");
    struct memfs *image;

    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world_append_many(file, 'a', 512);
    memfs_fail_nth(world.fs, MEMFS_SYNC, 1, BYRON_IO, false);
    ck_assert_int_eq(world.os->file_sync(file), BYRON_IO);
    world_append_many(file, 'b', 512);
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    world_text(image, "S-1");
    ck_assert_uint_eq(world.bytes.size, 1024);
    ck_assert_uint_eq(world.bytes.data[0], 0);
    ck_assert_uint_eq(world.bytes.data[511], 0);
    ck_assert_uint_eq(world.bytes.data[512], 'b');
    memfs_free(image);
    world.os->file_close(file);
}
END_TEST

START_TEST(space_runs_out_and_comes_back)
{
    struct os_file *file = world_create("S-1");
    struct os_file *other;

    memfs_set_space(world.fs, 10);
    world_append(file, "12345678");
    ck_assert_int_eq(world.os->file_append(file, "abcd", 4), BYRON_FULL);
    ck_assert_uint_eq(memfs_used(world.fs), 10);
    ck_assert_int_eq(world.os->file_create(world.dir, "S-2", &other),
                     BYRON_FULL);
    ck_assert_int_eq(world.os->file_extend(file, 3), BYRON_FULL);
    memfs_set_space(world.fs, 12);
    world_append(file, "efgh");
    ck_assert_str_eq(world_text(world.fs, "S-1"), "12345678efgh");
    ck_assert_uint_eq(memfs_rewritten(world.fs), 2);
    world.os->file_close(file);
}
END_TEST

START_TEST(prewritten_zeros_need_no_more_space)
{
    struct os_file *file = world_create("W-1");

    ck_assert_int_eq(world.os->file_extend(file, 100), BYRON_OK);
    memfs_set_space(world.fs, 100);
    world_append_many(file, 'a', 100);
    ck_assert_int_eq(world.os->file_append(file, "b", 1), BYRON_FULL);
    world.os->file_close(file);
}
END_TEST

struct seen {
    char names[256];
    uint64_t last;
    unsigned middles;
};

static void see(void *context, const struct memfs_call *call)
{
    struct seen *seen = context;

    if (call->is_middle) {
        seen->middles++;
        ck_assert_uint_eq(call->number, seen->last);
        ck_assert_uint_lt(strlen(world_text(world.fs, "S-1")), 5);
        return;
    }
    if (seen->last > 0)
        ck_assert_uint_eq(call->number, seen->last + 1);
    seen->last = call->number;
    strcat(strcat(seen->names, call->name), " ");
}

START_TEST(hook_sees_every_call_before_it_happens)
{
    uint8_t slot[OS_HEAD_SLOT_SIZE] = {0};
    struct seen seen = {0};
    struct os_file *file;

    memfs_set_hook(world.fs, see, &seen);
    file = world_create("S-1");
    world_append(file, "hello");
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    ck_assert_int_eq(world.os->head_write(world.dir, 0, slot), BYRON_OK);
    world.os->file_close(file);
    ck_assert_str_eq(seen.names, "file_create file_append file_sync head_write "
                                 "head_sync ");
    ck_assert_uint_eq(seen.middles, 1);
    ck_assert_uint_eq(seen.last, memfs_calls(world.fs, MEMFS_ALL));
}
END_TEST

static void fail_this(void *context, const struct memfs_call *call)
{
    if (call->kind == MEMFS_SYNC)
        memfs_fail_nth(context, MEMFS_ALL, 1, BYRON_FULL, false);
}

START_TEST(hook_can_fail_the_call_it_sees)
{
    struct os_file *file = world_create("S-1");

    memfs_set_hook(world.fs, fail_this, world.fs);
    ck_assert_int_eq(world.os->file_sync(file), BYRON_FULL);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world.os->file_close(file);
}
END_TEST

/* --- looking and damaging
 * -------------------------------------------------------- */

static void add_path(void *context, const char *path)
{
    strcat(strcat(context, path), " ");
}

START_TEST(planted_and_damaged_files_are_listed_and_read)
{
    char paths[128] = "";
    struct memfs *image;

    memfs_write_all(world.fs, "store/S-1", slice_of("abc", 3));
    ck_assert(memfs_corrupt(world.fs, "store/S-1", 1, 0x20));
    ck_assert(!memfs_corrupt(world.fs, "store/S-1", 3, 1));
    ck_assert(!memfs_corrupt(world.fs, "store/S-2", 0, 1));
    ck_assert(!memfs_corrupt(world.fs, "S-1", 0, 1));
    memfs_list(world.fs, add_path, paths);
    ck_assert_str_eq(paths, "store/S-1 ");
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_str_eq(world_text(image, "S-1"), "aBc");
    memfs_free(image);
}
END_TEST

START_TEST(dump_tells_what_would_be_lost)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct os_file *file = world_create("W-1");

    world_append(file, "abc");
    memfs_dump(world.fs, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "W-1"));
    ck_assert_ptr_nonnull(strstr(text, "3 unsynced, name not durable"));
    free(text);
    world.os->file_close(file);
}
END_TEST

struct worker {
    struct thread thread;
    char name[16];
    unsigned failures;
};

static void write_much(void *context)
{
    struct worker *worker = context;
    struct os_file *file;

    for (int i = 0; i < 30; i++) {
        if (world.os->file_create(world.dir, worker->name, &file) != BYRON_OK) {
            worker->failures++;
            return;
        }
        for (int j = 0; j < 20; j++)
            worker->failures +=
                world.os->file_append(file, "bytes", 5) != BYRON_OK;
        worker->failures += world.os->file_sync(file) != BYRON_OK;
        worker->failures += world.os->dir_sync(world.dir) != BYRON_OK;
        memfs_free(world_crash(MEMFS_RANDOM_SECTORS, (uint64_t)i));
        world.os->file_close(file);
        worker->failures +=
            world.os->file_remove(world.dir, worker->name) != BYRON_OK;
    }
}

START_TEST(threads_share_it)
{
    struct worker workers[3] = {0};

    for (int i = 0; i < 3; i++) {
        snprintf(workers[i].name, sizeof workers[i].name, "S-%d", i);
        ck_assert_int_eq(
            thread_start(&workers[i].thread, write_much, &workers[i]),
            BYRON_OK);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(&workers[i].thread);
        ck_assert_uint_eq(workers[i].failures, 0);
    }
    ck_assert_uint_eq(memfs_calls(world.fs, MEMFS_SYNC), 90);
}
END_TEST

static TCase *plain_cases(void)
{
    TCase *cases = tcase_create("file system");

    tcase_add_checked_fixture(cases, world_set_up, world_tear_down);
    tcase_add_test(cases, missing_and_existing_are_told_apart);
    tcase_add_test(cases, append_goes_over_prewritten_zeros);
    tcase_add_test(cases, removed_file_is_readable_while_open);
    tcase_add_test(cases, lock_is_held_until_close);
    tcase_add_test(cases, stores_are_apart);
    tcase_add_test(cases, only_an_empty_directory_is_removed);
    tcase_add_test(cases, linked_file_outlives_its_first_name);
    tcase_add_test(cases, read_only_refuses_every_writer);
    tcase_add_test(cases, virtual_time_moves_only_by_sleep);
    tcase_add_test(cases, the_wall_clock_can_stand_apart);
    tcase_add_test(cases, planted_and_damaged_files_are_listed_and_read);
    tcase_add_test(cases, dump_tells_what_would_be_lost);
    tcase_add_test(cases, threads_share_it);
    return cases;
}

static TCase *failure_cases(void)
{
    TCase *cases = tcase_create("failure");

    tcase_add_checked_fixture(cases, world_set_up, world_tear_down);
    tcase_add_test(cases, the_nth_call_of_a_kind_fails_once);
    tcase_add_test(cases, sticky_failure_lasts_until_disarmed);
    tcase_add_test(cases, failed_append_can_be_repeated);
    tcase_add_test(cases, only_what_appends_put_over_others_is_rewritten);
    tcase_add_test(cases, failed_sync_loses_for_good);
    tcase_add_test(cases, space_runs_out_and_comes_back);
    tcase_add_test(cases, prewritten_zeros_need_no_more_space);
    tcase_add_test(cases, hook_sees_every_call_before_it_happens);
    tcase_add_test(cases, hook_can_fail_the_call_it_sees);
    return cases;
}

Suite *test_memfs_suite(void)
{
    Suite *suite = suite_create("memfs");

    suite_add_tcase(suite, plain_cases());
    suite_add_tcase(suite, failure_cases());
    return suite;
}
