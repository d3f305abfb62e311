/*
 * A cursor of which one call has failed: it shows nothing any more, whatever is
 * asked of it answers the same error, in the same words, and the next cursor
 * knows nothing of it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/plain_store.h"

Suite *test_failed_cursor_suite(void);

#define ROWS  400
#define LARGE 30000 /* A value that lies apart. */

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static byron_snapshot *snapshot;

static struct byron_bytes key_of(int number)
{
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "key %05d", number);
    return plain_text(text);
}

/* Every hundredth is large. */
static size_t size_of(int number)
{
    return number % 100 == 50 ? LARGE : 60;
}

static void put_rows(int first, int step)
{
    static uint8_t value[LARGE];
    for (int i = first; i < ROWS; i += step) {
        memset(value, i % 251, sizeof value);
        struct byron_bytes bytes = {value, size_of(i)};
        CHECK_OK(byron_put(db, key_of(i), bytes, false));
    }
}

/* Two runs and the memtable share the keys, so that each move goes over three
 * sources; nothing stays in the cache. */
static void set_up(void)
{
    fs = memfs_new(1);
    options = plain_options(fs);
    options.memory = 1 << 20;
    options.cache = 1;
    options.block_size = 1024;
    options.file_size = 8192;
    options.compression = BYRON_COMPRESSION_NONE;
    options.retain_ms = 1;
    db = plain_open(&options);
    put_rows(0, 1);
    CHECK_OK(byron_compact(db, NULL));
    put_rows(1, 3);
    CHECK_OK(byron_flush(db));
    put_rows(2, 7);
    CHECK_OK(byron_snapshot_open(db, &snapshot));
}

