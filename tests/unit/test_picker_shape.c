#include <check.h>

#include "compaction/picker.h"
#include "support/fake_version.h"

Suite *test_picker_shape_suite(void);

static struct fake_version fake;
static uint64_t targets[BYRON_LEVELS];

static const struct picker_options options = {
    .memtable_bytes = 1000, .file_size = 1000, .fanout = 10, .level0_runs = 4};

static void set_up(void)
{
    fake_version_init(&fake);
}

static void tear_down(void)
{
    fake_version_deinit(&fake);
}

static uint32_t base_level(void)
{
    return picker_targets(&fake.version, &options, targets);
}

START_TEST(an_empty_store_fills_the_last_level)
{
    ck_assert_uint_eq(base_level(), 6);
    ck_assert_uint_eq(picker_debt(&fake.version, &options), 0);
}
END_TEST

START_TEST(each_level_is_fanout_times_its_upper)
{
    fake_fill(&fake, 6, 0, 0, 9, 990000);

    ck_assert_uint_eq(base_level(), 4);
    ck_assert_uint_eq(targets[6], 990000);
    ck_assert_uint_eq(targets[5], 99000);
    ck_assert_uint_eq(targets[4], 9900);
    ck_assert_uint_eq(targets[3], 0);
}
END_TEST

/* 1000 bytes are what makes a level worth while, 500 what keeps it. */
START_TEST(a_level_once_begun_is_kept_longer)
{
    struct table_meta *last = fake_fill(&fake, 6, 0, 0, 9, 9999);

    ck_assert_uint_eq(base_level(), 6);
    fake_fill(&fake, 5, 0, 0, 9, 100);
    ck_assert_uint_eq(base_level(), 5);
    ck_assert_uint_eq(targets[5], 999);

    fake_remove(&fake, last->number);
    fake_fill(&fake, 6, 0, 0, 9, 4999);
    base_level();
    ck_assert_uint_eq(targets[5], 0);
    ck_assert_double_gt(picker_score(&fake.version, &options, targets, 5), 1);
}
END_TEST

START_TEST(level_0_does_not_jump_what_lies_above_the_base)
{
    fake_fill(&fake, 6, 0, 0, 9, 990000);
    fake_fill(&fake, 2, 0, 0, 9, 100);

    ck_assert_uint_eq(base_level(), 2);
    ck_assert_uint_eq(targets[2], 0);
    ck_assert_uint_eq(targets[4], 9900);
}
END_TEST

START_TEST(a_last_level_that_shrank_fills_up_again)
{
    fake_fill(&fake, 5, 0, 0, 9, 500000);
    fake_fill(&fake, 6, 0, 0, 9, 1000);

    base_level();
    ck_assert_uint_eq(targets[6], 500000);
    ck_assert_double_gt(picker_score(&fake.version, &options, targets, 5), 9);
}
END_TEST

START_TEST(level_0_is_due_by_runs_and_by_bytes)
{
    for (uint64_t run = 1; run <= 3; run++)
        fake_fill(&fake, 0, run, 0, 9, 100);
    base_level();
    ck_assert_double_lt(picker_score(&fake.version, &options, targets, 0), 1);
    fake_fill(&fake, 0, 4, 0, 9, 100);
    ck_assert_double_eq(picker_score(&fake.version, &options, targets, 0), 1);

    fake_fill(&fake, 0, 5, 0, 9, 80000);
    ck_assert_double_gt(picker_score(&fake.version, &options, targets, 0), 10);
}
END_TEST

START_TEST(debt_counts_what_the_excess_will_meet)
{
    fake_fill(&fake, 6, 0, 0, 9, 100000);
    struct table_meta *table = fake_fill(&fake, 5, 0, 0, 9, 10000);
    ck_assert_uint_eq(picker_debt(&fake.version, &options), 0);

    fake_remove(&fake, table->number);
    table = fake_fill(&fake, 5, 0, 0, 9, 20000);
    /* Half of level 5 goes down, and half of level 6 with it. */
    ck_assert_uint_eq(picker_debt(&fake.version, &options), 10000 + 50000);

    atomic_store(&table->is_corrupt, true);
    ck_assert_uint_eq(picker_debt(&fake.version, &options), 0);
}
END_TEST

START_TEST(debt_of_level_0_includes_the_base)
{
    fake_fill(&fake, 6, 0, 0, 9, 5000);
    for (uint64_t run = 1; run <= 4; run++)
        fake_fill(&fake, 0, run, 0, 9, 1000);

    ck_assert_uint_eq(picker_debt(&fake.version, &options), 9000);
}
END_TEST

Suite *test_picker_shape_suite(void)
{
    Suite *suite = suite_create("picker_shape");
    TCase *cases = tcase_create("picker_shape");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, an_empty_store_fills_the_last_level);
    tcase_add_test(cases, each_level_is_fanout_times_its_upper);
    tcase_add_test(cases, a_level_once_begun_is_kept_longer);
    tcase_add_test(cases, level_0_does_not_jump_what_lies_above_the_base);
    tcase_add_test(cases, a_last_level_that_shrank_fills_up_again);
    tcase_add_test(cases, level_0_is_due_by_runs_and_by_bytes);
    tcase_add_test(cases, debt_counts_what_the_excess_will_meet);
    tcase_add_test(cases, debt_of_level_0_includes_the_base);
    suite_add_tcase(suite, cases);
    return suite;
}
