#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "compaction/dropped.h"
#include "sstable/table_parts.h"
#include "support/job_fixture.h"
#include "support/memfs_inspect.h"

Suite *test_job_suite(void);

#define KEYS    150
#define COMMITS 40

static struct job_fixture fixture;
static struct rng rng;
static uint64_t points[3];
static struct job_points job_points;

static void set_up(void)
{
    job_fixture_init(&fixture);
    rng_init(&rng, test_seed());
    points[0] = COMMITS;
    job_points = (struct job_points){points, 1, 0};
}

static void tear_down(void)
{
    job_fixture_deinit(&fixture);
}

static struct slice key_of(uint32_t number, uint8_t out[4])
{
    out[0] = out[1] = 0;
    out[2] = (uint8_t)(number >> 8);
    out[3] = (uint8_t)number;
    return slice_of(out, 4);
}

/* What the commits first..last wrote: some keys each, some of it deletes. */
static void fill_list(struct entry_list *list, uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        for (int i = 0; i < 15; i++) {
            uint8_t key[4], value[40];
            struct entry entry = {
                .key = key_of((uint32_t)rng_below(&rng, KEYS), key),
                .value = slice_of(value, rng_below(&rng, sizeof value)),
                .sequence = sequence,
                .kind = ENTRY_PUT};
            rng_bytes(&rng, value, sizeof value);
            if (rng_one_in(&rng, 3)) {
                entry.kind = ENTRY_DELETE;
                entry.value.size = 0;
            }
            entry_list_add(list, &entry);
        }
    }
}

static void add_run(uint32_t level, uint64_t run, uint64_t first, uint64_t last)
{
    struct entry_list list = {0};
    fill_list(&list, first, last);
    job_fixture_add_run(&fixture, level, run, &list);
    entry_list_deinit(&list);
}

/* Two runs at level 0, one at 5, one at 6. */
static void fill_store(void)
{
    add_run(6, 0, 1, 10);
    add_run(5, 0, 11, 20);
    add_run(0, 1, 21, 30);
    add_run(0, 2, 31, COMMITS);
}

static void drop(uint32_t lower, uint32_t upper)
{
    uint8_t a[4], b[4];
    job_fixture_drop(&fixture, key_of(lower, a), key_of(upper, b));
}

static struct job *open_merge(uint32_t upper, uint32_t lower)
{
    struct job_spec spec;
    struct job *job;
    job_fixture_spec(&fixture, upper, lower, &spec);
    fixture.output.level = lower;
    ck_assert_int_eq(job_new_merge(&spec, &fixture.state, &job_points,
                                   &fixture.output, &job),
                     BYRON_OK);
    ck_assert_int_eq(spec.kind, JOB_NONE);
    return job;
}

static byron_status run_job(struct job *job, uint64_t budget)
{
    bool done = false;
    byron_status status = BYRON_OK;
    while (status == BYRON_OK && !done)
        status = job_step(job, budget, &done);
    return status;
}

static void install(struct job *job)
{
    struct version_edit edit = {0};
    ck_assert_int_eq(job_take_edit(job, &edit), BYRON_OK);
    job_free(job);
    job_fixture_install(&fixture, &edit);
    version_edit_deinit(&edit);
}

static void merge(uint32_t upper, uint32_t lower, uint64_t budget)
{
    struct job *job = open_merge(upper, lower);
    ck_assert_int_eq(run_job(job, budget), BYRON_OK);
    install(job);
}

/* --- What readers see ----------------------------------------------------- */

/* Every entry of the store. */
static struct entry_list read_all(void)
{
    struct entry_list all = {0};
    struct entry_list list = {0};
    for (uint32_t level = 0; level < BYRON_LEVELS; level++)
        job_fixture_read_level(&fixture, level, &list);
    for (size_t i = 0; i < list.count; i++)
        entry_list_add(&all, &list.entries[i]);
    entry_list_deinit(&list);
    return all;
}

/* The entry that a reader at point finds; NULL where the key is absent. */
static const struct entry *find(const struct entry_list *list, struct slice key,
                                uint64_t point)
{
    size_t at = entry_list_find(list, key, point);
    if (at == list->count || !slice_equal(list->entries[at].key, key) ||
        list->entries[at].kind == ENTRY_DELETE)
        return NULL;
    return &list->entries[at];
}

