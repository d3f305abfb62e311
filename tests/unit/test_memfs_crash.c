/*
 * The file system that crash tests stand on has to lose what a disk loses,
 * and nothing else.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/memfs_world.h"
#include "support/seed.h"

Suite *test_memfs_crash_suite(void);

/* --- power cuts
 * ---------------------------------------------------------------- */

START_TEST(synced_bytes_and_names_survive_every_crash)
{
    struct os_file *file = world_create("S-1");

    world_append_many(file, 'a', 3000);
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world_append_many(file, 'b', 9000);
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct memfs *image =
            world_crash((enum memfs_crash)_i, test_seed() + seed);
        ck_assert_ptr_nonnull(world_text(image, "S-1"));
        ck_assert_uint_ge(world.bytes.size, 3000);
        ck_assert_uint_le(world.bytes.size, 12000);
        for (size_t i = 0; i < 3000; i++)
            if (world.bytes.data[i] != 'a')
                ck_abort_msg("synced byte %zu lost", i);
        memfs_free(image);
    }
    world.os->file_close(file);
}
END_TEST

START_TEST(killed_process_loses_nothing)
{
    struct os_file *file = world_create("S-1");
    struct memfs *image;

    world_append(file, "abc");
    image = world_crash(MEMFS_KEEP_ALL, 1);
    ck_assert_str_eq(world_text(image, "S-1"), "abc");
    memfs_free(image);
    world.os->file_close(file);
}
END_TEST

/* The system's memory outlasts the process, and no power cut. */
START_TEST(killed_process_makes_nothing_durable)
{
    struct os_file *kept = world_create("S-1");
    struct os_file *gone;
    struct memfs *killed;
    struct memfs *image;

    world_append(kept, "abc");
    ck_assert_int_eq(world.os->file_sync(kept), BYRON_OK);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world_append(kept, "def");
    gone = world_create("S-2");
    killed = world_crash(MEMFS_KEEP_ALL, 1);
    ck_assert_str_eq(world_text(killed, "S-1"), "abcdef");
    ck_assert_str_eq(world_text(killed, "S-2"), "");
    image = memfs_crash_clone(killed, MEMFS_DROP_UNSYNCED, 1);
    ck_assert_str_eq(world_text(image, "S-1"), "abc");
    ck_assert_ptr_null(world_text(image, "S-2"));
    memfs_free(image);
    memfs_free(killed);
    world.os->file_close(kept);
    world.os->file_close(gone);
}
END_TEST

START_TEST(power_cut_drops_unsynced_bytes_and_names)
{
    struct os_file *kept = world_create("S-1");
    struct os_file *gone;
    struct memfs *image;

    world_append(kept, "abc");
    ck_assert_int_eq(world.os->file_sync(kept), BYRON_OK);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world_append(kept, "def");
    gone = world_create("S-2");
    world_append(gone, "xyz");
    ck_assert_int_eq(world.os->file_sync(gone), BYRON_OK);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_str_eq(world_text(image, "S-1"), "abc");
    ck_assert_ptr_null(world_text(image, "S-2"));
    memfs_free(image);
    world.os->file_close(kept);
    world.os->file_close(gone);
}
END_TEST

START_TEST(unsynced_removal_may_be_undone)
{
    struct os_file *file = world_create("S-1");
    struct memfs *image;

    world_append(file, "abc");
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world.os->file_close(file);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_str_eq(world_text(image, "S-1"), "abc");
    memfs_free(image);
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_ptr_null(world_text(image, "S-1"));
    memfs_free(image);
}
END_TEST

START_TEST(removed_directory_may_come_back)
{
    struct memfs *image;
    struct os_dir *other;

    world.os->file_close(world_create("S-1"));
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    ck_assert_int_eq(world.os->dir_remove(world.dir), BYRON_OK);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_ptr_nonnull(world_text(image, "S-1"));
    memfs_free(image);
    image = world_crash(MEMFS_KEEP_ALL, 1);
    ck_assert_int_eq(
        memfs_os(image)->dir_open(memfs_os(image), "store", false, &other),
        BYRON_MISSING);
    memfs_free(image);
}
END_TEST

/* Over many seeds each outcome is seen, and no other. */
START_TEST(random_crash_loses_names_by_chance)
{
    unsigned outcomes[2][2] = {{0}};

    world.os->file_close(world_create("S-1"));
    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    ck_assert_int_eq(world.os->file_remove(world.dir, "S-1"), BYRON_OK);
    world.os->file_close(world_create("S-2"));
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct memfs *image =
            world_crash(MEMFS_RANDOM_SECTORS, test_seed() + seed);
        outcomes[world_text(image, "S-1") != NULL]
                [world_text(image, "S-2") != NULL]++;
        memfs_free(image);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_uint_gt(outcomes[i / 2][i % 2], 5);
}
END_TEST

