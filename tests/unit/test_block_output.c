#include <check.h>

#include "base/hash.h"
#include "base/integer.h"
#include "sstable/block_output.h"
#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/seed.h"

Suite *test_block_output_suite(void);

#define UID UINT64_C(0x5eed)

struct output_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
    struct os_file *file;
    struct block_output output;
};

static void fixture_init(struct output_fixture *fixture)
{
    fixture->fs = memfs_new(test_seed());
    fixture->os = memfs_os(fixture->fs);
    ck_assert_int_eq(
        fixture->os->dir_open(fixture->os, "d", true, &fixture->dir), BYRON_OK);
    ck_assert_int_eq(
        fixture->os->file_create(fixture->dir, "f", &fixture->file), BYRON_OK);
    ck_assert_int_eq(
        block_output_init(&fixture->output, fixture->os, fixture->file, UID),
        BYRON_OK);
}

static void fixture_deinit(struct output_fixture *fixture)
{
    block_output_deinit(&fixture->output);
    fixture->os->file_close(fixture->file);
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

static struct block_handle seal(struct output_fixture *fixture,
                                enum codec codec, struct slice body)
{
    struct block_handle handle;

    ck_assert_int_eq(
        block_output_seal(&fixture->output, BLOCK_DATA, codec, body, &handle),
        BYRON_OK);
    return handle;
}

START_TEST(a_block_that_does_not_shrink_is_kept_raw)
{
    struct output_fixture fixture;
    struct rng rng;
    uint8_t body[1000];
    struct buf file = {0};

    fixture_init(&fixture);
    rng_init(&rng, test_seed());
    rng_bytes(&rng, body, sizeof body);
    struct block_handle handle =
        seal(&fixture, CODEC_LZ4, slice_of(body, sizeof body));
    ck_assert_int_eq(block_output_flush(&fixture.output), BYRON_OK);
    ck_assert(memfs_read_all(fixture.fs, "d/f", &file));

    ck_assert_uint_eq(handle.offset, 0);
    ck_assert_uint_eq(handle.disk_size, 1016);
    ck_assert_uint_eq(file.size, 1016);
    ck_assert_mem_eq(file.data, body, 1000);
    ck_assert_uint_eq(file.data[1000], CODEC_NONE);
    ck_assert_uint_eq(load_u32(file.data + 1004), 1000);
    ck_assert_uint_eq(load_u64(file.data + 1008),
                      hash_bytes(slice_of(file.data, 1008), UID));
    buf_deinit(&file);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_same_block_elsewhere_has_another_checksum)
{
    struct output_fixture fixture;
    uint8_t body[100] = {0};
    struct buf file = {0};

    fixture_init(&fixture);
    seal(&fixture, CODEC_NONE, slice_of(body, sizeof body));
    struct block_handle second =
        seal(&fixture, CODEC_NONE, slice_of(body, sizeof body));
    ck_assert_int_eq(block_output_flush(&fixture.output), BYRON_OK);
    ck_assert(memfs_read_all(fixture.fs, "d/f", &file));

    ck_assert_uint_eq(second.offset, 116);
    ck_assert_uint_ne(load_u64(file.data + 108), load_u64(file.data + 224));
    buf_deinit(&file);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(what_compresses_is_smaller)
{
    struct output_fixture fixture;
    static const uint8_t body[5000];

    if (!codec_is_built_in((enum codec)_i))
        return;
    fixture_init(&fixture);
    struct block_handle handle =
        seal(&fixture, (enum codec)_i, slice_of(body, sizeof body));
    ck_assert_uint_lt(handle.disk_size, 200);
    ck_assert_uint_eq(handle.raw_size, 5000);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_hash_is_that_of_the_whole_file)
{
    struct output_fixture fixture;
    static const uint8_t body[100000];
    struct buf file = {0};

    fixture_init(&fixture);
    for (int i = 0; i < 8; i++)
        seal(&fixture, CODEC_NONE, slice_of(body, sizeof body));
    ck_assert_uint_gt(memfs_calls(fixture.fs, MEMFS_APPEND), 1);
    ck_assert_int_eq(block_output_flush(&fixture.output), BYRON_OK);
    ck_assert(memfs_read_all(fixture.fs, "d/f", &file));

    ck_assert_uint_eq(file.size, fixture.output.offset);
    ck_assert_uint_eq(block_output_hash(&fixture.output),
                      hash_bytes(buf_slice(&file), UID));
    buf_deinit(&file);
    fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_failed_append_is_reported)
{
    struct output_fixture fixture;
    static const uint8_t body[300000];
    struct block_handle handle;

    fixture_init(&fixture);
    memfs_fail_nth(fixture.fs, MEMFS_APPEND, 1, BYRON_FULL, false);
    ck_assert_int_eq(block_output_seal(&fixture.output, BLOCK_DATA, CODEC_NONE,
                                       slice_of(body, sizeof body), &handle),
                     BYRON_FULL);
    fixture_deinit(&fixture);
}
END_TEST

Suite *test_block_output_suite(void)
{
    Suite *suite = suite_create("block_output");
    TCase *cases = tcase_create("block_output");

    tcase_add_test(cases, a_block_that_does_not_shrink_is_kept_raw);
    tcase_add_test(cases, the_same_block_elsewhere_has_another_checksum);
    tcase_add_loop_test(cases, what_compresses_is_smaller, CODEC_LZ4,
                        CODEC_ZSTD + 1);
    tcase_add_test(cases, the_hash_is_that_of_the_whole_file);
    tcase_add_test(cases, a_failed_append_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
