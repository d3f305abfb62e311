/*
 * Range deletes: who sees them, what they cost, and that they go.
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "support/plain_store.h"

Suite *test_ranges_suite(void);

static struct memfs *fs;
static byron_db *db;
static struct byron_options options;

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

static struct byron_range range_of(const char *lower, const char *upper)
{
    return (struct byron_range){plain_text(lower), plain_text(upper)};
}

static void put(const char *key, const char *value)
{
    plain_put(db, key, value);
}

static void delete_range(const char *lower, const char *upper)
{
    struct byron_range range = range_of(lower, upper);
    CHECK_OK(byron_delete_range(db, &range, false));
}

static void settle_at(int place)
{
    db = plain_settle(db, &options, place);
}

/* The keys that a cursor shows, all of one letter, in one word. */
static const char *keys(byron_snapshot *snapshot, byron_txn *txn, bool is_back)
{
    static char word[64];
    byron_snapshot *own = NULL;
    byron_cursor *cursor;
    size_t size = 0;
    if (!snapshot && !txn)
        CHECK_OK(byron_snapshot_open(db, &own));
    CHECK_OK(byron_cursor_open(own ? own : snapshot, txn, NULL, &cursor));
    CHECK_OK(is_back ? byron_cursor_last(cursor) : byron_cursor_first(cursor));
    while (byron_cursor_valid(cursor) && size + 1 < sizeof word) {
        memcpy(word + size++, byron_cursor_key(cursor).data, 1);
        CHECK_OK(is_back ? byron_cursor_prev(cursor)
                         : byron_cursor_next(cursor));
    }
    word[size] = 0;
    byron_cursor_close(cursor);
    byron_snapshot_close(own);
    return word;
}

static void put_letters(const char *letters)
{
    char key[2] = {0};
    for (; *letters; letters++) {
        key[0] = *letters;
        put(key, key);
    }
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

static void fill(int count)
{
    char key[32];
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k%06d", i);
        CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text("some value")));
    }
    CHECK_OK(byron_txn_commit(txn, false));
}

/* --- Who sees it ---------------------------------------------------------- */

START_TEST(keys_from_lower_to_before_upper_go)
{
    put_letters("abcdefg");
    settle_at(_i / 4);
    delete_range("c", "e");
    settle_at(_i % 4);
    ck_assert_str_eq(keys(NULL, NULL, false), "abefg");
    ck_assert_str_eq(keys(NULL, NULL, true), "gfeba");
    plain_expect_get(db, "b", "b");
    plain_expect_get(db, "c", NULL);
    plain_expect_get(db, "d", NULL);
    plain_expect_get(db, "dx", NULL);
    plain_expect_get(db, "e", "e");
}
END_TEST

START_TEST(what_is_put_later_lives)
{
    put_letters("abcdefg");
    settle_at(_i / 4);
    delete_range("a", "z");
    settle_at(_i % 4);
    put("d", "again");
    settle_at(_i % 4);
    plain_expect_get(db, "d", "again");
    ck_assert_str_eq(keys(NULL, NULL, false), "d");
    delete_range("d", "e");
    settle_at(_i / 4);
    ck_assert_str_eq(keys(NULL, NULL, true), "");
}
END_TEST

START_TEST(an_older_snapshot_does_not_see_it)
{
    byron_snapshot *snapshot;
    struct byron_value value;
    put_letters("abc");
    settle_at(_i);
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    delete_range("a", "c");
    CHECK_OK(byron_compact(db, NULL));
    CHECK_OK(byron_get(db, snapshot, plain_text("a"), &value));
    byron_value_release(&value);
    ck_assert_str_eq(keys(snapshot, NULL, false), "abc");
    ck_assert_str_eq(keys(NULL, NULL, false), "c");
    byron_snapshot_close(snapshot);
}
END_TEST

