#include <check.h>

#include "base/alloc.h"
#include "compaction/picker.h"
#include "support/fake_version.h"

Suite *test_picker_range_suite(void);

static struct fake_version fake;
static struct picker_options options;
static struct job_spec spec;
static struct rest rest;
static struct picker_sweep sweep;

static void set_up(void)
{
    fake_version_init(&fake);
    options = (struct picker_options){.memtable_bytes = 1000,
                                      .file_size = 1000,
                                      .fanout = 10,
                                      .level0_runs = 4,
                                      .oldest_point = 100};
    spec = (struct job_spec){0};
    rest = (struct rest){0};
    sweep = (struct picker_sweep){.newest_run = UINT64_MAX};
}

static void tear_down(void)
{
    job_spec_deinit(&spec);
    rest_deinit(&rest);
    buf_deinit(&sweep.from);
    fake_version_deinit(&fake);
}

static enum job_kind go_on(void)
{
    job_spec_deinit(&spec);
    ck_assert_int_eq(picker_choose_range(&fake.state, &options, &sweep, &spec),
                     BYRON_OK);
    return spec.kind;
}

/* The first step of a compaction of [lower, upper). */
static enum job_kind choose(uint64_t lower, uint64_t upper)
{
    static uint8_t a[8], b[8];
    buf_deinit(&sweep.from);
    sweep = (struct picker_sweep){.lower = fake_key(lower, a),
                                  .upper = fake_key(upper, b),
                                  .newest_run = UINT64_MAX};
    return go_on();
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

/* Ten tables over ten that hold far more, a piece of them at a time. */
static void fill_wide(void)
{
    options.file_size = 10000;
    for (uint64_t i = 0; i < 10; i++) {
        fake_fill(&fake, 5, 0, i * 10, i * 10 + 9, 1000);
        fake_fill(&fake, 6, 0, i * 10, i * 10 + 9, 15000);
    }
}

static void carry_out(void)
{
    for (size_t i = 0; i < spec.inputs[0].count; i++)
        fake_remove(&fake, spec.inputs[0].tables[i]->number);
}

START_TEST(a_level_goes_down_in_pieces)
{
    fill_wide();
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(go_on(), JOB_MERGE);
        ck_assert_uint_le(spec.input_bytes,
                          picker_piece(&fake.version, &options));
        ck_assert_uint_eq(
            fake_key_number(table_meta_smallest(spec.inputs[0].tables[0])),
            i * 10);
        carry_out();
    }
    ck_assert_int_eq(go_on(), JOB_NONE);
}
END_TEST

/* Or it would not end while others write. */
START_TEST(what_comes_behind_it_stays)
{
    fill_wide();
    fake_fill(&fake, 0, 1, 0, 99, 100);
    sweep.newest_run = 1;
    ck_assert_int_eq(go_on(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].level, 0);
    ck_assert_uint_eq(spec.output_level, 5);
    carry_out();
    fake_fill(&fake, 0, 2, 0, 99, 100);
    ck_assert_int_eq(go_on(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].level, 5);
    carry_out();
    fake_fill(&fake, 5, 0, 0, 5, 1000);
    for (int i = 1; i < 10; i++) {
        ck_assert_int_eq(go_on(), JOB_MERGE);
        carry_out();
    }
    ck_assert_int_eq(go_on(), JOB_NONE);
    ck_assert_uint_eq(fake.version.levels[5].bytes, 1000);
    ck_assert_uint_eq(fake.version.levels[0].bytes, 100);
}
END_TEST

/* One table over all of a large level would take it down in one job. */
START_TEST(level_0_is_cut_above_what_is_too_much_for_a_job)
{
    options.file_size = 10000;
    for (uint64_t i = 0; i < 10; i++)
        fake_fill(&fake, 6, 0, i * 10, i * 10 + 9, 15000);
    fake_fill(&fake, 0, 1, 0, 99, 100);
    ck_assert_int_eq(go_on(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 5);
    ck_assert_uint_eq(spec.input_count, 1);
    ck_assert_uint_gt(spec.below_bytes, 0);
    fake_fill(&fake, 0, 2, 5, 95, 100);
    ck_assert_int_eq(go_on(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 5);
    ck_assert_uint_eq(spec.input_count, 2);
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

    ck_assert_int_eq(go_on(), JOB_MERGE);
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
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &rest, &spec),
                     BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    table->facts.ranges = level->ranges = 1;
    table->facts.hidden = 9000;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &rest, &spec),
                     BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    job_spec_deinit(&spec);
    /* Few are not worth it, unless they are old. */
    table->facts.hidden = 90;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &rest, &spec),
                     BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    at_work.tombstone_age_s = 60;
    at_work.now_s = 61;
    ck_assert_int_eq(picker_choose(&fake.state, &at_work, &rest, &spec),
                     BYRON_OK);
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
    fake_fill(&fake, 0, 2, 0, 9, 100);
    fake_fill(&fake, 0, 1, 5, 15, 100);
    fake_fill(&fake, 6, 0, 5, 15, 100);
    size_t live = alloc_live();
    for (size_t nth = 1; nth <= 6; nth++) {
        alloc_fail_after(nth);
        ck_assert_int_eq(
            picker_choose_range(&fake.state, &options, &sweep, &spec),
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
    tcase_add_test(cases, a_level_goes_down_in_pieces);
    tcase_add_test(cases, what_comes_behind_it_stays);
    tcase_add_test(cases, level_0_is_cut_above_what_is_too_much_for_a_job);
    tcase_add_test(cases, the_last_level_is_rewritten_for_tombstones_alone);
    tcase_add_test(cases, open_bounds_take_everything);
    tcase_add_test(cases, the_last_level_is_rewritten_for_range_deletes);
    tcase_add_test(cases, range_deletes_go_down_to_what_they_hide);
    tcase_add_test(cases, damage_is_left_alone);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