static bool is_dropped(struct slice key)
{
    struct dropped dropped;
    ck_assert_int_eq(
        dropped_init(&dropped, fixture.state.drops, fixture.state.drop_count),
        BYRON_OK);
    bool has = dropped_has(&dropped, key);
    dropped_deinit(&dropped);
    return has;
}

/* Whether both lists look the same to every reader there may be. */
static void check_same_views(const struct entry_list *before,
                             const struct entry_list *after)
{
    for (uint32_t number = 0; number < KEYS; number++) {
        uint8_t bytes[4];
        struct slice key = key_of(number, bytes);
        for (uint64_t p = 0; p <= COMMITS && !is_dropped(key); p++) {
            bool is_asked = p > points[job_points.count - 1];
            for (size_t i = 0; i < job_points.count; i++)
                is_asked |= points[i] == p;
            if (!is_asked)
                continue;
            const struct entry *a = find(before, key, p);
            const struct entry *b = find(after, key, p);
            ck_assert_int_eq(a == NULL, b == NULL);
            ck_assert(!a || slice_equal(a->value, b->value));
        }
    }
}

START_TEST(readers_see_the_same_after_any_merge)
{
    for (int round = 0; round < 10; round++) {
        job_fixture_deinit(&fixture);
        job_fixture_init(&fixture);
        fill_store();
        for (uint64_t drops = rng_below(&rng, 3); drops > 0; drops--) {
            uint32_t lower = (uint32_t)rng_below(&rng, KEYS);
            drop(lower, lower + (uint32_t)rng_below(&rng, 30));
        }
        job_points.count = 1 + rng_below(&rng, 3);
        for (size_t i = 0; i < job_points.count; i++)
            points[i] = rng_below(&rng, COMMITS / 3) + i * COMMITS / 3;
        struct entry_list before = read_all();
        merge(0, 5, 1 + rng_below(&rng, 2000));
        struct entry_list between = read_all();
        check_same_views(&before, &between);
        merge(5, 6, 1 + rng_below(&rng, 2000));
        struct entry_list after = read_all();
        check_same_views(&before, &after);
        entry_list_deinit(&before);
        entry_list_deinit(&between);
        entry_list_deinit(&after);
    }
}
END_TEST

START_TEST(the_last_level_keeps_one_put_of_a_key)
{
    fill_store();
    merge(0, 5, UINT64_MAX);
    merge(5, 6, UINT64_MAX);

    struct entry_list all = read_all();
    ck_assert_uint_gt(all.count, 10);
    for (size_t i = 0; i < all.count; i++) {
        ck_assert_int_eq(all.entries[i].kind, ENTRY_PUT);
        ck_assert_uint_eq(all.entries[i].sequence, 0);
        if (i > 0)
            ck_assert(!slice_equal(all.entries[i - 1].key, all.entries[i].key));
    }
    entry_list_deinit(&all);
}
END_TEST

START_TEST(dropped_keys_are_gone_and_tables_end_there)
{
    uint8_t bytes[4];
    fill_store();
    drop(50, 60);
    drop(100, 101);
    merge(0, 5, UINT64_MAX);
    merge(5, 6, UINT64_MAX);

    struct entry_list all = read_all();
    for (size_t i = 0; i < all.count; i++)
        ck_assert(!is_dropped(all.entries[i].key));
    entry_list_deinit(&all);
    const struct run *run = &fixture.state.version->levels[6].runs[0];
    for (size_t i = 0; i < run->count; i++) {
        bool is_below = slice_compare(table_meta_smallest(run->tables[i]),
                                      key_of(50, bytes)) < 0;
        bool is_above = slice_compare(table_meta_largest(run->tables[i]),
                                      key_of(60, bytes)) >= 0;
        ck_assert(!(is_below && is_above));
    }
}
END_TEST