START_TEST(many_keys_at_once_see_it)
{
    struct byron_bytes wanted[] = {plain_text("a"), plain_text("b")};
    struct byron_value values[2];
    bool is_there[2];
    put_letters("ab");
    settle_at(_i);
    delete_range("b", "c");
    CHECK_OK(byron_multi_get(db, NULL, 2, wanted, values, NULL));
    ck_assert_ptr_nonnull(values[0].data);
    ck_assert_ptr_null(values[1].data);
    byron_value_release(&values[0]);
    CHECK_OK(byron_multi_get(db, NULL, 2, wanted, NULL, is_there));
    ck_assert(is_there[0]);
    ck_assert(!is_there[1]);
}
END_TEST

START_TEST(a_batch_goes_in_order)
{
    struct byron_op ops[] = {
        {BYRON_OP_PUT, plain_text("b"), plain_text("before"), 0},
        {BYRON_OP_DELETE_RANGE, plain_text("a"), plain_text("d"), 0},
        {BYRON_OP_PUT, plain_text("c"), plain_text("after"), 0},
    };
    put_letters("abcd");
    settle_at(_i);
    CHECK_OK(byron_write(db, ops, 3, false));
    settle_at(_i);
    ck_assert_str_eq(keys(NULL, NULL, false), "cd");
    plain_expect_get(db, "c", "after");
}
END_TEST

START_TEST(bounds_are_checked)
{
    static char large[BYRON_MAX_KEY + 1];
    struct byron_range range = {.lower = plain_text("a")};
    put_letters("ab");
    ck_assert_int_eq(byron_delete_range(db, &range, false), BYRON_MISUSE);
    range.upper = (struct byron_bytes){large, sizeof large};
    ck_assert_int_eq(byron_delete_range(db, &range, false), BYRON_TOO_BIG);
    delete_range("b", "b");
    delete_range("b", "a");
    ck_assert_str_eq(keys(NULL, NULL, false), "ab");
    /* An open lower bound is that of the empty key. */
    range = (struct byron_range){.upper = plain_text("b")};
    CHECK_OK(byron_delete_range(db, &range, false));
    ck_assert_str_eq(keys(NULL, NULL, false), "b");
}
END_TEST

/* --- Transactions --------------------------------------------------------- */

START_TEST(a_transaction_sees_its_own)
{
    byron_txn *txn;
    struct byron_range range = range_of("b", "e");
    struct byron_value value;
    uint64_t mark;
    put_letters("abcdef");
    settle_at(_i);
    CHECK_OK(byron_begin(db, 0, &txn));
    CHECK_OK(byron_txn_put(txn, plain_text("bb"), plain_text("own")));
    mark = byron_txn_mark(txn);
    CHECK_OK(byron_txn_delete_range(txn, &range));
    ck_assert_str_eq(keys(NULL, txn, false), "aef");
    ck_assert_int_eq(byron_txn_get(txn, plain_text("bb"), &value),
                     BYRON_NOT_FOUND);
    CHECK_OK(byron_txn_put(txn, plain_text("c"), plain_text("later")));
    ck_assert_str_eq(keys(NULL, txn, true), "feca");
    CHECK_OK(byron_txn_get(txn, plain_text("c"), &value));
    byron_value_release(&value);
    byron_txn_rollback_to(txn, mark);
    ck_assert_str_eq(keys(NULL, txn, false), "abbcdef");
    CHECK_OK(byron_txn_get(txn, plain_text("bb"), &value));
    byron_value_release(&value);
    CHECK_OK(byron_txn_delete_range(txn, &range));
    CHECK_OK(byron_txn_commit(txn, false));
    settle_at(_i);
    ck_assert_str_eq(keys(NULL, NULL, false), "aef");
}
END_TEST

