/*
 * A job counts what it reads, what it lets go and what it writes: where the
 * sums do not meet, it ends, and leaves nothing.
 *
 * Covers: job.
 */
#include <check.h>
#include <stdio.h>

#include "support/job_fixture.h"

Suite *test_job_counts_suite(void);

#define KEYS 300

static struct job_fixture fixture;
static uint64_t point = 4;
static const struct job_points points = {&point, 1, 0};

/* The linker leads the calls of compaction/job.c here: as if so many entries
 * fewer had been written. */
static uint64_t lost;

uint64_t __real_table_output_entries(const struct table_output *output);
uint64_t __wrap_table_output_entries(const struct table_output *output);

uint64_t __wrap_table_output_entries(const struct table_output *output)
{
    return __real_table_output_entries(output) - lost;
}

static void fill_list(struct entry_list *list, uint64_t sequence)
{
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        struct entry entry = {.key = slice_of(key, 9),
                              .value = slice_of(key, 9),
                              .sequence = sequence,
                              .kind = ENTRY_PUT};
        snprintf(key, sizeof key, "key %05u", i);
        entry_list_add(list, &entry);
    }
}

static void add_run(uint32_t level, uint64_t run, uint64_t sequence)
{
    struct entry_list list = {0};
    fill_list(&list, sequence);
    job_fixture_add_run(&fixture, level, run, &list);
    entry_list_deinit(&list);
}

static struct job *open_merge(void)
{
    struct job_spec spec;
    struct job *job;
    job_fixture_spec(&fixture, 0, 6, &spec);
    fixture.output.level = 6;
    ck_assert_int_eq(
        job_new_merge(&spec, &fixture.state, &points, &fixture.output, &job),
        BYRON_OK);
    return job;
}

static struct job *open_flush(const struct entry_list *list)
{
    struct job *job;
    fixture.output.level = 0;
    fixture.output.run = 9;
    ck_assert_int_eq(job_new_flush(entry_list_iter(list), NULL, &fixture.state,
                                   &points, &fixture.output, &job),
                     BYRON_OK);
    return job;
}

/* What all steps together answer. */
static byron_status run_job(struct job *job)
{
    bool done = false;
    byron_status status = BYRON_OK;
    while (status == BYRON_OK && !done)
        status = job_step(job, 500, &done);
    return status;
}

/* One entry was read, not let go, and not written either; or one came from
 * nowhere. */
START_TEST(an_entry_that_was_not_written_is_missed)
{
    struct entry_list list = {0};
    job_fixture_init(&fixture);
    add_run(6, 0, 1);
    add_run(0, 1, 2);
    fill_list(&list, 3);
    size_t files = job_fixture_files(&fixture);
    for (int i = 0; i < 4; i++) {
        struct job *job = i < 2 ? open_merge() : open_flush(&list);
        lost = i % 2 == 0 ? 1 : UINT64_MAX;
        byron_status status = run_job(job);
        lost = 0;
        ck_assert_int_eq(status, BYRON_CORRUPT);
        ck_assert_ptr_nonnull(strstr(error_last()->words, "wrote"));
        job_free(job);
        ck_assert_uint_eq(job_fixture_files(&fixture), files);
    }
    entry_list_deinit(&list);
    job_fixture_deinit(&fixture);
}
END_TEST

START_TEST(what_was_counted_right_is_written)
{
    struct entry_list list = {0};
    job_fixture_init(&fixture);
    add_run(6, 0, 1);
    add_run(0, 1, 2);
    fill_list(&list, 3);
    for (int i = 0; i < 2; i++) {
        struct version_edit edit = {0};
        struct job *job = i == 0 ? open_merge() : open_flush(&list);
        uint64_t entries = 0;
        ck_assert_int_eq(run_job(job), BYRON_OK);
        ck_assert_int_eq(job_take_edit(job, &edit), BYRON_OK);
        for (size_t j = 0; j < edit.add_count; j++)
            entries += edit.adds[j].facts.entries;
        ck_assert_uint_eq(entries, KEYS);
        job_free(job);
        version_edit_deinit(&edit);
    }
    entry_list_deinit(&list);
    job_fixture_deinit(&fixture);
}
END_TEST

Suite *test_job_counts_suite(void)
{
    Suite *suite = suite_create("job_counts");
    TCase *cases = tcase_create("job_counts");
    tcase_add_test(cases, an_entry_that_was_not_written_is_missed);
    tcase_add_test(cases, what_was_counted_right_is_written);
    suite_add_tcase(suite, cases);
    return suite;
}
