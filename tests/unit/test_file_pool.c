#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "sstable/file_pool.h"
#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/seed.h"

Suite *test_file_pool_suite(void);

#define FILE_COUNT 10

struct pool_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
    struct file_pool *pool;
};

/* Files 0 to 9, each one byte that is its number. */
static void fixture_init(struct pool_fixture *fixture, size_t max_open)
{
    fixture->fs = memfs_new(test_seed());
    fixture->os = memfs_os(fixture->fs);
    for (uint8_t i = 0; i < FILE_COUNT; i++) {
        char path[64];
        snprintf(path, sizeof path, "store/S-%016x", i);
        memfs_write_all(fixture->fs, path, slice_of(&i, 1));
    }
    ck_assert_int_eq(
        fixture->os->dir_open(fixture->os, "store", true, &fixture->dir),
        BYRON_OK);
    ck_assert_int_eq(
        file_pool_new(fixture->os, fixture->dir, max_open, &fixture->pool),
        BYRON_OK);
}

static void fixture_deinit(struct pool_fixture *fixture)
{
    file_pool_free(fixture->pool);
    ck_assert_uint_eq(memfs_open_count(fixture->fs), 1); /* The directory. */
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

static size_t open_files(const struct pool_fixture *fixture)
{
    return memfs_open_count(fixture->fs) - 1;
}

static void read_number(struct pool_fixture *fixture, uint64_t number)
{
    uint8_t byte = 0xff;

    ck_assert_int_eq(file_pool_read(fixture->pool, number, 0, &byte, 1),
                     BYRON_OK);
    ck_assert_uint_eq(byte, number);
}

START_TEST(no_more_files_are_open_than_allowed)
{
    struct pool_fixture fixture;

    fixture_init(&fixture, 3);
    for (int i = 0; i < 50; i++) {
        read_number(&fixture, (uint64_t)(i * 7) % FILE_COUNT);
        ck_assert_uint_le(open_files(&fixture), 3);
    }
    ck_assert_uint_eq(open_files(&fixture), 3);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_longest_unused_is_closed_first)
{
    struct pool_fixture fixture;

    fixture_init(&fixture, 2);
    read_number(&fixture, 1);
    read_number(&fixture, 2);
    read_number(&fixture, 1);
    read_number(&fixture, 3); /* Closes 2. */
    uint64_t opens = memfs_calls(fixture.fs, MEMFS_OPEN);
    read_number(&fixture, 1);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_OPEN), opens);
    read_number(&fixture, 2);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_OPEN), opens + 1);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(pinned_files_stay_open_beyond_the_bound)
{
    struct pool_fixture fixture;
    struct pooled_file *files[5];

    fixture_init(&fixture, 2);
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_int_eq(file_pool_open(fixture.pool, i, &files[i]), BYRON_OK);
    ck_assert_uint_eq(open_files(&fixture), 5);
    file_pool_forget(fixture.pool, 4);
    ck_assert_uint_eq(open_files(&fixture), 5);
    for (uint64_t i = 0; i < 5; i++)
        file_pool_release(fixture.pool, files[i]);
    ck_assert_uint_eq(open_files(&fixture), 2);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(forget_closes)
{
    struct pool_fixture fixture;

    fixture_init(&fixture, 4);
    read_number(&fixture, 1);
    read_number(&fixture, 2);
    file_pool_forget(fixture.pool, 1);
    file_pool_forget(fixture.pool, 9);
    ck_assert_uint_eq(open_files(&fixture), 1);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_missing_file_is_an_error_every_time)
{
    struct pool_fixture fixture;
    uint8_t byte;

    fixture_init(&fixture, 4);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(file_pool_read(fixture.pool, 77, 0, &byte, 1),
                         BYRON_CORRUPT);
    ck_assert_uint_eq(open_files(&fixture), 0);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(damage_is_told_with_path_and_offset)
{
    struct pool_fixture fixture;

    fixture_init(&fixture, 4);
    ck_assert_int_eq(file_pool_corrupt(fixture.pool, 0x2a, 4096, "bad block"),
                     BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "store/S-000000000000002a");
    ck_assert_uint_eq(error_last()->offset, 4096);
    ck_assert_ptr_nonnull(strstr(error_last()->words, "bad block"));
    ck_assert_int_eq(file_pool_newer(fixture.pool, 0x2a, "too new"),
                     BYRON_NEWER_FORMAT);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(no_memory_is_reported)
{
    struct pool_fixture fixture;
    uint8_t byte;

    fixture_init(&fixture, 4);
    alloc_fail_after(1);
    ck_assert_int_eq(file_pool_read(fixture.pool, 1, 0, &byte, 1),
                     BYRON_NO_MEMORY);
    alloc_fail_after(0);
    read_number(&fixture, 1);
    fixture_deinit(&fixture);
}
END_TEST

static void read_at_random(void *context)
{
    struct rng rng;

    rng_init(&rng, test_seed() ^ (uint64_t)(uintptr_t)&rng);
    for (int i = 0; i < 1000; i++)
        read_number(context, rng_below(&rng, FILE_COUNT));
}

START_TEST(threads_share_the_files)
{
    struct pool_fixture fixture;
    struct thread threads[4];

    fixture_init(&fixture, 2);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(thread_start(&threads[i], read_at_random, &fixture),
                         BYRON_OK);
    for (size_t i = 0; i < 4; i++)
        thread_join(&threads[i]);
    ck_assert_uint_le(open_files(&fixture), 2);
    fixture_deinit(&fixture);
}
END_TEST

Suite *test_file_pool_suite(void)
{
    Suite *suite = suite_create("file_pool");
    TCase *cases = tcase_create("file_pool");

    tcase_add_test(cases, no_more_files_are_open_than_allowed);
    tcase_add_test(cases, the_longest_unused_is_closed_first);
    tcase_add_test(cases, pinned_files_stay_open_beyond_the_bound);
    tcase_add_test(cases, forget_closes);
    tcase_add_test(cases, a_missing_file_is_an_error_every_time);
    tcase_add_test(cases, damage_is_told_with_path_and_offset);
    tcase_add_test(cases, no_memory_is_reported);
    tcase_add_test(cases, threads_share_the_files);
    suite_add_tcase(suite, cases);
    return suite;
}
