#include <check.h>

#include "sstable/index_writer.h"
#include "support/table_fixture.h"

Suite *test_index_writer_suite(void);

START_TEST(separators_lie_between)
{
    struct rng rng;
    struct buf a = {0}, b = {0}, separator = {0};

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int i = 0; i < 2000; i++) {
        table_model_key(&rng, (enum model_keys)_i, &a);
        table_model_key(&rng, (enum model_keys)_i, &b);
        if (slice_compare(buf_slice(&a), buf_slice(&b)) >= 0)
            continue;
        ck_assert_int_eq(
            index_separator(buf_slice(&a), buf_slice(&b), &separator),
            BYRON_OK);
        ck_assert_int_le(slice_compare(buf_slice(&a), buf_slice(&separator)),
                         0);
        ck_assert_int_lt(slice_compare(buf_slice(&separator), buf_slice(&b)),
                         0);
        ck_assert_uint_le(separator.size, a.size);
    }
    buf_deinit(&a);
    buf_deinit(&b);
    buf_deinit(&separator);
}
END_TEST

static size_t separator_size(const char *last, const char *next)
{
    struct buf separator = {0};
    size_t size;

    ck_assert_int_eq(index_separator(slice_of(last, strlen(last)),
                                     slice_of(next, strlen(next)), &separator),
                     BYRON_OK);
    size = separator.size;
    buf_deinit(&separator);
    return size;
}

START_TEST(separators_are_short)
{
    ck_assert_uint_eq(separator_size("apple pie", "banana"), 1);
    ck_assert_uint_eq(separator_size("abcdefgh", "abdzzzzz"), 3);
    ck_assert_uint_eq(separator_size("abcdefgh", "abz"), 3);
    ck_assert_uint_eq(separator_size("abcdefgh", "abd"), 8);
    ck_assert_uint_eq(separator_size("ab", "abc"), 2);
    ck_assert_uint_eq(separator_size("", "a"), 0);
}
END_TEST

/* Writes count index entries; how many levels came of it. */
static uint32_t levels_of(uint32_t count)
{
    struct memfs *fs = memfs_new(1);
    struct byron_os *os = memfs_os(fs);
    struct os_dir *dir;
    struct os_file *file;
    struct block_output output;
    struct index_writer writer = {0};
    struct block_handle top;
    uint32_t levels = 0;

    ck_assert_int_eq(os->dir_open(os, "d", true, &dir), BYRON_OK);
    ck_assert_int_eq(os->file_create(dir, "f", &file), BYRON_OK);
    ck_assert_int_eq(block_output_init(&output, os, file, 1), BYRON_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16),
                          (uint8_t)(i >> 8), (uint8_t)i};
        struct index_value value = {{i, 100, 100}, i};
        ck_assert_int_eq(index_writer_add(&writer, slice_of(key, 4), 0, &value),
                         BYRON_OK);
    }
    ck_assert_uint_ge(index_writer_size(&writer), count * INDEX_VALUE_SIZE);
    ck_assert_int_eq(
        index_writer_finish(&writer, &output, CODEC_NONE, &top, &levels),
        BYRON_OK);
    ck_assert_uint_eq(top.offset + top.disk_size, output.offset);
    ck_assert_uint_le(top.raw_size, 8 * INDEX_BLOCK_SIZE);
    index_writer_deinit(&writer);
    block_output_deinit(&output);
    os->file_close(file);
    os->dir_close(dir);
    memfs_free(fs);
    return levels;
}

START_TEST(a_small_index_has_one_level_a_large_one_two)
{
    ck_assert_uint_eq(levels_of(1), 1);
    ck_assert_uint_eq(levels_of(50), 1);
    ck_assert_uint_eq(levels_of(100), 2);
    ck_assert_uint_eq(levels_of(20000), 2);
}
END_TEST

Suite *test_index_writer_suite(void)
{
    Suite *suite = suite_create("index_writer");
    TCase *cases = tcase_create("index_writer");

    tcase_add_loop_test(cases, separators_lie_between, 0, MODEL_KEYS_LONG);
    tcase_add_test(cases, separators_are_short);
    tcase_add_test(cases, a_small_index_has_one_level_a_large_one_two);
    suite_add_tcase(suite, cases);
    return suite;
}
