#include <check.h>

#include "base/alloc.h"
#include "base/integer.h"
#include "entry/entry.h"
#include "support/seed.h"

Suite *test_entry_suite(void);

static struct buf encoded;

static void tear_down(void)
{
    buf_deinit(&encoded);
}

static void encode(enum entry_kind kind, struct slice key, struct slice value)
{
    struct entry entry = {
        .key = key, .value = value, .sequence = 9, .kind = kind};
    ck_assert_int_eq(entry_encode(&entry, &encoded), BYRON_OK);
}

static bool is_entry(const void *bytes, size_t size)
{
    struct slice input = slice_of(bytes, size);
    struct entry entry;
    bool is_good = entry_decode(&input, &entry);

    if (!is_good)
        ck_assert_uint_eq(input.size, size);
    return is_good;
}

START_TEST(bytes_are_as_documented)
{
    encode(ENTRY_PUT, slice_of("ab", 2), slice_of("c", 1));
    encode(ENTRY_DELETE, slice_of("d", 1), slice_of(NULL, 0));

    ck_assert_uint_eq(encoded.size, 10);
    ck_assert_mem_eq(encoded.data,
                     "\x01\x02"
                     "ab\x01"
                     "c\x02\x01"
                     "d\x00",
                     10);
}
END_TEST

START_TEST(any_batch_of_entries_comes_back)
{
    enum { COUNT = 200 };
    static uint8_t bytes[70000];
    struct slice keys[COUNT];
    struct slice values[COUNT];
    struct slice input;
    struct entry entry;
    struct rng rng;

    rng_init(&rng, test_seed());
    rng_bytes(&rng, bytes, sizeof bytes);
    for (size_t i = 0; i < COUNT; i++) {
        keys[i] = slice_of(bytes + i, (size_t)rng_below(&rng, 300));
        values[i] =
            slice_of(bytes + i, i % 3 ? (size_t)rng_below(&rng, 60000) : 0);
        encode(i % 3 ? ENTRY_PUT : ENTRY_DELETE, keys[i], values[i]);
    }
    input = buf_slice(&encoded);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(entry_decode(&input, &entry));
        ck_assert_int_eq(entry.kind, i % 3 ? ENTRY_PUT : ENTRY_DELETE);
        ck_assert(slice_equal(entry.key, keys[i]));
        ck_assert(slice_equal(entry.value, values[i]));
        ck_assert_uint_eq(entry.sequence, 0);
    }
    ck_assert_uint_eq(input.size, 0);
}
END_TEST

START_TEST(every_cut_of_an_entry_is_refused)
{
    encode(ENTRY_PUT, slice_of("some key", 8), slice_of("some value", 10));

    ck_assert(is_entry(encoded.data, encoded.size));
    for (size_t size = 0; size < encoded.size; size++)
        ck_assert(!is_entry(encoded.data, size));
}
END_TEST

START_TEST(unknown_kinds_and_dead_values_are_refused)
{
    ck_assert(is_entry("\x01\x01k\x01v", 5));
    ck_assert(!is_entry("\x00\x01k\x01v", 5));
    ck_assert(!is_entry("\x04\x01k\x01v", 5));
    ck_assert(!is_entry("\x02\x01k\x01v", 5));
    ck_assert(is_entry("\x02\x01k\x00", 4));
}
END_TEST

START_TEST(a_timed_value_begins_with_its_expiry)
{
    ck_assert(is_entry("\x03\x01k\x08"
                       "12345678",
                       12));
    ck_assert(!is_entry("\x03\x01k\x07"
                        "1234567",
                        11));
    ck_assert(!is_entry("\x03\x01k\x00", 4));
}
END_TEST

START_TEST(a_key_beyond_the_limit_is_refused)
{
    uint8_t *key = alloc_zeroed(1, BYRON_MAX_KEY + 1);

    encode(ENTRY_PUT, slice_of(key, BYRON_MAX_KEY), slice_of(NULL, 0));
    ck_assert(is_entry(encoded.data, encoded.size));
    buf_clear(&encoded);
    encode(ENTRY_PUT, slice_of(key, BYRON_MAX_KEY + 1), slice_of(NULL, 0));
    ck_assert(!is_entry(encoded.data, encoded.size));
    alloc_free(key);
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[16];
        size_t size = (size_t)rng_below(&rng, sizeof bytes + 1);
        rng_bytes(&rng, bytes, sizeof bytes);
        bytes[0] &= 3;
        bytes[1] &= 15;
        is_entry(bytes, size);
    }
}
END_TEST

START_TEST(without_memory_nothing_is_appended)
{
    struct entry entry = {.key = slice_of("k", 1), .kind = ENTRY_DELETE};

    alloc_fail_after(1);
    ck_assert_int_eq(entry_encode(&entry, &encoded), BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert_uint_eq(encoded.size, 0);
}
END_TEST

START_TEST(keys_ascend_and_sequences_descend)
{
    struct slice a = slice_of("a", 1);
    struct slice ab = slice_of("ab", 2);
    struct slice high = slice_of("\xff", 1);

    ck_assert_int_lt(entry_compare(a, 1, ab, 1), 0);
    ck_assert_int_gt(entry_compare(high, 1, ab, 9), 0);
    ck_assert_int_lt(entry_compare(a, 2, a, 1), 0);
    ck_assert_int_gt(entry_compare(a, 1, a, SEQUENCE_MAX), 0);
    ck_assert_int_eq(entry_compare(ab, 5, ab, 5), 0);
}
END_TEST

Suite *test_entry_suite(void)
{
    Suite *suite = suite_create("entry");
    TCase *cases = tcase_create("entry");

    tcase_add_checked_fixture(cases, NULL, tear_down);
    tcase_add_test(cases, bytes_are_as_documented);
    tcase_add_test(cases, any_batch_of_entries_comes_back);
    tcase_add_test(cases, every_cut_of_an_entry_is_refused);
    tcase_add_test(cases, unknown_kinds_and_dead_values_are_refused);
    tcase_add_test(cases, a_timed_value_begins_with_its_expiry);
    tcase_add_test(cases, a_key_beyond_the_limit_is_refused);
    tcase_add_test(cases, any_bytes_are_survived);
    tcase_add_test(cases, without_memory_nothing_is_appended);
    tcase_add_test(cases, keys_ascend_and_sequences_descend);
    suite_add_tcase(suite, cases);
    return suite;
}
