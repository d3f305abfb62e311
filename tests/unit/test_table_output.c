#include <check.h>

#include "base/alloc.h"
#include "support/job_fixture.h"
#include "support/memfs_inspect.h"

Suite *test_table_output_suite(void);

static struct job_fixture fixture;
static struct entry_list list;
static struct rng rng;

static void set_up(void)
{
    job_fixture_init(&fixture);
    list = (struct entry_list){0};
    rng_init(&rng, test_seed());
}

static void tear_down(void)
{
    entry_list_deinit(&list);
    job_fixture_deinit(&fixture);
}

/* Keys 0, 1, 2 ... as 4 bytes, each of count versions, 50 random bytes each. */
static void fill_list(uint32_t keys, uint64_t versions)
{
    uint8_t value[50];
    for (uint32_t i = 0; i < keys; i++) {
        uint8_t key[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        for (uint64_t sequence = versions; sequence > 0; sequence--) {
            struct entry entry = {.key = slice_of(key, 4),
                                  .value = slice_of(value, sizeof value),
                                  .sequence = sequence,
                                  .kind = ENTRY_PUT};
            rng_bytes(&rng, value, sizeof value);
            if (rng_one_in(&rng, 10)) {
                entry.kind = ENTRY_DELETE;
                entry.value.size = 0;
            }
            entry_list_append(&list, &entry);
        }
    }
}

static struct table_output *open_output(void)
{
    struct table_output *output;
    ck_assert_int_eq(
        table_output_new(entry_list_iter(&list), &fixture.output, &output),
        BYRON_OK);
    return output;
}

static byron_status run_output(struct table_output *output, uint64_t budget)
{
    bool done = false;
    byron_status status = BYRON_OK;
    while (status == BYRON_OK && !done)
        status = table_output_step(output, budget, &done);
    return status;
}

/* Runs all and installs the tables at level 0. */
static void write_list(uint64_t budget)
{
    struct version_edit edit = {0};
    struct table_output *output = open_output();
    ck_assert_int_eq(run_output(output, budget), BYRON_OK);
    ck_assert_uint_eq(table_output_entries(output), list.count);
    ck_assert_int_eq(table_output_take(output, &edit), BYRON_OK);
    table_output_free(output);
    job_fixture_install(&fixture, &edit);
    version_edit_deinit(&edit);
}

static const struct run *first_run(void)
{
    return &fixture.state.version->levels[0].runs[0];
}

START_TEST(what_goes_in_comes_back)
{
    struct entry_list found = {0};
    fill_list(400, 2);
    write_list(1000);

    job_fixture_read_level(&fixture, 0, &found);
    ck_assert_uint_eq(found.count, list.count);
    for (size_t i = 0; i < list.count; i++) {
        ck_assert(slice_equal(found.entries[i].key, list.entries[i].key));
        ck_assert(slice_equal(found.entries[i].value, list.entries[i].value));
        ck_assert_uint_eq(found.entries[i].sequence, list.entries[i].sequence);
        ck_assert_int_eq(found.entries[i].kind, list.entries[i].kind);
    }
    entry_list_deinit(&found);
}
END_TEST

START_TEST(tables_have_the_target_size)
{
    fill_list(1000, 1);
    write_list(UINT64_MAX);

    const struct run *run = first_run();
    ck_assert_uint_gt(run->count, 5);
    for (size_t i = 0; i + 1 < run->count; i++) {
        ck_assert_uint_gt(run->tables[i]->facts.size, 3500);
        ck_assert_uint_lt(run->tables[i]->facts.size, 6000);
    }
}
END_TEST

/* The size is not asked for while the table cannot be full. */
START_TEST(large_tables_end_no_later_than_small_ones)
{
    fixture.output.file_size = 100000;
    fill_list(20000, 1);
    write_list(UINT64_MAX);

    const struct run *run = first_run();
    ck_assert_uint_gt(run->count, 5);
    for (size_t i = 0; i + 1 < run->count; i++) {
        ck_assert_uint_gt(run->tables[i]->facts.size, 95000);
        ck_assert_uint_lt(run->tables[i]->facts.size, 99000);
    }
}
END_TEST

START_TEST(a_key_never_spans_two_tables)
{
    fill_list(5, 200); /* Each key alone is more than a table should hold. */
    write_list(UINT64_MAX);

    const struct run *run = first_run();
    ck_assert_uint_eq(run->count, 5);
    for (size_t i = 0; i < run->count; i++)
        ck_assert(slice_equal(table_meta_smallest(run->tables[i]),
                              table_meta_largest(run->tables[i])));
}
END_TEST

START_TEST(no_table_reaches_across_a_cut)
{
    const uint8_t bytes[4][4] = {{0}, {0, 0, 0, 3}, {0, 0, 0, 4}, {9}};
    struct slice cuts[4];
    for (size_t i = 0; i < 4; i++)
        cuts[i] = slice_of(bytes[i], 4);
    fixture.output.cuts = cuts;
    fixture.output.cut_count = 4;
    fill_list(20, 1);
    write_list(UINT64_MAX);

    const struct run *run = first_run();
    ck_assert_uint_eq(run->count, 3);
    ck_assert_uint_eq(run->tables[0]->facts.entries, 3);
    ck_assert_uint_eq(run->tables[1]->facts.entries, 1);
    ck_assert_uint_eq(run->tables[2]->facts.entries, 16);
}
END_TEST

START_TEST(smallest_steps_equal_one_step)
{
    fill_list(300, 2);
    write_list(UINT64_MAX);
    struct run once = *first_run();
    struct version *kept = version_ref(fixture.state.version);
    fixture.output.run = 1;
    write_list(1);

    const struct run *stepped = first_run();
    ck_assert_uint_eq(stepped->count, once.count);
    for (size_t i = 0; i < once.count; i++) {
        const struct table_facts *a = &once.tables[i]->facts;
        const struct table_facts *b = &stepped->tables[i]->facts;
        ck_assert_uint_eq(a->size, b->size);
        ck_assert_uint_eq(a->entries, b->entries);
        ck_assert(slice_equal(buf_slice(&a->largest), buf_slice(&b->largest)));
    }
    version_unref(kept);
}
END_TEST

START_TEST(an_empty_source_makes_no_table)
{
    struct version_edit edit = {0};
    struct table_output *output = open_output();
    ck_assert_int_eq(run_output(output, 1), BYRON_OK);
    ck_assert_int_eq(table_output_take(output, &edit), BYRON_OK);
    ck_assert_uint_eq(edit.add_count, 0);
    table_output_free(output);
    ck_assert_uint_eq(job_fixture_files(&fixture), 0);
}
END_TEST

/* Just before a file is read back, a bit of it turns. */
static void turn_bit(void *context, const struct memfs_call *call)
{
    if (call->kind == MEMFS_READ)
        ck_assert(memfs_corrupt(context, call->path, 1000, 1));
}

START_TEST(a_file_that_reads_back_changed_is_refused)
{
    fill_list(300, 1);
    struct table_output *output = open_output();
    memfs_set_hook(fixture.disk.fs, turn_bit, fixture.disk.fs);
    ck_assert_int_eq(run_output(output, 1), BYRON_CORRUPT);
    memfs_set_hook(fixture.disk.fs, NULL, NULL);
    table_output_free(output);
    ck_assert_uint_eq(job_fixture_files(&fixture), 0);
}
END_TEST

START_TEST(an_error_of_the_source_ends_it)
{
    fill_list(300, 1);
    struct iter *source = entry_list_iter(&list);
    struct table_output *output;
    entry_list_iter_fail_after(source, 200);
    ck_assert_int_eq(table_output_new(source, &fixture.output, &output),
                     BYRON_OK);
    ck_assert_int_eq(run_output(output, 100), BYRON_IO);
    table_output_free(output);
    ck_assert_uint_eq(job_fixture_files(&fixture), 0);
}
END_TEST

START_TEST(any_failed_call_leaves_no_file)
{
    fill_list(300, 1);
    uint64_t nth = 1;
    for (;; nth++) {
        struct table_output *output = open_output();
        memfs_fail_nth(fixture.disk.fs, MEMFS_ALL & ~(unsigned)MEMFS_REMOVE,
                       nth, BYRON_IO, false);
        byron_status status = run_output(output, 500);
        memfs_fail_nth(fixture.disk.fs, MEMFS_ALL, 0, BYRON_OK, false);
        table_output_free(output);
        ck_assert_uint_eq(job_fixture_files(&fixture), 0);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_IO);
    }
    ck_assert_uint_gt(nth, 20);
}
END_TEST

