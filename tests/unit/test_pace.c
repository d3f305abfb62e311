/*
 * What slows writers, by how much and for how long, as decision 0006 says: on
 * versions made up by hand and a clock that stands still.
 */
#include <check.h>
#include <stdlib.h>

#include "compaction/picker.h"
#include "db/pace.h"
#include "db/work.h"
#include "support/fake_version.h"
#include "support/memfs.h"

Suite *test_pace_suite(void);

#define MB           ((uint64_t)1 << 20)
#define MEMTABLE     MB
#define MEASURE_US   100000
#define SLEEP_MAX_US 20000
#define RATE_MIN     ((uint64_t)512 << 10)

static struct memfs *fs;
static struct fake_version fake;
static struct read_state state;
static struct frozen *frozen[MAX_FROZEN];
static struct byron_db db;

static void set_up(void)
{
    fs = memfs_new(1);
    memfs_use_virtual_time(fs);
    fake_version_init(&fake);
    memset(&db, 0, sizeof db);
    mutex_init(&db.mutex);
    db.os = memfs_os(fs);
    db.tuning.memtable = MEMTABLE;
    db.tuning.file_size = 32 * MB;
    db.tuning.fanout = 8;
    db.has_thread = true;
    state = (struct read_state){.version = &fake.version, .frozen = frozen};
    ck_assert_int_eq(memtable_new(false, &state.live), BYRON_OK);
    db.read_state = &state;
    db.pace.window_us = db.flushed_us = db.os->now_us(db.os);
}

static void tear_down(void)
{
    memtable_unref(state.live);
    fake_version_deinit(&fake);
    mutex_deinit(&db.mutex);
    memfs_free(fs);
}

static uint64_t now(void)
{
    return db.os->now_us(db.os);
}

static void look(void)
{
    memfs_advance(fs, MEASURE_US);
    db_pace_measure(&db);
}

/* The newest so many runs of level 0, each of so many bytes. */
static void set_runs(size_t count, uint64_t bytes)
{
    struct level *level = &fake.version.levels[0];
    while (level->count > count)
        fake_remove(&fake, level->runs[0].tables[0]->number);
    while (level->count < count)
        fake_fill(&fake, 0, 100 + level->count, 1, 9, bytes);
}

static double between(double value, double soft, double hard)
{
    return value <= soft   ? 0
           : value >= hard ? 1
                           : (value - soft) / (hard - soft);
}

/* --- what makes pressure ------------------------------------------------- */

START_TEST(runs_of_level_0_press_from_8_on_and_most_at_24)
{
    for (size_t runs = 0; runs < 30; runs++) {
        set_runs(runs, 1000);
        look();
        ck_assert_double_eq_tol(db.pace.pressure, between((double)runs, 8, 24),
                                0.001);
        ck_assert_int_eq(db.pace.rate > 0, runs > 8);
    }
}
END_TEST

START_TEST(debt_presses_from_16_memtables_on_and_most_at_64)
{
    double before = -1;
    bool is_free = false, is_partly = false, is_full = false;
    for (uint64_t size = MB / 2; size <= 24 * MB; size += MB / 2) {
        struct picker_options options;
        set_runs(0, 0);
        set_runs(4, size);
        db_picker_options(&db, &options);
        double debt = (double)picker_debt(&fake.version, &options) / MEMTABLE;
        double wanted = between(debt, 16, 64);
        look();
        ck_assert_double_eq_tol(db.pace.pressure, wanted, 0.001);
        ck_assert_double_ge(debt, before);
        before = debt;
        is_free |= wanted <= 0;
        is_partly |= wanted > 0 && wanted < 1;
        is_full |= wanted >= 1;
    }
    ck_assert(is_free && is_partly && is_full);
}
END_TEST

static void grow_live(uint64_t sequence)
{
    static uint8_t value[1000];
    uint8_t key[8];
    struct entry entry = {.key = fake_key(sequence, key),
                          .value = slice_of(value, sizeof value),
                          .sequence = sequence,
                          .kind = ENTRY_PUT};
    ck_assert_int_eq(memtable_add(state.live, &entry), BYRON_OK);
}

START_TEST(a_filling_memtable_presses_where_no_other_is_free)
{
    for (uint64_t i = 1; i < 1200; i++) {
        grow_live(i);
        double size = (double)db_memtable_size(state.live);
        state.frozen_count = MAX_FROZEN;
        look();
        ck_assert_double_eq_tol(db.pace.pressure,
                                between(size, 0.5 * MEMTABLE, MEMTABLE), 0.001);
        state.frozen_count = MAX_FROZEN - 1;
        look();
        ck_assert_double_eq_tol(db.pace.pressure, 0, 0.001);
    }
    ck_assert_uint_gt(db_memtable_size(state.live), MEMTABLE);
}
END_TEST

START_TEST(the_greatest_pressure_counts)
{
    set_runs(12, 1000);
    state.frozen_count = MAX_FROZEN;
    while (db_memtable_size(state.live) < MEMTABLE)
        grow_live(1 + memtable_count(state.live));
    look();
    ck_assert_double_eq_tol(db.pace.pressure, 1, 0.001);
    state.frozen_count = 0;
    look();
    ck_assert_double_eq_tol(db.pace.pressure, 0.25, 0.001);
}
END_TEST

