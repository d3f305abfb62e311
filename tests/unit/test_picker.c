#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "compaction/overlap.h"
#include "compaction/picker.h"
#include "support/level_model.h"
#include "support/seed.h"

Suite *test_picker_suite(void);

#define MEMTABLE_ENTRIES 500
#define MEMTABLE_BYTES   ((uint64_t)MEMTABLE_ENTRIES * MODEL_ENTRY_BYTES)

static struct level_model model;
static struct job_spec spec;

static void set_up(void)
{
    level_model_init(&model, MEMTABLE_BYTES, MEMTABLE_BYTES / 2);
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

/* --- Level 0 -------------------------------------------------------------- */

START_TEST(three_runs_wait_four_go)
{
    fill(6, 0, 0, 99, 10000);
    for (uint64_t run = 1; run <= 3; run++)
        fill(0, run, 0, 99, 10000);
    ck_assert_int_eq(choose(), JOB_NONE);

    fill(0, 4, 0, 99, 10000);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 5);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(spec.inputs[i].run, 4 - i);
    ck_assert_uint_eq(spec.inputs[4].level, 6);
}
END_TEST

START_TEST(of_a_long_level_0_the_oldest_runs_go_first)
{
    fill(6, 0, 0, 99, 10000);
    for (uint64_t run = 1; run <= 100; run++)
        fill(0, run, 0, 99, MEMTABLE_BYTES);

    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_lt(spec.input_count, 20);
    for (size_t i = spec.input_count - 1; i-- > 0;)
        ck_assert_uint_eq(spec.inputs[i].run, spec.input_count - 1 - i);
}
END_TEST

START_TEST(a_run_that_meets_nothing_moves_to_the_end)
{
    fill(6, 0, 500, 599, 10000);
    for (uint64_t run = 1; run <= 4; run++)
        fill(0, run, 0, 99, 10000);

    ck_assert_int_eq(choose(), JOB_MOVE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 1);
    ck_assert_uint_eq(spec.inputs[0].run, 1);
}
END_TEST

START_TEST(small_runs_are_merged_rather_than_moved)
{
    for (uint64_t run = 1; run <= 4; run++)
        fill(0, run, run * 10, run * 10 + 9, 100);

    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.input_count, 4);
}
END_TEST

START_TEST(a_run_longer_than_a_job_goes_down_in_pieces)
{
    uint64_t file_size = model.options.file_size;
    for (uint64_t i = 0; i < 100; i++) {
        fill(6, 0, i * 10, i * 10 + 9, 1000);
        fill(0, 1, i * 10, i * 10 + 9, file_size);
    }
    for (uint64_t run = 2; run <= 4; run++)
        fill(0, run, 0, 999, file_size);

    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].run, 1);
    ck_assert_uint_le(spec.input_bytes, 20 * file_size);
}
END_TEST

/* --- Damage --------------------------------------------------------------- */

START_TEST(nothing_jumps_over_damage_in_level_0)
{
    for (uint64_t run = 1; run <= 6; run++)
        fill(0, run, 0, 99, 10000);
    fill(6, 0, 0, 99, 10000);
    struct run *runs = model.fake.version.levels[0].runs;
    atomic_store(&runs[2].tables[0]->is_corrupt, true); /* Run 4. */

    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].run, 3);
    atomic_store(&runs[5].tables[0]->is_corrupt, true); /* Run 1. */
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

START_TEST(nothing_lands_on_damage)
{
    for (uint64_t run = 1; run <= 3; run++)
        fill(0, run, 0, 99, 10000);
    struct table_meta *table = fill(6, 0, 50, 59, 10000);
    atomic_store(&table->is_corrupt, true);

    model.options.level0_runs = 3;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 0);
    ck_assert_uint_eq(spec.input_count, 3);
    ck_assert_uint_eq(picker_debt(&model.fake.version, &model.options), 0);
}
END_TEST