static bool is_filled(const uint8_t *from, size_t size, int letter)
{
    for (size_t i = 0; i < size; i++)
        if (from[i] != letter)
            return false;
    return true;
}

START_TEST(random_crash_is_whole_by_sector)
{
    struct os_file *file = world_create("W-1");
    unsigned kept = 0;
    unsigned lost = 0;
    unsigned cut = 0;

    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    world_append_many(file, 'b', 10 * 512);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct memfs *image =
            world_crash(MEMFS_RANDOM_SECTORS, test_seed() + seed);
        ck_assert_ptr_nonnull(world_text(image, "W-1"));
        for (size_t at = 0; at + 512 <= world.bytes.size; at += 512) {
            kept += is_filled(world.bytes.data + at, 512, 'b');
            lost += is_filled(world.bytes.data + at, 512, 0);
        }
        cut += world.bytes.size < 10 * 512;
        memfs_free(image);
    }
    ck_assert_uint_gt(kept, 100);
    ck_assert_uint_gt(lost, 100);
    ck_assert_uint_gt(cut, 10);
    ck_assert_uint_lt(cut, 90);
    world.os->file_close(file);
}
END_TEST

START_TEST(a_sector_may_hold_only_the_first_of_its_writes)
{
    struct os_file *file = world_create("W-1");
    unsigned firsts = 0;

    ck_assert_int_eq(world.os->dir_sync(world.dir), BYRON_OK);
    ck_assert_int_eq(world.os->file_extend(file, 512), BYRON_OK);
    world_append(file, "first");
    world_append(file, "second");
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct memfs *image =
            world_crash(MEMFS_RANDOM_SECTORS, test_seed() + seed);
        const char *text = world_text(image, "W-1");
        firsts += strcmp(text, "first") == 0;
        if (world.bytes.size >= 11)
            ck_assert_mem_ne(text, "\0\0\0\0\0second", 11);
        memfs_free(image);
    }
    ck_assert_uint_gt(firsts, 0);
    world.os->file_close(file);
}
END_TEST

START_TEST(torn_file_is_a_prefix_of_pages)
{
    struct os_file *file = world_create("W-1");
    bool seen[5] = {false};

    world_append_many(file, 'b', 4 * 4096);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct memfs *image = world_crash(MEMFS_TORN, test_seed() + seed);
        size_t pages = 0;
        ck_assert_ptr_nonnull(world_text(image, "W-1"));
        while (pages * 4096 < world.bytes.size &&
               is_filled(world.bytes.data + pages * 4096, 4096, 'b'))
            pages++;
        ck_assert(is_filled(world.bytes.data + pages * 4096,
                            world.bytes.size - pages * 4096, 0));
        seen[pages] = true;
        memfs_free(image);
    }
    for (int i = 0; i < 5; i++)
        ck_assert(seen[i]);
    world.os->file_close(file);
}
END_TEST

START_TEST(reordered_keeps_the_later_writes)
{
    struct os_file *file = world_create("W-1");
    bool seen_middle = false;

    world_append(file, "one");
    world_append(file, "two");
    world_append(file, "six");
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct memfs *image = world_crash(MEMFS_REORDERED, test_seed() + seed);
        world_text(image, "W-1");
        ck_assert_uint_eq(world.bytes.size, 9);
        ck_assert_mem_eq(world.bytes.data, "\0\0\0", 3);
        seen_middle |= memcmp(world.bytes.data, "\0\0\0twosix", 9) == 0;
        memfs_free(image);
    }
    ck_assert(seen_middle);
    world.os->file_close(file);
}
END_TEST

START_TEST(zero_filled_keeps_the_length)
{
    struct os_file *file = world_create("W-1");
    struct memfs *image;

    world_append(file, "abc");
    ck_assert_int_eq(world.os->file_sync(file), BYRON_OK);
    world_append(file, "def");
    image = world_crash(MEMFS_ZERO_FILLED, 1);
    world_text(image, "W-1");
    ck_assert_uint_eq(world.bytes.size, 6);
    ck_assert_mem_eq(world.bytes.data, "abc\0\0\0", 6);
    memfs_free(image);
    world.os->file_close(file);
}
END_TEST

struct torn_head {
    bool seen_old;
    bool seen_new;
    bool seen_mixed;
};

