/*
 * Opening with every option, its bounds and words, and changing it; read-only,
 * private and foreign stores.
 *
 * Covers: tuning.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"

Suite *test_options_suite(void);

/* Refused with this status; the sentence has words, and names the place. */
static void expect_refusal(const struct byron_options *options,
                           byron_status status, const char *words)
{
    struct byron_error error;
    byron_db *db;
    ck_assert_int_eq(byron_open("store", options, &db), status);
    byron_last_error(&error);
    ck_assert_msg(strstr(error.words, words) && strstr(error.words, "store"),
                  "\"%s\" in \"%s\"", words, error.words);
}

/* --- bounds ----------------------------------------------------------------
 */

struct bound {
    const char *name;
    size_t offset;
    bool is_wide; /* 64 bits. */
    uint64_t low, high;
};

#define BOUND(field, low, high)                                                \
    {                                                                          \
#field, offsetof(struct byron_options, field),                         \
            sizeof(((struct byron_options *)NULL)->field) == 8, (low), (high)  \
    }

static const struct bound bounds[] = {
    BOUND(memory, 64 << 10, UINT64_C(1) << 46),
    BOUND(memtable, 4 << 10, UINT64_C(1) << 34),
    BOUND(cache, 1, UINT64_C(1) << 46),
    BOUND(file_size, 4 << 10, UINT64_C(1) << 34),
    BOUND(block_size, 64, 1 << 20),
    BOUND(bloom_bits, 1, 64),
    BOUND(fanout, 2, 100),
    BOUND(retain_ms, 1, 3600 * 1000),
};
#define BOUNDS (int)(sizeof bounds / sizeof *bounds)

static void set_option(struct byron_options *options, const struct bound *bound,
                       uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    char *field = (char *)options + bound->offset;
    if (bound->is_wide)
        memcpy(field, &value, sizeof value);
    else
        memcpy(field, &narrow, sizeof narrow);
}

START_TEST(option_out_of_range_is_refused_by_name)
{
    const struct bound *bound = &bounds[_i];
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    char words[64];
    snprintf(words, sizeof words, "option %s is", bound->name);
    if (bound->low > 1) {
        set_option(&options, bound, bound->low - 1);
        expect_refusal(&options, BYRON_MISUSE, words);
    }
    set_option(&options, bound, bound->high + 1);
    expect_refusal(&options, BYRON_MISUSE, words);
    /* Before anything is touched. */
    ck_assert_uint_eq(memfs_calls(fs, MEMFS_ALL), 0);
    set_option(&options, bound, bound->low);
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("1"), true));
    CHECK_OK(byron_flush(db));
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(unknown_compression_is_refused)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.compression = (enum byron_compression)17;
    expect_refusal(&options, BYRON_MISUSE, "compression 17");
    memfs_free(fs);
}
END_TEST

START_TEST(unknown_hash_index_is_refused)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.hash_index = (enum byron_hash_index)4;
    expect_refusal(&options, BYRON_MISUSE, "hash_index 4");
    memfs_free(fs);
}
END_TEST

START_TEST(nothing_given_makes_a_budget_of_64_mb)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_stats stats;
    byron_db *db = plain_open(&options);
    byron_stats(db, &stats);
    ck_assert_uint_eq(stats.memory, 64 << 20);
    ck_assert_uint_gt(stats.cache_capacity, 0);
    ck_assert_uint_le(stats.cache_capacity, stats.memory);
    CHECK_OK(byron_close(db));
    options.memory = 1 << 20;
    options.cache = 100000;
    db = plain_open(&options);
    byron_stats(db, &stats);
    ck_assert_uint_eq(stats.memory, 1 << 20);
    ck_assert_uint_le(stats.cache_capacity, 100000);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- changed while it is open ----------------------------------------------
 */

static void put_many(byron_db *db, int from, int count)
{
    char key[40];
    char value[200];
    for (int i = from; i < from + count; i++) {
        snprintf(key, sizeof key, "key %06d", i);
        memset(value, 'a', sizeof value);
        struct byron_bytes bytes = {value, sizeof value};
        CHECK_OK(byron_put(db, plain_text(key), bytes, false));
    }
}