START_TEST(runs_above_damage_stay_few)
{
    struct model_entry entries[50] = {{0}};
    for (uint32_t i = 0; i < 50; i++)
        entries[i].key = i;
    for (int flush = 0; flush < 500; flush++) {
        level_model_flush(&model, entries, 50);
        if (flush == 0)
            atomic_store(
                &model.fake.version.levels[0].runs[0].tables[0]->is_corrupt,
                true);
        ck_assert(level_model_settle(&model, 2));
        ck_assert_uint_lt(model.fake.version.levels[0].count, 20);
    }
    ck_assert(level_model_is_sound(&model));
    ck_assert_uint_lt(model.written_bytes, 10 * model.flushed_bytes);
}
END_TEST

START_TEST(a_level_that_damage_bars_does_not_hold_up_others)
{
    fill(6, 0, 0, 999, 10000000);
    fill(5, 0, 0, 999, 5000000); /* Far too large. */
    struct table_meta *barred = fill(4, 0, 0, 999, 200000);
    fill(3, 0, 0, 999, 400000);
    atomic_store(&model.fake.version.levels[6].runs[0].tables[0]->is_corrupt,
                 true);

    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].level, 3);
    atomic_store(&barred->is_corrupt, true);
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

/* --- Dropped ranges ------------------------------------------------------- */

START_TEST(tables_inside_a_dropped_range_go_at_once)
{
    fill(0, 1, 10, 19, 100);
    fill(3, 0, 12, 18, 100);
    fill(6, 0, 0, 9, 100);
    fill(6, 0, 10, 20, 100);
    fake_drop(&model.fake, 10, 20);

    ck_assert_int_eq(choose(), JOB_DELETE);
    ck_assert_uint_eq(spec.input_count, 2);
    ck_assert_uint_eq(spec.inputs[0].level, 0);
    ck_assert_uint_eq(spec.inputs[1].level, 3);
}
END_TEST

START_TEST(a_table_torn_by_a_drop_is_rewritten_once)
{
    struct model_entry entries[100] = {{0}};
    for (uint32_t i = 0; i < 100; i++)
        entries[i].key = i * 10;
    level_model_flush(&model, entries, 100);
    struct job_spec move = {0};
    struct run *run = &model.fake.version.levels[0].runs[0];
    ck_assert_int_eq(job_spec_add(&move, 0, run, 0, 1), BYRON_OK);
    move.kind = JOB_MOVE;
    move.output_level = 6;
    level_model_run(&model, &move);
    job_spec_deinit(&move);

    fake_drop(&model.fake, 500, 505);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert(level_model_settle(&model, 2));
    ck_assert_uint_eq(model.fake.version.levels[6].entries, 99);
    ck_assert_ptr_null(level_model_get(&model, 500));
    ck_assert_ptr_nonnull(level_model_get(&model, 510));
}
END_TEST

START_TEST(an_empty_drop_tears_nothing)
{
    fill(6, 0, 0, 99, 10000);
    fake_drop(&model.fake, 50, 50);
    fake_drop(&model.fake, 60, 40);
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

/* --- Tombstones ----------------------------------------------------------- */

START_TEST(a_dense_table_goes_down_where_it_pays)
{
    fill(6, 0, 0, 999, 10000000);
    struct table_meta *table = fill(5, 0, 0, 99, 100000);
    struct level *level = &model.fake.version.levels[5];
    table->facts.tombstones = level->tombstones = 400;
    ck_assert_int_eq(choose(), JOB_NONE); /* 100,000 entries lie below. */

    fake_remove(&model.fake, 1);
    fill(6, 0, 0, 99, 100000);
    fill(6, 0, 100, 999, 9000000);
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.inputs[0].tables[0]->number, table->number);
    table->facts.tombstones = level->tombstones = 250;
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

START_TEST(the_last_level_is_cleaned_when_no_reader_needs_it)
{
    struct table_meta *table = fill(6, 0, 0, 99, 100000);
    table->facts.tombstones = 400;
    table->facts.max_sequence = 50;
    model.fake.version.levels[6].tombstones = 400;
    model.options.oldest_point = 49;
    ck_assert_int_eq(choose(), JOB_NONE);

    model.options.oldest_point = 50;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 1);
}
END_TEST

