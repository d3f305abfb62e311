/*
 * What is due the background thread does by itself: nobody here asks for a
 * flush, a compaction or rest, and byron_stats wakes nobody. It is waited for
 * with a deadline, as the thread has a clock of its own.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"

Suite *test_unasked_suite(void);

#define MEMTABLE 32768
#define VALUE    500
#define PATIENCE 60000 /* Milliseconds until a test gives up. */
#define IDLE_MS  1000  /* After which the thread looks without being woken. */

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static atomic_bool is_failing;

/* Tables cannot be begun while is_failing. */
static void at_call(void *context, const struct memfs_call *call)
{
    (void)context;
    if (atomic_load(&is_failing) && (call->kind & MEMFS_CREATE) &&
        strstr(call->path, "/S-"))
        memfs_fail_nth(fs, MEMFS_CREATE, 1, BYRON_FULL, false);
}

static void set_up(void)
{
    fs = memfs_new(1);
    options = plain_options(fs);
    options.inline_work = false;
    options.memory = 1 << 20;
    options.memtable = options.file_size = MEMTABLE;
    options.compression = BYRON_COMPRESSION_NONE;
    options.retain_ms = 1;
    atomic_store(&is_failing, false);
    memfs_set_hook(fs, at_call, NULL);
    db = plain_open(&options);
}

static void tear_down(void)
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

static bool is_flushed(void)
{
    return stats_of_all().frozen_count == 0;
}

static bool has_failed(void)
{
    return stats_of_all().background_errors > 0;
}

static bool is_level_0_short(void)
{
    return is_flushed() && stats_of_all().level[0].runs < 4;
}

static uint64_t now_ms(void)
{
    return os_posix()->now_us(os_posix()) / 1000;
}

/* How many milliseconds it took. */
static int wait_until(bool (*is_done)(void), const char *what)
{
    uint64_t start = now_ms();
    while (!is_done()) {
        ck_assert_msg(now_ms() - start < PATIENCE, "waited in vain: %s", what);
        usleep(1000);
    }
    return (int)(now_ms() - start);
}

static void put(int number)
{
    static char value[VALUE];
    char key[24];
    snprintf(key, sizeof key, "key %08d", number);
    CHECK_OK(byron_put(db, plain_text(key),
                       (struct byron_bytes){value, sizeof value}, false));
}

/* The live memtable is frozen once, behind so many rows. */
static int fill_one(int number)
{
    uint64_t before = stats_of_all().wal_bytes_written;
    while (stats_of_all().wal_bytes_written < before + MEMTABLE)
        put(number++);
    return number;
}

START_TEST(a_full_memtable_is_flushed)
{
    for (int i = 0; i < 400; i++)
        put(i);
    wait_until(is_flushed, "memtables to be flushed");
    ck_assert_uint_gt(stats_of_all().flushes, 3);
    plain_expect_get(db, "key 00000400", NULL);
}
END_TEST

/* Woken, not only when it next looks: of some times at least one is sooner.
 * Between them it goes to sleep; fewer runs than make a compaction due. */
START_TEST(it_is_woken_for_a_full_memtable)
{
    static char large[MEMTABLE];
    struct byron_bytes value = {large, sizeof large};
    int soonest = PATIENCE;
    for (int round = 0; round < 3 && soonest > IDLE_MS / 2; round++) {
        usleep(200000);
        CHECK_OK(byron_put(db, plain_text("fills it"), value, false));
        CHECK_OK(byron_put(db, plain_text("freezes it"), value, false));
        int waited = wait_until(is_flushed, "a memtable to be flushed");
        if (waited < soonest)
            soonest = waited;
    }
    ck_assert_uint_gt(stats_of_all().flushes, 0);
    ck_assert_int_le(soonest, IDLE_MS / 2);
}
END_TEST

START_TEST(tables_of_a_large_transaction_get_their_place)
{
    static char value[VALUE];
    char key[24];
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "key %08d", i * 7919 % 300);
        CHECK_OK(byron_txn_put(txn, plain_text(key),
                               (struct byron_bytes){value, sizeof value}));
    }
    CHECK_OK(byron_txn_commit(txn, false));
    wait_until(is_flushed, "tables to get into level 0");
    struct byron_stats stats = stats_of_all();
    uint64_t files = 0;
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        files += stats.level[i].files;
    ck_assert_uint_gt(files, 1);
}
END_TEST

START_TEST(level_0_is_compacted)
{
    for (int i = 0; i < 2000; i++)
        put(i * 7919 % 2000);
    wait_until(is_level_0_short, "level 0 to be compacted");
    ck_assert_uint_gt(stats_of_all().compactions, 0);
}
END_TEST

START_TEST(what_failed_is_tried_again)
{
    atomic_store(&is_failing, true);
    int number = fill_one(0);
    while (is_flushed())
        put(number++);
    wait_until(has_failed, "a flush to fail");
    uint64_t failed = stats_of_all().background_errors;
    ck_assert(!is_flushed());
    for (int i = 0; stats_of_all().background_errors == failed; i++) {
        ck_assert_int_lt(i, PATIENCE);
        usleep(1000);
    }
    atomic_store(&is_failing, false);
    wait_until(is_flushed, "a flush that failed to be tried again");
}
END_TEST

static void count_table(void *context, const char *path)
{
    *(int *)context += strstr(path, "/S-") != NULL;
}

static bool has_no_levels(void)
{
    struct byron_stats stats = stats_of_all();
    uint64_t files = 0;
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        files += stats.level[i].files;
    return files == 0;
}

static bool has_no_tables(void)
{
    int count = 0;
    memfs_list(fs, count_table, &count);
    return count == 0;
}

/* Its files go when the last reader does, who tells nobody. */
START_TEST(files_of_a_reader_that_is_gone_go)
{
    byron_snapshot *snapshot;
    struct byron_range all = {plain_text("a"), plain_text("z")};
    for (int i = 0; i < 400; i++)
        put(i);
    wait_until(is_level_0_short, "level 0 to be compacted");
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_drop(db, &all));
    wait_until(has_no_levels, "tables to leave the levels");
    usleep(200000); /* It has gone to sleep. */
    ck_assert(!has_no_tables());
    byron_snapshot_close(snapshot);
    wait_until(has_no_tables, "files to go");
}
END_TEST

Suite *test_unasked_suite(void)
{
    Suite *suite = suite_create("unasked");
    TCase *cases = tcase_create("unasked");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_full_memtable_is_flushed);
    tcase_add_test(cases, it_is_woken_for_a_full_memtable);
    tcase_add_test(cases, tables_of_a_large_transaction_get_their_place);
    tcase_add_test(cases, level_0_is_compacted);
    tcase_add_test(cases, what_failed_is_tried_again);
    tcase_add_test(cases, files_of_a_reader_that_is_gone_go);
    suite_add_tcase(suite, cases);
    return suite;
}
