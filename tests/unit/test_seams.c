#include <check.h>

#include "base/alloc.h"
#include "compaction/overlap.h"
#include "compaction/seams.h"
#include "support/fake_version.h"
#include "support/job_fixture.h"

Suite *test_seams_suite(void);

static struct fake_version fake;
static struct dropped dropped;
static struct seams seams;

static void set_up(void)
{
    fake_version_init(&fake);
    dropped = (struct dropped){0};
    seams = (struct seams){0};
}

static void tear_down(void)
{
    seams_deinit(&seams);
    dropped_deinit(&dropped);
    fake_version_deinit(&fake);
}

/* Tables 0..9, 10..19, ... of 100 bytes each. */
static void fill_tens(uint32_t level, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        fake_fill(&fake, level, 0, i * 10, i * 10 + 9, 100);
}

static void expect(size_t count, const uint64_t *keys)
{
    ck_assert_uint_eq(seams.count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(fake_key_number(seams.keys[i]), keys[i]);
}

static void find(uint32_t level, uint64_t below_bytes)
{
    ck_assert_int_eq(
        seams_init(&seams, &fake.version, level, below_bytes, &dropped),
        BYRON_OK);
}

START_TEST(between_two_of_them_lies_so_much)
{
    fill_tens(5, 7);
    find(4, 300);
    expect(2, (uint64_t[]){30, 60});
}
END_TEST

START_TEST(a_table_larger_than_that_is_met_alone)
{
    fill_tens(5, 2);
    fake_fill(&fake, 5, 0, 20, 29, 1000);
    fake_fill(&fake, 5, 0, 30, 39, 100);
    find(4, 250);
    expect(2, (uint64_t[]){20, 30});
}
END_TEST

START_TEST(the_next_level_is_the_next_that_has_tables)
{
    fill_tens(3, 9);
    fill_tens(6, 3);
    find(3, 200);
    expect(1, (uint64_t[]){20});
}
END_TEST

START_TEST(without_a_limit_or_a_level_there_are_none)
{
    fill_tens(5, 9);
    find(4, 0);
    expect(0, NULL);
    find(5, 100);
    expect(0, NULL);
}
END_TEST

START_TEST(ends_of_dropped_ranges_lie_among_them)
{
    fill_tens(5, 6);
    fake_drop(&fake, 5, 15);
    fake_drop(&fake, 50, 100);
    ck_assert_int_eq(
        dropped_init(&dropped, fake.state.drops, fake.state.drop_count),
        BYRON_OK);
    find(4, 200);
    expect(4, (uint64_t[]){15, 20, 40, 100});
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    fill_tens(5, 6);
    size_t live = alloc_live();
    alloc_fail_after(1);
    ck_assert_int_eq(seams_init(&seams, &fake.version, 4, 100, &dropped),
                     BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

/* --- What a job makes of them --------------------------------------------- */

static struct job_fixture fixture;

static void set_up_job(void)
{
    job_fixture_init(&fixture);
}

static void tear_down_job(void)
{
    job_fixture_deinit(&fixture);
}

/* Keys 0, step, 2 * step, ... below 1000, with 100 bytes each. */
static void add_run(uint32_t level, uint64_t run, uint64_t step)
{
    struct entry_list list = {0};
    uint8_t value[100] = {0};
    for (uint64_t i = 0; i < 1000; i += step) {
        uint8_t key[8];
        struct entry entry = {.key = fake_key(i, key),
                              .value = slice_of(value, sizeof value),
                              .sequence = 10 - level,
                              .kind = ENTRY_PUT};
        entry_list_add(&list, &entry);
    }
    job_fixture_add_run(&fixture, level, run, &list);
    entry_list_deinit(&list);
}

static void merge_level_0(uint64_t below_bytes)
{
    static const uint64_t points[] = {100};
    struct job_points kept = {points, 1, 0};
    struct job_spec spec;
    struct job *job;
    struct version_edit edit = {0};
    bool done = false;
    job_fixture_spec(&fixture, 0, 5, &spec);
    spec.below_bytes = below_bytes;
    ck_assert_int_eq(
        job_new_merge(&spec, &fixture.state, &kept, &fixture.output, &job),
        BYRON_OK);
    ck_assert_int_eq(job_step(job, UINT64_MAX, &done), BYRON_OK);
    ck_assert(done);
    ck_assert_int_eq(job_take_edit(job, &edit), BYRON_OK);
    job_free(job);
    job_fixture_install(&fixture, &edit);
    version_edit_deinit(&edit);
}

/* Small as it is, it goes on in as many jobs. */
START_TEST(a_small_table_above_a_large_level_is_cut)
{
    add_run(6, 0, 1);
    add_run(0, 1, 50);
    const struct level *levels = fixture.state.version->levels;
    uint64_t quarter = levels[6].bytes / 4;
    merge_level_0(quarter);
    levels = fixture.state.version->levels;
    ck_assert_uint_ge(levels[5].runs[0].count, 4);
    ck_assert_uint_eq(levels[5].entries, 20);
    for (size_t i = 0; i < levels[5].runs[0].count; i++) {
        struct key_span span = key_span_of(levels[5].runs[0].tables[i]);
        ck_assert_uint_le(stretch_touching(&levels[6].runs[0], span).bytes,
                          quarter);
    }
}
END_TEST

START_TEST(without_a_limit_it_is_not)
{
    add_run(6, 0, 1);
    add_run(0, 1, 50);
    merge_level_0(0);
    ck_assert_uint_eq(fixture.state.version->levels[5].runs[0].count, 1);
}
END_TEST

Suite *test_seams_suite(void)
{
    Suite *suite = suite_create("seams");
    TCase *cases = tcase_create("seams");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, between_two_of_them_lies_so_much);
    tcase_add_test(cases, a_table_larger_than_that_is_met_alone);
    tcase_add_test(cases, the_next_level_is_the_next_that_has_tables);
    tcase_add_test(cases, without_a_limit_or_a_level_there_are_none);
    tcase_add_test(cases, ends_of_dropped_ranges_lie_among_them);
    tcase_add_test(cases, no_memory_leaves_nothing);
    suite_add_tcase(suite, cases);
    cases = tcase_create("job");
    tcase_add_checked_fixture(cases, set_up_job, tear_down_job);
    tcase_add_test(cases, a_small_table_above_a_large_level_is_cut);
    tcase_add_test(cases, without_a_limit_it_is_not);
    suite_add_tcase(suite, cases);
    return suite;
}
