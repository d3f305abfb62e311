/*
 * Transactions larger than memory whose keys ascend: their tables are the
 * commit's as they are, whatever else happens to them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/plain_store.h"
#include "support/seed.h"

Suite *test_spill_suite(void);

#define KEYS  1500
#define MARKS 4
#define VALUE 80

struct load {
    struct rng rng;
    struct memfs *fs;
    struct byron_options options;
    byron_db *db;
    byron_txn *txn;
    int committed[KEYS];
    int now[KEYS]; /* Of txn. 0: no value. */
    int next;      /* The key of its next write, which ascends. */
    int number;
    struct {
        uint64_t mark;
        int now[KEYS];
        int next;
    } marks[MARKS];
    size_t mark_count;
};

static void load_options(struct load *load)
{
    load->options.memory = 1 << 17;
    load->options.memtable = (uint64_t)4096 << rng_below(&load->rng, 5);
    load->options.file_size = (uint64_t)4096 << rng_below(&load->rng, 4);
    load->options.block_size = rng_one_in(&load->rng, 2) ? 256 : 4096;
    load->options.hash_index = (enum byron_hash_index)rng_below(&load->rng, 4);
    load->options.retain_ms = 1;
}

static struct load *load_new(uint64_t seed)
{
    struct load *load = calloc(1, sizeof *load);
    rng_init(&load->rng, seed);
    load->fs = memfs_new(seed);
    memfs_use_virtual_time(load->fs);
    load->options = plain_options(load->fs);
    load_options(load);
    load->db = plain_open(&load->options);
    return load;
}

static void load_free(struct load *load)
{
    CHECK_OK(byron_close(load->db));
    memfs_free(load->fs);
    free(load);
}

static struct byron_bytes key_of(int key)
{
    static _Thread_local char text[16];
    snprintf(text, sizeof text, "k%06d", key);
    return plain_text(text);
}

static byron_status write_one(struct load *load)
{
    char value[VALUE] = "";
    int key = load->next;
    int number = rng_one_in(&load->rng, 12) ? 0 : ++load->number;
    byron_status status;
    memcpy(value, &number, sizeof number);
    status = number ? byron_txn_put(load->txn, key_of(key),
                                    (struct byron_bytes){value, VALUE})
                    : byron_txn_delete(load->txn, key_of(key));
    if (status != BYRON_OK)
        return status;
    load->now[key] = number;
    load->next += 1 + (rng_one_in(&load->rng, 16) ? 3 : 0);
    if (load->next >= KEYS)
        load->next = 0;
    return status;
}

static int number_in(struct byron_bytes value)
{
    int number;
    ck_assert_uint_eq(value.size, VALUE);
    memcpy(&number, value.data, sizeof number);
    return number;
}

static int number_of(byron_db *db, byron_txn *txn, int key)
{
    struct byron_value value;
    byron_status status = txn ? byron_txn_get(txn, key_of(key), &value)
                              : byron_get(db, NULL, key_of(key), &value);
    int number = 0;
    if (status == BYRON_NOT_FOUND)
        return 0;
    CHECK_OK(status);
    number = number_in((struct byron_bytes){value.data, value.size});
    byron_value_release(&value);
    return number;
}

