/*
 * The room on the disk that a store needs while it is written and compacted.
 *
 * Covers: work, maintain.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "support/plain_store.h"
#include "support/seed.h"

Suite *test_room_suite(void);

#define ROWS       20000
#define VALUE_SIZE 200
/* The log of edits is written anew only where it exceeds a megabyte; logs of
 * memtables and level 0 have their size. */
#define FIXED_BYTES ((uint64_t)1280 << 10)

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static struct rng rng;
static uint32_t versions[ROWS]; /* Of each row, what was written last. */

/* Memtables and files as a store with little memory has them. */
static void set_up(void)
{
    rng_init(&rng, test_seed());
    fs = memfs_new(test_seed());
    memfs_use_virtual_time(fs);
    options = plain_options(fs);
    options.memory = 1 << 20;
    options.memtable = 32 << 10;
    options.file_size = 8 << 20;
    options.retain_ms = 1;
    options.compression = BYRON_COMPRESSION_NONE;
    memset(versions, 0, sizeof versions);
    db = plain_open(&options);
}

static void tear_down(void)
{
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

static void fill_value(uint32_t row, uint32_t version,
                       uint8_t value[VALUE_SIZE])
{
    memset(value, (int)(row + version), VALUE_SIZE);
    memcpy(value, &row, sizeof row);
    memcpy(value + sizeof row, &version, sizeof version);
}

static void put(uint32_t row)
{
    uint8_t value[VALUE_SIZE];
    char key[20];
    snprintf(key, sizeof key, "%05u", (unsigned)row);
    fill_value(row, ++versions[row], value);
    CHECK_OK(byron_put(db, plain_text(key),
                       (struct byron_bytes){value, sizeof value}, false));
    memfs_advance(fs, 1000);
}

static void put_any(uint32_t rows, int count)
{
    for (int i = 0; i < count; i++)
        put((uint32_t)rng_below(&rng, rows));
}

/* All of them in the last level. */
static void fill(uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++)
        put(row);
    CHECK_OK(byron_compact(db, NULL));
}

static void expect_rows(byron_db *from, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        struct byron_value found;
        uint8_t value[VALUE_SIZE];
        char key[20];
        snprintf(key, sizeof key, "%05u", (unsigned)row);
        fill_value(row, versions[row], value);
        CHECK_OK(byron_get(from, NULL, plain_text(key), &found));
        ck_assert_uint_eq(found.size, sizeof value);
        ck_assert_mem_eq(found.data, value, sizeof value);
        byron_value_release(&found);
    }
}

static struct byron_stats stats_of_all(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats;
}

/* What goes down goes in pieces, by itself and by request: where one job would
 * write all of the last level anew there had to be room for all of it. */
START_TEST(two_thirds_of_what_lives_are_room_enough)
{
    fill(ROWS);
    uint64_t live = stats_of_all().level[6].bytes;
    ck_assert_uint_gt(live, ROWS * VALUE_SIZE);
    memfs_set_space(fs, live + live * 2 / 3 + FIXED_BYTES);
    for (int i = 0; i < 6; i++) {
        put_any(ROWS, ROWS / 4);
        ck_assert_uint_eq(stats_of_all().background_errors, 0);
        if (i > 1)
            CHECK_OK(byron_compact(db, NULL));
    }
    CHECK_OK(byron_settle(db));
    ck_assert_uint_eq(stats_of_all().background_errors, 0);
    expect_rows(db, ROWS);
}
END_TEST

/* --- Between two pieces --------------------------------------------------- */

#define FEW_ROWS 1000

/* Without what was in memory of what was to go down, it goes down all the same.
 */
static void check_image(void *context, const struct memfs_call *call)
{
    int *images = context;
    if (call->kind != MEMFS_SYNC || !rng_one_in(&rng, 4))
        return;
    enum memfs_crash mode =
        (enum memfs_crash)rng_below(&rng, MEMFS_CRASH_COUNT);
    struct memfs *image = memfs_crash_clone(fs, mode, rng_next(&rng));
    struct byron_options own = options;
    byron_db *found;
    own.os = memfs_os(image);
    own.create = false;
    CHECK_OK(byron_open("store", &own, &found));
    expect_rows(found, FEW_ROWS);
    CHECK_OK(byron_compact(found, NULL));
    expect_rows(found, FEW_ROWS);
    CHECK_OK(byron_close(found));
    memfs_free(image);
    (*images)++;
}

