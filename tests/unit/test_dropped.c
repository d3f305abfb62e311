#include <check.h>

#include "base/alloc.h"
#include "compaction/dropped.h"
#include "support/fake_version.h"
#include "support/seed.h"

Suite *test_dropped_suite(void);

static struct fake_version fake;
static struct dropped dropped;

static void set_up(void)
{
    fake_version_init(&fake);
    dropped = (struct dropped){0};
}

static void tear_down(void)
{
    dropped_deinit(&dropped);
    fake_version_deinit(&fake);
}

static byron_status take_drops(void)
{
    return dropped_init(&dropped, fake.state.drops, fake.state.drop_count);
}

static bool has(uint64_t number)
{
    uint8_t bytes[8];
    return dropped_has(&dropped, fake_key(number, bytes));
}

START_TEST(no_range_drops_nothing)
{
    ck_assert_int_eq(take_drops(), BYRON_OK);
    ck_assert(!has(0));
    ck_assert(!has(UINT64_MAX));
}
END_TEST

START_TEST(lower_is_in_and_upper_is_out)
{
    fake_drop(&fake, 10, 20);
    ck_assert_int_eq(take_drops(), BYRON_OK);
    ck_assert(!has(9));
    ck_assert(has(10));
    ck_assert(has(19));
    ck_assert(!has(20));
}
END_TEST

START_TEST(touching_ranges_become_one)
{
    fake_drop(&fake, 30, 40);
    fake_drop(&fake, 10, 20);
    fake_drop(&fake, 20, 31);
    fake_drop(&fake, 60, 60);
    fake_drop(&fake, 12, 15);
    ck_assert_int_eq(take_drops(), BYRON_OK);
    ck_assert_uint_eq(dropped.count, 1);
    ck_assert_uint_eq(fake_key_number(dropped.lowers[0]), 10);
    ck_assert_uint_eq(fake_key_number(dropped.uppers[0]), 40);
}
END_TEST

START_TEST(any_ranges_answer_as_a_table_of_all_keys)
{
    bool is_gone[1000] = {false};
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 20; i++) {
        uint64_t lower = rng_below(&rng, 1000);
        uint64_t upper = lower + rng_below(&rng, 40);
        fake_drop(&fake, lower, upper);
        for (uint64_t key = lower; key < upper && key < 1000; key++)
            is_gone[key] = true;
    }
    ck_assert_int_eq(take_drops(), BYRON_OK);
    for (uint64_t key = 0; key < 1000; key++)
        ck_assert(has(key) == is_gone[key]);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    fake_drop(&fake, 10, 20);
    size_t live = alloc_live();
    for (size_t nth = 1; nth <= 3; nth++) {
        alloc_fail_after(nth);
        ck_assert_int_eq(take_drops(), BYRON_NO_MEMORY);
        alloc_fail_after(0);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_dropped_suite(void)
{
    Suite *suite = suite_create("dropped");
    TCase *cases = tcase_create("dropped");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, no_range_drops_nothing);
    tcase_add_test(cases, lower_is_in_and_upper_is_out);
    tcase_add_test(cases, touching_ranges_become_one);
    tcase_add_test(cases, any_ranges_answer_as_a_table_of_all_keys);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