/* A thousand entries that expire from 1000 to 2000 ms. */
static struct table_meta *fill_timed(uint32_t level)
{
    struct table_meta *table = fill(level, 0, 0, 99, 100000);
    table->facts.timed = model.fake.version.levels[level].timed = 1000;
    table->facts.earliest_ms = 1000;
    table->facts.latest_ms = 2000;
    model.options.oldest_point = 1;
    return table;
}

START_TEST(a_table_that_has_expired_in_part_is_cleaned)
{
    fill_timed(6);
    model.options.expired_ms = 1200;
    ck_assert_int_eq(choose(), JOB_NONE);
    model.options.expired_ms = 1400;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 1);
}
END_TEST

START_TEST(a_table_that_has_expired_is_removed_unread)
{
    struct table_meta *table = fill_timed(6);
    model.options.expired_ms = 2000;
    ck_assert_int_eq(choose(), JOB_DELETE);
    model.options.oldest_point = 0;
    ck_assert_int_eq(choose(), JOB_NONE);
    model.options.oldest_point = 1;
    table->facts.timed = 999; /* One never does. */
    ck_assert_int_eq(choose(), JOB_MERGE);
}
END_TEST

START_TEST(what_expired_above_others_goes_down)
{
    fill_timed(5);
    fill(6, 0, 0, 99, 100000);
    model.options.expired_ms = 2000;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    ck_assert_uint_eq(spec.input_count, 2);
}
END_TEST

START_TEST(what_expired_long_ago_goes_however_little)
{
    struct table_meta *table = fill_timed(6);
    table->facts.timed = 1;
    model.options.tombstone_age_s = 60;
    model.options.now_s = 61;
    model.options.expired_ms = 61000;
    ck_assert_int_eq(choose(), JOB_NONE);
    model.options.now_s = 62;
    ck_assert_int_eq(choose(), JOB_MERGE);
}
END_TEST

START_TEST(level_0_goes_down_where_most_of_it_has_expired)
{
    fill(6, 0, 0, 99, 100000);
    fill_timed(0);
    model.options.expired_ms = 999;
    ck_assert_int_eq(choose(), JOB_NONE);
    model.options.expired_ms = 2000;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
}
END_TEST

START_TEST(old_tombstones_go_down_however_few)
{
    struct table_meta *table = fill(5, 0, 0, 99, 100000);
    fill(6, 0, 0, 99, 5000000);
    table->facts.tombstones = 1;
    table->created_s = 1000;
    model.fake.version.levels[5].tombstones = 1;
    model.options.tombstone_age_s = 60;
    model.options.now_s = 1060;
    ck_assert_int_eq(choose(), JOB_NONE);

    model.options.now_s = 1061;
    ck_assert_int_eq(choose(), JOB_MERGE);
    ck_assert_uint_eq(spec.output_level, 6);
    model.options.now_s = 900; /* The clock went back. */
    ck_assert_int_eq(choose(), JOB_NONE);
}
END_TEST

START_TEST(a_delete_of_everything_gives_the_space_back)
{
    struct model_entry entries[MEMTABLE_ENTRIES];
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < MEMTABLE_ENTRIES; i++)
            entries[i] =
                (struct model_entry){.key = i, .is_tombstone = pass == 1};
        level_model_flush(&model, entries, MEMTABLE_ENTRIES);
    }

    ck_assert(level_model_settle(&model, 10));
    ck_assert_uint_eq(level_model_bytes(&model), 0);
}
END_TEST

/* --- All together --------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    uint32_t x = ((const struct model_entry *)a)->key;
    uint32_t y = ((const struct model_entry *)b)->key;
    return (x > y) - (x < y);
}

/* Distinct keys below keys, each a tombstone once in tombstones (0: never). */
static void flush_random(struct rng *rng, uint32_t keys, size_t count,
                         uint64_t tombstones)
{
    struct model_entry *entries = calloc(count, sizeof *entries);
    size_t kept = 0;
    ck_assert_ptr_nonnull(entries);
    for (size_t i = 0; i < count; i++)
        entries[i].key = (uint32_t)rng_below(rng, keys);
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && entries[i].key == entries[i - 1].key)
            continue;
        entries[kept].is_tombstone = tombstones && rng_one_in(rng, tombstones);
        entries[kept++].key = entries[i].key;
    }
    level_model_flush(&model, entries, kept);
    free(entries);
}

