#include <check.h>

#include "compaction/descent.h"
#include "compaction/overlap.h"
#include "support/fake_version.h"

Suite *test_descent_suite(void);

static struct fake_version fake;
static struct job_spec spec;

static void set_up(void)
{
    fake_version_init(&fake);
    spec = (struct job_spec){0};
}

static void tear_down(void)
{
    job_spec_deinit(&spec);
    fake_version_deinit(&fake);
}

/* From level 4 to 5, all tables, 100 KB a job. */
static struct descent from_level_4(void)
{
    const struct run *run = level_run(&fake.version, 4);
    return (struct descent){.version = &fake.version,
                            .level = 4,
                            .run = run,
                            .end = run->count,
                            .output_level = 5,
                            .job_bytes = 100000,
                            .move_bytes = 100000};
}

static uint64_t first_of(size_t input)
{
    return fake_key_number(table_meta_smallest(spec.inputs[input].tables[0]));
}

START_TEST(the_least_overlap_for_its_size_goes_first)
{
    fake_fill(&fake, 4, 0, 0, 99, 1000);
    fake_fill(&fake, 4, 0, 100, 199, 1000);
    fake_fill(&fake, 4, 0, 200, 299, 4000);
    fake_fill(&fake, 5, 0, 0, 99, 3000);
    fake_fill(&fake, 5, 0, 100, 199, 2000);
    fake_fill(&fake, 5, 0, 200, 299, 7000);
    struct descent descent = from_level_4();

    ck_assert_int_eq(descent_cheapest(&descent, &spec), BYRON_OK);

    ck_assert_int_eq(spec.kind, JOB_MERGE);
    ck_assert_uint_eq(spec.input_count, 2);
    ck_assert_uint_eq(spec.inputs[0].level, 4);
    ck_assert_uint_eq(first_of(0), 200);
    ck_assert_uint_eq(spec.inputs[1].level, 5);
    ck_assert_uint_eq(first_of(1), 200);
    ck_assert_uint_eq(spec.inputs[1].count, 1);
}
END_TEST

START_TEST(neighbours_under_the_same_tables_come_along)
{
    for (uint64_t i = 0; i < 5; i++)
        fake_fill(&fake, 4, 0, i * 10, i * 10 + 9, 1000);
    fake_fill(&fake, 5, 0, 0, 9, 9000);
    fake_fill(&fake, 5, 0, 10, 39, 2000);
    fake_fill(&fake, 5, 0, 40, 49, 9000);
    struct descent descent = from_level_4();

    ck_assert_int_eq(descent_cheapest(&descent, &spec), BYRON_OK);

    ck_assert_uint_eq(first_of(0), 10);
    ck_assert_uint_eq(spec.inputs[0].count, 3);
    ck_assert_uint_eq(spec.inputs[1].count, 1);
    ck_assert_uint_eq(spec.input_bytes, 5000);
}
END_TEST

START_TEST(a_job_does_not_outgrow_its_size)
{
    for (uint64_t i = 0; i < 5; i++)
        fake_fill(&fake, 4, 0, i * 10, i * 10 + 9, 1000);
    fake_fill(&fake, 5, 0, 0, 49, 2000);
    struct descent descent = from_level_4();
    descent.job_bytes = 4500;

    ck_assert_int_eq(descent_cheapest(&descent, &spec), BYRON_OK);

    ck_assert_uint_eq(spec.input_bytes, 4000);
}
END_TEST

START_TEST(what_meets_nothing_moves_as_deep_as_it_can)
{
    fake_fill(&fake, 2, 0, 10, 19, 1000);
    fake_fill(&fake, 2, 0, 20, 29, 1000);
    fake_fill(&fake, 5, 0, 10, 12, 1000);
    fake_fill(&fake, 6, 0, 40, 59, 1000);
    struct descent descent = {.version = &fake.version,
                              .level = 2,
                              .run = level_run(&fake.version, 2),
                              .end = 2,
                              .output_level = 3};

    ck_assert_int_eq(descent_of(&descent, 0, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_MOVE);
    ck_assert_uint_eq(spec.output_level, 4);
    job_spec_deinit(&spec);
    ck_assert_int_eq(descent_of(&descent, 1, &spec), BYRON_OK);
    ck_assert_uint_eq(spec.output_level, 6);
}
END_TEST

START_TEST(a_move_takes_neighbours_up_to_its_bytes)
{
    for (uint64_t i = 0; i < 6; i++)
        fake_fill(&fake, 4, 0, i * 10, i * 10 + 9, 1000);
    fake_fill(&fake, 6, 0, 50, 59, 1000);
    struct descent descent = from_level_4();

    ck_assert_int_eq(descent_of(&descent, 0, &spec), BYRON_OK);
    ck_assert_uint_eq(spec.inputs[0].count, 5);
    job_spec_deinit(&spec);
    descent.move_bytes = 2999;
    ck_assert_int_eq(descent_of(&descent, 0, &spec), BYRON_OK);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
}
END_TEST

START_TEST(damage_on_either_side_bars_the_way)
{
    fake_fill(&fake, 4, 0, 0, 9, 1000);
    fake_fill(&fake, 4, 0, 10, 19, 1000);
    fake_fill(&fake, 4, 0, 20, 29, 1000);
    fake_fill(&fake, 5, 0, 0, 9, 1000);
    fake_fill(&fake, 5, 0, 20, 29, 5000);
    atomic_store(&fake.version.levels[4].runs[0].tables[1]->is_corrupt, true);
    atomic_store(&fake.version.levels[5].runs[0].tables[0]->is_corrupt, true);
    struct descent descent = from_level_4();

    ck_assert_int_eq(descent_of(&descent, 0, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    ck_assert_int_eq(descent_of(&descent, 1, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    ck_assert_int_eq(descent_cheapest(&descent, &spec), BYRON_OK);
    ck_assert_uint_eq(first_of(0), 20);
    ck_assert_uint_eq(spec.inputs[0].count, 1);
}
END_TEST

Suite *test_descent_suite(void)
{
    Suite *suite = suite_create("descent");
    TCase *cases = tcase_create("descent");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_least_overlap_for_its_size_goes_first);
    tcase_add_test(cases, neighbours_under_the_same_tables_come_along);
    tcase_add_test(cases, a_job_does_not_outgrow_its_size);
    tcase_add_test(cases, what_meets_nothing_moves_as_deep_as_it_can);
    tcase_add_test(cases, a_move_takes_neighbours_up_to_its_bytes);
    tcase_add_test(cases, damage_on_either_side_bars_the_way);
    suite_add_tcase(suite, cases);
    return suite;
}
