/*
 * Jobs on stores with range deletes: what readers see before and after.
 */
#include <check.h>

#include "base/alloc.h"
#include "compaction/job_ranges.h"
#include "merge/cover_iter.h"
#include "support/job_fixture.h"

Suite *test_job_ranges_suite(void);

#define KEYS    60
#define COMMITS 40

static struct job_fixture fixture;
static struct rng rng;

/* All that was ever written. */
static struct entry_list entries;
static struct range_deletes deletes;
static struct slice dropped_lower, dropped_upper;

static void set_up(void)
{
    job_fixture_init(&fixture);
    dropped_lower = dropped_upper = slice_of(NULL, 0);
}

static void tear_down(void)
{
    job_fixture_deinit(&fixture);
    entry_list_deinit(&entries);
    range_deletes_deinit(&deletes);
}

static struct slice key_of(size_t number)
{
    static uint8_t keys[KEYS + 1][3];
    keys[number][0] = 'k';
    keys[number][1] = (uint8_t)(number / 8);
    keys[number][2] = (uint8_t)(number % 8);
    return slice_of(keys[number], 3);
}

static struct range_delete random_range(uint64_t sequence)
{
    size_t lower = (size_t)rng_below(&rng, KEYS);
    size_t most = rng_one_in(&rng, 4) ? KEYS - lower : 10;
    size_t upper = lower + 1 + (size_t)rng_below(&rng, most);
    return (struct range_delete){key_of(lower),
                                 key_of(upper > KEYS ? KEYS : upper), sequence};
}

static void fill(uint64_t sequence, struct entry_list *list,
                 struct range_deletes *ranges)
{
    if (rng_one_in(&rng, 4)) {
        struct range_delete delete = random_range(sequence);
        must(range_deletes_add(ranges, &delete) == BYRON_OK);
        must(range_deletes_add(&deletes, &delete) == BYRON_OK);
    }
    for (uint64_t i = rng_below(&rng, 12); i > 0; i--) {
        uint8_t value[60];
        struct entry entry = {key_of((size_t)rng_below(&rng, KEYS)),
                              slice_of(value, rng_below(&rng, 60)), sequence,
                              ENTRY_PUT};
        rng_bytes(&rng, value, sizeof value);
        if (rng_one_in(&rng, 5)) {
            entry.kind = ENTRY_DELETE;
            entry.value.size = 0;
        }
        if (entry_list_add(list, &entry))
            entry_list_add(&entries, &entry);
    }
}

/* What the commits first..last wrote. */
static void add_run(uint32_t level, uint64_t run, uint64_t first, uint64_t last)
{
    struct entry_list list = {0};
    struct range_deletes ranges = {0};
    struct range_list pieces = {0};
    for (uint64_t sequence = first; sequence <= last; sequence++)
        fill(sequence, &list, &ranges);
    must(range_list_build(&pieces, &ranges) == BYRON_OK);
    fixture.output.ranges = &pieces;
    job_fixture_add_run(&fixture, level, run, &list);
    fixture.output.ranges = NULL;
    range_list_deinit(&pieces);
    range_deletes_deinit(&ranges);
    entry_list_deinit(&list);
}

static void merge(uint32_t upper, uint32_t lower, const uint64_t *points,
                  size_t count)
{
    struct job_points all = {points, count, 0};
    struct job_spec spec;
    struct version_edit edit = {0};
    struct job *job;
    bool done = false;
    /* An empty level above adds nothing. */
    job_fixture_spec(&fixture, upper == lower ? 4 : upper, lower, &spec);
    if (spec.input_count == 0) {
        job_spec_deinit(&spec);
        return;
    }
    fixture.output.level = lower;
    ck_assert_int_eq(
        job_new_merge(&spec, &fixture.state, &all, &fixture.output, &job),
        BYRON_OK);
    while (!done)
        ck_assert_int_eq(job_step(job, 1 + rng_below(&rng, 5000), &done),
                         BYRON_OK);
    ck_assert_int_eq(job_take_edit(job, &edit), BYRON_OK);
    job_free(job);
    job_fixture_install(&fixture, &edit);
    version_edit_deinit(&edit);
}

/* By the definition; NULL: absent. */
static const struct entry *wanted(struct slice key, uint64_t point)
{
    size_t at = entry_list_find(&entries, key, point);
    const struct entry *entry =
        at < entries.count ? &entries.entries[at] : NULL;
    if (!entry || !slice_equal(entry->key, key) || entry->kind == ENTRY_DELETE)
        return NULL;
    for (size_t i = 0; i < deletes.count; i++) {
        const struct range_delete *delete = &deletes.items[i];
        if (slice_compare(delete->lower, key) <= 0 &&
            slice_compare(key, delete->upper) < 0 &&
            delete->sequence <= point && delete->sequence > entry->sequence)
            return NULL;
    }
    return entry;
}

static bool is_dropped(struct slice key)
{
    return dropped_upper.data && slice_compare(dropped_lower, key) <= 0 &&
           slice_compare(key, dropped_upper) < 0;
}

static void check_gets(uint64_t point)
{
    for (size_t number = 0; number < KEYS; number++) {
        struct slice key = key_of(number);
        const struct entry *entry = wanted(key, point);
        struct table_found found = {0};
        if (is_dropped(key))
            continue;
        byron_status status =
            version_get(fixture.state.version, key, point, NULL, &found);
        must(status == BYRON_OK || status == BYRON_NOT_FOUND);
        bool is_there = status == BYRON_OK && found.kind == ENTRY_PUT;
        must(is_there == (entry != NULL));
        if (entry)
            must(slice_equal(found.value.bytes, entry->value));
        if (status == BYRON_OK)
            pin_release(&found.value);
    }
}