START_TEST(what_is_given_up_deletes_nothing)
{
    byron_txn *txn;
    struct byron_range range = range_of("a", "z");
    struct byron_commit_point point;
    put_letters("abc");
    CHECK_OK(byron_begin(db, 0, &txn));
    CHECK_OK(byron_txn_delete_range(txn, &range));
    if (_i == 1)
        byron_txn_rollback_to(txn, 0);
    if (_i != 0)
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_OWN, &point));
    byron_txn_abort(txn);
    ck_assert_str_eq(keys(NULL, NULL, false), "abc");
    settle_at(3);
    ck_assert_str_eq(keys(NULL, NULL, false), "abc");
}
END_TEST

START_TEST(a_prepare_may_be_followed_by_more)
{
    byron_txn *txn;
    struct byron_range first = range_of("a", "b");
    struct byron_range second = range_of("c", "d");
    struct byron_commit_point point;
    put_letters("abcd");
    CHECK_OK(byron_begin(db, 0, &txn));
    CHECK_OK(byron_txn_delete_range(txn, &first));
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_OWN, &point));
    CHECK_OK(byron_txn_delete_range(txn, &second));
    CHECK_OK(byron_txn_commit(txn, false));
    ck_assert_str_eq(keys(NULL, NULL, false), "bd");
    settle_at(3);
    ck_assert_str_eq(keys(NULL, NULL, false), "bd");
}
END_TEST

START_TEST(a_transaction_larger_than_memory_may_have_them)
{
    byron_txn *txn;
    struct byron_range range = range_of("k000100", "k001900");
    char key[32];
    CHECK_OK(byron_close(db));
    options.memtable = 4096;
    db = plain_open(&options);
    fill(1000);
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 1000; i < 2000; i++) {
        snprintf(key, sizeof key, "k%06d", i);
        CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text("v")));
    }
    CHECK_OK(byron_txn_delete_range(txn, &range));
    for (int i = 500; i < 600; i++) {
        snprintf(key, sizeof key, "k%06d", i);
        CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text("v")));
    }
    CHECK_OK(byron_txn_commit(txn, false));
    settle_at(_i);
    for (int i = 0; i < 2000; i++) {
        bool is_there = i < 100 || i >= 1900 || (i >= 500 && i < 600);
        snprintf(key, sizeof key, "k%06d", i);
        plain_expect_get(db, key,
                         !is_there  ? NULL
                         : i >= 500 ? "v"
                                    : "some value");
    }
}
END_TEST

/* --- What it costs -------------------------------------------------------- */

static uint64_t blocks_asked(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats.cache_hits + stats.cache_misses;
}

START_TEST(a_cursor_passes_a_range_without_reading_it)
{
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    uint64_t before;
    fill(20000);
    CHECK_OK(byron_compact(db, NULL));
    delete_range("k000001", "k019999");
    if (_i == 1)
        CHECK_OK(byron_flush(db));
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    before = blocks_asked();
    CHECK_OK(byron_cursor_first(cursor));
    CHECK_OK(byron_cursor_next(cursor));
    ck_assert_mem_eq(byron_cursor_key(cursor).data, "k019999", 7);
    CHECK_OK(byron_cursor_prev(cursor));
    ck_assert_mem_eq(byron_cursor_key(cursor).data, "k000000", 7);
    ck_assert_uint_lt(blocks_asked() - before, 20);
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
}
END_TEST

START_TEST(files_that_it_covers_go_unread)
{
    CHECK_OK(byron_close(db));
    options.file_size = 65536;
    options.compression = BYRON_COMPRESSION_NONE;
    db = plain_open(&options);
    fill(20000);
    CHECK_OK(byron_compact(db, NULL));
    memfs_advance(fs, 10000000);
    delete_range("k000001", "k019999");
    CHECK_OK(byron_flush(db));
    memfs_advance(fs, 10000000);
    uint64_t reads = memfs_calls(fs, MEMFS_READ);
    CHECK_OK(byron_settle(db));
    reads = memfs_calls(fs, MEMFS_READ) - reads;
    ck_assert_uint_eq(entries(), 2);
    ck_assert_uint_lt(reads, 60);
    plain_expect_get(db, "k000000", "some value");
    plain_expect_get(db, "k010000", NULL);
    plain_expect_get(db, "k019999", "some value");
}
END_TEST

