/*
 * Two clocks that know nothing of each other: what somebody waits for, or is
 * promised for a while, goes by the steady one, however the wall clock is set;
 * what bears a date goes by the wall clock, however long a machine was on.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "db/work.h"
#include "support/memfs_clock.h"
#include "support/plain_store.h"
#include "support/played_host.h"

Suite *test_clocks_suite(void);

#define SECOND_US UINT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)
#define HOUR_MS   UINT64_C(3600000)
#define YEAR_MS   (365 * 24 * HOUR_MS)
#define NOON_MS   (50 * YEAR_MS) /* Where the wall clock begins. */
#define QUIET_US  (5 * SECOND_US)
#define RETRY_US  250000

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;

/* Where a clock set wrong may stand: a year before, or behind. */
static const uint64_t wrong[] = {NOON_MS - YEAR_MS, NOON_MS + YEAR_MS};

static void begin(bool is_inline)
{
    fs = memfs_new(1);
    memfs_use_virtual_time(fs);
    memfs_set_wall(fs, NOON_MS);
    options = plain_options(fs);
    options.inline_work = is_inline;
    options.memory = 1 << 20;
    options.memtable = options.file_size = 32768;
    options.compression = BYRON_COMPRESSION_NONE;
    db = plain_open(&options);
}

static void end(void)
{
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

static struct byron_stats stats_of_all(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats;
}

static void put_rows(int first, int count)
{
    static char value[200];
    char key[24];
    for (int i = first; i < first + count; i++) {
        snprintf(key, sizeof key, "key %08d", i);
        CHECK_OK(byron_put(db, plain_text(key),
                           (struct byron_bytes){value, sizeof value}, false));
    }
}

/* Does all that is due now; whether there was any. */
static bool is_work_due(void)
{
    bool did_any = false;
    bool did_some = true;
    while (did_some) {
        CHECK_OK(db_work((struct byron_db *)db, UINT64_MAX, &did_some));
        did_any |= did_some;
    }
    return did_any;
}

/* --- the steady clock ------------------------------------------------------
 */

START_TEST(the_last_second_is_one_of_the_steady_clock)
{
    struct played_host host;
    byron_snapshot *snapshot;
    played_host_init(&host);
    memfs_use_virtual_time(host.fs);
    memfs_set_wall(host.fs, NOON_MS);
    played_host_commit(&host, "a", 1, 0);
    uint64_t old = host.row.recent[0];
    played_host_commit(&host, "a", 2, 0);
    memfs_set_wall(host.fs, wrong[_i]);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_compact(host.db, NULL));
    CHECK_OK(byron_snapshot_at(host.db, old, 0, &snapshot));
    ck_assert_int_eq(played_host_get_at(host.db, snapshot, "a"), 1);
    byron_snapshot_close(snapshot);
    memfs_advance(host.fs, 2 * SECOND_US);
    played_host_commit(&host, "a", 3, 0);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_compact(host.db, NULL));
    ck_assert_int_eq(byron_snapshot_at(host.db, old, 0, &snapshot),
                     BYRON_BUSY_SNAPSHOT);
    played_host_deinit(&host);
}
END_TEST

static void fail_tables(void *context, const struct memfs_call *call)
{
    (void)context;
    if ((call->kind & MEMFS_CREATE) && strstr(call->path, "/S-"))
        memfs_fail_nth(fs, MEMFS_CREATE, 1, BYRON_FULL, false);
}

START_TEST(what_failed_is_tried_again_by_the_steady_clock)
{
    begin(true);
    memfs_set_hook(fs, fail_tables, NULL);
    int row = 0;
    while (stats_of_all().background_errors == 0)
        put_rows(row++, 1);
    memfs_set_wall(fs, wrong[_i]);
    memfs_advance(fs, RETRY_US - 1);
    put_rows(row++, 1);
    ck_assert_uint_eq(stats_of_all().background_errors, 1);
    memfs_advance(fs, 1);
    put_rows(row++, 1);
    ck_assert_uint_eq(stats_of_all().background_errors, 2);
    memfs_set_hook(fs, NULL, NULL);
    end();
}
END_TEST

