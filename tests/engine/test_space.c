/*
 * What overwriting leaves behind, and when a store gives it back.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/plain_store.h"

Suite *test_space_suite(void);

#define ROWS      2000
#define RETAIN_US 1000000
#define QUIET_US  5000000
#define RETRY_US  250000
#define LATER_US  60000000

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;

/* Eight memtables or so hold all rows. */
static void set_up(void)
{
    fs = memfs_new(1);
    memfs_use_virtual_time(fs);
    options = plain_options(fs);
    options.memory = 1 << 20;
    options.memtable = 64 << 10;
    options.file_size = 64 << 10;
    options.compression = BYRON_COMPRESSION_NONE;
    db = plain_open(&options);
}

static void tear_down(void)
{
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

static void write_rows(int count, char with)
{
    char key[20];
    char value[100];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%04d", i * 7919 % ROWS);
        memset(value, with, sizeof value);
        CHECK_OK(byron_put(db, plain_text(key),
                           (struct byron_bytes){value, sizeof value}, false));
    }
}

static struct byron_stats stats_of_all(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats;
}

static uint64_t entries(void)
{
    struct byron_stats stats = stats_of_all();
    uint64_t all = 0;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        all += stats.level[l].entries;
    return all;
}

static void fill(void)
{
    write_rows(ROWS, 'a');
    memfs_advance(fs, 2 * RETAIN_US);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_eq(entries(), ROWS);
}

static void expect_rows(char with)
{
    char wanted[101] = {0};
    memset(wanted, with, 100);
    plain_expect_get(db, "0000", wanted);
    plain_expect_get(db, "1999", wanted);
}

/* Jobs keep what somebody may still ask for; once nobody may, it goes, even if
 * the store was closed and opened again meanwhile (_i). */
START_TEST(rows_overwritten_at_once_give_their_space_back)
{
    fill();
    write_rows(ROWS, 'b');
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_eq(entries(), 2 * ROWS);
    if (_i == 1) {
        CHECK_OK(byron_close(db));
        db = plain_open(&options);
    }
    memfs_advance(fs, 2 * RETAIN_US);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_lt(entries(), ROWS + ROWS / 5);
    expect_rows('b');
}
END_TEST

/* Level 0 is not due yet, but a good part of the store. */
START_TEST(a_settled_store_has_little_above_its_last_level)
{
    fill();
    write_rows(ROWS / 2, 'b');
    memfs_advance(fs, 2 * RETAIN_US);
    CHECK_OK(byron_flush(db));
    ck_assert_uint_gt(stats_of_all().level[0].runs, 0);
    ck_assert_uint_gt(entries(), ROWS + ROWS / 5);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_lt(entries(), ROWS + ROWS / 5);
    ck_assert_uint_eq(stats_of_all().level[0].runs, 0);
}
END_TEST

/* The thread looks once a second, of the real clock. */
START_TEST(a_store_that_nobody_writes_settles_by_itself)
{
    fill();
    CHECK_OK(byron_close(db));
    options.inline_work = false;
    db = plain_open(&options);
    write_rows(ROWS / 2, 'b');
    CHECK_OK(byron_flush(db));
    memfs_advance(fs, QUIET_US - 1);
    sleep(2);
    ck_assert_uint_gt(stats_of_all().level[0].runs, 0);
    memfs_advance(fs, 1);
    for (int i = 0; i < 20 && stats_of_all().level[0].runs > 0; i++)
        sleep(1);
    ck_assert_uint_eq(stats_of_all().level[0].runs, 0);
    ck_assert_uint_lt(entries(), ROWS + ROWS / 5);
}
END_TEST

static void wait_for_errors(uint64_t wanted)
{
    for (int i = 0; i < 100 && stats_of_all().background_errors < wanted; i++)
        usleep(100000);
    ck_assert_uint_eq(stats_of_all().background_errors, wanted);
}

/* To fill what is left of a disk again and again would take it from others. */
START_TEST(on_a_full_disk_a_quiet_store_tries_once_a_minute)
{
    fill();
    CHECK_OK(byron_close(db));
    options.inline_work = false;
    db = plain_open(&options);
    write_rows(ROWS / 2, 'b');
    CHECK_OK(byron_flush(db));
    memfs_set_space(fs, 0);
    memfs_advance(fs, QUIET_US);
    wait_for_errors(1);
    for (int i = 0; i < 4; i++) {
        memfs_advance(fs, 2 * RETRY_US);
        usleep(600000);
    }
    ck_assert_uint_eq(stats_of_all().background_errors, 1);
    memfs_advance(fs, LATER_US);
    wait_for_errors(2);
    ck_assert_int_eq(byron_settle(db), BYRON_FULL);
    memfs_set_space(fs, UINT64_MAX);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_lt(entries(), ROWS + ROWS / 5);
}
END_TEST

Suite *test_space_suite(void)
{
    Suite *suite = suite_create("space");
    TCase *cases = tcase_create("space");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, rows_overwritten_at_once_give_their_space_back,
                        0, 2);
    tcase_add_test(cases, a_settled_store_has_little_above_its_last_level);
    tcase_add_test(cases, a_store_that_nobody_writes_settles_by_itself);
    tcase_add_test(cases, on_a_full_disk_a_quiet_store_tries_once_a_minute);
    suite_add_tcase(suite, cases);
    return suite;
}