/* All of it, forward or backward. */
static void expect_all(byron_db *db, byron_txn *txn, const int *wanted,
                       bool is_back)
{
    byron_snapshot *snapshot = NULL;
    byron_cursor *cursor;
    if (!txn)
        CHECK_OK(byron_snapshot_open(db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, txn, NULL, &cursor));
    CHECK_OK(is_back ? byron_cursor_last(cursor) : byron_cursor_first(cursor));
    for (int i = 0; i < KEYS; i++) {
        int key = is_back ? KEYS - 1 - i : i;
        struct byron_bytes value;
        if (wanted[key] == 0)
            continue;
        ck_assert_msg(byron_cursor_valid(cursor), "no key %d", key);
        struct byron_bytes found = byron_cursor_key(cursor);
        ck_assert_uint_eq(found.size, 7);
        ck_assert(memcmp(found.data, key_of(key).data, 7) == 0);
        CHECK_OK(byron_cursor_value(cursor, &value));
        ck_assert_int_eq(number_in(value), wanted[key]);
        CHECK_OK(is_back ? byron_cursor_prev(cursor)
                         : byron_cursor_next(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
}

static void expect_get(struct load *load, int key)
{
    ck_assert_int_eq(number_of(NULL, load->txn, key), load->now[key]);
}

/* A walk of seeks over a part of the keys. */
static void expect_seek(struct load *load)
{
    byron_cursor *cursor;
    int key = (int)rng_below(&load->rng, KEYS);
    CHECK_OK(byron_cursor_open(NULL, load->txn, NULL, &cursor));
    CHECK_OK(byron_cursor_seek(cursor, key_of(key)));
    for (int steps = 0; steps < 20 && key < KEYS; key++) {
        if (load->now[key] == 0)
            continue;
        ck_assert(byron_cursor_valid(cursor));
        ck_assert(memcmp(byron_cursor_key(cursor).data, key_of(key).data, 7) ==
                  0);
        CHECK_OK(byron_cursor_next(cursor));
        steps++;
    }
    byron_cursor_close(cursor);
}

static void set_mark(struct load *load)
{
    if (load->mark_count == MARKS)
        return;
    load->marks[load->mark_count].mark = byron_txn_mark(load->txn);
    load->marks[load->mark_count].next = load->next;
    memcpy(load->marks[load->mark_count].now, load->now, sizeof load->now);
    load->mark_count++;
}

/* What comes next is what was taken back, or what would have been next. */
static void roll_back(struct load *load)
{
    if (load->mark_count == 0)
        return;
    load->mark_count = (size_t)rng_below(&load->rng, load->mark_count);
    byron_txn_rollback_to(load->txn, load->marks[load->mark_count].mark);
    memcpy(load->now, load->marks[load->mark_count].now, sizeof load->now);
    if (rng_one_in(&load->rng, 2))
        load->next = load->marks[load->mark_count].next;
}

static void delete_range(struct load *load)
{
    int low = (int)rng_below(&load->rng, KEYS - 200);
    int high = low + (int)rng_below(&load->rng, 200);
    char lower[16];
    snprintf(lower, sizeof lower, "k%06d", low);
    struct byron_range range = {plain_text(lower), key_of(high)};
    CHECK_OK(byron_txn_delete_range(load->txn, &range));
    for (int i = low; i < high; i++)
        load->now[i] = 0;
}

/* A commit that fails behind the store's back: it goes on. */
static void prepare(struct load *load, bool *is_prepared)
{
    struct byron_commit_point point;
    unsigned flags = rng_one_in(&load->rng, 2) ? BYRON_PREPARE_SYNC : 0;
    CHECK_OK(byron_txn_prepare(load->txn, flags | BYRON_PREPARE_OWN, &point));
    *is_prepared = true;
}

static void flush_beside(struct load *load, bool is_prepared)
{
    static const struct byron_patience none;
    byron_status status = rng_one_in(&load->rng, 2)
                              ? byron_compact_within(load->db, NULL, &none)
                              : byron_flush_within(load->db, &none);
    ck_assert_int_eq(status, is_prepared ? BYRON_BUSY : BYRON_OK);
}

static void run_txn(struct load *load, int writes)
{
    bool is_prepared = false;
    /* Most are plain loads; some go through everything. */
    uint64_t calm = rng_one_in(&load->rng, 3) ? 1 : 8;
    struct rng *rng = &load->rng;
    CHECK_OK(byron_begin(load->db, 0, &load->txn));
    memcpy(load->now, load->committed, sizeof load->now);
    load->next = (int)rng_below(rng, 20);
    load->mark_count = 0;
    for (int i = 0; i < writes; i++) {
        CHECK_OK(write_one(load));
        if (rng_one_in(rng, 60))
            set_mark(load);
        if (rng_one_in(rng, 100 * calm))
            roll_back(load);
        if (rng_one_in(rng, 400 * calm))
            load->next = (int)rng_below(rng, KEYS);
        if (rng_one_in(rng, 400 * calm))
            delete_range(load);
        if (rng_one_in(rng, 250))
            prepare(load, &is_prepared);
        if (rng_one_in(rng, 100))
            flush_beside(load, is_prepared);
        if (rng_one_in(rng, 200))
            expect_all(NULL, load->txn, load->now, rng_one_in(rng, 2));
        if (rng_one_in(rng, 20))
            expect_seek(load);
        if (rng_one_in(rng, 4))
            expect_get(load, (int)rng_below(rng, KEYS));
    }
    for (int i = rng_one_in(rng, 3) ? 5 : 0; i > 0; i--) {
        load->next = (int)rng_below(rng, KEYS);
        CHECK_OK(write_one(load));
    }
    expect_all(NULL, load->txn, load->now, rng_one_in(rng, 2));
}

/* What the power leaves after a synced commit. */
static void check_power_cut(struct load *load)
{
    enum memfs_crash mode =
        rng_one_in(&load->rng, 2) ? MEMFS_DROP_UNSYNCED : MEMFS_RANDOM_SECTORS;
    struct memfs *after =
        memfs_crash_clone(load->fs, mode, rng_next(&load->rng));
    struct byron_options options = load->options;
    uint64_t damages;
    options.os = memfs_os(after);
    byron_db *db = plain_open(&options);
    expect_all(db, NULL, load->committed, false);
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(db));
    memfs_free(after);
}

static void end_txn(struct load *load)
{
    struct rng *rng = &load->rng;
    bool is_aborted = rng_one_in(rng, 5);
    if (is_aborted) {
        byron_txn_abort(load->txn);
    } else {
        CHECK_OK(byron_txn_commit(load->txn, true));
        memcpy(load->committed, load->now, sizeof load->now);
    }
    load->txn = NULL;
    check_power_cut(load);
    if (rng_one_in(rng, 2))
        CHECK_OK(byron_flush(load->db));
    if (rng_one_in(rng, 3))
        CHECK_OK(byron_settle(load->db));
    if (rng_one_in(rng, 4))
        CHECK_OK(byron_compact(load->db, NULL));
    if (rng_one_in(rng, 3)) {
        CHECK_OK(byron_close(load->db));
        load_options(load);
        load->db = plain_open(&load->options);
    }
    for (int key = 0; key < KEYS; key += 7)
        ck_assert_int_eq(number_of(load->db, NULL, key), load->committed[key]);
    expect_all(load->db, NULL, load->committed, rng_one_in(rng, 2));
}

START_TEST(any_load_is_what_was_written)
{
    uint64_t seed = test_seed() + (uint64_t)_i;
    size_t live = alloc_live();
    struct load *load = load_new(seed);
    uint64_t damages;
    printf("spill: run %d, seed %llu\n", _i, (unsigned long long)seed);
    for (int i = 0; i < 6; i++) {
        run_txn(load, 50 + (int)rng_below(&load->rng, 1400));
        end_txn(load);
        memfs_advance(load->fs, 10000);
    }
    CHECK_OK(byron_verify(load->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    load_free(load);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

/* A key like any other: two tables that have it are not in order. */
START_TEST(the_empty_key_can_be_loaded_twice)
{
    char value[10000] = "";
    struct load *load = load_new(1);
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    CHECK_OK(byron_begin(load->db, 0, &load->txn));
    for (int i = 0; i < 4; i++) {
        value[0] = (char)('a' + i);
        CHECK_OK(byron_txn_put(load->txn, plain_text(i < 2 ? "" : "k"),
                               (struct byron_bytes){value, sizeof value}));
    }
    CHECK_OK(byron_txn_commit(load->txn, true));
    CHECK_OK(byron_settle(load->db));
    CHECK_OK(byron_snapshot_open(load->db, &snapshot));
    CHECK_OK(byron_cursor_open(snapshot, NULL, NULL, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    for (int i = 1; i < 4; i += 2) {
        struct byron_bytes found;
        ck_assert(byron_cursor_valid(cursor));
        CHECK_OK(byron_cursor_value(cursor, &found));
        ck_assert_int_eq(*(const char *)found.data, 'a' + i);
        CHECK_OK(byron_cursor_next(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
    load_free(load);
}
END_TEST

/* A load of which nothing is left is a commit like any other, also with a
 * record of it that is none; beside it, copies and verify find nothing. */
START_TEST(a_load_may_be_rolled_back_whole)
{
    struct load *load = load_new(1);
    struct byron_commit_point point;
    bool is_prepared = _i % 2;
    bool has_more = _i / 2 % 2;
    uint64_t damages;
    load->options.memtable = 4096;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    CHECK_OK(byron_begin(load->db, 0, &load->txn));
    for (int i = 0; i < 600; i++)
        CHECK_OK(write_one(load));
    CHECK_OK(byron_verify(load->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    if (is_prepared)
        CHECK_OK(byron_txn_prepare(load->txn, BYRON_PREPARE_OWN, &point));
    byron_txn_rollback_to(load->txn, 0);
    memset(load->now, 0, sizeof load->now);
    load->next = 30;
    for (int i = 0; has_more && i < 300; i++)
        CHECK_OK(write_one(load));
    expect_all(NULL, load->txn, load->now, true);
    CHECK_OK(byron_txn_commit(load->txn, true));
    memcpy(load->committed, load->now, sizeof load->now);
    expect_all(load->db, NULL, load->committed, false);
    check_power_cut(load);
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    expect_all(load->db, NULL, load->committed, true);
    CHECK_OK(byron_compact(load->db, NULL));
    CHECK_OK(byron_verify(load->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    expect_all(load->db, NULL, load->committed, false);
    load_free(load);
}
END_TEST

/* --- What it costs -------------------------------------------------------- */

struct cost {
    uint64_t written; /* Bytes, in tables. */
    uint64_t at_commit;
};

static void run_plain(struct load *load, int (*choose)(int i), struct cost *out)
{
    struct byron_stats stats;
    byron_stats(load->db, &stats);
    uint64_t before = stats.flush_bytes;
    CHECK_OK(byron_begin(load->db, 0, &load->txn));
    for (int i = 0; i < KEYS; i++) {
        load->next = choose(i);
        CHECK_OK(write_one(load));
    }
    byron_stats(load->db, &stats);
    out->at_commit = stats.flush_bytes;
    CHECK_OK(byron_txn_commit(load->txn, true));
    CHECK_OK(byron_settle(load->db));
    byron_stats(load->db, &stats);
    out->written = stats.flush_bytes - before + stats.compact_bytes;
    out->at_commit = stats.flush_bytes - out->at_commit;
    memcpy(load->committed, load->now, sizeof load->now);
    expect_all(load->db, NULL, load->committed, false);
}

static int ascending(int i)
{
    return i;
}

static int descending(int i)
{
    return KEYS - 1 - i;
}

START_TEST(what_ascends_is_written_once)
{
    struct load *load = load_new(1);
    struct cost once, again;
    load->options.memtable = 1 << 13;
    load->options.file_size = 1 << 16;
    load->options.hash_index = BYRON_HASH_INDEX_OFF;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    run_plain(load, ascending, &once);
    ck_assert_uint_lt(once.at_commit, 1 << 13);
    load_free(load);
    load = load_new(1);
    load->options.memtable = 1 << 13;
    load->options.file_size = 1 << 16;
    load->options.hash_index = BYRON_HASH_INDEX_OFF;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    run_plain(load, descending, &again);
    ck_assert_uint_gt(again.at_commit, KEYS * VALUE / 2);
    ck_assert_uint_gt(again.written, once.written * 3 / 2);
    load_free(load);
}
END_TEST

/* How much of a memtable's worth of writes has left memory before it is full.
 */
static uint64_t spilled_early(int (*choose)(int i))
{
    struct load *load = load_new(1);
    struct byron_stats stats;
    load->options.memtable = 1 << 16;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    CHECK_OK(byron_begin(load->db, 0, &load->txn));
    for (int i = 0; i < (1 << 16) * 3 / 4 / (VALUE + 80); i++) {
        load->next = choose(i);
        CHECK_OK(write_one(load));
    }
    byron_stats(load->db, &stats);
    byron_txn_abort(load->txn);
    load_free(load);
    return stats.flush_bytes;
}

START_TEST(only_what_ascends_leaves_memory_before_it_is_full)
{
    ck_assert_uint_gt(spilled_early(ascending), 0);
    ck_assert_uint_eq(spilled_early(descending), 0);
}
END_TEST

/* --- Failures ------------------------------------------------------------- */

/* A load that is prepared, goes on, and commits: as far as it gets. The state
 * of the first prepare is that of the first mark. */
static byron_status try_load(struct load *load, int how)
{
    struct byron_commit_point point;
    byron_status status = byron_begin(load->db, 0, &load->txn);
    if (status != BYRON_OK)
        return status;
    load->mark_count = 0;
    for (int i = 0; i < 400 && status == BYRON_OK; i++) {
        status = write_one(load);
        if (i == 250 && status == BYRON_OK && how % 2 == 0)
            status = byron_txn_prepare(load->txn, BYRON_PREPARE_OWN, &point);
        if (i == 250)
            set_mark(load);
    }
    if (status == BYRON_OK && how % 3 == 0) {
        roll_back(load);
        status = byron_txn_get(load->txn, key_of(3), NULL);
        if (status == BYRON_NOT_FOUND)
            status = BYRON_OK;
    }
    if (status == BYRON_OK)
        status = byron_txn_commit(load->txn, true);
    if (status != BYRON_OK)
        byron_txn_abort(load->txn);
    load->txn = NULL;
    return status;
}

static bool shows(byron_db *db, const int *wanted)
{
    for (int key = 0; key < KEYS; key++)
        if (number_of(db, NULL, key) != wanted[key])
            return false;
    return true;
}

/* The store has all of a load that succeeded. A commit that failed, and could
 * not be taken back, may be found. */
static void check_failed(struct load *load, byron_status status)
{
    uint64_t damages;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    ck_assert(shows(load->db, load->now) ||
              (status != BYRON_OK && (shows(load->db, load->committed) ||
                                      shows(load->db, load->marks[0].now))));
    CHECK_OK(byron_compact(load->db, NULL));
    CHECK_OK(byron_verify(load->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
}

static bool one_failure(uint64_t nth, int how, bool is_memory)
{
    struct load *load = load_new(test_seed() + nth);
    const unsigned kinds = MEMFS_ALL & ~(unsigned)MEMFS_REMOVE;
    load->options.memtable = 4096;
    CHECK_OK(byron_close(load->db));
    load->db = plain_open(&load->options);
    if (is_memory)
        alloc_fail_after(nth);
    else
        memfs_fail_nth(load->fs, kinds, nth, nth % 2 ? BYRON_IO : BYRON_FULL,
                       false);
    byron_status status = try_load(load, how);
    bool was_hit = is_memory ? alloc_fail_pending() == 0 : status != BYRON_OK;
    alloc_fail_after(0);
    memfs_fail_nth(load->fs, kinds, 0, BYRON_OK, false);
    memfs_advance(load->fs, 1000000);
    check_failed(load, status);
    load_free(load);
    return was_hit;
}

START_TEST(a_failure_loses_nothing_but_the_load)
{
    bool is_memory = _i != 0;
    uint64_t nth = 1 + test_seed() % 3;
    size_t live = alloc_live();
    for (int round = 0; one_failure(nth, round % 6, is_memory); round++)
        nth += is_memory ? 11 : 3;
    ck_assert_uint_gt(nth, 20);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_spill_suite(void)
{
    Suite *suite = suite_create("spill");
    TCase *tcase = tcase_create("spill");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, any_load_is_what_was_written, 0, 6);
    tcase_add_test(tcase, the_empty_key_can_be_loaded_twice);
    tcase_add_loop_test(tcase, a_load_may_be_rolled_back_whole, 0, 4);
    tcase_add_test(tcase, what_ascends_is_written_once);
    tcase_add_test(tcase, only_what_ascends_leaves_memory_before_it_is_full);
    tcase_add_loop_test(tcase, a_failure_loses_nothing_but_the_load, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