START_TEST(a_merge_inside_level_0_takes_the_newest_place)
{
    fill_store();
    /* Newer than the inputs: a commit never has a key twice. */
    add_run(0, 9, COMMITS + 1, COMMITS + 6);
    struct entry_list before = read_all();
    struct version *version = fixture.state.version;
    struct job_spec spec = {.kind = JOB_MERGE, .output_level = 0};
    struct job *job;
    for (size_t i = 1; i <= 2; i++) {
        const struct run *run = &version->levels[0].runs[i];
        ck_assert_int_eq(job_spec_add(&spec, 0, run, 0, run->count), BYRON_OK);
    }
    ck_assert_int_eq(job_new_merge(&spec, &fixture.state, &job_points,
                                   &fixture.output, &job),
                     BYRON_OK);
    ck_assert_int_eq(run_job(job, 300), BYRON_OK);
    install(job);

    const struct level *level0 = &fixture.state.version->levels[0];
    ck_assert_uint_eq(level0->count, 2);
    ck_assert_uint_eq(level0->runs[0].id, 9);
    ck_assert_uint_eq(level0->runs[1].id, 2);
    struct entry_list after = read_all();
    check_same_views(&before, &after);
    entry_list_deinit(&before);
    entry_list_deinit(&after);
}
END_TEST

START_TEST(a_merge_with_nothing_left_only_removes)
{
    struct version_edit edit = {0};
    fill_store();
    drop(0, KEYS);
    struct job *job = open_merge(0, 5);
    ck_assert_int_eq(run_job(job, 100), BYRON_OK);
    ck_assert_int_eq(job_take_edit(job, &edit), BYRON_OK);
    job_free(job);

    ck_assert_uint_eq(edit.add_count, 0);
    ck_assert_uint_gt(edit.remove_count, 2);
    version_edit_deinit(&edit);
}
END_TEST

/* --- Flushes -------------------------------------------------------------- */