START_TEST(any_failed_allocation_leaves_nothing)
{
    fill_list(200, 1);
    size_t live = alloc_live();
    for (size_t nth = 1;; nth++) {
        struct table_output *output = NULL;
        struct version_edit edit = {0};
        alloc_fail_after(nth);
        byron_status status =
            table_output_new(entry_list_iter(&list), &fixture.output, &output);
        if (status == BYRON_OK)
            status = run_output(output, 300);
        if (status == BYRON_OK)
            status = table_output_take(output, &edit);
        alloc_fail_after(0);
        version_edit_deinit(&edit);
        table_output_free(output);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_NO_MEMORY);
        ck_assert_uint_eq(job_fixture_files(&fixture), 0);
        ck_assert_uint_eq(alloc_live(), live);
    }
    ck_assert_uint_gt(job_fixture_files(&fixture), 1);
}
END_TEST

START_TEST(files_and_names_survive_a_power_cut_once_done)
{
    fill_list(300, 1);
    write_list(UINT64_MAX);
    size_t files = job_fixture_files(&fixture);
    struct memfs *after =
        memfs_crash_clone(fixture.disk.fs, MEMFS_DROP_UNSYNCED, 1);
    struct memfs *before = fixture.disk.fs;

    fixture.disk.fs = after;
    ck_assert_uint_eq(job_fixture_files(&fixture), files);
    ck_assert_uint_eq(memfs_used(after), memfs_used(before));
    fixture.disk.fs = before;
    memfs_free(after);
}
END_TEST

Suite *test_table_output_suite(void)
{
    Suite *suite = suite_create("table_output");
    TCase *cases = tcase_create("table_output");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_goes_in_comes_back);
    tcase_add_test(cases, tables_have_the_target_size);
    tcase_add_test(cases, large_tables_end_no_later_than_small_ones);
    tcase_add_test(cases, a_key_never_spans_two_tables);
    tcase_add_test(cases, no_table_reaches_across_a_cut);
    tcase_add_test(cases, smallest_steps_equal_one_step);
    tcase_add_test(cases, an_empty_source_makes_no_table);
    tcase_add_test(cases, a_file_that_reads_back_changed_is_refused);
    tcase_add_test(cases, an_error_of_the_source_ends_it);
    tcase_add_test(cases, any_failed_call_leaves_no_file);
    tcase_add_test(cases, any_failed_allocation_leaves_nothing);
    tcase_add_test(cases, files_and_names_survive_a_power_cut_once_done);
    suite_add_tcase(suite, cases);
    return suite;
}