static struct byron_stats stats_of(byron_db *db)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats;
}

START_TEST(a_change_counts_at_once)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db = plain_open(&options);
    put_many(db, 0, 1000);
    ck_assert_uint_eq(stats_of(db).flushes, 0);
    options.memory = 32 << 20;
    options.memtable = 32768;
    CHECK_OK(byron_set_options(db, &options));
    ck_assert_uint_eq(stats_of(db).memory, 32 << 20);
    ck_assert_uint_lt(stats_of(db).cache_capacity, 32 << 20);
    put_many(db, 1000, 1000);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_gt(stats_of(db).flushes, 3);
    CHECK_OK(byron_compact(db, NULL));
    uint64_t small = stats_of(db).disk_bytes;
    options.compression = BYRON_COMPRESSION_NONE;
    options.cache = 100000;
    CHECK_OK(byron_set_options(db, &options));
    ck_assert_uint_le(stats_of(db).cache_capacity, 100000);
    put_many(db, 0, 2000);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_gt(stats_of(db).disk_bytes, 3 * small);
    options.cache = 0;
    CHECK_OK(byron_set_options(db, &options));
    ck_assert_uint_gt(stats_of(db).cache_capacity, 16 << 20);
    options.fanout = 1;
    ck_assert_int_eq(byron_set_options(db, &options), BYRON_MISUSE);
    plain_expect_get(db, "key 003000", NULL);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

static uint64_t mapped_bytes(byron_db *db)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats.mapped_bytes;
}

START_TEST(files_are_mapped_from_when_it_is_asked_for)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_value value;
    byron_db *db;
    options.inline_work = true;
    CHECK_OK(byron_open("store", &options, &db));
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("1"), false));
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_get(db, NULL, plain_text("a"), &value));
    byron_value_release(&value);
    ck_assert_uint_eq(mapped_bytes(db), 0);
    options.map_files = true;
    CHECK_OK(byron_set_options(db, &options));
    CHECK_OK(byron_put(db, plain_text("b"), plain_text("2"), false));
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_get(db, NULL, plain_text("b"), &value)); /* Opens it. */
    ck_assert_uint_gt(mapped_bytes(db), 0);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_mem_eq(value.data, "2", 1);
    byron_value_release(&value);
    options.map_files = false;
    CHECK_OK(byron_set_options(db, &options));
    CHECK_OK(byron_put(db, plain_text("c"), plain_text("3"), false));
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_compact(db, NULL));
    CHECK_OK(byron_get(db, NULL, plain_text("c"), &value));
    byron_value_release(&value);
    ck_assert_uint_eq(mapped_bytes(db), 0);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(the_thread_comes_and_goes)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.memtable = 32768;
    byron_db *db = plain_open(&options);
    for (int round = 0; round < 6; round++) {
        options.inline_work = round % 2;
        CHECK_OK(byron_set_options(db, &options));
        CHECK_OK(byron_set_options(db, &options));
        put_many(db, round * 500, 500);
        CHECK_OK(byron_flush(db));
        ck_assert_uint_eq(stats_of(db).memtable_entries, 0);
    }
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_uint_eq(stats_of(db).background_errors, 0);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- who may open -----------------------------------------------------------
 */

