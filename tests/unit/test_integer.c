#include <check.h>

#include "base/integer.h"
#include "support/seed.h"

Suite *test_integer_suite(void);

static void check_round_trip(uint64_t value)
{
    uint8_t bytes[VARINT_MAX_SIZE];
    size_t size = write_varint(bytes, value);
    struct slice input = slice_of(bytes, size);
    uint64_t again = ~value;

    ck_assert_uint_eq(size, varint_size(value));
    ck_assert(read_varint(&input, &again));
    ck_assert_uint_eq(again, value);
    ck_assert_uint_eq(input.size, 0);
    for (size_t shorter = 0; shorter < size; shorter++) {
        input = slice_of(bytes, shorter);
        ck_assert(!read_varint(&input, &again));
        ck_assert_uint_eq(input.size, shorter);
    }
}

START_TEST(varint_comes_back_at_every_width)
{
    check_round_trip(0);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        check_round_trip(power - 1);
        check_round_trip(power);
        check_round_trip(power + 1);
    }
    check_round_trip(UINT64_MAX);
}
END_TEST

START_TEST(any_varint_comes_back)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 4000; i++)
        check_round_trip(rng_next(&rng) >> rng_below(&rng, 64));
}
END_TEST

START_TEST(varint_bytes_are_as_documented)
{
    static const uint8_t expected[] = {0xac, 0x02};
    uint8_t bytes[VARINT_MAX_SIZE];

    ck_assert_uint_eq(write_varint(bytes, 300), 2);
    ck_assert_mem_eq(bytes, expected, 2);
    ck_assert_uint_eq(varint_size(UINT64_MAX), VARINT_MAX_SIZE);
}
END_TEST

static bool is_varint(const char *bytes, size_t size)
{
    struct slice input = slice_of(bytes, size);
    uint64_t value;
    return read_varint(&input, &value);
}

START_TEST(malformed_varints_are_refused)
{
    ck_assert(is_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    ck_assert(!is_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
    ck_assert(!is_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11));
    ck_assert(!is_varint("\x80\x00", 2));
    ck_assert(!is_varint("\xff\x80\x00", 3));
    ck_assert(!is_varint("", 0));
}
END_TEST

START_TEST(fixed_integers_advance_their_input)
{
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct slice input = slice_of(bytes, sizeof bytes);
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    ck_assert(read_u8(&input, &u8));
    ck_assert(read_u16(&input, &u16));
    ck_assert(read_u32(&input, &u32));
    ck_assert(read_u64(&input, &u64));
    ck_assert_uint_eq(u8, 1);
    ck_assert_uint_eq(u16, 0x0302);
    ck_assert_uint_eq(u32, 0x07060504);
    ck_assert_uint_eq(u64, UINT64_C(0x0f0e0d0c0b0a0908));
    ck_assert_uint_eq(input.size, 0);
}
END_TEST

START_TEST(missing_bytes_are_never_read)
{
    const uint8_t bytes[8] = {0};
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct slice out;
    struct slice none = slice_of(NULL, 0);
    struct slice one = slice_of(bytes, 1);
    struct slice three = slice_of(bytes, 3);
    struct slice seven = slice_of(bytes, 7);

    ck_assert(!read_u8(&none, &u8));
    ck_assert(!read_u16(&one, &u16));
    ck_assert(!read_u32(&three, &u32));
    ck_assert(!read_u64(&seven, &u64));
    ck_assert(!read_bytes(&seven, 8, &out));
    ck_assert(read_bytes(&none, 0, &out));
    ck_assert_uint_eq(one.size + three.size + seven.size, 1 + 3 + 7);
}
END_TEST

START_TEST(sized_bytes_beyond_the_input_are_refused)
{
    struct slice input = slice_of("\x03"
                                  "abcd",
                                  5);
    struct slice huge =
        slice_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01 and more", 19);
    struct slice out;

    ck_assert(read_sized(&input, &out));
    ck_assert(slice_equal(out, slice_of("abc", 3)));
    ck_assert_uint_eq(input.size, 1);
    input = slice_of("\x03"
                     "ab",
                     3);
    ck_assert(!read_sized(&input, &out));
    ck_assert_uint_eq(input.size, 3);
    ck_assert(!read_sized(&huge, &out));
    ck_assert_uint_eq(huge.size, 19);
}
END_TEST

Suite *test_integer_suite(void)
{
    Suite *suite = suite_create("integer");
    TCase *cases = tcase_create("integer");

    tcase_add_test(cases, varint_comes_back_at_every_width);
    tcase_add_test(cases, any_varint_comes_back);
    tcase_add_test(cases, varint_bytes_are_as_documented);
    tcase_add_test(cases, malformed_varints_are_refused);
    tcase_add_test(cases, fixed_integers_advance_their_input);
    tcase_add_test(cases, missing_bytes_are_never_read);
    tcase_add_test(cases, sized_bytes_beyond_the_input_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
