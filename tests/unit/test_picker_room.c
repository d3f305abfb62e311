/*
 * How much room what the picker chooses needs beside what is there.
 *
 * Covers: picker.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "compaction/overlap.h"
#include "support/level_model.h"
#include "support/seed.h"

Suite *test_picker_room_suite(void);

#define MEMTABLE_ENTRIES 200
#define MEMTABLE_BYTES   ((uint64_t)MEMTABLE_ENTRIES * MODEL_ENTRY_BYTES)

static struct level_model model;
static struct job_spec spec;

/* Files as large as many memtables, as a store with little memory has. */
static void set_up(void)
{
    level_model_init(&model, MEMTABLE_BYTES, 16 * MEMTABLE_BYTES);
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
    ck_assert_int_eq(
        picker_choose(&model.fake.state, &model.options, &model.rest, &spec),
        BYRON_OK);
    return spec.kind;
}

/* Ten tables of a level that is too large, each over one ten times as large. */
static void fill_wide(void)
{
    for (uint64_t i = 0; i < 10; i++) {
        fake_fill(&model.fake, 5, 0, i * 10, i * 10 + 9, 5 * MEMTABLE_BYTES);
        fake_fill(&model.fake, 6, 0, i * 10, i * 10 + 9, 25 * MEMTABLE_BYTES);
    }
}

static uint64_t first_of_input(void)
{
    return fake_key_number(table_meta_smallest(spec.inputs[0].tables[0]));
}

static void take_away(void)
{
    for (size_t i = 0; i < spec.inputs[0].count; i++)
        fake_remove(&model.fake, spec.inputs[0].tables[i]->number);
}

START_TEST(what_goes_down_together_goes_in_pieces)
{
    fill_wide();
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(choose(), JOB_MERGE);
        ck_assert_uint_le(spec.input_bytes, 300 * MEMTABLE_BYTES / 8);
        ck_assert_uint_eq(first_of_input(), i * 10);
        take_away();
    }
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

/* What presses goes first, and the rest goes on where it was. */
START_TEST(a_level_0_that_presses_does_not_wait_for_the_rest)
{
    fill_wide();
    ck_assert_int_eq(choose(), JOB_MERGE);
    take_away();
    for (uint64_t run = 1; run <= 9; run++)
        fake_fill(&model.fake, 0, run, 0, 99, MEMTABLE_BYTES);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].level, 0);
    for (uint64_t run = 1; run <= 9; run++)
        fake_remove(&model.fake,
                    model.fake.version.levels[0].runs[0].tables[0]->number);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].level, 5);
    ck_assert_uint_eq(first_of_input(), 10);
}
END_TEST

static int compare_entries(const void *a, const void *b)
{
    uint32_t x = ((const struct model_entry *)a)->key;
    uint32_t y = ((const struct model_entry *)b)->key;
    return (x > y) - (x < y);
}

static void flush_random(struct rng *rng, uint32_t keys)
{
    struct model_entry entries[MEMTABLE_ENTRIES] = {{0}};
    size_t kept = 0;
    for (size_t i = 0; i < MEMTABLE_ENTRIES; i++)
        entries[i].key = (uint32_t)rng_below(rng, keys);
    qsort(entries, MEMTABLE_ENTRIES, sizeof *entries, compare_entries);
    for (size_t i = 0; i < MEMTABLE_ENTRIES; i++)
        if (i == 0 || entries[i].key != entries[kept - 1].key)
            entries[kept++].key = entries[i].key;
    level_model_flush(&model, entries, kept);
}

START_TEST(random_writes_need_half_as_much_room_again)
{
    struct rng rng;
    const uint32_t keys = 150 * MEMTABLE_ENTRIES;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 1500; i++) {
        flush_random(&rng, keys);
        ck_assert(level_model_settle(&model, 200));
    }
    double live = (double)keys * MODEL_ENTRY_BYTES;
    printf("picker: random writes to 150 memtables of keys, large files: %.2f "
           "times the bytes written, at most %.2f times held\n",
           1 + (double)model.written_bytes / (double)model.flushed_bytes,
           (double)model.most_held / live);
    ck_assert_double_le((double)model.most_held, 1.5 * live);
    ck_assert(level_model_is_sound(&model));
}
END_TEST

Suite *test_picker_room_suite(void)
{
    Suite *suite = suite_create("picker_room");
    TCase *cases = tcase_create("picker_room");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_goes_down_together_goes_in_pieces);
    tcase_add_test(cases, a_level_0_that_presses_does_not_wait_for_the_rest);
    tcase_add_test(cases, random_writes_need_half_as_much_room_again);
    suite_add_tcase(suite, cases);
    return suite;
}