static void check_shape(void)
{
    uint64_t targets[BYRON_LEVELS];
    const struct version *version = &model.fake.version;
    picker_targets(version, &model.options, targets);
    ck_assert_uint_lt(version->levels[0].count, model.options.level0_runs);
    for (uint32_t level = 1; level + 1 < BYRON_LEVELS; level++)
        ck_assert_uint_le(version->levels[level].bytes, targets[level]);
    ck_assert_uint_eq(picker_debt(version, &model.options), 0);
}

START_TEST(random_writes_cost_and_hold_little_more_than_they_must)
{
    struct rng rng;
    const uint32_t keys = 100 * MEMTABLE_ENTRIES;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 1500; i++) {
        flush_random(&rng, keys, MEMTABLE_ENTRIES, 0);
        ck_assert(level_model_settle(&model, 200));
    }

    double written =
        1 + (double)model.written_bytes / (double)model.flushed_bytes;
    double held =
        (double)level_model_bytes(&model) / ((double)keys * MODEL_ENTRY_BYTES);
    printf("picker: random writes to 100 memtables of keys: %.2f times the "
           "bytes written, %.2f times held, largest job %.0f memtables\n",
           written, held, (double)model.largest_job / (double)MEMTABLE_BYTES);
    ck_assert_double_le(written, 11);
    ck_assert_double_le(held, 1.25);
    ck_assert_uint_le(model.largest_job, 24 * MEMTABLE_BYTES);
    check_shape();
    ck_assert(level_model_is_sound(&model));
}
END_TEST

START_TEST(ascending_writes_are_written_once)
{
    uint32_t key = 0;
    for (int i = 0; i < 200; i++) {
        struct model_entry entries[MEMTABLE_ENTRIES] = {{0}};
        for (size_t j = 0; j < MEMTABLE_ENTRIES; j++)
            entries[j].key = key++;
        level_model_flush(&model, entries, MEMTABLE_ENTRIES);
        ck_assert(level_model_settle(&model, 20));
    }
    ck_assert_uint_eq(model.written_bytes, 0);
    check_shape();
}
END_TEST

/* A lag between writer and compaction must not break what holds at rest. */
START_TEST(any_backlog_settles)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 300; i++) {
        size_t count =
            rng_one_in(&rng, 25) ? 30 * MEMTABLE_ENTRIES : MEMTABLE_ENTRIES;
        flush_random(&rng, 40000, count, 1 + rng_below(&rng, 4));
        for (uint64_t steps = rng_below(&rng, 4); steps > 0; steps--) {
            if (!level_model_step(&model))
                break;
        }
    }
    ck_assert(level_model_settle(&model, 3000));
    check_shape();
    ck_assert(level_model_is_sound(&model));
}
END_TEST

static bool is_dropped(uint32_t key)
{
    const struct store_state *state = &model.fake.state;
    for (size_t i = 0; i < state->drop_count; i++) {
        if (key >= fake_key_number(buf_slice(&state->drops[i].lower)) &&
            key < fake_key_number(buf_slice(&state->drops[i].upper)))
            return true;
    }
    return false;
}

