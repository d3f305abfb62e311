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
        .map_files = true,
        .compression = BYRON_COMPRESSION_ZSTD,
        .hash_index = BYRON_HASH_INDEX_AUTO,
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

    settings_apply(
        "xmemory=5 memory block_size=99999999999 compression=77 hash_index=4 =",
        &out);

    ck_assert_uint_eq(out.memory, 0);
    ck_assert_uint_eq(out.block_size, UINT32_MAX);
    ck_assert_int_eq(out.compression, BYRON_COMPRESSION_DEFAULT);
    ck_assert_int_eq(out.hash_index, BYRON_HASH_INDEX_DEFAULT);
}
END_TEST

START_TEST(a_change_replaces_one_setting)
{
    static const char text[] = "memory=1 fanout=4 threads=0";
    struct byron_options options = {.memory = 2, .fanout = 9};
    char *changed = settings_change(text, settings_find("MEMORY"), &options);

    ck_assert_str_eq(changed, "memory=2 fanout=4 threads=0");
    free(changed);
    changed = settings_change(text, settings_find("threads"), &options);
    ck_assert_str_eq(changed, "memory=1 fanout=4");
    free(changed);
    ck_assert_int_eq(settings_find("path"), -1);
}
END_TEST

START_TEST(values_are_written_as_a_person_would)
{
    struct byron_options options = {.memory = 5,
                                    .compression = BYRON_COMPRESSION_ZSTD,
                                    .hash_index = BYRON_HASH_INDEX_OFF,
                                    .inline_work = true,
                                    .no_bloom = true};
    char out[32];

    settings_print(&options, settings_find("memory"), out);
    ck_assert_str_eq(out, "5");
    settings_print(&options, settings_find("compression"), out);
    ck_assert_str_eq(out, "zstd");
    settings_print(&options, settings_find("hash_index"), out);
    ck_assert_str_eq(out, "off");
    settings_print(&options, settings_find("threads"), out);
    ck_assert_str_eq(out, "0");
    settings_print(&options, settings_find("mmap"), out);
    ck_assert_str_eq(out, "off");
    options.map_files = true;
    settings_print(&options, settings_find("mmap"), out);
    ck_assert_str_eq(out, "on");
    settings_print(&options, settings_find("bloom_bits"), out);
    ck_assert_str_eq(out, "0");
}
END_TEST

START_TEST(what_cannot_be_opened_is_found)
{
    ck_assert_int_eq(settings_check("memory=1048576 fanout=4"), BYRON_OK);
    ck_assert_int_eq(settings_check("fanout=1"), BYRON_MISUSE);
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
    tcase_add_test(cases, a_change_replaces_one_setting);
    tcase_add_test(cases, values_are_written_as_a_person_would);
    tcase_add_test(cases, what_cannot_be_opened_is_found);
    suite_add_tcase(suite, cases);
    return suite;
}
