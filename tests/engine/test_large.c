/*
 * The largest keys, values and transactions, and the smallest.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/memfs_inspect.h"
#include "support/plain_store.h"
#include "support/played_host.h"
#include "support/seed.h"

Suite *test_large_suite(void);

/* --- large
 * ---------------------------------------------------------------------- */

/* Bytes that any shift or loss would show. */
static void fill(uint8_t *bytes, size_t size, uint64_t seed)
{
    uint64_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(bytes + i, &state, 8);
    }
}

static void expect_large(byron_db *db, struct byron_bytes key,
                         struct byron_bytes wanted)
{
    struct byron_value value;
    CHECK_OK(byron_get(db, NULL, key, &value));
    ck_assert_uint_eq(value.size, wanted.size);
    ck_assert(memcmp(value.data, wanted.data, wanted.size) == 0);
    byron_value_release(&value);
}

START_TEST(value_of_100_mb_goes_all_the_way)
{
    size_t size = (size_t)100 << 20;
    uint8_t *bytes = calloc(1, size);
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_bytes value = {bytes, size};
    fill(bytes, size, 1);
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_put(db, plain_text("a"), plain_text("small"), false));
    CHECK_OK(byron_put(db, plain_text("large"), value, true));
    CHECK_OK(byron_put(db, plain_text("z"), plain_text("small"), false));
    expect_large(db, plain_text("large"), value);
    CHECK_OK(byron_close(db));
    db = plain_open(&options);
    expect_large(db, plain_text("large"), value);
    CHECK_OK(byron_flush(db));
    expect_large(db, plain_text("large"), value);
    CHECK_OK(byron_compact(db, NULL));
    expect_large(db, plain_text("large"), value);
    plain_expect_get(db, "a", "small");
    plain_expect_get(db, "z", "small");
    CHECK_OK(byron_delete(db, plain_text("large"), false));
    CHECK_OK(byron_compact(db, NULL));
    plain_expect_get(db, "large", NULL);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
    free(bytes);
}
END_TEST

