#include <check.h>

#include "base/alloc.h"
#include "compaction/older.h"
#include "support/fake_version.h"

Suite *test_older_suite(void);

static struct fake_version fake;
static struct job_spec spec;
static struct older older;

static void set_up(void)
{
    fake_version_init(&fake);
    spec = (struct job_spec){.kind = JOB_MERGE};
    older = (struct older){0};
}

static void tear_down(void)
{
    older_deinit(&older);
    job_spec_deinit(&spec);
    fake_version_deinit(&fake);
}

/* Makes a whole run of level an input, after those there are. */
static void add_input(uint32_t level, size_t run)
{
    const struct run *at = &fake.version.levels[level].runs[run];
    ck_assert_int_eq(job_spec_add(&spec, level, at, 0, at->count), BYRON_OK);
}

static bool may_hold(uint64_t number)
{
    uint8_t bytes[8];
    return older_may_hold(&older, fake_key(number, bytes));
}

START_TEST(for_a_flush_everything_is_older)
{
    fake_fill(&fake, 0, 1, 10, 19, 100);
    fake_fill(&fake, 3, 0, 30, 39, 100);
    ck_assert_int_eq(older_init(&older, &fake.version, NULL), BYRON_OK);

    ck_assert(!may_hold(9));
    ck_assert(may_hold(10));
    ck_assert(may_hold(19));
    ck_assert(!may_hold(20));
    ck_assert(may_hold(35));
    ck_assert(!may_hold(40));
}
END_TEST

START_TEST(inputs_and_what_is_newer_do_not_count)
{
    fake_fill(&fake, 0, 2, 0, 99, 100);
    fake_fill(&fake, 0, 1, 0, 99, 100);
    fake_fill(&fake, 5, 0, 0, 99, 100);
    fake_fill(&fake, 6, 0, 50, 59, 100);
    add_input(0, 1);
    add_input(5, 0);
    ck_assert_int_eq(older_init(&older, &fake.version, &spec), BYRON_OK);

    ck_assert_uint_eq(older.count, 1);
    ck_assert(!may_hold(49));
    ck_assert(may_hold(50));
    ck_assert(!may_hold(60));
}
END_TEST

START_TEST(an_older_run_of_level_0_left_out_counts)
{
    fake_fill(&fake, 0, 2, 0, 99, 100);
    fake_fill(&fake, 0, 1, 20, 29, 100);
    add_input(0, 0);
    ck_assert_int_eq(older_init(&older, &fake.version, &spec), BYRON_OK);

    ck_assert(!may_hold(19));
    ck_assert(may_hold(25));
}
END_TEST

START_TEST(a_table_between_left_out_counts)
{
    fake_fill(&fake, 2, 0, 0, 99, 100);
    fake_fill(&fake, 4, 0, 10, 19, 100);
    fake_fill(&fake, 4, 0, 30, 39, 100);
    add_input(2, 0);
    const struct run *run = &fake.version.levels[4].runs[0];
    ck_assert_int_eq(job_spec_add(&spec, 4, run, 0, 1), BYRON_OK);
    ck_assert_int_eq(older_init(&older, &fake.version, &spec), BYRON_OK);

    ck_assert(!may_hold(15));
    ck_assert(may_hold(35));
}
END_TEST

START_TEST(a_stretch_is_touched_by_any_key_of_it)
{
    uint8_t a[8], b[8];
    struct table_meta *table = fake_fill(&fake, 3, 0, 10, 19, 1000);
    fake_fill(&fake, 5, 0, 40, 49, 1000);
    ck_assert_int_eq(older_init(&older, &fake.version, NULL), BYRON_OK);

    ck_assert(!older_may_touch(&older, fake_key(0, a), fake_key(10, b)));
    ck_assert(older_may_touch(&older, fake_key(0, a), fake_key(11, b)));
    ck_assert(older_may_touch(&older, fake_key(19, a), fake_key(20, b)));
    ck_assert(!older_may_touch(&older, fake_key(20, a), fake_key(40, b)));
    ck_assert(older_may_touch(&older, fake_key(0, a), fake_key(99, b)));
    table->facts.is_open = true; /* 19 itself is not in it. */
    ck_assert(!older_may_touch(&older, fake_key(19, a), fake_key(20, b)));
}
END_TEST

START_TEST(what_lies_in_a_stretch_is_counted)
{
    uint8_t a[8], b[8];
    fake_fill(&fake, 3, 0, 10, 19, 1000);
    fake_fill(&fake, 5, 0, 12, 13, 500);
    fake_fill(&fake, 5, 0, 40, 49, 2000);
    ck_assert_int_eq(older_init(&older, &fake.version, NULL), BYRON_OK);

    ck_assert_uint_eq(older_count(&older, fake_key(0, a), fake_key(99, b)), 35);
    ck_assert_uint_eq(older_count(&older, fake_key(10, a), fake_key(20, b)),
                      15);
    ck_assert_uint_eq(older_count(&older, fake_key(20, a), fake_key(40, b)), 0);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    fake_fill(&fake, 0, 1, 10, 19, 100);
    fake_fill(&fake, 3, 0, 30, 39, 100);
    size_t live = alloc_live();
    for (size_t nth = 1; nth <= 3; nth++) {
        alloc_fail_after(nth);
        ck_assert_int_eq(older_init(&older, &fake.version, NULL),
                         BYRON_NO_MEMORY);
        alloc_fail_after(0);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_older_suite(void)
{
    Suite *suite = suite_create("older");
    TCase *cases = tcase_create("older");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, for_a_flush_everything_is_older);
    tcase_add_test(cases, inputs_and_what_is_newer_do_not_count);
    tcase_add_test(cases, an_older_run_of_level_0_left_out_counts);
    tcase_add_test(cases, a_table_between_left_out_counts);
    tcase_add_test(cases, a_stretch_is_touched_by_any_key_of_it);
    tcase_add_test(cases, what_lies_in_a_stretch_is_counted);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
