#include <check.h>

#include "base/alloc.h"
#include "compaction/picker.h"
#include "support/fake_version.h"

Suite *test_picker_range_suite(void);

static struct fake_version fake;
static struct picker_options options;
static struct job_spec spec;

static void set_up(void)
{
    fake_version_init(&fake);
    options = (struct picker_options){.memtable_bytes = 1000,
                                      .file_size = 1000,
                                      .fanout = 10,
                                      .level0_runs = 4,
                                      .oldest_point = 100};
    spec = (struct job_spec){0};
}

static void tear_down(void)
{
    job_spec_deinit(&spec);
    fake_version_deinit(&fake);
}

static enum job_kind choose(uint64_t lower, uint64_t upper)
{
    uint8_t a[8], b[8];
    job_spec_deinit(&spec);
    ck_assert_int_eq(picker_choose_range(&fake.state, &options,
                                         fake_key(lower, a), fake_key(upper, b),
                                         &spec),
                     BYRON_OK);
    return spec.kind;
}

START_TEST(a_range_with_nothing_needs_nothing)
{
    fake_fill(&fake, 0, 1, 50, 59, 100);
    ck_assert_int_eq(choose(0, 50), JOB_NONE);
    ck_assert_int_eq(choose(60, 99), JOB_NONE);
}
END_TEST

START_TEST(level_0_goes_down_with_all_it_reaches)
{
    fake_fill(&fake, 0, 2, 10, 39, 100);
    fake_fill(&fake, 0, 2, 40, 49, 100);
    fake_fill(&fake, 0, 1, 35, 41, 100);
    fake_fill(&fake, 0, 1, 70, 79, 100);
    fake_fill(&fake, 6, 0, 0, 99, 100);

    /* 10..39 asked for; 35..41 and so 40..49 hang on it, 70..79 does not. */
    ck_assert_int_eq(choose(10, 11), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 3);
    ck_assert_uint_eq(spec.inputs[0].run, 2);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
    ck_assert_uint_eq(spec.inputs[1].run, 1);
    ck_assert_uint_eq(spec.inputs[1].count, 1);
    ck_assert_uint_eq(spec.inputs[2].level, 6);
}
END_TEST

START_TEST(an_upper_level_goes_down_table_by_table)
{
    fake_fill(&fake, 5, 0, 0, 9, 100);
    fake_fill(&fake, 5, 0, 10, 19, 100);
    fake_fill(&fake, 6, 0, 0, 9, 1000000);
    fake_fill(&fake, 6, 0, 10, 19, 1000000);

    ck_assert_int_eq(choose(15, 16), JOB_MERGE);
    ck_assert_uint_eq(spec.input_count, 2);
    ck_assert_uint_eq(
        fake_key_number(table_meta_smallest(spec.inputs[0].tables[0])), 10);
}
END_TEST

START_TEST(the_last_level_is_rewritten_for_tombstones_alone)
{
    struct table_meta *table = fake_fill(&fake, 6, 0, 0, 9, 1000);
    ck_assert_int_eq(choose(0, 10), JOB_NONE);

    table->facts.tombstones = 1;
    table->facts.max_sequence = 101;
    ck_assert_int_eq(choose(0, 10), JOB_NONE); /* A reader may need them. */
    table->facts.max_sequence = 100;
    ck_assert_int_eq(choose(0, 10), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 1);
}
END_TEST

START_TEST(open_bounds_take_everything)
{
    fake_fill(&fake, 0, 2, 90, 99, 100);
    fake_fill(&fake, 0, 1, 0, 95, 100);
    struct slice open = slice_of(NULL, 0);

    ck_assert_int_eq(
        picker_choose_range(&fake.state, &options, open, open, &spec),
        BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_MERGE);
    ck_assert_uint_eq(spec.input_count, 2);
    ck_assert_uint_eq(spec.output_level, 6);
}
END_TEST

START_TEST(the_last_level_is_rewritten_for_range_deletes)
{
    struct table_meta *table = fake_fill(&fake, 6, 0, 0, 9, 1000);
    ck_assert_int_eq(choose(0, 10), JOB_NONE);
    table->facts.ranges = 1;
    ck_assert_int_eq(choose(0, 10), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    table->facts.max_sequence = options.oldest_point + 1;
    ck_assert_int_eq(choose(0, 10), JOB_NONE);
}
END_TEST

/* The delete of a table that is moved or merged goes down with it. */
START_TEST(range_deletes_go_down_to_what_they_hide)
{
    struct picker_options at_work = options;
    struct table_meta *table = fake_fill(&fake, 5, 0, 0, 99, 100);
    struct level *level = &fake.version.levels[5];
    fake_fill(&fake, 6, 0, 0, 99, 1000000);
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    table->facts.ranges = level->ranges = 1;
    table->facts.hidden = 9000;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    job_spec_deinit(&spec);
    /* Few are not worth it, unless they are old. */
    table->facts.hidden = 90;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    at_work.tombstone_age_s = 60;
    at_work.now_s = 61;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &spec), BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_MERGE);
}
END_TEST

START_TEST(damage_is_left_alone)
{
    struct table_meta *table = fake_fill(&fake, 0, 1, 0, 9, 100);
    fake_fill(&fake, 0, 2, 0, 9, 100);
    atomic_store(&table->is_corrupt, true);
    ck_assert_int_eq(choose(0, 10), JOB_NONE);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    uint8_t a[8], b[8];
    fake_fill(&fake, 0, 2, 0, 9, 100);
    fake_fill(&fake, 0, 1, 5, 15, 100);
    fake_fill(&fake, 6, 0, 5, 15, 100);
    size_t live = alloc_live();
    for (size_t nth = 1; nth <= 6; nth++) {
        alloc_fail_after(nth);
        ck_assert_int_eq(picker_choose_range(&fake.state, &options,
                                             fake_key(0, a), fake_key(9, b),
                                             &spec),
                         BYRON_NO_MEMORY);
        alloc_fail_after(0);
        ck_assert_int_eq(spec.kind, JOB_NONE);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_picker_range_suite(void)
{
    Suite *suite = suite_create("picker_range");
    TCase *cases = tcase_create("picker_range");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_range_with_nothing_needs_nothing);
    tcase_add_test(cases, level_0_goes_down_with_all_it_reaches);
    tcase_add_test(cases, an_upper_level_goes_down_table_by_table);
    tcase_add_test(cases, the_last_level_is_rewritten_for_tombstones_alone);
    tcase_add_test(cases, open_bounds_take_everything);
    tcase_add_test(cases, the_last_level_is_rewritten_for_range_deletes);
    tcase_add_test(cases, range_deletes_go_down_to_what_they_hide);
    tcase_add_test(cases, damage_is_left_alone);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
