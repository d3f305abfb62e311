/*
 * The tables of a large transaction wait for their place in level 0, and what
 * they hold is deleted meanwhile: they never come back above the delete, nor
 * does what lies below them, whenever the power is cut, and in the end nothing
 * of it is left.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "byron_inspect.h"
#include "db/db.h"
#include "support/plain_store.h"

Suite *test_waiting_tables_suite(void);

#define ROWS   300
#define IMAGES 400

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static bool is_ordered; /* The transaction wrote its keys in their order. */

static struct byron_bytes key_of(int number)
{
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "key %05d", number);
    return plain_text(text);
}

/* 'o'ld ones lie at the bottom, and some in memory, 'n'ew ones in the tables
 * that wait. */
static struct byron_bytes value_of(char kind, int number)
{
    static _Thread_local char text[100];
    memset(text, kind, sizeof text);
    snprintf(text, sizeof text, "%c%05d", kind, number);
    return (struct byron_bytes){text, sizeof text};
}

static bool is_deleted(int number)
{
    return number % 3 == 0 || (number >= 100 && number < 200);
}

/* What a reader sees of it: kind, or 0: that it is gone. */
static void expect_row(byron_db *store, byron_snapshot *snapshot, int number,
                       char kind)
{
    struct byron_value value;
    byron_status status = byron_get(store, snapshot, key_of(number), &value);
    if (kind == 0) {
        ck_assert_msg(status == BYRON_NOT_FOUND, "key %d is back", number);
        return;
    }
    CHECK_OK(status);
    ck_assert_mem_eq(value.data, value_of(kind, number).data, 6);
    byron_value_release(&value);
}