static void crash_in_head_write(void *context, const struct memfs_call *call)
{
    struct torn_head *torn = context;

    for (uint64_t seed = 0; call->kind == MEMFS_HEAD_SYNC && seed < 50;
         seed++) {
        struct memfs *image =
            world_crash(MEMFS_RANDOM_SECTORS, test_seed() + seed);
        bool is_old;
        bool is_new;
        world_text(image, "HEAD");
        is_old = is_filled(world.bytes.data, OS_HEAD_SLOT_SIZE, 1);
        is_new = is_filled(world.bytes.data, OS_HEAD_SLOT_SIZE, 2);
        torn->seen_old |= is_old;
        torn->seen_new |= is_new;
        torn->seen_mixed |= !is_old && !is_new;
        memfs_free(image);
    }
}

START_TEST(head_is_durable_after_and_torn_during_its_write)
{
    uint8_t slot[OS_HEAD_SLOT_SIZE];
    struct torn_head torn = {0};
    struct memfs *image;

    memset(slot, 1, sizeof slot);
    ck_assert_int_eq(world.os->head_write(world.dir, 0, slot), BYRON_OK);
    memset(slot, 2, sizeof slot);
    memfs_set_hook(world.fs, crash_in_head_write, &torn);
    ck_assert_int_eq(world.os->head_write(world.dir, 0, slot), BYRON_OK);
    ck_assert(torn.seen_mixed);
    image = world_crash(MEMFS_DROP_UNSYNCED, 1);
    ck_assert_ptr_nonnull(world_text(image, "HEAD"));
    ck_assert(is_filled(world.bytes.data, OS_HEAD_SLOT_SIZE, 2));
    memfs_free(image);
}
END_TEST

START_TEST(crash_clone_is_a_world_of_its_own)
{
    struct os_file *file = world_create("S-1");
    struct memfs *image;
    struct byron_os *image_os;
    struct os_dir *image_dir;

    world_append(file, "abc");
    ck_assert_int_eq(world.os->dir_lock(world.dir, true, true), BYRON_OK);
    memfs_fail_nth(world.fs, MEMFS_ALL, 1, BYRON_IO, true);
    image = world_crash(MEMFS_KEEP_ALL, 1);
    image_os = memfs_os(image);
    ck_assert_int_eq(image_os->dir_open(image_os, "store", false, &image_dir),
                     BYRON_OK);
    ck_assert_int_eq(image_os->dir_lock(image_dir, true, true), BYRON_OK);
    ck_assert_int_eq(image_os->file_remove(image_dir, "S-1"), BYRON_OK);
    ck_assert_str_eq(world_text(world.fs, "S-1"), "abc");
    image_os->dir_close(image_dir);
    memfs_free(image);
    world.os->file_close(file);
}
END_TEST

START_TEST(equal_seeds_make_equal_images)
{
    struct os_file *file = world_create("W-1");
    struct buf first = {0};

    world_append_many(file, 'a', 20000);
    for (int mode = 0; mode < MEMFS_CRASH_COUNT; mode++) {
        struct memfs *one = world_crash((enum memfs_crash)mode, 7);
        struct memfs *two = world_crash((enum memfs_crash)mode, 7);
        ck_assert_int_eq(memfs_read_all(one, "store/W-1", &first),
                         memfs_read_all(two, "store/W-1", &world.bytes));
        ck_assert(slice_equal(buf_slice(&first), buf_slice(&world.bytes)));
        memfs_free(one);
        memfs_free(two);
    }
    buf_deinit(&first);
    world.os->file_close(file);
}
END_TEST

Suite *test_memfs_crash_suite(void)
{
    Suite *suite = suite_create("memfs_crash");
    TCase *cases = tcase_create("crash");

    tcase_add_checked_fixture(cases, world_set_up, world_tear_down);
    tcase_add_loop_test(cases, synced_bytes_and_names_survive_every_crash, 0,
                        MEMFS_CRASH_COUNT);
    tcase_add_test(cases, killed_process_loses_nothing);
    tcase_add_test(cases, killed_process_makes_nothing_durable);
    tcase_add_test(cases, power_cut_drops_unsynced_bytes_and_names);
    tcase_add_test(cases, unsynced_removal_may_be_undone);
    tcase_add_test(cases, removed_directory_may_come_back);
    tcase_add_test(cases, random_crash_loses_names_by_chance);
    tcase_add_test(cases, random_crash_is_whole_by_sector);
    tcase_add_test(cases, a_sector_may_hold_only_the_first_of_its_writes);
    tcase_add_test(cases, torn_file_is_a_prefix_of_pages);
    tcase_add_test(cases, reordered_keeps_the_later_writes);
    tcase_add_test(cases, zero_filled_keeps_the_length);
    tcase_add_test(cases, head_is_durable_after_and_torn_during_its_write);
    tcase_add_test(cases, crash_clone_is_a_world_of_its_own);
    tcase_add_test(cases, equal_seeds_make_equal_images);
    suite_add_tcase(suite, cases);
    return suite;
}