START_TEST(a_flush_keeps_tombstones_that_hide_something)
{
    uint8_t low[4], high[4];
    struct entry_list list = {0};
    struct entry_list found = {0};
    struct job *job;
    struct entry entry = {.key = key_of(KEYS / 2, low),
                          .sequence = COMMITS,
                          .kind = ENTRY_DELETE};
    add_run(6, 0, 1, 10);
    entry_list_add(&list, &entry);
    entry.key = key_of(KEYS + 1, high);
    entry_list_add(&list, &entry); /* Beyond all there is: hides nothing. */
    fixture.output.level = 0;
    fixture.output.run = 1;
    ck_assert_int_eq(job_new_flush(entry_list_iter(&list), NULL, &fixture.state,
                                   &job_points, &fixture.output, &job),
                     BYRON_OK);
    ck_assert_int_eq(run_job(job, 1), BYRON_OK);
    ck_assert_uint_eq(job_bytes_left(job), 0);
    install(job);

    job_fixture_read_level(&fixture, 0, &found);
    ck_assert_uint_eq(found.count, 1);
    ck_assert(slice_equal(found.entries[0].key, slice_of(low, 4)));
    entry_list_deinit(&found);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(a_flush_leaves_dropped_keys_out)
{
    struct entry_list list = {0};
    struct entry_list found = {0};
    struct job *job;
    fill_list(&list, 1, 20);
    drop(0, KEYS / 2);
    fixture.output.run = 1;
    ck_assert_int_eq(job_new_flush(entry_list_iter(&list), NULL, &fixture.state,
                                   &job_points, &fixture.output, &job),
                     BYRON_OK);
    ck_assert_int_eq(run_job(job, 1), BYRON_OK);
    install(job);

    job_fixture_read_level(&fixture, 0, &found);
    ck_assert_uint_gt(found.count, 0);
    for (size_t i = 0; i < found.count; i++)
        ck_assert(!is_dropped(found.entries[i].key));
    entry_list_deinit(&found);
    entry_list_deinit(&list);
}
END_TEST

/* --- Steps ---------------------------------------------------------------- */

START_TEST(smallest_steps_equal_one_step)
{
    struct version_edit edits[2] = {{0}};
    const uint64_t budgets[2] = {1, UINT64_MAX};
    fill_store();
    for (int i = 0; i < 2; i++) {
        struct job *job = open_merge(0, 5);
        ck_assert_int_eq(run_job(job, budgets[i]), BYRON_OK);
        ck_assert_int_eq(job_take_edit(job, &edits[i]), BYRON_OK);
        job_free(job);
    }

    ck_assert_uint_eq(edits[0].add_count, edits[1].add_count);
    ck_assert_uint_eq(edits[0].remove_count, edits[1].remove_count);
    for (size_t i = 0; i < edits[0].add_count; i++) {
        const struct table_facts *a = &edits[0].adds[i].facts;
        const struct table_facts *b = &edits[1].adds[i].facts;
        ck_assert_uint_eq(a->size, b->size);
        ck_assert_uint_eq(a->entries, b->entries);
        ck_assert(
            slice_equal(buf_slice(&a->smallest), buf_slice(&b->smallest)));
    }
    version_edit_deinit(&edits[0]);
    version_edit_deinit(&edits[1]);
}
END_TEST

START_TEST(bytes_left_fall_to_nothing)
{
    bool done = false;
    fill_store();
    struct job *job = open_merge(0, 5);
    uint64_t left = job_bytes_left(job);
    ck_assert_uint_gt(left, 1000);
    while (!done) {
        ck_assert_int_eq(job_step(job, 500, &done), BYRON_OK);
        ck_assert_uint_le(job_bytes_left(job), left);
        left = job_bytes_left(job);
    }
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_gt(job_bytes_written(job), 1000);
    job_free(job);
}
END_TEST

START_TEST(a_job_not_taken_removes_its_files)
{
    fill_store();
    size_t files = job_fixture_files(&fixture);
    struct job *job = open_merge(0, 5);
    ck_assert_int_eq(run_job(job, 500), BYRON_OK);
    ck_assert_uint_gt(job_fixture_files(&fixture), files);
    job_free(job);
    ck_assert_uint_eq(job_fixture_files(&fixture), files);
}
END_TEST

/* --- Trouble -------------------------------------------------------------- */

START_TEST(a_damaged_input_ends_the_job_and_is_marked)
{
    char path[128];
    fill_store();
    size_t files = job_fixture_files(&fixture);
    struct table_meta *table =
        fixture.state.version->levels[5].runs[0].tables[0];
    char name[OS_NAME_MAX];
    file_name_format(FILE_TABLE, table->number, name);
    snprintf(path, sizeof path, "store/%s", name);
    ck_assert(memfs_corrupt(fixture.disk.fs, path, 200, 4));

    struct job *job = open_merge(0, 5);
    ck_assert_int_eq(run_job(job, 500), BYRON_CORRUPT);
    job_free(job);
    ck_assert(atomic_load(&table->is_corrupt));
    ck_assert(!atomic_load(
        &fixture.state.version->levels[0].runs[0].tables[0]->is_corrupt));
    ck_assert_uint_eq(job_fixture_files(&fixture), files);
}
END_TEST

/* A table that lies about itself is marked, and told by its name. */
START_TEST(counts_that_differ_are_refused)
{
    char name[OS_NAME_MAX];
    struct job_spec spec;
    struct job *job;
    struct table_reader *reader;
    fill_store();
    job_fixture_spec(&fixture, 0, 5, &spec);
    /* Open already, so that nobody compares it with the file again. */
    struct table_meta *table = spec.inputs[0].tables[0];
    ck_assert_int_eq(table_meta_reader(table, &reader), BYRON_OK);
    file_name_format(FILE_TABLE, table->number, name);
    table->facts.entries++;
    reader->facts.entries += (uint64_t)_i;
    ck_assert_int_eq(job_new_merge(&spec, &fixture.state, &job_points,
                                   &fixture.output, &job),
                     BYRON_OK);
    ck_assert_int_eq(run_job(job, 500), BYRON_CORRUPT);
    ck_assert_int_eq(strstr(error_last()->words, name) != NULL, _i);
    ck_assert_int_eq(atomic_load(&table->is_corrupt), _i);
    job_free(job);
}
END_TEST

static byron_status try_merge(void)
{
    struct job_spec spec;
    struct job *job = NULL;
    struct version_edit edit = {0};
    job_fixture_spec(&fixture, 0, 5, &spec);
    fixture.output.level = 5;
    byron_status status = job_new_merge(&spec, &fixture.state, &job_points,
                                        &fixture.output, &job);
    if (status == BYRON_OK)
        status = run_job(job, 700);
    if (status == BYRON_OK)
        status = job_take_edit(job, &edit);
    job_free(job);
    version_edit_deinit(&edit);
    return status;
}

START_TEST(any_failed_call_leaves_inputs_and_no_file)
{
    fill_store();
    struct entry_list before = read_all();
    size_t files = job_fixture_files(&fixture);
    uint64_t nth = 1;
    for (;; nth++) {
        memfs_fail_nth(fixture.disk.fs, MEMFS_ALL & ~(unsigned)MEMFS_REMOVE,
                       nth, BYRON_IO, false);
        byron_status status = try_merge();
        memfs_fail_nth(fixture.disk.fs, MEMFS_ALL, 0, BYRON_OK, false);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_IO);
        ck_assert_uint_eq(job_fixture_files(&fixture), files);
    }
    ck_assert_uint_gt(nth, 10);
    struct entry_list after = read_all();
    check_same_views(&before, &after);
    ck_assert_uint_eq(before.count, after.count);
    entry_list_deinit(&before);
    entry_list_deinit(&after);
}
END_TEST