START_TEST(a_power_cut_between_two_pieces_takes_nothing)
{
    int images = 0;
    CHECK_OK(byron_close(db));
    options.memtable = 8 << 10;
    db = plain_open(&options);
    fill(FEW_ROWS);
    put_any(FEW_ROWS, FEW_ROWS);
    CHECK_OK(byron_flush(db));
    uint64_t before = stats_of_all().compactions;
    memfs_set_hook(fs, check_image, &images);
    CHECK_OK(byron_compact(db, NULL));
    memfs_set_hook(fs, NULL, NULL);
    ck_assert_uint_gt(stats_of_all().compactions, before + 5);
    ck_assert_int_gt(images, 2);
}
END_TEST

/* --- A piece that fails --------------------------------------------------- */

static int pieces_left;        /* Before the one that fails. */
static atomic_bool is_failing; /* It is under way. */
static atomic_bool is_asked;   /* For a new attempt. */

/* The file of a piece fails as it is made, once somebody has flushed. */
static void fail_a_piece(void *context, const struct memfs_call *call)
{
    (void)context;
    if (!(call->kind & MEMFS_CREATE) || !strstr(call->path, "/S-") ||
        pieces_left-- != 0)
        return;
    is_failing = true;
    while (!is_asked)
        usleep(500);
    memfs_fail_nth(fs, MEMFS_APPEND, 1, BYRON_FULL, false);
}

static void flush_meanwhile(void *context)
{
    (void)context;
    while (!is_failing)
        usleep(500);
    CHECK_OK(byron_flush(db)); /* Of nothing: no storage call. */
    is_asked = true;
}

/* Nobody is told of it, so it has to be done again. */
START_TEST(a_piece_that_fails_under_a_flush_is_done_again)
{
    struct thread thread;
    CHECK_OK(byron_close(db));
    options.memtable = 8 << 10;
    db = plain_open(&options);
    fill(FEW_ROWS);
    put_any(FEW_ROWS, FEW_ROWS);
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_close(db));
    options.inline_work = false;
    db = plain_open(&options);
    pieces_left = _i;
    is_failing = is_asked = false;
    memfs_set_hook(fs, fail_a_piece, NULL);
    CHECK_OK(thread_start(&thread, flush_meanwhile, NULL));
    CHECK_OK(byron_compact(db, NULL));
    memfs_set_hook(fs, NULL, NULL);
    thread_join(&thread);
    struct byron_stats stats = stats_of_all();
    ck_assert_uint_eq(stats.background_errors, 1);
    for (int level = 0; level < BYRON_LEVELS - 1; level++)
        ck_assert_uint_eq(stats.level[level].files, 0);
    expect_rows(db, FEW_ROWS);
}
END_TEST

/* --- Readers hold what jobs have replaced --------------------------------- */

#define HELD_US 2000000

static void compact_all(void *context)
{
    atomic_bool *is_done = context;
    CHECK_OK(byron_compact(db, NULL));
    *is_done = true;
}

/* Whether it is within about ten seconds. */
static bool is_soon(const atomic_bool *is_done)
{
    for (int i = 0; i < 1000 && !*is_done; i++)
        usleep(10000);
    return *is_done;
}

/* Until they are gone (_i 0), or two seconds are over (1). */
START_TEST(jobs_wait_for_those_who_read_what_they_replaced)
{
    struct thread thread;
    atomic_bool is_done = false;
    byron_snapshot *reader;
    fill(ROWS);
    put_any(ROWS, ROWS / 4);
    uint64_t live = stats_of_all().level[6].bytes;
    CHECK_OK(byron_close(db));
    options.inline_work = false;
    db = plain_open(&options);
    CHECK_OK(byron_snapshot_open(db, &reader));
    CHECK_OK(thread_start(&thread, compact_all, &is_done));
    usleep(1000000);
    ck_assert(!is_done);
    ck_assert_uint_lt(stats_of_all().disk_bytes,
                      live + live * 2 / 3 + FIXED_BYTES);
    if (_i == 0)
        byron_snapshot_close(reader);
    else
        memfs_advance(fs, HELD_US);
    ck_assert(is_soon(&is_done));
    thread_join(&thread);
    if (_i == 1)
        byron_snapshot_close(reader);
    expect_rows(db, ROWS);
}
END_TEST

Suite *test_room_suite(void)
{
    Suite *suite = suite_create("room");
    TCase *cases = tcase_create("room");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, two_thirds_of_what_lives_are_room_enough);
    tcase_add_test(cases, a_power_cut_between_two_pieces_takes_nothing);
    tcase_add_loop_test(cases, a_piece_that_fails_under_a_flush_is_done_again,
                        0, 5);
    tcase_add_loop_test(cases, jobs_wait_for_those_who_read_what_they_replaced,
                        0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