/* Mixed deletes, readers, drops and damage: it ends, and answers are right. */
START_TEST(whatever_happens_it_comes_to_rest)
{
    enum { KEYS = 5000 };
    static uint32_t newest[KEYS];
    struct rng rng;
    rng_init(&rng, test_seed());
    memset(newest, 0, sizeof newest);
    model.options.fanout = (uint32_t)(2 + rng_below(&rng, 8));
    for (uint64_t i = 0; i < 150; i++) {
        uint64_t number = model.fake.next_number;
        flush_random(&rng, KEYS, 50 + rng_below(&rng, 500),
                     1 + rng_below(&rng, 3));
        for (; number < model.fake.next_number; number++) {
            const struct model_table *table = &model.tables[number];
            for (size_t j = 0; j < table->count; j++)
                newest[table->entries[j].key] =
                    table->entries[j].is_tombstone ? 0 : model.sequence;
        }
        model.options.oldest_point = rng_below(&rng, model.sequence + 1);
        model.options.tombstone_age_s = 5;
        model.options.now_s = i;
        model.options.is_quiet = rng_one_in(&rng, 4);
        if (rng_one_in(&rng, 30)) {
            uint64_t lower = rng_below(&rng, KEYS);
            fake_drop(&model.fake, lower, lower + rng_below(&rng, 500));
        }
        if (rng_one_in(&rng, 60) && model.fake.version.levels[6].count)
            atomic_store(
                &model.fake.version.levels[6].runs[0].tables[0]->is_corrupt,
                true);
        ck_assert(rng_one_in(&rng, 2) || level_model_settle(&model, 3000));
    }
    ck_assert(level_model_settle(&model, 3000));
    for (uint32_t key = 0; key < KEYS; key++) {
        const struct model_entry *entry = level_model_get(&model, key);
        uint32_t found = entry && !entry->is_tombstone ? entry->sequence : 0;
        ck_assert(is_dropped(key) || found == newest[key]);
    }
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
    for (uint64_t run = 1; run <= 4; run++)
        fill(0, run, 0, 99, 10000);
    fill(6, 0, 0, 99, 10000);
    size_t live = alloc_live();
    size_t nth = 1;
    byron_status status;
    for (;; nth++) {
        alloc_fail_after(nth);
        status = picker_choose(&model.fake.state, &model.options, &spec);
        alloc_fail_after(0);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_NO_MEMORY);
        ck_assert_int_eq(spec.kind, JOB_NONE);
        ck_assert_uint_eq(alloc_live(), live);
    }
    ck_assert_uint_gt(nth, 5);
}
END_TEST

static void add_rules(TCase *cases)
{
    tcase_add_test(cases, three_runs_wait_four_go);
    tcase_add_test(cases, of_a_long_level_0_the_oldest_runs_go_first);
    tcase_add_test(cases, a_run_that_meets_nothing_moves_to_the_end);
    tcase_add_test(cases, small_runs_are_merged_rather_than_moved);
    tcase_add_test(cases, a_run_longer_than_a_job_goes_down_in_pieces);
    tcase_add_test(cases, nothing_jumps_over_damage_in_level_0);
    tcase_add_test(cases, nothing_lands_on_damage);
    tcase_add_test(cases, runs_above_damage_stay_few);
    tcase_add_test(cases, a_level_that_damage_bars_does_not_hold_up_others);
    tcase_add_test(cases, tables_inside_a_dropped_range_go_at_once);
    tcase_add_test(cases, a_table_torn_by_a_drop_is_rewritten_once);
    tcase_add_test(cases, an_empty_drop_tears_nothing);
    tcase_add_test(cases, a_dense_table_goes_down_where_it_pays);
    tcase_add_test(cases, the_last_level_is_cleaned_when_no_reader_needs_it);
    tcase_add_test(cases, a_table_that_has_expired_in_part_is_cleaned);
    tcase_add_test(cases, a_table_that_has_expired_is_removed_unread);
    tcase_add_test(cases, what_expired_above_others_goes_down);
    tcase_add_test(cases, what_expired_long_ago_goes_however_little);
    tcase_add_test(cases, level_0_goes_down_where_most_of_it_has_expired);
    tcase_add_test(cases, old_tombstones_go_down_however_few);
    tcase_add_test(cases, no_memory_leaves_nothing);
}

Suite *test_picker_suite(void)
{
    Suite *suite = suite_create("picker");
    TCase *cases = tcase_create("picker");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    add_rules(cases);
    tcase_add_test(cases, a_delete_of_everything_gives_the_space_back);
    tcase_add_test(cases,
                   random_writes_cost_and_hold_little_more_than_they_must);
    tcase_add_test(cases, ascending_writes_are_written_once);
    tcase_add_test(cases, any_backlog_settles);
    tcase_add_test(cases, whatever_happens_it_comes_to_rest);
    suite_add_tcase(suite, cases);
    return suite;
}
