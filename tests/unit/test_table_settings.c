#include <check.h>

#include "compaction/table_settings.h"

Suite *test_table_settings_suite(void);

static uint32_t bits_at(uint32_t bits, uint32_t level)
{
    struct table_options last = {
        .block_size = 4096, .bloom_bits = bits, .codec = CODEC_LZ4};
    struct table_options settings = table_settings_at(&last, level);
    ck_assert_uint_eq(settings.block_size, 4096);
    ck_assert_int_eq(settings.codec, CODEC_LZ4);
    return settings.bloom_bits;
}

START_TEST(upper_levels_get_more_filter_bits)
{
    ck_assert_uint_eq(bits_at(10, 6), 10);
    ck_assert_uint_eq(bits_at(10, 5), 12);
    ck_assert_uint_eq(bits_at(10, 4), 14);
    ck_assert_uint_eq(bits_at(10, 3), 16);
    ck_assert_uint_eq(bits_at(10, 0), 16);
}
END_TEST

START_TEST(what_was_asked_for_is_never_less)
{
    ck_assert_uint_eq(bits_at(20, 6), 20);
    ck_assert_uint_eq(bits_at(20, 0), 20);
}
END_TEST

START_TEST(no_filter_is_no_filter_anywhere)
{
    for (uint32_t level = 0; level < BYRON_LEVELS; level++)
        ck_assert_uint_eq(bits_at(0, level), 0);
}
END_TEST

START_TEST(hash_indexes_take_up_to_an_eighth_of_memory)
{
    ck_assert(table_settings_hash_index_fits(0, 65536));
    ck_assert(table_settings_hash_index_fits(1000, 48000));
    ck_assert(!table_settings_hash_index_fits(1001, 48000));
    ck_assert(!table_settings_hash_index_fits(UINT64_MAX, UINT64_MAX));
}
END_TEST

Suite *test_table_settings_suite(void)
{
    Suite *suite = suite_create("table_settings");
    TCase *cases = tcase_create("table_settings");

    tcase_add_test(cases, upper_levels_get_more_filter_bits);
    tcase_add_test(cases, what_was_asked_for_is_never_less);
    tcase_add_test(cases, no_filter_is_no_filter_anywhere);
    tcase_add_test(cases, hash_indexes_take_up_to_an_eighth_of_memory);
    suite_add_tcase(suite, cases);
    return suite;
}
