#include <check.h>

#include "base/alloc.h"
#include "compaction/job_spec.h"
#include "support/fake_version.h"

Suite *test_job_spec_suite(void);

static struct fake_version fake;

static void set_up(void)
{
    fake_version_init(&fake);
    for (uint64_t i = 0; i < 4; i++)
        fake_fill(&fake, 2, 0, i * 10, i * 10 + 9, 100 + i);
}

static void tear_down(void)
{
    fake_version_deinit(&fake);
}

START_TEST(holds_its_tables_while_it_lives)
{
    const struct run *run = &fake.version.levels[2].runs[0];
    struct table_meta *table = run->tables[1];
    struct job_spec spec = {0};

    ck_assert_int_eq(job_spec_add(&spec, 2, run, 1, 2), BYRON_OK);
    ck_assert_uint_eq(atomic_load(&table->refs), 2);
    ck_assert_uint_eq(spec.input_count, 1);
    ck_assert_uint_eq(spec.inputs[0].count, 2);
    ck_assert_uint_eq(spec.input_bytes, 101 + 102);

    job_spec_deinit(&spec);
    ck_assert_uint_eq(atomic_load(&table->refs), 1);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    ck_assert_uint_eq(spec.input_count, 0);
}
END_TEST

START_TEST(a_failed_add_leaves_the_spec_whole)
{
    const struct run *run = &fake.version.levels[2].runs[0];
    size_t live = alloc_live();

    for (size_t nth = 1; nth <= 2; nth++) {
        struct job_spec spec = {0};
        ck_assert_int_eq(job_spec_add(&spec, 2, run, 0, 1), BYRON_OK);
        alloc_fail_after(nth);
        ck_assert_int_eq(job_spec_add(&spec, 2, run, 2, 2), BYRON_NO_MEMORY);
        alloc_fail_after(0);
        ck_assert_uint_eq(spec.input_count, 1);
        ck_assert_uint_eq(spec.input_bytes, 100);
        job_spec_deinit(&spec);
    }
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_job_spec_suite(void)
{
    Suite *suite = suite_create("job_spec");
    TCase *cases = tcase_create("job_spec");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, holds_its_tables_while_it_lives);
    tcase_add_test(cases, a_failed_add_leaves_the_spec_whole);
    suite_add_tcase(suite, cases);
    return suite;
}