START_TEST(an_estimate_knows_of_it)
{
    struct byron_range all = {0};
    uint64_t rows, bytes;
    fill(20000);
    settle_at(_i);
    delete_range("k005000", "k020000");
    memfs_advance(fs, 10000000); /* Nobody asks for the state before. */
    settle_at(_i);
    CHECK_OK(byron_estimate(db, &all, &rows, &bytes));
    /* Of a memtable it guesses from a few rows. */
    if (_i == 1 || _i == 2)
        ck_assert_uint_lt(rows, 6000);
    ck_assert_uint_gt(rows, 4000);
    delete_range("", "z");
    CHECK_OK(byron_estimate(db, &all, &rows, &bytes));
    ck_assert_uint_lt(rows, 100);
}
END_TEST

START_TEST(a_delete_of_everything_leaves_nothing)
{
    fill(5000);
    CHECK_OK(byron_compact(db, NULL));
    delete_range("", "z");
    memfs_advance(fs, 10000000);
    CHECK_OK(byron_flush(db));
    memfs_advance(fs, 10000000);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(deletes_by_the_thousand_are_deletes)
{
    char lower[32], upper[32];
    fill(4000);
    settle_at(_i);
    for (int i = 0; i < 1500; i++) {
        /* One inside the other, as a queue is emptied; or side by side. */
        snprintf(lower, sizeof lower, "k%06d", _i % 2 ? 0 : 2 * i);
        snprintf(upper, sizeof upper, "k%06d", 2 * i + 1);
        delete_range(lower, upper);
    }
    for (int i = 0; i < 4000; i++) {
        snprintf(lower, sizeof lower, "k%06d", i);
        bool is_there = i > 2998 || (_i % 2 == 0 && i % 2 == 1);
        plain_expect_get(db, lower, is_there ? "some value" : NULL);
    }
    CHECK_OK(byron_compact(db, NULL));
    plain_expect_get(db, "k002998", NULL);
    plain_expect_get(db, "k002999", "some value");
}
END_TEST

/* --- Beside other things -------------------------------------------------- */

START_TEST(beside_dropped_ranges_the_store_comes_to_rest)
{
    struct byron_range dropped = range_of("k003000", "k005000");
    uint64_t damages;
    CHECK_OK(byron_close(db));
    options.file_size = 16384;
    db = plain_open(&options);
    fill(8000);
    CHECK_OK(byron_compact(db, NULL));
    delete_range("k002000", "k003000");
    delete_range("k002900", "k006000");
    CHECK_OK(byron_drop(db, &dropped));
    delete_range("k004900", "k005100");
    CHECK_OK(byron_flush(db));
    memfs_advance(fs, 10000000);
    CHECK_OK(byron_settle(db));
    CHECK_OK(byron_compact(db, NULL));
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    plain_expect_get(db, "k001999", "some value");
    plain_expect_get(db, "k002000", NULL);
    plain_expect_get(db, "k005500", NULL);
    plain_expect_get(db, "k006000", "some value");
    ck_assert_uint_eq(entries(), 4000);
}
END_TEST

START_TEST(a_row_that_expires_goes_with_its_range)
{
    CHECK_OK(byron_put_until(db, plain_text("b"), plain_text("v"), UINT64_MAX,
                             false));
    settle_at(_i);
    delete_range("a", "c");
    settle_at(_i);
    plain_expect_get(db, "b", NULL);
    ck_assert_str_eq(keys(NULL, NULL, false), "");
}
END_TEST

/* --- At the same time ----------------------------------------------------- */

#define GENERATIONS 300

static atomic_bool is_over;

/* Every commit deletes all there is and puts ten keys of its own. */
static void replace_all(uint32_t generation)
{
    struct byron_range all = range_of("", "z");
    char key[16];
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 10000, &txn));
    CHECK_OK(byron_txn_delete_range(txn, &all));
    for (uint32_t i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "k%03u", (generation * 7 + i * 13) % 200);
        CHECK_OK(byron_txn_put(
            txn, plain_text(key),
            (struct byron_bytes){&generation, sizeof generation}));
    }
    CHECK_OK(byron_txn_commit(txn, false));
}

