#include <check.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/integer.h"
#include "support/seed.h"

Suite *test_buf_suite(void);

START_TEST(all_zero_is_an_empty_buf)
{
    struct buf buf = {0};

    ck_assert_uint_eq(buf_slice(&buf).size, 0);
    buf_clear(&buf);
    ck_assert_int_eq(buf_add(&buf, NULL, 0), BYRON_OK);
    ck_assert_int_eq(buf_reserve(&buf, 0), BYRON_OK);
    ck_assert_uint_eq(buf.size, 0);
    buf_deinit(&buf);
    buf_deinit(&buf);
}
END_TEST

START_TEST(growing_keeps_the_bytes)
{
    struct buf buf = {0};
    uint8_t expected[10000];
    size_t size = 0;
    struct rng rng;

    rng_init(&rng, test_seed());
    rng_bytes(&rng, expected, sizeof expected);
    while (size < sizeof expected) {
        size_t piece = (size_t)rng_below(&rng, 300);
        if (piece > sizeof expected - size)
            piece = sizeof expected - size;
        ck_assert_int_eq(buf_add(&buf, expected + size, piece), BYRON_OK);
        size += piece;
    }
    ck_assert_uint_eq(buf.size, sizeof expected);
    ck_assert_mem_eq(buf.data, expected, sizeof expected);
    buf_deinit(&buf);
}
END_TEST

START_TEST(integers_are_little_endian)
{
    static const uint8_t expected[] = {1, 2, 1, 4, 3, 2, 1, 8, 7,
                                       6, 5, 4, 3, 2, 1, 0, 0};
    struct buf buf = {0};

    ck_assert_int_eq(buf_add_u8(&buf, 1), BYRON_OK);
    ck_assert_int_eq(buf_add_u16(&buf, 0x0102), BYRON_OK);
    ck_assert_int_eq(buf_add_u32(&buf, 0x01020304), BYRON_OK);
    ck_assert_int_eq(buf_add_u64(&buf, UINT64_C(0x0102030405060708)), BYRON_OK);
    ck_assert_int_eq(buf_add_zeros(&buf, 2), BYRON_OK);
    ck_assert_uint_eq(buf.size, sizeof expected);
    ck_assert_mem_eq(buf.data, expected, sizeof expected);
    buf_deinit(&buf);
}
END_TEST

START_TEST(varint_and_sized_are_read_back)
{
    struct buf buf = {0};
    struct slice input;
    struct slice bytes;
    uint64_t value;

    ck_assert_int_eq(buf_add_varint(&buf, 300), BYRON_OK);
    ck_assert_int_eq(buf_add_sized(&buf, slice_of("abc", 3)), BYRON_OK);
    ck_assert_int_eq(buf_add_sized(&buf, slice_of(NULL, 0)), BYRON_OK);
    input = buf_slice(&buf);
    ck_assert(read_varint(&input, &value));
    ck_assert_uint_eq(value, 300);
    ck_assert(read_sized(&input, &bytes));
    ck_assert(slice_equal(bytes, slice_of("abc", 3)));
    ck_assert(read_sized(&input, &bytes));
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_uint_eq(input.size, 0);
    buf_deinit(&buf);
}
END_TEST

START_TEST(reserved_room_needs_no_allocation)
{
    struct buf buf = {0};

    ck_assert_int_eq(buf_reserve(&buf, 5000), BYRON_OK);
    ck_assert_uint_eq(buf.size, 0);
    alloc_fail_after(1);
    ck_assert_int_eq(buf_add_zeros(&buf, 5000), BYRON_OK);
    alloc_fail_after(0);
    ck_assert_uint_eq(buf.size, 5000);
    buf_deinit(&buf);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    size_t live = alloc_live();
    struct buf buf = {0};

    ck_assert_int_eq(buf_add(&buf, "abc", 3), BYRON_OK);
    alloc_fail_after(1);
    ck_assert_int_eq(buf_add_zeros(&buf, 1000), BYRON_NO_MEMORY);
    alloc_fail_after(1);
    ck_assert_int_eq(buf_add_sized(&buf, slice_of(buf.data, 1000)),
                     BYRON_NO_MEMORY);
    ck_assert_uint_eq(buf.size, 3);
    ck_assert_mem_eq(buf.data, "abc", 3);
    buf_deinit(&buf);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    struct buf buf = {0};

    ck_assert_int_eq(buf_add_u8(&buf, 1), BYRON_OK);
    ck_assert_int_eq(buf_reserve(&buf, SIZE_MAX), BYRON_NO_MEMORY);
    ck_assert_int_eq(buf_reserve(&buf, SIZE_MAX / 2), BYRON_NO_MEMORY);
    ck_assert_int_eq(buf_add_sized(&buf, slice_of(buf.data, SIZE_MAX)),
                     BYRON_NO_MEMORY);
    ck_assert_uint_eq(buf.size, 1);
    buf_deinit(&buf);
}
END_TEST

Suite *test_buf_suite(void)
{
    Suite *suite = suite_create("buf");
    TCase *cases = tcase_create("buf");

    tcase_add_test(cases, all_zero_is_an_empty_buf);
    tcase_add_test(cases, growing_keeps_the_bytes);
    tcase_add_test(cases, integers_are_little_endian);
    tcase_add_test(cases, varint_and_sized_are_read_back);
    tcase_add_test(cases, reserved_room_needs_no_allocation);
    tcase_add_test(cases, without_memory_nothing_changes);
    tcase_add_test(cases, impossible_sizes_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
