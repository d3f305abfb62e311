/*
 * What the picker does where nobody writes.
 *
 * Covers: picker.
 */
#include <check.h>

#include "compaction/picker.h"
#include "support/level_model.h"

Suite *test_picker_quiet_suite(void);

static struct level_model model;
static struct job_spec spec;

static void set_up(void)
{
    level_model_init(&model, 50000, 25000);
    model.options.is_quiet = true;
    spec = (struct job_spec){0};
}

static void tear_down(void)
{
    job_spec_deinit(&spec);
    level_model_deinit(&model);
}

static enum job_kind choose(void)
{
    job_spec_deinit(&spec);
    ck_assert_int_eq(picker_choose(&model.fake.state, &model.options, &spec),
                     BYRON_OK);
    return spec.kind;
}

static struct table_meta *fill(uint32_t level, uint64_t run, uint64_t smallest,
                               uint64_t largest, uint64_t bytes)
{
    return fake_fill(&model.fake, level, run, smallest, largest, bytes);
}

START_TEST(what_is_too_much_above_goes_down_when_nobody_writes)
{
    fill(6, 0, 0, 99, 60000);
    fill(0, 1, 0, 99, 10000);
    ck_assert_int_eq(choose(), JOB_NONE);

    fill(0, 2, 0, 99, 1000);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 3);
    model.options.is_quiet = false;
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

/* Levels of their target sizes are a third of the largest here. */
START_TEST(a_little_does_not_go_down_for_a_rewrite_of_much)
{
    model.options.fanout = 4;
    fill(6, 0, 0, 99, 1600000);
    fill(5, 0, 0, 99, 400000);
    fill(4, 0, 0, 99, 100000);
    fill(0, 1, 0, 99, 1000);
    ck_assert_int_eq(choose(), JOB_NONE);

    fill(0, 2, 0, 99, 20000);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 4);
}
END_TEST

static struct table_meta *fill_superseded(uint64_t smallest, uint64_t share)
{
    struct table_meta *table = fill(6, 0, smallest, smallest + 9, 100000);
    table->facts.superseded = table->facts.entries / share;
    table->facts.max_sequence = 50;
    return table;
}

START_TEST(superseded_entries_go_when_no_reader_asks_for_them)
{
    fill_superseded(0, 10);
    struct table_meta *table = fill_superseded(10, 2);
    fill_superseded(20, 3);
    fill_superseded(30, 10);
    model.options.oldest_point = 50;
    model.options.is_quiet = false;
    ck_assert_int_eq(choose(), JOB_NONE);
    model.options.is_quiet = true;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 1);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
    ck_assert_uint_eq(spec.inputs[0].tables[0]->number, table->number);

    atomic_store(&table->is_corrupt, true);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].count, 1);
    model.options.oldest_point = 49;
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

Suite *test_picker_quiet_suite(void)
{
    Suite *suite = suite_create("picker_quiet");
    TCase *cases = tcase_create("picker_quiet");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_is_too_much_above_goes_down_when_nobody_writes);
    tcase_add_test(cases, a_little_does_not_go_down_for_a_rewrite_of_much);
    tcase_add_test(cases, superseded_entries_go_when_no_reader_asks_for_them);
    suite_add_tcase(suite, cases);
    return suite;
}