START_TEST(a_store_is_quiet_by_the_steady_clock)
{
    begin(true);
    put_rows(0, 500);
    CHECK_OK(byron_compact(db, NULL));
    put_rows(0, 300);
    CHECK_OK(byron_flush(db));
    (void)is_work_due();
    ck_assert_uint_gt(stats_of_all().level[0].runs, 0);
    memfs_set_wall(fs, wrong[_i]);
    memfs_advance(fs, QUIET_US - 1);
    ck_assert(!is_work_due());
    memfs_advance(fs, 1);
    ck_assert(is_work_due());
    ck_assert_uint_eq(stats_of_all().level[0].runs, 0);
    end();
}
END_TEST

static atomic_int answer; /* Of wait_for_token; -1: none yet. */

static void *wait_for_token(void *context)
{
    byron_txn *txn;
    (void)context;
    atomic_store(&answer, (int)byron_begin(db, 20, &txn));
    return NULL;
}

START_TEST(a_writer_waits_by_the_steady_clock)
{
    pthread_t thread;
    byron_txn *txn;
    begin(true);
    CHECK_OK(byron_begin(db, 0, &txn));
    atomic_store(&answer, -1);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_token, NULL), 0);
    for (int i = 0; i < 20; i++) {
        memfs_set_wall(fs, wrong[i % 2]);
        usleep(5000);
    }
    ck_assert_int_eq(atomic_load(&answer), -1);
    /* It may have begun to wait only now. */
    while (atomic_load(&answer) == -1) {
        memfs_advance(fs, 20000);
        usleep(1000);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(atomic_load(&answer), BYRON_BUSY);
    byron_txn_abort(txn);
    end();
}
END_TEST

/* --- the wall clock --------------------------------------------------------
 */

START_TEST(a_value_expires_by_the_wall_clock)
{
    begin(true);
    CHECK_OK(byron_put_until(db, plain_text("k"), plain_text("v"),
                             NOON_MS + HOUR_MS, false));
    CHECK_OK(byron_flush(db));
    memfs_advance(fs, 1000 * HOUR_US);
    plain_expect_get(db, "k", "v");
    memfs_set_wall(fs, NOON_MS + HOUR_MS - 1);
    plain_expect_get(db, "k", "v");
    memfs_set_wall(fs, NOON_MS + HOUR_MS);
    plain_expect_get(db, "k", NULL);
    end();
}
END_TEST

/* Too few to be worth a rewrite by themselves. */
START_TEST(tombstones_age_by_the_wall_clock)
{
    begin(true);
    put_rows(0, 2000);
    CHECK_OK(byron_compact(db, NULL));
    CHECK_OK(byron_delete(db, plain_text("key 00000007"), false));
    CHECK_OK(byron_flush(db));
    (void)is_work_due();
    memfs_advance(fs, 1000 * HOUR_US);
    ck_assert(!is_work_due());
    /* Made in the future, as it seems: that is no age. */
    memfs_set_wall(fs, NOON_MS - YEAR_MS);
    ck_assert(!is_work_due());
    memfs_set_wall(fs, NOON_MS + 23 * HOUR_MS);
    ck_assert(!is_work_due());
    memfs_set_wall(fs, NOON_MS + 25 * HOUR_MS);
    ck_assert(is_work_due());
    ck_assert_uint_eq(stats_of_all().level[0].runs, 0);
    plain_expect_get(db, "key 00000007", NULL);
    end();
}
END_TEST

Suite *test_clocks_suite(void)
{
    Suite *suite = suite_create("clocks");
    TCase *cases = tcase_create("clocks");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, the_last_second_is_one_of_the_steady_clock, 0,
                        2);
    tcase_add_loop_test(cases, what_failed_is_tried_again_by_the_steady_clock,
                        0, 2);
    tcase_add_loop_test(cases, a_store_is_quiet_by_the_steady_clock, 0, 2);
    tcase_add_test(cases, a_writer_waits_by_the_steady_clock);
    tcase_add_test(cases, a_value_expires_by_the_wall_clock);
    tcase_add_test(cases, tombstones_age_by_the_wall_clock);
    suite_add_tcase(suite, cases);
    return suite;
}