START_TEST(any_failed_allocation_leaves_inputs_and_no_file)
{
    fill_store();
    struct entry_list before = read_all(); /* Opens all readers. */
    size_t files = job_fixture_files(&fixture);
    for (size_t nth = 1;; nth++) {
        struct job_spec spec;
        struct job *job = NULL;
        struct version_edit edit = {0};
        job_fixture_spec(&fixture, 0, 5, &spec);
        alloc_fail_after(nth);
        byron_status status = job_new_merge(&spec, &fixture.state, &job_points,
                                            &fixture.output, &job);
        if (status == BYRON_OK)
            status = run_job(job, 700);
        if (status == BYRON_OK)
            status = job_take_edit(job, &edit);
        alloc_fail_after(0);
        job_free(job);
        version_edit_deinit(&edit);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_NO_MEMORY);
        ck_assert_int_eq(spec.kind, JOB_NONE);
        ck_assert_uint_eq(job_fixture_files(&fixture), files);
    }
    struct entry_list after = read_all();
    ck_assert_uint_eq(before.count, after.count);
    entry_list_deinit(&before);
    entry_list_deinit(&after);
}
END_TEST

START_TEST(a_flush_survives_any_failed_allocation)
{
    struct entry_list list = {0};
    fill_list(&list, 1, 20);
    drop(3, 9);
    add_run(6, 0, 1, 10);
    size_t files = job_fixture_files(&fixture);
    for (size_t nth = 1;; nth++) {
        struct job *job = NULL;
        bool done = false;
        size_t live = alloc_live();
        alloc_fail_after(nth);
        byron_status status =
            job_new_flush(entry_list_iter(&list), NULL, &fixture.state,
                          &job_points, &fixture.output, &job);
        if (status == BYRON_OK)
            status = job_step(job, UINT64_MAX, &done);
        alloc_fail_after(0);
        job_free(job);
        ck_assert_uint_eq(job_fixture_files(&fixture), files);
        ck_assert_uint_eq(alloc_live(), live);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_NO_MEMORY);
    }
    entry_list_deinit(&list);
}
END_TEST

Suite *test_job_suite(void)
{
    Suite *suite = suite_create("job");
    TCase *cases = tcase_create("job");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, readers_see_the_same_after_any_merge);
    tcase_add_test(cases, the_last_level_keeps_one_put_of_a_key);
    tcase_add_test(cases, dropped_keys_are_gone_and_tables_end_there);
    tcase_add_test(cases, a_merge_inside_level_0_takes_the_newest_place);
    tcase_add_test(cases, a_merge_with_nothing_left_only_removes);
    tcase_add_test(cases, a_flush_keeps_tombstones_that_hide_something);
    tcase_add_test(cases, a_flush_leaves_dropped_keys_out);
    tcase_add_test(cases, smallest_steps_equal_one_step);
    tcase_add_test(cases, bytes_left_fall_to_nothing);
    tcase_add_test(cases, a_job_not_taken_removes_its_files);
    tcase_add_test(cases, a_damaged_input_ends_the_job_and_is_marked);
    tcase_add_loop_test(cases, counts_that_differ_are_refused, 0, 2);
    tcase_add_test(cases, any_failed_call_leaves_inputs_and_no_file);
    tcase_add_test(cases, any_failed_allocation_leaves_inputs_and_no_file);
    tcase_add_test(cases, a_flush_survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
