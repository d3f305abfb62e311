/*
 * Entries that expire: who sees them until when, and that they go.
 */
#include <check.h>
#include <stdio.h>

#include "support/plain_store.h"

Suite *test_expiry_suite(void);

static struct memfs *fs;
static byron_db *db;
static struct byron_options options;

static uint64_t now_ms(void)
{
    return memfs_os(fs)->wall_ms(memfs_os(fs));
}

static void pass_ms(uint64_t ms)
{
    memfs_advance(fs, ms * 1000);
}

static void set_up(void)
{
    fs = memfs_new(1);
    memfs_use_virtual_time(fs);
    options = plain_options(fs);
    db = plain_open(&options);
}

static void tear_down(void)
{
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

static void put_for(const char *key, const char *value, uint64_t ms)
{
    CHECK_OK(byron_put_until(db, plain_text(key), plain_text(value),
                             now_ms() + ms, false));
}

static void put(const char *key, const char *value)
{
    plain_put(db, key, value);
}

static void settle_at(int place)
{
    db = plain_settle(db, &options, place);
}

static uint64_t entries(void)
{
    struct byron_stats stats;
    uint64_t count = 0;
    byron_stats(db, &stats);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        count += stats.level[i].entries;
    return count;
}

START_TEST(a_value_is_there_until_its_moment)
{
    put_for("k", "v", 1000);
    settle_at(_i);
    pass_ms(999);
    plain_expect_get(db, "k", "v");
    pass_ms(1);
    plain_expect_get(db, "k", NULL);
}
END_TEST

START_TEST(what_was_there_before_does_not_come_back)
{
    put("k", "for ever");
    settle_at(_i);
    put_for("k", "for a while", 1000);
    settle_at(_i);
    pass_ms(100000);
    plain_expect_get(db, "k", NULL);
    settle_at(_i);
    plain_expect_get(db, "k", NULL);
    put("k", "again");
    plain_expect_get(db, "k", "again");
}
END_TEST

START_TEST(a_clock_set_back_a_little_brings_nothing_back)
{
    pass_ms(3600000);
    put_for("k", "v", 1000);
    pass_ms(2000);
    plain_expect_get(db, "k", NULL);
    pass_ms(UINT64_C(0) - 3000);
    plain_expect_get(db, "k", NULL);
}
END_TEST

START_TEST(a_moment_of_0_is_never)
{
    struct byron_value value;
    CHECK_OK(byron_put_until(db, plain_text("k"), plain_text("v"), 0, false));
    pass_ms(UINT32_MAX);
    CHECK_OK(byron_get(db, NULL, plain_text("k"), &value));
    ck_assert_uint_eq(value.expires_ms, 0);
    byron_value_release(&value);
}
END_TEST

START_TEST(readers_learn_when_a_value_expires)
{
    struct byron_value value;
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    uint64_t then = now_ms() + 5000;
    put_for("a", "", 5000);
    put("b", "v");
    settle_at(_i);
    CHECK_OK(byron_get(db, NULL, plain_text("a"), &value));
    ck_assert_uint_eq(value.expires_ms, then);
    ck_assert_uint_eq(value.size, 0);
    byron_value_release(&value);
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    ck_assert_uint_eq(byron_cursor_expiry(cursor), then);
    CHECK_OK(byron_cursor_next(cursor));
    ck_assert_uint_eq(byron_cursor_expiry(cursor), 0);
    CHECK_OK(byron_cursor_prev(cursor));
    ck_assert_uint_eq(byron_cursor_expiry(cursor), then);
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
}
END_TEST

START_TEST(a_snapshot_keeps_its_time)
{
    struct byron_value value;
    byron_snapshot *snapshot;
    put_for("k", "v", 1000);
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    ck_assert_uint_eq(byron_time(snapshot, NULL), now_ms());
    pass_ms(100000);
    CHECK_OK(byron_compact(db, NULL));
    CHECK_OK(byron_get(db, snapshot, plain_text("k"), &value));
    byron_value_release(&value);
    plain_expect_get(db, "k", NULL);
    byron_snapshot_close(snapshot);
}
END_TEST

START_TEST(a_transaction_has_one_time_for_all_its_reads)
{
    struct byron_value value;
    byron_cursor *cursor;
    byron_txn *txn;
    put_for("a", "v", 1000);
    CHECK_OK(byron_begin(db, 0, &txn));
    ck_assert_uint_eq(byron_time(NULL, txn), now_ms());
    CHECK_OK(byron_txn_put_until(txn, plain_text("b"), plain_text("v"),
                                 now_ms() + 1000));
    CHECK_OK(byron_txn_put_until(txn, plain_text("c"), plain_text("v"),
                                 now_ms() - 1));
    pass_ms(5000);
    CHECK_OK(byron_txn_get(txn, plain_text("a"), &value));
    byron_value_release(&value);
    CHECK_OK(byron_txn_get(txn, plain_text("b"), &value));
    byron_value_release(&value);
    ck_assert_int_eq(byron_txn_get(txn, plain_text("c"), &value),
                     BYRON_NOT_FOUND);
    CHECK_OK(byron_cursor_open(NULL, txn, NULL, &cursor));
    CHECK_OK(byron_cursor_last(cursor));
    ck_assert_mem_eq(byron_cursor_key(cursor).data, "b", 1);
    CHECK_OK(byron_cursor_prev(cursor));
    ck_assert_mem_eq(byron_cursor_key(cursor).data, "a", 1);
    byron_cursor_close(cursor);
    byron_txn_abort(txn);
}
END_TEST

START_TEST(expired_entries_go_by_themselves)
{
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %04d", i);
        put_for(key, "value", 1000);
    }
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_eq(entries(), 1000);
    pass_ms(30000);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_eq(entries(), 1000); /* Within the grace. */
    pass_ms(60000);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(a_clock_set_back_a_little_brings_nothing_back_in_part)
{
    put_for("k", "v", 1000);
    put("l", "v");
    pass_ms(30000);
    plain_expect_get(db, "k", NULL);
    CHECK_OK(byron_compact(db, NULL));
    /* What is not seen is still there: the clock may be wrong. */
    ck_assert_uint_eq(entries(), 2);
}
END_TEST

START_TEST(a_large_value_expires_too)
{
    static char large[100000];
    struct byron_value value;
    memset(large, 'x', sizeof large);
    CHECK_OK(byron_put_until(db, plain_text("k"),
                             (struct byron_bytes){large, sizeof large},
                             now_ms() + 1000, false));
    settle_at(_i);
    CHECK_OK(byron_get(db, NULL, plain_text("k"), &value));
    ck_assert_uint_eq(value.size, sizeof large);
    ck_assert_mem_eq(value.data, large, sizeof large);
    byron_value_release(&value);
    pass_ms(1000);
    plain_expect_get(db, "k", NULL);
    pass_ms(100000);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(a_value_too_large_for_its_expiry_is_refused)
{
    struct byron_bytes huge = {"", BYRON_MAX_VALUE - 7};
    ck_assert_int_eq(
        byron_put_until(db, plain_text("k"), huge, now_ms(), false),
        BYRON_TOO_BIG);
}
END_TEST

Suite *test_expiry_suite(void)
{
    Suite *suite = suite_create("expiry");
    TCase *cases = tcase_create("expiry");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, a_value_is_there_until_its_moment, 0, 4);
    tcase_add_loop_test(cases, what_was_there_before_does_not_come_back, 0, 4);
    tcase_add_test(cases, a_clock_set_back_a_little_brings_nothing_back);
    tcase_add_test(cases, a_moment_of_0_is_never);
    tcase_add_loop_test(cases, readers_learn_when_a_value_expires, 0, 4);
    tcase_add_test(cases, a_snapshot_keeps_its_time);
    tcase_add_test(cases, a_transaction_has_one_time_for_all_its_reads);
    tcase_add_test(cases, expired_entries_go_by_themselves);
    tcase_add_test(cases,
                   a_clock_set_back_a_little_brings_nothing_back_in_part);
    tcase_add_loop_test(cases, a_large_value_expires_too, 0, 4);
    tcase_add_test(cases, a_value_too_large_for_its_expiry_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