START_TEST(store_is_made_only_where_asked_for)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.create = false;
    expect_refusal(&options, BYRON_MISSING, "store");
    ck_assert_uint_eq(memfs_calls(fs, MEMFS_WRITES), 0);
    options.create = options.must_not_exist = true;
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("1"), true));
    CHECK_OK(byron_close(db));
    expect_refusal(&options, BYRON_FOREIGN, "already");
    options.must_not_exist = false;
    db = plain_open(&options);
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(second_open_is_busy)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_options reading = options;
    byron_db *second;
    reading.read_only = true;
    reading.create = false;
    byron_db *db = plain_open(&options);
    expect_refusal(&options, BYRON_BUSY, "open in another process");
    expect_refusal(&reading, BYRON_BUSY, "open in another process");
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("1"), true));
    CHECK_OK(byron_close(db));
    /* Readers keep writers out, but not each other. */
    db = plain_open(&reading);
    CHECK_OK(byron_open("store", &reading, &second));
    expect_refusal(&options, BYRON_BUSY, "open in another process");
    CHECK_OK(byron_close(second));
    CHECK_OK(byron_close(db));
    db = plain_open(&options);
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(store_of_another_identity_is_foreign)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    uint8_t id[16];
    byron_db *db = plain_open(&options);
    byron_store_id(db, id);
    CHECK_OK(byron_close(db));
    options.expected_id = id;
    db = plain_open(&options);
    CHECK_OK(byron_close(db));
    id[15] ^= 1;
    expect_refusal(&options, BYRON_FOREIGN, "another database");
    ck_assert_uint_eq(memfs_open_count(fs), 0);
    memfs_free(fs);
}
END_TEST

START_TEST(close_waits_for_what_is_open)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db = plain_open(&options);
    byron_snapshot *snapshot;
    byron_txn *txn;
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    ck_assert_int_eq(byron_close(db), BYRON_MISUSE);
    byron_snapshot_close(snapshot);
    CHECK_OK(byron_begin(db, 0, &txn));
    ck_assert_int_eq(byron_close(db), BYRON_MISUSE);
    byron_txn_abort(txn);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- read-only
 * ---------------------------------------------------------------- */

static void refuse_writes(byron_db *db)
{
    struct byron_range range = {plain_text("a"), plain_text("b")};
    byron_txn *txn;
    ck_assert_int_eq(byron_put(db, plain_text("c"), plain_text("1"), false),
                     BYRON_READ_ONLY);
    ck_assert_int_eq(byron_begin(db, 0, &txn), BYRON_READ_ONLY);
    ck_assert_int_eq(byron_flush(db), BYRON_READ_ONLY);
    ck_assert_int_eq(byron_compact(db, NULL), BYRON_READ_ONLY);
    ck_assert_int_eq(byron_drop(db, &range), BYRON_READ_ONLY);
    CHECK_OK(byron_settle(db));
}

/* 0: the medium may be written to; 1: it may not. */
START_TEST(read_only_store_is_read_and_never_written)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    uint64_t damages;
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_put(db, plain_text("table"), plain_text("1"), false));
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_put(db, plain_text("log"), plain_text("2"), true));
    CHECK_OK(byron_close(db));
    memfs_set_read_only(fs, _i != 0);
    uint64_t writes = memfs_calls(fs, MEMFS_WRITES);
    options.read_only = true;
    options.create = false;
    db = plain_open(&options);
    plain_expect_get(db, "table", "1");
    plain_expect_get(db, "log", "2");
    plain_expect_get(db, "none", NULL);
    refuse_writes(db);
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(db));
    ck_assert_uint_eq(memfs_calls(fs, MEMFS_WRITES), writes);
    if (_i != 0) {
        options.read_only = false;
        expect_refusal(&options, BYRON_READ_ONLY, "may not be written");
    }
    memfs_free(fs);
}
END_TEST

/* --- gone
 * --------------------------------------------------------------------- */

static void count_path(void *context, const char *path)
{
    (void)path;
    ++*(size_t *)context;
}

static size_t count_files(struct memfs *fs)
{
    size_t count = 0;
    memfs_list(fs, count_path, &count);
    return count;
}

static void put_numbers(byron_db *db, const char *prefix, int count)
{
    char key[32];
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%s%05d", prefix, i);
        CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text(key)));
    }
    CHECK_OK(byron_txn_commit(txn, false));
}

static int count_keys(byron_db *db, const char *lower, const char *upper)
{
    struct byron_range range = {plain_text(lower), plain_text(upper)};
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    int count = 0;
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, &range, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    for (; byron_cursor_valid(cursor); count++)
        CHECK_OK(byron_cursor_next(cursor));
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
    return count;
}