/* --- the rate ------------------------------------------------------------- */

/* Came in since the last look, which was MEASURE_US ago. */
static void take_in(uint64_t bytes)
{
    db.pace.window_bytes = bytes;
    look();
}

START_TEST(the_rate_begins_at_the_intake_and_follows_the_pressure)
{
    set_runs(10, 1000);
    take_in(MB);
    uint64_t rate = 10 * MB;
    ck_assert_uint_eq(db.pace.rate, rate);
    set_runs(11, 1000);
    take_in(7 * MB); /* What comes in no longer matters. */
    rate = rate * 9 / 10;
    ck_assert_uint_eq(db.pace.rate, rate);
    take_in(0); /* Neither more nor less pressure. */
    ck_assert_uint_eq(db.pace.rate, rate);
    set_runs(12, 1000);
    look();
    rate = rate * 9 / 10;
    ck_assert_uint_eq(db.pace.rate, rate);
    set_runs(11, 1000);
    look();
    rate = rate * 11 / 10;
    ck_assert_uint_eq(db.pace.rate, rate);
    set_runs(8, 1000);
    look();
    ck_assert_uint_eq(db.pace.rate, 0);
}
END_TEST

START_TEST(the_rate_never_falls_below_half_a_megabyte)
{
    set_runs(9, 1000);
    take_in(10);
    ck_assert_uint_eq(db.pace.rate, RATE_MIN);
    for (size_t runs = 10; runs < 24; runs++) {
        set_runs(runs, 1000);
        look();
        ck_assert_uint_eq(db.pace.rate, RATE_MIN);
    }
}
END_TEST

START_TEST(it_is_looked_at_ten_times_a_second)
{
    set_runs(9, 1000);
    memfs_advance(fs, MEASURE_US - 1);
    db_pace_measure(&db);
    ck_assert_uint_eq(db.pace.rate, 0);
    memfs_advance(fs, 1);
    db_pace_measure(&db);
    ck_assert_uint_eq(db.pace.rate, RATE_MIN);
}
END_TEST

/* --- the sleeps ----------------------------------------------------------- */

START_TEST(without_a_rate_nobody_sleeps)
{
    uint64_t before = now();
    for (int i = 0; i < 100; i++)
        db_pace(&db, 10 * MB);
    ck_assert_uint_eq(now(), before);
    ck_assert_uint_eq(db.stats.delayed_writes, 0);
}
END_TEST

START_TEST(a_commit_waits_for_the_bytes_of_the_one_before)
{
    uint64_t before = now();
    db.pace.rate = MB;
    db_pace(&db, MB / 100);
    ck_assert_uint_eq(now(), before);
    ck_assert_uint_eq(db.stats.delayed_writes, 0);
    db_pace(&db, 1);
    uint64_t slept = now() - before;
    ck_assert_uint_ge(slept, 9900);
    ck_assert_uint_le(slept, 10000);
    ck_assert_uint_eq(db.stats.delayed_writes, 1);
    ck_assert_uint_eq(db.stats.delay_us, slept);
    ck_assert_uint_eq(db.stats.delay_max_us, slept);
}
END_TEST

START_TEST(no_commit_sleeps_longer_than_20_ms)
{
    db.pace.rate = RATE_MIN;
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t before = now();
        db_pace(&db, 100 * MB);
        ck_assert_uint_eq(now() - before, i == 0 ? 0 : SLEEP_MAX_US);
    }
    ck_assert_uint_eq(db.stats.delayed_writes, 19);
    ck_assert_uint_eq(db.stats.delay_max_us, SLEEP_MAX_US);
    ck_assert_uint_eq(db.stats.delay_us, 19 * SLEEP_MAX_US);
}
END_TEST

START_TEST(small_commits_bring_what_the_rate_allows)
{
    uint64_t before = now();
    db.pace.rate = 2 * MB;
    for (int i = 0; i < 10000; i++)
        db_pace(&db, 2000); /* Not a millisecond's worth. */
    double seconds = (double)(now() - before) / 1000000;
    ck_assert_double_eq_tol(seconds, 2000.0 * 10000 / (2.0 * MB), 0.02);
}
END_TEST

Suite *test_pace_suite(void)
{
    Suite *suite = suite_create("pace");
    TCase *cases = tcase_create("pace");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, runs_of_level_0_press_from_8_on_and_most_at_24);
    tcase_add_test(cases, debt_presses_from_16_memtables_on_and_most_at_64);
    tcase_add_test(cases, a_filling_memtable_presses_where_no_other_is_free);
    tcase_add_test(cases, the_greatest_pressure_counts);
    tcase_add_test(cases,
                   the_rate_begins_at_the_intake_and_follows_the_pressure);
    tcase_add_test(cases, the_rate_never_falls_below_half_a_megabyte);
    tcase_add_test(cases, it_is_looked_at_ten_times_a_second);
    tcase_add_test(cases, without_a_rate_nobody_sleeps);
    tcase_add_test(cases, a_commit_waits_for_the_bytes_of_the_one_before);
    tcase_add_test(cases, no_commit_sleeps_longer_than_20_ms);
    tcase_add_test(cases, small_commits_bring_what_the_rate_allows);
    suite_add_tcase(suite, cases);
    return suite;
}
