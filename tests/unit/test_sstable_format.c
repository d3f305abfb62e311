#include <check.h>

#include "base/hash.h"
#include "base/integer.h"
#include "sstable/sstable_format.h"

Suite *test_sstable_format_suite(void);

static const struct table_footer a_footer = {
    .index = {1064, 300},
    .filter = {1000, 64},
    .properties = {1364, 100},
    .index_levels = 2,
    .data_end = 1000,
    .file_size = 1464 + TABLE_FOOTER_SIZE,
    .uid = UINT64_C(0x123456789abcdef),
};

START_TEST(handles_and_index_values_come_back)
{
    uint8_t bytes[INDEX_VALUE_SIZE];
    struct index_value value = {{UINT64_C(1) << 40, 12345, 67890}, 42}, back;

    index_value_encode(&value, bytes);
    index_value_decode(bytes, &back);

    ck_assert_uint_eq(back.block.offset, value.block.offset);
    ck_assert_uint_eq(back.block.disk_size, value.block.disk_size);
    ck_assert_uint_eq(back.block.raw_size, value.block.raw_size);
    ck_assert_uint_eq(back.ordinal, 42);
}
END_TEST

START_TEST(any_flipped_bit_of_the_header_is_refused)
{
    uint8_t bytes[TABLE_HEADER_SIZE];
    struct table_header header = {77, 42}, back;
    bool is_newer;

    table_header_encode(&header, bytes);
    ck_assert_ptr_null(table_header_decode(bytes, &back, &is_newer));
    ck_assert_uint_eq(back.uid, 77);
    ck_assert_uint_eq(back.number, 42);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        ck_assert_ptr_nonnull(table_header_decode(bytes, &back, &is_newer));
        ck_assert(!is_newer);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}
END_TEST

START_TEST(any_flipped_bit_of_the_footer_is_refused)
{
    uint8_t bytes[TABLE_FOOTER_SIZE];
    struct table_footer back;
    bool is_newer;

    table_footer_encode(&a_footer, bytes);
    ck_assert_ptr_null(table_footer_decode(bytes, &back, &is_newer));
    ck_assert_uint_eq(back.index.offset, 1064);
    ck_assert_uint_eq(back.properties.size, 100);
    ck_assert_uint_eq(back.index_levels, 2);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        ck_assert_ptr_nonnull(table_footer_decode(bytes, &back, &is_newer));
        ck_assert(!is_newer);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}
END_TEST

static bool is_refused(const struct table_footer *footer)
{
    uint8_t bytes[TABLE_FOOTER_SIZE];
    struct table_footer back;
    bool is_newer;

    table_footer_encode(footer, bytes);
    return table_footer_decode(bytes, &back, &is_newer) != NULL;
}

START_TEST(a_footer_that_contradicts_itself_is_refused)
{
    struct table_footer footer = a_footer;

    ck_assert(!is_refused(&footer));
    footer.index.size = 1000;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.index.offset = 999;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.properties.offset = UINT64_MAX;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.data_end = 5000;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.file_size = 100;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.index_levels = 3;
    ck_assert(is_refused(&footer));
    footer = a_footer;
    footer.hash_index = (struct table_section){footer.file_size - 128, 1};
    ck_assert(!is_refused(&footer));
    footer.extras = TABLE_HAS_HASH_INDEX;
    ck_assert(is_refused(&footer));
}
END_TEST

START_TEST(unknown_incompatible_features_are_newer)
{
    uint8_t bytes[TABLE_FOOTER_SIZE];
    struct table_footer back;
    bool is_newer;

    table_footer_encode(&a_footer, bytes);
    bytes[88] = 128;
    store_u64(bytes + 112,
              hash_bytes(slice_of(bytes, 112), a_footer.uid ^ 1464));
    ck_assert_ptr_nonnull(table_footer_decode(bytes, &back, &is_newer));
    ck_assert(is_newer);
    bytes[88] = 0;
    bytes[92] = 128; /* Others may be there. */
    store_u64(bytes + 112,
              hash_bytes(slice_of(bytes, 112), a_footer.uid ^ 1464));
    ck_assert_ptr_null(table_footer_decode(bytes, &back, &is_newer));
}
END_TEST

START_TEST(properties_come_back_and_cut_ones_are_refused)
{
    struct table_footer footer = {.features = _i % 2 ? TABLE_HAS_TIMED : 0,
                                  .extras = _i >= 2 ? TABLE_HAS_HASH_INDEX : 0};
    struct buf bytes = {0};
    struct table_properties back, properties = {
                                      .entries = 1,
                                      .tombstones = 2,
                                      .max_sequence = 9,
                                      .tombstone_run = 5,
                                      .filter_lines = 6,
                                      .filter_probes = 7,
                                      .smallest = {(const uint8_t *)"a", 1},
                                      .largest = {(const uint8_t *)"zz", 2},
                                  };

    properties.timed = (uint64_t)_i % 2;
    properties.earliest_ms = 8 * properties.timed;
    properties.latest_ms = 9 * properties.timed;
    if (_i >= 2) {
        properties.hash_keys = 77;
        properties.hash_shape = (struct hash_shape){7, 11, 8, 2};
    }
    ck_assert_int_eq(table_properties_encode(&properties, &bytes), BYRON_OK);
    ck_assert(table_properties_decode(buf_slice(&bytes), &footer, &back));
    ck_assert_uint_eq(back.timed, properties.timed);
    ck_assert_uint_eq(back.earliest_ms, properties.earliest_ms);
    ck_assert_uint_eq(back.latest_ms, properties.latest_ms);
    ck_assert_uint_eq(back.tombstone_run, 5);
    ck_assert_uint_eq(back.filter_probes, 7);
    ck_assert_uint_eq(back.hash_keys, properties.hash_keys);
    ck_assert_mem_eq(&back.hash_shape, &properties.hash_shape,
                     sizeof back.hash_shape);
    ck_assert(slice_equal(back.largest, properties.largest));
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert(!table_properties_decode(slice_of(bytes.data, size), &footer,
                                           &back));
    buf_deinit(&bytes);
}
END_TEST

Suite *test_sstable_format_suite(void)
{
    Suite *suite = suite_create("sstable_format");
    TCase *cases = tcase_create("sstable_format");

    tcase_add_test(cases, handles_and_index_values_come_back);
    tcase_add_test(cases, any_flipped_bit_of_the_header_is_refused);
    tcase_add_test(cases, any_flipped_bit_of_the_footer_is_refused);
    tcase_add_test(cases, a_footer_that_contradicts_itself_is_refused);
    tcase_add_test(cases, unknown_incompatible_features_are_newer);
    tcase_add_loop_test(cases, properties_come_back_and_cut_ones_are_refused, 0,
                        4);
    suite_add_tcase(suite, cases);
    return suite;
}
