#include <check.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/seed.h"
#include "version/head.h"

Suite *test_head_suite(void);

static struct head head_of(uint64_t epoch)
{
    struct head head = {.store_id = "fifteen letters",
                        .epoch = epoch,
                        .manifest = 100 + epoch,
                        .next_number = 200 + epoch,
                        .compat = 8};
    return head;
}

/* A store's HEAD in memory. */
struct fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
};

static void open_fixture(struct fixture *fixture, struct memfs *fs)
{
    fixture->fs = fs;
    fixture->os = memfs_os(fs);
    ck_assert_int_eq(
        fixture->os->dir_open(fixture->os, "store", true, &fixture->dir),
        BYRON_OK);
}

static void close_fixture(struct fixture *fixture)
{
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

static void store(struct fixture *fixture, uint64_t epoch)
{
    struct head head = head_of(epoch);
    ck_assert_int_eq(head_store(fixture->os, fixture->dir, &head), BYRON_OK);
}

static byron_status load(struct fixture *fixture, struct head *out)
{
    return head_load(fixture->os, fixture->dir, out);
}

START_TEST(newest_epoch_counts)
{
    struct fixture fixture;
    struct head head;

    open_fixture(&fixture, memfs_new(1));
    for (uint64_t epoch = 1; epoch < 5; epoch++) {
        store(&fixture, epoch);
        ck_assert_int_eq(load(&fixture, &head), BYRON_OK);
        ck_assert_uint_eq(head.epoch, epoch);
        ck_assert_uint_eq(head.manifest, 100 + epoch);
        ck_assert_uint_eq(head.next_number, 200 + epoch);
        ck_assert_uint_eq(head.compat, 8);
        ck_assert_mem_eq(head.store_id, "fifteen letters", 16);
    }
    close_fixture(&fixture);
}
END_TEST

START_TEST(no_head_is_missing)
{
    static const uint8_t zeros[2 * OS_HEAD_SLOT_SIZE];
    struct fixture fixture;
    struct head head;

    open_fixture(&fixture, memfs_new(1));
    ck_assert_int_eq(load(&fixture, &head), BYRON_MISSING);
    memfs_write_all(fixture.fs, "store/HEAD", slice_of(zeros, sizeof zeros));
    ck_assert_int_eq(load(&fixture, &head), BYRON_MISSING);
    close_fixture(&fixture);
}
END_TEST

START_TEST(slot_lies_as_documented)
{
    struct head head = head_of(7);
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head.ro_compat = 6;
    head_encode(&head, bytes);

    ck_assert_mem_eq(bytes, "byronDB\n", 8);
    ck_assert_uint_eq(load_u32(bytes + 8), 1);
    ck_assert_uint_eq(load_u32(bytes + 12), 0);
    ck_assert_uint_eq(load_u32(bytes + 16), 6);
    ck_assert_uint_eq(load_u32(bytes + 20), 8);
    ck_assert_mem_eq(bytes + 24, "fifteen letters", 16);
    ck_assert_uint_eq(load_u64(bytes + 40), 7);
    ck_assert_uint_eq(load_u64(bytes + 48), 107);
    ck_assert_uint_eq(load_u64(bytes + 56), 207);
    ck_assert_str_eq((const char *)bytes + 64, BYRON_VERSION);
    ck_assert_uint_eq(load_u64(bytes + 120),
                      hash_bytes(slice_of(bytes, 120), 1));
    ck_assert_mem_eq(bytes, bytes + 2048, 128);
}
END_TEST

/* Each slot holds its record twice. */
START_TEST(each_flipped_bit_is_healed)
{
    struct head head = head_of(2);
    struct head back;
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head_encode(&head, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(head_decode(bytes, "HEAD", 0, &back), BYRON_OK);
        ck_assert_uint_eq(back.manifest, head.manifest);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(each_flipped_bit_of_both_copies_is_seen)
{
    struct head head = head_of(2);
    struct head back;
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head_encode(&head, bytes);
    for (size_t bit = 0; bit < 8 * 128; bit++) {
        uint8_t mask = (uint8_t)(1 << bit % 8);
        bytes[bit / 8] ^= mask;
        bytes[2048 + bit / 8] ^= mask;
        ck_assert_int_eq(head_decode(bytes, "HEAD", 0, &back), BYRON_NOT_FOUND);
        bytes[bit / 8] ^= mask;
        bytes[2048 + bit / 8] ^= mask;
    }
}
END_TEST

START_TEST(half_written_slot_yields_its_newer_copy)
{
    struct head older = head_of(2);
    struct head newer = head_of(4);
    struct head back;
    uint8_t bytes[OS_HEAD_SLOT_SIZE];
    uint8_t more[OS_HEAD_SLOT_SIZE];

    head_encode(&older, bytes);
    head_encode(&newer, more);
    memcpy(bytes + 2048, more + 2048, 2048);
    ck_assert_int_eq(head_decode(bytes, "HEAD", 0, &back), BYRON_OK);
    ck_assert_uint_eq(back.epoch, 4);
}
END_TEST

START_TEST(slot_in_the_wrong_place_is_not_valid)
{
    struct head head = head_of(2);
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head_encode(&head, bytes);
    ck_assert_int_eq(head_decode(bytes, "HEAD", 1, &head), BYRON_NOT_FOUND);
}
END_TEST

START_TEST(lost_slot_leaves_the_other)
{
    struct fixture fixture;
    struct head head;

    open_fixture(&fixture, memfs_new(1));
    store(&fixture, 1);
    store(&fixture, 2);
    ck_assert(memfs_corrupt(fixture.fs, "store/HEAD", 3, 1));
    ck_assert(memfs_corrupt(fixture.fs, "store/HEAD", 2048 + 3, 1));
    ck_assert_int_eq(load(&fixture, &head), BYRON_OK);
    ck_assert_uint_eq(head.epoch, 1);
    ck_assert(memfs_corrupt(fixture.fs, "store/HEAD", 4096 + 3, 1));
    ck_assert(memfs_corrupt(fixture.fs, "store/HEAD", 4096 + 2048 + 3, 1));
    ck_assert_int_eq(load(&fixture, &head), BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "store/HEAD");
    close_fixture(&fixture);
}
END_TEST

START_TEST(slots_of_two_stores_are_corrupt)
{
    struct fixture fixture;
    struct head head = head_of(2);

    open_fixture(&fixture, memfs_new(1));
    store(&fixture, 1);
    head.store_id[0] ^= 1;
    ck_assert_int_eq(head_store(fixture.os, fixture.dir, &head), BYRON_OK);
    ck_assert_int_eq(load(&fixture, &head), BYRON_CORRUPT);
    close_fixture(&fixture);
}
END_TEST

static void reseal(uint8_t *bytes)
{
    store_u64(bytes + 120, hash_bytes(slice_of(bytes, 120), 0));
    memcpy(bytes + 2048, bytes, 128);
}

START_TEST(newer_formats_and_features_are_named_so)
{
    struct head head = head_of(2);
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head_encode(&head, bytes);
    store_u32(bytes + 8, 2);
    reseal(bytes);
    ck_assert_int_eq(head_decode(bytes, "HEAD", 0, &head), BYRON_NEWER_FORMAT);

    head_encode(&head, bytes);
    store_u32(bytes + 12, 1);
    reseal(bytes);
    ck_assert_int_eq(head_decode(bytes, "HEAD", 0, &head), BYRON_NEWER_FORMAT);
    ck_assert_ptr_nonnull(strstr(error_last()->words, BYRON_VERSION));
}
END_TEST

/* What a hook finds on the disk in the middle of a write. */
struct crash {
    struct memfs *fs;
    uint64_t epoch; /* Being written. */
    struct rng rng;
    size_t images;
};

static void look_at_crash(void *context, const struct memfs_call *call)
{
    struct crash *crash = context;

    (void)call;
    for (int mode = 0; mode < MEMFS_CRASH_COUNT; mode++) {
        struct fixture after;
        struct head head;
        open_fixture(&after,
                     memfs_crash_clone(crash->fs, (enum memfs_crash)mode,
                                       rng_next(&crash->rng)));
        ck_assert_int_eq(load(&after, &head), BYRON_OK);
        ck_assert_uint_ge(head.epoch, crash->epoch - 1);
        ck_assert_uint_le(head.epoch, crash->epoch);
        close_fixture(&after);
        crash->images++;
    }
}

START_TEST(power_cut_leaves_the_old_or_the_new)
{
    struct fixture fixture;
    struct crash crash = {0};

    rng_init(&crash.rng, test_seed());
    open_fixture(&fixture, memfs_new(1));
    crash.fs = fixture.fs;
    store(&fixture, 1);
    memfs_set_hook(fixture.fs, look_at_crash, &crash);
    for (crash.epoch = 2; crash.epoch < 20; crash.epoch++)
        store(&fixture, crash.epoch);
    memfs_set_hook(fixture.fs, NULL, NULL);
    ck_assert_uint_ge(crash.images, 18 * 2 * MEMFS_CRASH_COUNT);
    close_fixture(&fixture);
}
END_TEST

START_TEST(each_failed_call_is_told)
{
    struct fixture fixture;
    struct head head = head_of(1);
    byron_status status = BYRON_IO;

    open_fixture(&fixture, memfs_new(1));
    memfs_fail_nth(fixture.fs, MEMFS_ALL, 1, BYRON_IO, false);
    ck_assert_int_eq(head_store(fixture.os, fixture.dir, &head), BYRON_IO);
    store(&fixture, 1);
    for (uint64_t nth = 1; status != BYRON_OK; nth++) {
        memfs_fail_nth(fixture.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = load(&fixture, &head);
        ck_assert(status == (nth <= 2 ? BYRON_IO : BYRON_OK));
    }
    close_fixture(&fixture);
}
END_TEST

Suite *test_head_suite(void)
{
    Suite *suite = suite_create("head");
    TCase *cases = tcase_create("head");

    tcase_add_test(cases, newest_epoch_counts);
    tcase_add_test(cases, no_head_is_missing);
    tcase_add_test(cases, slot_lies_as_documented);
    tcase_add_test(cases, each_flipped_bit_is_healed);
    tcase_add_test(cases, each_flipped_bit_of_both_copies_is_seen);
    tcase_add_test(cases, half_written_slot_yields_its_newer_copy);
    tcase_add_test(cases, slot_in_the_wrong_place_is_not_valid);
    tcase_add_test(cases, lost_slot_leaves_the_other);
    tcase_add_test(cases, slots_of_two_stores_are_corrupt);
    tcase_add_test(cases, newer_formats_and_features_are_named_so);
    tcase_add_test(cases, power_cut_leaves_the_old_or_the_new);
    tcase_add_test(cases, each_failed_call_is_told);
    suite_add_tcase(suite, cases);
    return suite;
}