/* By get, and by a walk. */
static void expect_rows(byron_db *store, byron_snapshot *snapshot,
                        bool is_after)
{
    byron_snapshot *mine = NULL;
    byron_cursor *cursor;
    if (!snapshot)
        CHECK_OK(byron_snapshot_open(store, &mine));
    CHECK_OK(
        byron_cursor_open(snapshot ? snapshot : mine, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    for (int i = 0; i < ROWS; i++) {
        bool is_gone = is_after && is_deleted(i);
        expect_row(store, snapshot, i, is_gone ? 0 : 'n');
        if (is_gone)
            continue;
        ck_assert(byron_cursor_valid(cursor));
        ck_assert_mem_eq(byron_cursor_key(cursor).data, key_of(i).data, 9);
        CHECK_OK(byron_cursor_next(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
    byron_snapshot_close(mine);
}

static byron_status count_waiting(void *context,
                                  const struct byron_table *table)
{
    *(int *)context += table->level < 0;
    return BYRON_OK;
}

static int waiting_tables(byron_db *store)
{
    int count = 0;
    CHECK_OK(byron_list_tables(store, NULL, count_waiting, &count));
    return count;
}

/* --- the course ------------------------------------------------------------
 */

static void put_old(void)
{
    for (int i = 0; i < ROWS; i++)
        CHECK_OK(byron_put(db, key_of(i), value_of('o', i), false));
    CHECK_OK(byron_compact(db, NULL));
    for (int i = 0; i < ROWS; i += 5)
        CHECK_OK(byron_put(db, key_of(i), value_of('o', i), false));
}

static void put_new(void)
{
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 10000, &txn));
    for (int i = 0; i < ROWS; i++) {
        int number = is_ordered ? i : i * 7 % ROWS;
        CHECK_OK(byron_txn_put(txn, key_of(number), value_of('n', number)));
    }
    CHECK_OK(byron_txn_commit(txn, true));
}

static void delete_some(void)
{
    struct byron_range range = {plain_text("key 00100"),
                                plain_text("key 00200")};
    CHECK_OK(byron_delete_range(db, &range, false));
    for (int i = 0; i < ROWS; i += 3)
        CHECK_OK(byron_delete(db, key_of(i), i + 3 >= ROWS));
}

/* The thread stands before its next piece of work, until let_work. */
static void stop_work(void)
{
    mutex_lock(&((struct byron_db *)db)->work_mutex);
}

static void let_work(void)
{
    mutex_unlock(&((struct byron_db *)db)->work_mutex);
}

static void begin(int variant)
{
    is_ordered = variant % 2 == 0;
    fs = memfs_new(1);
    options = plain_options(fs);
    options.inline_work = false;
    options.memory = 1 << 18;
    options.memtable = 16384;
    options.file_size = 4096;
    options.compression = BYRON_COMPRESSION_NONE;
    options.retain_ms = 1;
    db = plain_open(&options);
    put_old();
    stop_work();
    put_new();
    ck_assert_int_gt(waiting_tables(db), 1);
}

/* Nothing of what was deleted is left in any file. */
static void expect_no_more_entries(void)
{
    struct byron_stats stats;
    uint64_t entries = 0;
    uint64_t wanted = 0;
    CHECK_OK(byron_put(db, plain_text("z"), plain_text("z"), false));
    memfs_os(fs)->sleep_us(memfs_os(fs), 5000); /* Beyond retain_ms. */
    CHECK_OK(byron_compact(db, NULL));
    byron_stats(db, &stats);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        entries += stats.level[i].entries;
    for (int i = 0; i < ROWS; i++)
        wanted += !is_deleted(i);
    ck_assert_uint_eq(entries, wanted + 1);
}

START_TEST(a_delete_over_tables_that_wait_holds)
{
    byron_snapshot *before, *after;
    begin(_i);
    CHECK_OK(byron_snapshot_open(db, &before));
    expect_rows(db, NULL, false);
    delete_some();
    CHECK_OK(byron_snapshot_open(db, &after));
    for (int round = 0; round < 4; round++) {
        expect_rows(db, before, false);
        expect_rows(db, after, true);
        expect_rows(db, NULL, true);
        if (round == 0)
            let_work();
        else if (round == 1)
            CHECK_OK(byron_flush(db));
        else if (round == 2)
            CHECK_OK(byron_compact(db, NULL));
    }
    ck_assert_int_eq(waiting_tables(db), 0);
    byron_snapshot_close(before);
    byron_snapshot_close(after);
    expect_no_more_entries();
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- power cuts ------------------------------------------------------------
 */

static struct mutex images_mutex; /* The thread and we make calls. */
static struct memfs *images[IMAGES];
static size_t image_count;

static void take_image(void *context, const struct memfs_call *call)
{
    (void)context;
    mutex_lock(&images_mutex);
    if ((call->kind & MEMFS_WRITES) && image_count < IMAGES) {
        enum memfs_crash mode =
            (enum memfs_crash)(image_count % MEMFS_CRASH_COUNT);
        images[image_count] = memfs_crash_clone(fs, mode, image_count + 1);
        image_count++;
    }
    mutex_unlock(&images_mutex);
}

/* Opened, and then worked off as well. */
static void check_image(struct memfs *image, int *waiting)
{
    struct byron_options there = options;
    byron_db *store;
    uint64_t damages;
    there.os = memfs_os(image);
    there.inline_work = true;
    CHECK_OK(byron_open("store", &there, &store));
    *waiting += waiting_tables(store) > 0;
    expect_rows(store, NULL, true);
    CHECK_OK(byron_flush(store));
    expect_rows(store, NULL, true);
    CHECK_OK(byron_compact(store, NULL));
    expect_rows(store, NULL, true);
    CHECK_OK(byron_verify(store, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(store));
    memfs_free(image);
}

START_TEST(a_power_cut_brings_nothing_of_it_back)
{
    int waiting = 0;
    image_count = 0;
    mutex_init(&images_mutex);
    begin(_i);
    delete_some();
    memfs_set_hook(fs, take_image, NULL);
    let_work();
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_compact(db, NULL));
    memfs_set_hook(fs, NULL, NULL);
    CHECK_OK(byron_close(db));
    ck_assert_uint_gt(image_count, 20);
    for (size_t i = 0; i < image_count; i++)
        check_image(images[i], &waiting);
    ck_assert_int_gt(waiting, 0);
    memfs_free(fs);
}
END_TEST

Suite *test_waiting_tables_suite(void)
{
    Suite *suite = suite_create("waiting_tables");
    TCase *cases = tcase_create("waiting_tables");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_delete_over_tables_that_wait_holds, 0, 2);
    tcase_add_loop_test(cases, a_power_cut_brings_nothing_of_it_back, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