START_TEST(private_store_goes_with_its_handle)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.remove_at_close = true;
    options.memtable = 4096;
    options.memory = 1 << 16;
    byron_db *db = plain_open(&options);
    put_numbers(db, "k", 3000);
    CHECK_OK(byron_flush(db));
    put_numbers(db, "l", 10);
    ck_assert_uint_gt(count_files(fs), 3);
    CHECK_OK(byron_close(db));
    ck_assert_uint_eq(count_files(fs), 0);
    options.create = false;
    expect_refusal(&options, BYRON_MISSING, "store");
    memfs_free(fs);
}
END_TEST

START_TEST(refused_open_removes_nothing)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("1"), true));
    CHECK_OK(byron_close(db));
    options.remove_at_close = options.must_not_exist = true;
    expect_refusal(&options, BYRON_FOREIGN, "already");
    options = plain_options(fs);
    db = plain_open(&options);
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(drop_takes_keys_and_files)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_range range = {plain_text("k"), plain_text("l")};
    struct byron_stats before, after;
    options.memtable = options.file_size = 8192;
    options.memory = 1 << 16;
    options.retain_ms = 1;
    byron_db *db = plain_open(&options);
    put_numbers(db, "j", 500);
    put_numbers(db, "k", 5000);
    put_numbers(db, "l", 500);
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_settle(db));
    put_numbers(db, "kk", 50);
    byron_stats(db, &before);
    CHECK_OK(byron_drop(db, &range));
    CHECK_OK(byron_settle(db));
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_settle(db));
    byron_stats(db, &after);
    ck_assert_uint_lt(after.disk_bytes * 2, before.disk_bytes);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(count_keys(db, "j", "k"), 500);
        ck_assert_int_eq(count_keys(db, "l", "m"), 500);
        CHECK_OK(byron_close(db));
        db = plain_open(&options);
    }
    range.upper = (struct byron_bytes){0};
    ck_assert_int_eq(byron_drop(db, &range), BYRON_MISUSE);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_int_eq(count_keys(db, "j", "m"), 1000);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(few_files_are_open_where_few_are_allowed)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct rlimit limit, few;
    struct byron_stats stats;
    options.memtable = options.file_size = 4096;
    options.compression = BYRON_COMPRESSION_NONE;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = 20;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    byron_db *db = plain_open(&options);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    put_numbers(db, "k", 5000);
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_int_eq(count_keys(db, "k", "l"), 5000);
    byron_stats(db, &stats);
    ck_assert_uint_gt(stats.level[BYRON_LEVELS - 1].files, 20);
    ck_assert_uint_lt(memfs_open_count(fs), 16);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

Suite *test_options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *cases = tcase_create("options");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, option_out_of_range_is_refused_by_name, 0,
                        BOUNDS);
    tcase_add_test(cases, unknown_compression_is_refused);
    tcase_add_test(cases, unknown_hash_index_is_refused);
    tcase_add_test(cases, nothing_given_makes_a_budget_of_64_mb);
    tcase_add_test(cases, a_change_counts_at_once);
    tcase_add_test(cases, files_are_mapped_from_when_it_is_asked_for);
    tcase_add_test(cases, the_thread_comes_and_goes);
    tcase_add_test(cases, store_is_made_only_where_asked_for);
    tcase_add_test(cases, second_open_is_busy);
    tcase_add_test(cases, store_of_another_identity_is_foreign);
    tcase_add_test(cases, close_waits_for_what_is_open);
    tcase_add_loop_test(cases, read_only_store_is_read_and_never_written, 0, 2);
    tcase_add_test(cases, private_store_goes_with_its_handle);
    tcase_add_test(cases, refused_open_removes_nothing);
    tcase_add_test(cases, drop_takes_keys_and_files);
    tcase_add_test(cases, few_files_are_open_where_few_are_allowed);
    suite_add_tcase(suite, cases);
    return suite;
}
