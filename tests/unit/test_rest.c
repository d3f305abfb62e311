#include <check.h>

#include "base/alloc.h"
#include "compaction/overlap.h"
#include "compaction/rest.h"
#include "support/fake_version.h"

Suite *test_rest_suite(void);

static struct fake_version fake;
static struct job_spec spec;
static struct rest rest;

static void set_up(void)
{
    fake_version_init(&fake);
    spec = (struct job_spec){0};
    rest = (struct rest){0};
}

static void tear_down(void)
{
    job_spec_deinit(&spec);
    rest_deinit(&rest);
    fake_version_deinit(&fake);
}

/* Six tables over as many at the next level. */
static void fill(void)
{
    for (uint64_t i = 0; i < 6; i++) {
        fake_fill(&fake, 4, 0, i * 10, i * 10 + 9, 1000);
        fake_fill(&fake, 5, 0, i * 10, i * 10 + 9, 2000);
    }
}

/* Of level 4, the tables from first on, count of them. */
static void begin(size_t first, size_t count)
{
    struct job_spec wide = {.kind = JOB_MERGE, .output_level = 5};
    ck_assert_int_eq(
        job_spec_add(&wide, 4, level_run(&fake.version, 4), first, count),
        BYRON_OK);
    ck_assert_int_eq(rest_begin(&rest, &wide), BYRON_OK);
    job_spec_deinit(&wide);
}

static struct descent from_level_4(void)
{
    return (struct descent){.version = &fake.version,
                            .level = 4,
                            .run = level_run(&fake.version, 4),
                            .output_level = 5,
                            .job_bytes = 6000,
                            .move_bytes = 100000};
}

static enum job_kind choose(void)
{
    struct descent descent = from_level_4();
    job_spec_deinit(&spec);
    ck_assert_int_eq(rest_choose(&rest, &descent, &spec), BYRON_OK);
    return spec.kind;
}

static uint64_t first_of(void)
{
    return fake_key_number(table_meta_smallest(spec.inputs[0].tables[0]));
}

START_TEST(all_of_it_goes_from_the_first_key_to_the_last)
{
    fill();
    begin(1, 3);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(first_of(), 10);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(first_of(), 30);
    ck_assert_uint_eq(spec.inputs[0].count, 1);
    ck_assert_uint_eq(rest.level, 0);
}
END_TEST

START_TEST(what_came_meanwhile_goes_along)
{
    fill();
    begin(0, 6);
    ck_assert_int_eq(choose(), JOB_MERGE);
    fake_remove(&fake, spec.inputs[0].tables[0]->number);
    fake_remove(&fake, spec.inputs[0].tables[1]->number);
    fake_fill(&fake, 4, 0, 0, 18, 1000); /* Behind it: not its business. */
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(first_of(), 20);
    fake_remove(&fake, spec.inputs[0].tables[0]->number);
    fake_remove(&fake, spec.inputs[0].tables[1]->number);
    fake_remove(&fake, level_run(&fake.version, 4)->tables[1]->number);
    fake_fill(&fake, 4, 0, 35, 49, 1000);
    fake_fill(&fake, 4, 0, 100, 109, 1000); /* Beyond the last key. */
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(first_of(), 35);
    ck_assert_uint_eq(spec.inputs[0].count, 1);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(first_of(), 50);
    ck_assert_uint_eq(rest.level, 0);
}
END_TEST

START_TEST(what_meets_nothing_moves)
{
    fill();
    fake_fill(&fake, 4, 0, 60, 69, 1000);
    fake_fill(&fake, 4, 0, 70, 79, 1000);
    begin(6, 2);
    ck_assert_int_eq(choose(), JOB_MOVE);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
    ck_assert_uint_eq(rest.level, 0);
}
END_TEST

START_TEST(damage_ends_it)
{
    fill();
    begin(0, 6);
    atomic_store(&fake.version.levels[4].runs[0].tables[0]->is_corrupt, true);
    ck_assert_int_eq(choose(), JOB_NONE);
    ck_assert_uint_eq(rest.level, 0);
}
END_TEST

START_TEST(where_nothing_is_left_there_is_no_job)
{
    fill();
    begin(5, 1);
    fake_remove(&fake, fake.version.levels[4].runs[0].tables[5]->number);
    ck_assert_int_eq(choose(), JOB_NONE);
    ck_assert_uint_eq(rest.level, 0);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    fill();
    begin(0, 6);
    size_t live = alloc_live();
    for (size_t nth = 1; nth <= 4; nth++) {
        struct descent descent = from_level_4();
        rest.level = 4;
        alloc_fail_after(nth);
        ck_assert_int_eq(rest_choose(&rest, &descent, &spec), BYRON_NO_MEMORY);
        alloc_fail_after(0);
        ck_assert_int_eq(spec.kind, JOB_NONE);
        ck_assert_uint_eq(rest.level, 0);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_rest_suite(void)
{
    Suite *suite = suite_create("rest");
    TCase *cases = tcase_create("rest");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, all_of_it_goes_from_the_first_key_to_the_last);
    tcase_add_test(cases, what_came_meanwhile_goes_along);
    tcase_add_test(cases, what_meets_nothing_moves);
    tcase_add_test(cases, damage_ends_it);
    tcase_add_test(cases, where_nothing_is_left_there_is_no_job);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