/* Keys that differ in their last byte only. */
#define LONG_KEYS 12
static void check_long_keys(byron_db *db, uint8_t *bytes, size_t size)
{
    struct byron_bytes key = {bytes, size};
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    for (uint8_t i = 0; i < LONG_KEYS; i++) {
        bytes[size - 1] = i;
        expect_large(db, key, (struct byron_bytes){&i, 1});
    }
    bytes[size - 1] = 200;
    struct byron_value value;
    ck_assert_int_eq(byron_get(db, NULL, key, &value), BYRON_NOT_FOUND);
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_last(cursor));
    for (uint8_t i = LONG_KEYS; i-- > 0;) {
        ck_assert(byron_cursor_valid(cursor));
        struct byron_bytes found = byron_cursor_key(cursor);
        bytes[size - 1] = i;
        ck_assert_uint_eq(found.size, size);
        ck_assert(memcmp(found.data, bytes, size) == 0);
        CHECK_OK(byron_cursor_prev(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
}

START_TEST(longest_keys_go_all_the_way)
{
    static const size_t sizes[] = {64 << 10, BYRON_MAX_KEY};
    size_t size = sizes[_i];
    uint8_t *bytes = calloc(1, BYRON_MAX_KEY + 1);
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    fill(bytes, size, 2);
    byron_db *db = plain_open(&options);
    for (uint8_t i = 0; i < LONG_KEYS; i++) {
        bytes[size - 1] = i;
        CHECK_OK(byron_put(db, (struct byron_bytes){bytes, size},
                           (struct byron_bytes){&i, 1}, false));
    }
    check_long_keys(db, bytes, size);
    CHECK_OK(byron_close(db));
    db = plain_open(&options);
    check_long_keys(db, bytes, size);
    CHECK_OK(byron_flush(db));
    check_long_keys(db, bytes, size);
    CHECK_OK(byron_compact(db, NULL));
    check_long_keys(db, bytes, size);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
    free(bytes);
}
END_TEST

START_TEST(beyond_the_limits_is_too_big)
{
    uint8_t *bytes = calloc(1, BYRON_MAX_KEY + 1);
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_bytes key = {bytes, BYRON_MAX_KEY + 1};
    struct byron_bytes value = {bytes, BYRON_MAX_VALUE + 1}; /* Not read. */
    struct byron_value found;
    byron_db *db = plain_open(&options);
    ck_assert_int_eq(byron_put(db, key, plain_text("1"), false), BYRON_TOO_BIG);
    ck_assert_int_eq(byron_put(db, plain_text("a"), value, false),
                     BYRON_TOO_BIG);
    ck_assert_int_eq(byron_get(db, NULL, key, &found), BYRON_TOO_BIG);
    plain_expect_get(db, "a", NULL);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
    free(bytes);
}
END_TEST

START_TEST(empty_keys_and_values_are_keys_and_values)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_op ops[] = {
        {BYRON_OP_PUT, plain_text(""), plain_text("of the empty key"), 0},
        {BYRON_OP_PUT, plain_text("twice"), plain_text("first"), 0},
        {BYRON_OP_PUT, plain_text("empty"), {NULL, 0}, 0},
        {BYRON_OP_PUT, plain_text("twice"), plain_text("last"), 0},
        {BYRON_OP_PUT, plain_text("gone"), plain_text("1"), 0},
        {BYRON_OP_DELETE, plain_text("gone"), {NULL, 0}, 0},
    };
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_write(db, ops, sizeof ops / sizeof *ops, true));
    for (int round = 0; round < 4; round++) {
        plain_expect_get(db, "", "of the empty key");
        plain_expect_get(db, "twice", "last");
        plain_expect_get(db, "empty", "");
        plain_expect_get(db, "gone", NULL);
        if (round == 1)
            CHECK_OK(byron_flush(db));
        CHECK_OK(byron_close(db));
        db = plain_open(&options);
    }
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- transactions larger than memory
 * -------------------------------------------- */

#define MANY 3000

struct many {
    byron_db *db;
    int now[MANY], marked[MANY];
};

static void expect_many(const struct many *many, byron_txn *txn)
{
    char key[16];
    for (int i = 0; i < MANY; i++) {
        struct byron_value value;
        snprintf(key, sizeof key, "k%06d", i);
        byron_status status =
            txn ? byron_txn_get(txn, plain_text(key), &value)
                : byron_get(many->db, NULL, plain_text(key), &value);
        int found = 0;
        if (status == BYRON_OK && value.size == 100)
            memcpy(&found, value.data, sizeof found);
        byron_value_release(&value);
        if (found != many->now[i])
            ck_abort_msg("key %d has %d, not %d", i, found, many->now[i]);
    }
}

static void write_many(struct many *many, struct rng *rng, byron_txn *txn,
                       int count)
{
    char key[16];
    char value[100] = "";
    for (int n = 0; n < count; n++) {
        int i = (int)rng_below(rng, MANY);
        int number = (int)rng_below(rng, 1 << 30) + 1;
        snprintf(key, sizeof key, "k%06d", i);
        memcpy(value, &number, sizeof number);
        if (rng_one_in(rng, 5)) {
            number = 0;
            CHECK_OK(byron_txn_delete(txn, plain_text(key)));
        } else {
            CHECK_OK(byron_txn_put(txn, plain_text(key),
                                   (struct byron_bytes){value, sizeof value}));
        }
        many->now[i] = number;
    }
}

START_TEST(transaction_larger_than_memory_keeps_its_savepoints)
{
    struct many *many = calloc(1, sizeof *many);
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct rng rng;
    struct byron_stats stats;
    byron_txn *txn;
    size_t live = alloc_live();
    rng_init(&rng, test_seed());
    options.memory = 1 << 16;
    options.memtable = 1 << 13;
    many->db = plain_open(&options);
    for (int round = 0; round < 3; round++) {
        CHECK_OK(byron_begin(many->db, 0, &txn));
        write_many(many, &rng, txn, 2000);
        for (int savepoint = 0; savepoint < 4; savepoint++) {
            uint64_t mark = byron_txn_mark(txn);
            memcpy(many->marked, many->now, sizeof many->now);
            write_many(many, &rng, txn, 500);
            if (rng_one_in(&rng, 2)) {
                byron_txn_rollback_to(txn, mark);
                memcpy(many->now, many->marked, sizeof many->now);
                ck_assert_uint_ge(byron_txn_mark(txn), mark);
            }
            expect_many(many, txn);
        }
        CHECK_OK(byron_txn_commit(txn, round == 1));
        expect_many(many, NULL);
        CHECK_OK(byron_close(many->db));
        many->db = plain_open(&options);
        expect_many(many, NULL);
    }
    CHECK_OK(byron_compact(many->db, NULL));
    expect_many(many, NULL);
    byron_stats(many->db, &stats);
    ck_assert_uint_le(stats.memtable_bytes, 1 << 16);
    CHECK_OK(byron_close(many->db));
    memfs_free(fs);
    free(many);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

/* What a crash takes is not synced; what the commit leaves is. */
START_TEST(a_large_transaction_is_synced_at_its_commit)
{
    struct many *many = calloc(1, sizeof *many);
    struct memfs *fs = memfs_new(1);
    struct memfs *after;
    struct byron_options options = plain_options(fs);
    struct rng rng;
    byron_txn *txn;
    uint64_t files;
    rng_init(&rng, test_seed());
    options.memory = 1 << 16;
    options.memtable = 1 << 13;
    many->db = plain_open(&options);
    CHECK_OK(byron_put(many->db, plain_text("first"), plain_text("1"), true));
    CHECK_OK(byron_begin(many->db, 0, &txn));
    files = memfs_calls(fs, MEMFS_CREATE);
    uint64_t syncs = memfs_calls(fs, MEMFS_SYNCS);
    write_many(many, &rng, txn, 2000);
    ck_assert_uint_ge(memfs_calls(fs, MEMFS_CREATE), files + 3);
    ck_assert_uint_eq(memfs_calls(fs, MEMFS_SYNCS), syncs);
    CHECK_OK(byron_txn_commit(txn, true));
    after = memfs_crash_clone(fs, MEMFS_DROP_UNSYNCED, 1);
    expect_many(many, NULL);
    CHECK_OK(byron_close(many->db));
    options.os = memfs_os(after);
    many->db = plain_open(&options);
    expect_many(many, NULL);
    CHECK_OK(byron_close(many->db));
    memfs_free(after);
    memfs_free(fs);
    free(many);
}
END_TEST

/* Spoils what is behind the place where the text first stands in a file. */
static void spoil(struct memfs *fs, const char *path, const char *text)
{
    struct buf bytes = {0};
    ck_assert(memfs_read_all(fs, path, &bytes));
    uint8_t *found = memmem(bytes.data, bytes.size, text, strlen(text));
    ck_assert_ptr_nonnull(found);
    ck_assert(memfs_corrupt(fs, path, (uint64_t)(found - bytes.data), 1));
    buf_deinit(&bytes);
}

/* As if a record were being written while it is read: beyond the published
 * commits nobody looks, also where a WAL was made and then not needed. */
START_TEST(verify_ends_with_the_published_commits)
{
    static const char *const keys[] = {"first given up", "second given up"};
    struct played_host host;
    struct byron_commit_point point;
    uint64_t damages;
    played_host_init(&host);
    played_host_commit(&host, "published", 1, BYRON_PREPARE_SYNC);
    byron_txn *txn = played_host_begin(&host);
    played_host_put_many(txn, 1);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &point));
    byron_txn_abort(txn);
    for (int i = 0; i < 2; i++) {
        txn = played_host_begin(&host);
        played_host_put(txn, keys[i], 1);
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &point));
        byron_txn_abort(txn);
    }
    spoil(host.fs, "store/W-0000000000000002", keys[0]);
    CHECK_OK(byron_verify(host.db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    played_host_deinit(&host);
}
END_TEST

/* Its files are in no level yet. */
START_TEST(what_a_large_transaction_left_is_estimated_by_the_range)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_range range = {plain_text("k00100"), plain_text("k00200")};
    byron_txn *txn;
    uint64_t rows;
    uint64_t bytes;
    options.memory = 1 << 16;
    options.memtable = 1 << 13;
    byron_db *db = plain_open(&options);
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 0; i < 4000; i++) {
        char key[20];
        snprintf(key, sizeof key, "k%05d", i);
        CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text("value")));
    }
    CHECK_OK(byron_txn_commit(txn, false));
    CHECK_OK(byron_estimate(db, &range, &rows, &bytes));
    ck_assert_uint_lt(rows, 500);
    ck_assert_uint_gt(rows, 20);
    range.upper = plain_text("l");
    CHECK_OK(byron_estimate(db, &range, &rows, &bytes));
    ck_assert_uint_gt(rows, 3000);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

Suite *test_large_suite(void)
{
    Suite *suite = suite_create("large");
    TCase *cases = tcase_create("large");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, value_of_100_mb_goes_all_the_way);
    tcase_add_loop_test(cases, longest_keys_go_all_the_way, 0, 2);
    tcase_add_test(cases, beyond_the_limits_is_too_big);
    tcase_add_test(cases, empty_keys_and_values_are_keys_and_values);
    tcase_add_test(cases, transaction_larger_than_memory_keeps_its_savepoints);
    tcase_add_test(cases, a_large_transaction_is_synced_at_its_commit);
    tcase_add_test(cases, verify_ends_with_the_published_commits);
    tcase_add_test(cases,
                   what_a_large_transaction_left_is_estimated_by_the_range);
    suite_add_tcase(suite, cases);
    return suite;
}