static void tear_down(void)
{
    byron_snapshot_close(snapshot);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

/* --- moves -----------------------------------------------------------------
 */

static byron_status value_of(byron_cursor *cursor)
{
    struct byron_bytes value;
    return byron_cursor_value(cursor, &value);
}

enum move { FIRST, LAST, SEEK, SEEK_BACK, NEXT, PREV, VALUE, MOVES };

static byron_status make(byron_cursor *cursor, enum move move, int number)
{
    switch (move) {
    case FIRST:
        return byron_cursor_first(cursor);
    case LAST:
        return byron_cursor_last(cursor);
    case SEEK:
        return byron_cursor_seek(cursor, key_of(number));
    case SEEK_BACK:
        return byron_cursor_seek_back(cursor, key_of(number));
    case NEXT:
        return byron_cursor_next(cursor);
    case PREV:
        return byron_cursor_prev(cursor);
    default:
        return value_of(cursor);
    }
}

/* So many in a row: rows lie ready after some steps forth. */
static const struct {
    enum move move;
    int number;
    int count;
} course[] = {
    {FIRST, 0, 1},       {NEXT, 0, 20}, {VALUE, 0, 1}, {PREV, 0, 3},
    {NEXT, 0, 60},       {VALUE, 0, 1}, {PREV, 0, 30}, {SEEK, 150, 1},
    {VALUE, 0, 1},       {NEXT, 0, 33}, {PREV, 0, 1},  {VALUE, 0, 1},
    {SEEK_BACK, 251, 1}, {PREV, 0, 1},  {VALUE, 0, 1}, {NEXT, 0, 90},
    {LAST, 0, 1},        {PREV, 0, 40}, {VALUE, 0, 1}, {NEXT, 0, 12},
    {SEEK, 50, 1},       {VALUE, 0, 1}, {NEXT, 0, 11}, {PREV, 0, 2},
};
#define COURSE (int)(sizeof course / sizeof *course)

/* Until a call fails; BYRON_OK: none did. */
static byron_status go(byron_cursor *cursor)
{
    byron_status status = BYRON_OK;
    for (int i = 0; i < COURSE && status == BYRON_OK; i++)
        for (int j = 0; j < course[i].count && status == BYRON_OK; j++) {
            status = make(cursor, course[i].move, course[i].number);
            ck_assert(status != BYRON_OK || byron_cursor_valid(cursor));
        }
    return status;
}

/* --- what is left ----------------------------------------------------------
 */

static void expect_failed(byron_cursor *cursor, const struct byron_error *first)
{
    for (int i = 0; i < 3 * MOVES; i++) {
        struct byron_error again;
        struct byron_bytes too_long = {"", BYRON_MAX_KEY + 1};
        ck_assert(!byron_cursor_valid(cursor));
        /* Other calls fail meanwhile, and have words of their own. */
        ck_assert_int_eq(byron_get(db, NULL, too_long, NULL), BYRON_TOO_BIG);
        ck_assert_int_eq(make(cursor, (enum move)(i % MOVES), i), first->code);
        byron_last_error(&again);
        ck_assert_int_eq(again.code, first->code);
        if (first->code != BYRON_NO_MEMORY)
            ck_assert_str_eq(again.words, first->words);
    }
    ck_assert(!byron_cursor_valid(cursor));
}

/* All rows, by a cursor that may be the next to use what another has left. */
static void expect_all(void)
{
    byron_cursor *cursor;
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    for (int i = 0; i < ROWS; i++) {
        struct byron_bytes value;
        ck_assert(byron_cursor_valid(cursor));
        ck_assert_mem_eq(byron_cursor_key(cursor).data, key_of(i).data, 9);
        CHECK_OK(byron_cursor_value(cursor, &value));
        ck_assert_uint_eq(value.size, size_of(i));
        ck_assert_int_eq(((const uint8_t *)value.data)[value.size - 1],
                         i % 251);
        CHECK_OK(byron_cursor_next(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
}

/* One course in which the nth read, or allocation, fails; false: there are
 * fewer. *failed: it failed for that. */
static bool one_course(uint64_t nth, bool is_memory, bool *failed)
{
    struct byron_error first;
    byron_cursor *cursor;
    bool was_there;
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    if (is_memory)
        alloc_fail_after((size_t)nth);
    else
        memfs_fail_nth(fs, MEMFS_READ, nth, BYRON_IO, false);
    uint64_t calls = memfs_calls(fs, MEMFS_READ);
    byron_status status = go(cursor);
    byron_last_error(&first);
    was_there = is_memory ? alloc_fail_pending() == 0
                          : memfs_calls(fs, MEMFS_READ) - calls >= nth;
    alloc_fail_after(0);
    memfs_fail_nth(fs, 0, 0, BYRON_OK, false);
    *failed = status != BYRON_OK;
    if (*failed) {
        ck_assert_int_eq(status, is_memory ? BYRON_NO_MEMORY : BYRON_IO);
        ck_assert_int_eq(first.code, status);
        expect_failed(cursor, &first);
    }
    byron_cursor_close(cursor);
    return was_there;
}

START_TEST(whichever_call_fails_it_stays_failed)
{
    bool is_memory = _i == 1;
    uint64_t failures = 0;
    bool failed;
    for (uint64_t nth = 1; one_course(nth, is_memory, &failed); nth++) {
        failures += failed;
        if (nth % 8 == 0)
            expect_all();
    }
    expect_all();
    ck_assert_uint_gt(failures, is_memory ? 5 : 50);
}
END_TEST

/* Back from where rows lay ready, which takes a seek: without memory for it, or
 * a block that cannot be read, they are gone as all else. */
START_TEST(rows_that_lay_ready_are_not_shown_after_a_failure)
{
    uint64_t failures = 0;
    for (int steps = 1; steps < 120; steps++) {
        byron_cursor *cursor;
        struct byron_error first;
        CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
        CHECK_OK(byron_cursor_seek(cursor, key_of(steps)));
        for (int i = 0; i < steps; i++)
            CHECK_OK(byron_cursor_next(cursor));
        if (_i == 0)
            memfs_fail_nth(fs, MEMFS_READ, 1, BYRON_IO, false);
        else
            alloc_fail_after(1);
        byron_status status = byron_cursor_prev(cursor);
        memfs_fail_nth(fs, 0, 0, BYRON_OK, false);
        alloc_fail_after(0);
        byron_last_error(&first);
        if (status != BYRON_OK)
            expect_failed(cursor, &first);
        failures += status != BYRON_OK;
        byron_cursor_close(cursor);
        expect_all();
    }
    ck_assert_uint_gt(failures, 5);
}
END_TEST

Suite *test_failed_cursor_suite(void)
{
    Suite *suite = suite_create("failed_cursor");
    TCase *cases = tcase_create("failed_cursor");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, whichever_call_fails_it_stays_failed, 0, 2);
    tcase_add_loop_test(
        cases, rows_that_lay_ready_are_not_shown_after_a_failure, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
