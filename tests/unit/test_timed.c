#include <check.h>

#include "base/integer.h"
#include "entry/timed.h"
#include "support/memfs.h"

Suite *test_timed_suite(void);

START_TEST(the_clock_is_looked_at_once)
{
    struct memfs *fs = memfs_new(1);
    struct store_clock clock;
    struct moment moment;
    uint64_t first;

    memfs_use_virtual_time(fs);
    store_clock_init(&clock, memfs_os(fs));
    moment_init(&moment, &clock);
    memfs_advance(fs, 5000);
    first = memfs_os(fs)->wall_ms(memfs_os(fs));
    ck_assert_uint_eq(moment_ms(&moment), first);
    memfs_advance(fs, 5000);
    ck_assert_uint_eq(moment_ms(&moment), first);
    moment_init(&moment, &clock);
    ck_assert_uint_eq(moment_ms(&moment), first + 5);
    memfs_free(fs);
}
END_TEST

static void set_back(struct memfs *fs, uint64_t ms)
{
    memfs_advance(fs, UINT64_C(0) - ms * 1000);
}

START_TEST(a_clock_set_back_stands_still)
{
    struct memfs *fs = memfs_new(1);
    struct store_clock clock;
    uint64_t first;

    memfs_use_virtual_time(fs);
    memfs_advance(fs, UINT64_C(1000000) * 1000);
    store_clock_init(&clock, memfs_os(fs));
    first = store_clock_ms(&clock);
    set_back(fs, 1);
    ck_assert_uint_eq(store_clock_ms(&clock), first);
    set_back(fs, TIMED_GRACE_MS - 1);
    ck_assert_uint_eq(store_clock_ms(&clock), first);
    set_back(fs, 1);
    ck_assert_uint_eq(store_clock_ms(&clock), first - TIMED_GRACE_MS - 1);
    memfs_advance(fs, 2000);
    ck_assert_uint_eq(store_clock_ms(&clock), first - TIMED_GRACE_MS + 1);
    memfs_free(fs);
}
END_TEST

START_TEST(what_expires_now_is_gone)
{
    ck_assert(timed_lives(1001, 1000));
    ck_assert(!timed_lives(1000, 1000));
    ck_assert(!timed_lives(999, 1000));
}
END_TEST

START_TEST(a_raw_value_is_parted)
{
    uint8_t raw[12] = {0};
    struct slice value;
    uint64_t expires_ms;

    store_u64(raw, UINT64_C(1793000000123));
    memcpy(raw + 8, "rest", 4);
    ck_assert_int_eq(timed_split(slice_of(raw, 12), &expires_ms, &value),
                     BYRON_OK);
    ck_assert_uint_eq(expires_ms, UINT64_C(1793000000123));
    ck_assert(slice_equal(value, slice_of("rest", 4)));
    ck_assert_int_eq(timed_split(slice_of(raw, 8), &expires_ms, &value),
                     BYRON_OK);
    ck_assert_uint_eq(value.size, 0);
    for (size_t size = 0; size < 8; size++)
        ck_assert_int_eq(timed_split(slice_of(raw, size), &expires_ms, &value),
                         BYRON_CORRUPT);
}
END_TEST

Suite *test_timed_suite(void)
{
    Suite *suite = suite_create("timed");
    TCase *cases = tcase_create("timed");

    tcase_add_test(cases, the_clock_is_looked_at_once);
    tcase_add_test(cases, a_clock_set_back_stands_still);
    tcase_add_test(cases, what_expires_now_is_gone);
    tcase_add_test(cases, a_raw_value_is_parted);
    suite_add_tcase(suite, cases);
    return suite;
}