static bool sees_one_generation(void)
{
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    struct byron_bytes value;
    uint32_t first = 0, generation;
    size_t count = 0;
    bool is_one = true;
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    while (byron_cursor_valid(cursor)) {
        struct byron_value found;
        CHECK_OK(byron_cursor_value(cursor, &value));
        memcpy(&generation, value.data, sizeof generation);
        first = count++ ? first : generation;
        CHECK_OK(byron_get(db, snapshot, byron_cursor_key(cursor), &found));
        byron_value_release(&found);
        is_one = is_one && generation == first;
        CHECK_OK(byron_cursor_next(cursor));
    }
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
    return is_one && (count == 10 || count == 0);
}

static void read_on(void *context)
{
    bool *is_right = context;
    *is_right = true;
    while (!atomic_load(&is_over) && *is_right)
        *is_right = sees_one_generation();
}

START_TEST(readers_see_one_commit_whole)
{
    struct thread threads[2];
    bool is_right[2];
    CHECK_OK(byron_close(db));
    options.memtable = 16384;
    options.inline_work = false;
    options.retain_ms = 1;
    db = plain_open(&options);
    atomic_store(&is_over, false);
    for (int i = 0; i < 2; i++)
        CHECK_OK(thread_start(&threads[i], read_on, &is_right[i]));
    for (uint32_t i = 1; i <= GENERATIONS; i++)
        replace_all(i);
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++) {
        thread_join(&threads[i]);
        ck_assert(is_right[i]);
    }
    ck_assert(sees_one_generation());
}
END_TEST

static TCase *cases_of(Suite *suite, const char *name)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    suite_add_tcase(suite, cases);
    return cases;
}

Suite *test_ranges_suite(void)
{
    Suite *suite = suite_create("ranges");
    TCase *cases = cases_of(suite, "sight");
    tcase_add_loop_test(cases, keys_from_lower_to_before_upper_go, 0, 16);
    tcase_add_loop_test(cases, what_is_put_later_lives, 0, 16);
    tcase_add_loop_test(cases, an_older_snapshot_does_not_see_it, 0, 4);
    tcase_add_loop_test(cases, many_keys_at_once_see_it, 0, 4);
    tcase_add_loop_test(cases, a_batch_goes_in_order, 0, 4);
    tcase_add_test(cases, bounds_are_checked);
    cases = cases_of(suite, "transactions");
    tcase_add_loop_test(cases, a_transaction_sees_its_own, 0, 4);
    tcase_add_loop_test(cases, what_is_given_up_deletes_nothing, 0, 3);
    tcase_add_test(cases, a_prepare_may_be_followed_by_more);
    tcase_add_loop_test(cases, a_transaction_larger_than_memory_may_have_them,
                        0, 4);
    cases = cases_of(suite, "cost");
    tcase_add_loop_test(cases, a_cursor_passes_a_range_without_reading_it, 0,
                        2);
    tcase_add_test(cases, files_that_it_covers_go_unread);
    tcase_add_loop_test(cases, an_estimate_knows_of_it, 0, 4);
    tcase_add_test(cases, a_delete_of_everything_leaves_nothing);
    tcase_add_loop_test(cases, deletes_by_the_thousand_are_deletes, 0, 4);
    cases = cases_of(suite, "others");
    tcase_add_test(cases, readers_see_one_commit_whole);
    tcase_add_test(cases, beside_dropped_ranges_the_store_comes_to_rest);
    tcase_add_loop_test(cases, a_row_that_expires_goes_with_its_range, 0, 4);
    return suite;
}
