#include <check.h>
#include <stdlib.h>

#include "settings.h"

Suite *test_settings_suite(void);

START_TEST(the_first_to_state_an_option_decides)
{
    struct byron_options options = {.memory = 1 << 20, .fanout = 4};
    char *first = settings_merge("", &options);
    char *second;

    options.memory = 2 << 20;
    options.block_size = 4096;
    second = settings_merge(first, &options);

    ck_assert_str_eq(first, "memory=1048576 fanout=4");
    ck_assert_str_eq(second, "memory=1048576 block_size=4096 fanout=4");
    free(first);
    free(second);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    struct byron_options options = {
        .memory = 1,
        .memtable = 2,
        .cache = 3,
        .file_size = 4,
        .block_size = 5,
        .fanout = 7,
        .no_bloom = true,
        .inline_work = true,
        .compression = BYRON_COMPRESSION_ZSTD,
    };
    struct byron_options out = {0};
    char *text = settings_merge("", &options);

    settings_apply(text, &out);

    ck_assert_mem_eq(&out, &options, sizeof out);
    free(text);
}
END_TEST

START_TEST(zero_bloom_bits_are_told_from_none_stated)
{
    struct byron_options options = {.no_bloom = true};
    char *none = settings_merge("", &options);
    struct byron_options out = {0};

    ck_assert_str_eq(none, "bloom_bits=0");
    settings_apply("bloom_bits=12", &out);

    ck_assert_uint_eq(out.bloom_bits, 12);
    ck_assert(!out.no_bloom);
    free(none);
}
END_TEST

/* The text comes from a database that anybody may have written. */
START_TEST(strange_words_are_left_alone)
{
    struct byron_options out = {0};

    settings_apply("xmemory=5 memory block_size=99999999999 compression=77 =",
                   &out);

    ck_assert_uint_eq(out.memory, 0);
    ck_assert_uint_eq(out.block_size, UINT32_MAX);
    ck_assert_int_eq(out.compression, BYRON_COMPRESSION_DEFAULT);
}
END_TEST

Suite *test_settings_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *cases = tcase_create("settings");

    tcase_add_test(cases, the_first_to_state_an_option_decides);
    tcase_add_test(cases, what_is_written_is_read_back);
    tcase_add_test(cases, zero_bloom_bits_are_told_from_none_stated);
    tcase_add_test(cases, strange_words_are_left_alone);
    suite_add_tcase(suite, cases);
    return suite;
}