/* All tables as the database reads them, without what is hidden. */
static void check_files(void)
{
    struct version *version = fixture.state.version;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++)
            for (size_t t = 0; t < version->levels[l].runs[r].count; t++) {
                struct table_reader *reader;
                must(table_meta_reader(version->levels[l].runs[r].tables[t],
                                       &reader) == BYRON_OK);
                ck_assert_int_eq(table_reader_verify(reader, NULL), BYRON_OK);
            }
}

static void check_all(const uint64_t *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_gets(points[i]);
    for (uint64_t point = points[count - 1]; point <= COMMITS; point++)
        check_gets(point);
    check_files();
}

START_TEST(readers_see_what_they_saw)
{
    uint64_t points[3];
    size_t count;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    fixture.output.file_size = 300 + rng_below(&rng, 3000);
    count = 1 + (size_t)rng_below(&rng, 3);
    for (size_t i = 0; i < count; i++)
        points[i] = (i ? points[i - 1] : 5) + rng_below(&rng, 12);
    add_run(6, 0, 1, 10);
    add_run(5, 0, 11, 20);
    add_run(0, 1, 21, 30);
    add_run(0, 2, 31, COMMITS);
    if (rng_one_in(&rng, 3)) {
        struct range_delete drop = random_range(1);
        dropped_lower = drop.lower;
        dropped_upper = drop.upper;
        job_fixture_drop(&fixture, drop.lower, drop.upper);
    }
    check_all(points, count);
    merge(0, 5, points, count);
    check_all(points, count);
    merge(5, 6, points, count);
    check_all(points, count);
    /* Nobody asks for anything but the newest: then nothing else stays. */
    points[0] = COMMITS;
    merge(6, 6, points, 1);
    check_all(points, 1);
    ck_assert_uint_eq(fixture.state.version->levels[6].ranges, 0);
    ck_assert_uint_eq(fixture.state.version->levels[6].tombstones, 0);
}
END_TEST

START_TEST(tables_begin_and_end_where_their_ranges_do)
{
    struct range_delete delete = {key_of(1), key_of(50), 9};
    struct range_deletes one = {&delete, 1, 0};
    struct range_list pieces = {0};
    struct entry_list list = {0};
    uint8_t value[100] = {0};
    for (size_t i = 10; i < 40; i++) {
        struct entry entry = {key_of(i), slice_of(value, 100), 9, ENTRY_PUT};
        entry_list_append(&list, &entry);
    }
    must(range_list_build(&pieces, &one) == BYRON_OK);
    fixture.output.ranges = &pieces;
    fixture.output.file_size = 1000;
    fixture.output.table.codec = CODEC_NONE;
    job_fixture_add_run(&fixture, 0, 1, &list);
    fixture.output.ranges = NULL;
    const struct run *run = &fixture.state.version->levels[0].runs[0];
    ck_assert_uint_gt(run->count, 2);
    ck_assert(slice_equal(table_meta_smallest(run->tables[0]), key_of(1)));
    for (size_t i = 0; i < run->count; i++) {
        const struct table_meta *table = run->tables[i];
        ck_assert_uint_eq(table->facts.ranges, 1);
        ck_assert(table->facts.is_open);
        /* No key between two tables is left out. */
        if (i > 0)
            ck_assert(slice_equal(table_meta_smallest(table),
                                  table_meta_largest(run->tables[i - 1])));
    }
    ck_assert(slice_equal(table_meta_largest(run->tables[run->count - 1]),
                          key_of(50)));
    check_files();
    range_list_deinit(&pieces);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(a_table_of_ranges_alone_has_an_entry_for_them)
{
    struct range_delete delete = {key_of(3), key_of(7), 9};
    struct range_deletes one = {&delete, 1, 0};
    struct range_list pieces = {0};
    struct entry_list none = {0};
    struct table_found found = {0};
    must(range_list_build(&pieces, &one) == BYRON_OK);
    fixture.output.ranges = &pieces;
    job_fixture_add_run(&fixture, 0, 1, &none);
    fixture.output.ranges = NULL;
    ck_assert_uint_eq(fixture.state.version->levels[0].entries, 1);
    ck_assert_uint_eq(fixture.state.version->levels[0].tombstones, 1);
    ck_assert_int_eq(
        version_get(fixture.state.version, key_of(6), 9, NULL, &found),
        BYRON_OK);
    ck_assert_int_eq(found.kind, ENTRY_DELETE);
    ck_assert_int_eq(
        version_get(fixture.state.version, key_of(6), 8, NULL, &found),
        BYRON_NOT_FOUND);
    ck_assert_int_eq(
        version_get(fixture.state.version, key_of(7), 9, NULL, &found),
        BYRON_NOT_FOUND);
    check_files();
    range_list_deinit(&pieces);
}
END_TEST

Suite *test_job_ranges_suite(void)
{
    Suite *suite = suite_create("job_ranges");
    TCase *cases = tcase_create("job_ranges");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, readers_see_what_they_saw, 0, 60);
    tcase_add_test(cases, tables_begin_and_end_where_their_ranges_do);
    tcase_add_test(cases, a_table_of_ranges_alone_has_an_entry_for_them);
    suite_add_tcase(suite, cases);
    return suite;
}
