/*
 * The host's side of a store: its row of commit ids is the commit point, also
 * where the row, the log and the tables have drifted apart.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/memfs_inspect.h"
#include "support/store_model.h"

Suite *test_host_suite(void);

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

struct host {
    struct memfs *fs;
    struct byron_options options;
    byron_db *db;
    struct byron_commit_point row; /* In the host's database file. */
    uint64_t barriers;
    byron_status barrier_answer;
};

static byron_status barrier(void *context)
{
    struct host *host = context;
    host->barriers++;
    return host->barrier_answer;
}

static byron_status try_open(struct host *host)
{
    host->options.os = memfs_os(host->fs);
    host->options.commit_point = &host->row;
    return byron_open("store", &host->options, &host->db);
}

static void host_init(struct host *host)
{
    memset(host, 0, sizeof *host);
    host->fs = memfs_new(3);
    host->options = (struct byron_options){
        .memory = 1 << 20,
        .memtable = 8192,
        .inline_work = true,
        .create = true,
        .barrier = barrier,
        .barrier_context = host,
    };
    CHECK_OK(try_open(host));
    host->options.create = false;
}

static void host_deinit(struct host *host)
{
    if (host->db)
        CHECK_OK(byron_close(host->db));
    memfs_free(host->fs);
}

static void reopen(struct host *host)
{
    CHECK_OK(byron_close(host->db));
    CHECK_OK(try_open(host));
}

/* The power goes; the host's row survived, or so the test decides. */
static void cut_power(struct host *host, enum memfs_crash mode)
{
    struct memfs *image = memfs_crash_clone(host->fs, mode, 11);
    CHECK_OK(byron_close(host->db));
    memfs_free(host->fs);
    host->fs = image;
    host->db = NULL;
}

/* Opening is refused with this status and these words. */
static void expect_refusal(struct host *host, byron_status status,
                           const char *words)
{
    struct byron_error error;
    ck_assert_int_eq(try_open(host), status);
    byron_last_error(&error);
    ck_assert_msg(strstr(error.words, words) != NULL, "\"%s\" in \"%s\"", words,
                  error.words);
    host->db = NULL;
}

static struct byron_bytes text(const char *bytes)
{
    return (struct byron_bytes){bytes, strlen(bytes)};
}

static byron_txn *begin(struct host *host)
{
    byron_txn *txn;
    CHECK_OK(byron_begin(host->db, 0, &txn));
    return txn;
}

static void put(byron_txn *txn, const char *key, int value)
{
    char bytes[16];
    snprintf(bytes, sizeof bytes, "%d", value);
    CHECK_OK(byron_txn_put(txn, text(key), text(bytes)));
}

/* More than a memtable holds. */
static void put_many(byron_txn *txn, int value)
{
    char key[16];
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "many%03d", i);
        put(txn, key, value);
    }
}

/* The host commits: its row has the new point before the store publishes. */
static void commit(struct host *host, const char *key, int value,
                   unsigned flags)
{
    byron_txn *txn = begin(host);
    struct byron_commit_point point;
    put(txn, key, value);
    CHECK_OK(byron_txn_prepare(txn, flags, &point));
    if (!(flags & BYRON_PREPARE_OWN))
        host->row = point;
    byron_txn_publish(txn);
}

static int get_at(byron_db *db, byron_snapshot *snapshot, const char *key)
{
    struct byron_value value;
    char bytes[16] = "";
    byron_status status = byron_get(db, snapshot, text(key), &value);
    if (status == BYRON_NOT_FOUND)
        return -1;
    CHECK_OK(status);
    memcpy(bytes, value.data, value.size);
    byron_value_release(&value);
    return atoi(bytes);
}

static int get(struct host *host, const char *key)
{
    return get_at(host->db, NULL, key);
}

/* --- the ring ------------------------------------------------------------ */

START_TEST(point_names_the_last_commits_newest_first)
{
    struct host host;
    struct byron_commit_point now;
    uint64_t ids[10];
    host_init(&host);
    for (int i = 0; i < 10; i++) {
        commit(&host, "a", i, i == 4 ? BYRON_PREPARE_SYNC : 0);
        ids[i] = host.row.recent[0];
        for (int j = 0; j < BYRON_RECENT_COMMITS; j++)
            ck_assert_uint_eq(host.row.recent[j], i >= j ? ids[i - j] : 0);
        ck_assert_uint_eq(host.row.synced, i >= 4 ? ids[4] : 0);
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(ids[j], ids[i]);
    }
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    reopen(&host);
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    host_deinit(&host);
}
END_TEST

START_TEST(prepared_commit_is_no_commit_before_it_is_published)
{
    struct host host;
    struct byron_commit_point now, point;
    host_init(&host);
    commit(&host, "a", 1, 0);
    byron_txn *txn = begin(&host);
    put(txn, "a", 2);
    CHECK_OK(byron_txn_prepare(txn, 0, &point));
    ck_assert_int_eq(get(&host, "a"), 1);
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    ck_assert_uint_eq(point.recent[1], host.row.recent[0]);
    ck_assert_uint_eq(byron_txn_base(txn), host.row.recent[0]);
    host.row = point;
    byron_txn_publish(txn);
    ck_assert_int_eq(get(&host, "a"), 2);
    host_deinit(&host);
}
END_TEST

/* --- prepared, and then? -------------------------------------------------- */

START_TEST(aborted_prepare_is_gone_unless_the_host_brings_it_back)
{
    for (int is_large = 0; is_large < 2; is_large++) {
        struct host host;
        struct byron_commit_point old, aborted;
        host_init(&host);
        commit(&host, "a", 1, BYRON_PREPARE_SYNC);
        old = host.row;
        byron_txn *txn = begin(&host);
        put(txn, "a", 2);
        if (is_large)
            put_many(txn, 7);
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &aborted));
        byron_txn_abort(txn);
        CHECK_OK(byron_settle(host.db));
        ck_assert_int_eq(get(&host, "a"), 1);
        /* Opened by the old row as often as you like. */
        reopen(&host);
        CHECK_OK(byron_settle(host.db));
        reopen(&host);
        ck_assert_int_eq(get(&host, "a"), 1);
        ck_assert_int_eq(get(&host, "many100"), -1);
        /* The host's own log has brought the commit back. */
        host.row = aborted;
        reopen(&host);
        ck_assert_int_eq(get(&host, "a"), 2);
        ck_assert_int_eq(get(&host, "many399"), is_large ? 7 : -1);
        commit(&host, "b", 3, 0);
        CHECK_OK(byron_flush(host.db));
        reopen(&host);
        ck_assert_int_eq(get(&host, "a"), 2);
        ck_assert_int_eq(get(&host, "many399"), is_large ? 7 : -1);
        ck_assert_int_eq(get(&host, "b"), 3);
        host.row = old;
        CHECK_OK(byron_close(host.db));
        expect_refusal(&host, BYRON_FOREIGN, "ahead of its database file");
        host_deinit(&host);
    }
}
END_TEST

START_TEST(commits_go_on_after_an_abort)
{
    struct host host;
    struct byron_commit_point aborted;
    host_init(&host);
    for (int i = 0; i < 20; i++) {
        byron_txn *txn = begin(&host);
        put(txn, "lost", i);
        if (i % 5 == 0)
            put_many(txn, i);
        CHECK_OK(byron_txn_prepare(txn, 0, &aborted));
        byron_txn_abort(txn);
        commit(&host, "kept", i, 0);
        if (i % 3 == 0)
            reopen(&host);
        if (i % 4 == 0)
            CHECK_OK(byron_flush(host.db));
        ck_assert_int_eq(get(&host, "kept"), i);
        ck_assert_int_eq(get(&host, "lost"), -1);
        ck_assert_int_eq(get(&host, "many001"), -1);
    }
    host_deinit(&host);
}
END_TEST

START_TEST(second_prepare_supersedes_the_first)
{
    struct host host;
    struct byron_commit_point first, second;
    host_init(&host);
    commit(&host, "a", 1, 0);
    byron_txn *txn = begin(&host);
    put(txn, "a", 2);
    CHECK_OK(byron_txn_prepare(txn, 0, &first));
    put(txn, "a", 3);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &second));
    ck_assert_uint_ne(first.recent[0], second.recent[0]);
    ck_assert_uint_eq(first.recent[1], second.recent[1]);
    /* Killed here: whichever the host's row names is the commit. */
    struct memfs *image = memfs_crash_clone(host.fs, MEMFS_KEEP_ALL, 1);
    byron_txn_publish(txn);
    ck_assert_int_eq(get(&host, "a"), 3);
    host.row = second;
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), 3);
    CHECK_OK(byron_close(host.db));
    memfs_free(host.fs);
    host.fs = image;
    host.row = first;
    CHECK_OK(try_open(&host));
    ck_assert_int_eq(get(&host, "a"), 2);
    host_deinit(&host);
}
END_TEST

/* --- power cuts ----------------------------------------------------------- */

START_TEST(lost_tail_leaves_the_newest_proven_commit)
{
    for (int lost = 1; lost <= 12; lost++) {
        struct host host;
        byron_snapshot *snapshot;
        host_init(&host);
        commit(&host, "a", 1, BYRON_PREPARE_SYNC);
        for (int i = 0; i < lost; i++)
            commit(&host, "a", 2 + i, 0);
        cut_power(&host, MEMFS_DROP_UNSYNCED);
        for (int round = 0; round < 4; round++) {
            /* The host still calls this state by the lost commit's name. */
            CHECK_OK(try_open(&host));
            ck_assert_int_eq(get(&host, "a"), 1);
            CHECK_OK(
                byron_snapshot_at(host.db, host.row.recent[0], 0, &snapshot));
            ck_assert_int_eq(get_at(host.db, snapshot, "a"), 1);
            byron_snapshot_close(snapshot);
            if (round == 1)
                CHECK_OK(byron_flush(host.db));
            if (round == 2)
                CHECK_OK(byron_compact(host.db, NULL));
            CHECK_OK(byron_close(host.db));
        }
        CHECK_OK(try_open(&host));
        commit(&host, "b", 5, 0);
        reopen(&host);
        ck_assert_int_eq(get(&host, "a"), 1);
        ck_assert_int_eq(get(&host, "b"), 5);
        host_deinit(&host);
    }
}
END_TEST

START_TEST(own_commits_go_on_over_a_lost_tail)
{
    struct host host;
    byron_snapshot *snapshot;
    host_init(&host);
    commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    commit(&host, "a", 2, 0);
    cut_power(&host, MEMFS_DROP_UNSYNCED);
    CHECK_OK(try_open(&host));
    commit(&host, "own", 3, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC);
    for (int round = 0; round < 3; round++) {
        reopen(&host);
        ck_assert_int_eq(get(&host, "a"), 1);
        ck_assert_int_eq(get(&host, "own"), 3);
        CHECK_OK(byron_snapshot_at(host.db, host.row.recent[0], 0, &snapshot));
        byron_snapshot_close(snapshot);
        if (round == 1)
            CHECK_OK(byron_flush(host.db));
    }
    commit(&host, "a", 4, 0);
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), 4);
    ck_assert_int_eq(get(&host, "own"), 3);
    host_deinit(&host);
}
END_TEST

START_TEST(lost_synced_commit_is_damage)
{
    struct host host;
    host_init(&host);
    commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    commit(&host, "a", 2, 0);
    cut_power(&host, MEMFS_DROP_UNSYNCED);
    host.row.synced = host.row.recent[0];
    expect_refusal(&host, BYRON_CORRUPT, "synced commit is missing");
    host_deinit(&host);
}
END_TEST

/* --- the row of another day ----------------------------------------------- */

START_TEST(store_and_row_of_different_days_are_told_apart)
{
    struct host host;
    struct byron_commit_point old;
    host_init(&host);
    commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    old = host.row;
    struct memfs *yesterday = memfs_crash_clone(host.fs, MEMFS_KEEP_ALL, 1);
    commit(&host, "a", 2, BYRON_PREPARE_SYNC);
    CHECK_OK(byron_flush(host.db));
    commit(&host, "a", 3, BYRON_PREPARE_SYNC);
    CHECK_OK(byron_close(host.db));

    struct byron_commit_point newest = host.row;
    host.row = old;
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is ahead of its database file");
    memset(&host.row, 0, sizeof host.row);
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is ahead of its database file");
    host.row = newest;
    CHECK_OK(try_open(&host));
    ck_assert_int_eq(get(&host, "a"), 3);
    CHECK_OK(byron_close(host.db));

    memfs_free(host.fs);
    host.fs = yesterday;
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is older than its database file");
    host.row = old;
    CHECK_OK(try_open(&host));
    ck_assert_int_eq(get(&host, "a"), 1);
    host_deinit(&host);
}
END_TEST

START_TEST(store_of_a_host_is_not_opened_without_it)
{
    struct host host;
    struct byron_error error;
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_close(host.db));
    host.options.commit_point = NULL;
    ck_assert_int_eq(byron_open("store", &host.options, &host.db),
                     BYRON_FOREIGN);
    byron_last_error(&error);
    ck_assert_ptr_nonnull(strstr(error.words, "belongs to a database file"));
    host.db = NULL;
    host_deinit(&host);
}
END_TEST

START_TEST(row_behind_the_logs_end_undoes_what_follows)
{
    struct host host;
    struct byron_commit_point middle;
    host_init(&host);
    commit(&host, "a", 1, 0);
    commit(&host, "a", 2, 0);
    middle = host.row;
    commit(&host, "a", 3, 0);
    commit(&host, "b", 4, 0);
    host.row = middle;
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), 2);
    ck_assert_int_eq(get(&host, "b"), -1);
    commit(&host, "c", 5, 0);
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), 2);
    ck_assert_int_eq(get(&host, "b"), -1);
    ck_assert_int_eq(get(&host, "c"), 5);
    host_deinit(&host);
}
END_TEST

/* --- the barrier -----------------------------------------------------------
 */

START_TEST(nothing_gets_permanent_that_the_host_may_lose)
{
    struct host host;
    host_init(&host);
    commit(&host, "a", 1, 0);
    host.barrier_answer = BYRON_IO;
    ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
    ck_assert_uint_gt(host.barriers, 0);
    ck_assert_int_eq(get(&host, "a"), 1);
    /* The host falls back behind the commit: nothing holds it. */
    struct byron_commit_point row = host.row;
    memset(&host.row, 0, sizeof host.row);
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), -1);
    host.row = row;
    reopen(&host);
    ck_assert_int_eq(get(&host, "a"), 1);
    host.barrier_answer = BYRON_OK;
    CHECK_OK(byron_flush(host.db));
    ck_assert_int_eq(get(&host, "a"), 1);
    host_deinit(&host);
}
END_TEST

/* --- snapshots by name ------------------------------------------------------
 */

START_TEST(states_of_the_last_moments_are_held_by_name)
{
    struct host host;
    uint64_t ids[10];
    byron_snapshot *snapshot;
    host_init(&host);
    CHECK_OK(byron_snapshot_at(host.db, 0, 0, &snapshot));
    byron_snapshot_close(snapshot);
    for (int i = 0; i < 10; i++) {
        commit(&host, "a", i, 0);
        ids[i] = host.row.recent[0];
        if (i % 4 == 3)
            CHECK_OK(byron_flush(host.db));
    }
    for (int i = 0; i < 10; i++) {
        CHECK_OK(byron_snapshot_at(host.db, ids[i], 0, &snapshot));
        ck_assert_int_eq(get_at(host.db, snapshot, "a"), i);
        byron_snapshot_close(snapshot);
    }
    ck_assert_int_eq(byron_snapshot_at(host.db, ids[9] + 77, 0, &snapshot),
                     BYRON_BUSY_SNAPSHOT);
    host_deinit(&host);
}
END_TEST

START_TEST(state_that_is_no_longer_held_is_refused)
{
    struct host host;
    byron_snapshot *snapshot, *held;
    host_init(&host);
    memfs_use_virtual_time(host.fs);
    commit(&host, "a", 1, 0);
    uint64_t old = host.row.recent[0];
    CHECK_OK(byron_snapshot_at(host.db, old, 0, &held));
    commit(&host, "a", 2, 0);
    commit(&host, "a", 3, 0);
    memfs_advance(host.fs, 10000000);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_compact(host.db, NULL));
    ck_assert_int_eq(byron_snapshot_at(host.db, old, 0, &snapshot),
                     BYRON_BUSY_SNAPSHOT);
    /* What is held stays. */
    ck_assert_int_eq(get_at(host.db, held, "a"), 1);
    byron_snapshot_close(held);
    ck_assert_int_eq(get(&host, "a"), 3);
    host_deinit(&host);
}
END_TEST

struct waiter {
    struct host *host;
    uint64_t id;
    uint32_t timeout_ms;
    byron_status status;
    int value;
};

static void *wait_for_commit(void *context)
{
    struct waiter *waiter = context;
    byron_snapshot *snapshot;
    waiter->status = byron_snapshot_at(waiter->host->db, waiter->id,
                                       waiter->timeout_ms, &snapshot);
    if (waiter->status == BYRON_OK) {
        waiter->value = get_at(waiter->host->db, snapshot, "a");
        byron_snapshot_close(snapshot);
    }
    return NULL;
}

/* 0: published while the reader waits; 1: aborted; 2: neither, in time. */
START_TEST(reader_waits_for_a_prepared_commit)
{
    struct host host;
    struct waiter waiter = {.host = &host, .timeout_ms = _i == 2 ? 20 : 60000};
    struct byron_commit_point point;
    pthread_t thread;
    host_init(&host);
    commit(&host, "a", 1, 0);
    byron_txn *txn = begin(&host);
    put(txn, "a", 2);
    CHECK_OK(byron_txn_prepare(txn, 0, &point));
    waiter.id = point.recent[0];
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_commit, &waiter),
                     0);
    usleep(60000);
    if (_i == 0)
        byron_txn_publish(txn);
    if (_i == 1)
        byron_txn_abort(txn);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    if (_i == 2)
        byron_txn_abort(txn);
    ck_assert_int_eq(waiter.status, _i == 0 ? BYRON_OK : BYRON_BUSY_SNAPSHOT);
    if (_i == 0)
        ck_assert_int_eq(waiter.value, 2);
    host_deinit(&host);
}
END_TEST

/* --- mixed ------------------------------------------------------------------
 */

START_TEST(own_commits_and_the_hosts_make_one_history)
{
    struct host host;
    struct rng rng;
    char key[16];
    int expected[20];
    size_t live = alloc_live();
    uint64_t seed = test_seed() + (uint64_t)_i;
    printf("host: seed %llu\n", (unsigned long long)seed);
    rng_init(&rng, seed);
    host_init(&host);
    for (int i = 0; i < 20; i++)
        expected[i] = -1;
    for (int i = 0; i < 300; i++) {
        int which = (int)rng_below(&rng, 20);
        bool is_sync = rng_one_in(&rng, 4);
        unsigned flags = (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                         (rng_one_in(&rng, 2) ? BYRON_PREPARE_OWN : 0u);
        snprintf(key, sizeof key, "k%d", which);
        commit(&host, key, i, flags);
        expected[which] = i;
        if (rng_one_in(&rng, 10))
            CHECK_OK(byron_flush(host.db));
        if (rng_one_in(&rng, 10))
            reopen(&host);
        if (rng_one_in(&rng, 20)) {
            cut_power(&host, MEMFS_KEEP_ALL);
            CHECK_OK(try_open(&host));
        }
        for (int j = 0; j < 20; j++) {
            snprintf(key, sizeof key, "k%d", j);
            ck_assert_int_eq(get(&host, key), expected[j]);
        }
    }
    host_deinit(&host);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_host_suite(void)
{
    Suite *suite = suite_create("host");
    TCase *cases = tcase_create("host");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, point_names_the_last_commits_newest_first);
    tcase_add_test(cases, prepared_commit_is_no_commit_before_it_is_published);
    tcase_add_test(cases,
                   aborted_prepare_is_gone_unless_the_host_brings_it_back);
    tcase_add_test(cases, commits_go_on_after_an_abort);
    tcase_add_test(cases, second_prepare_supersedes_the_first);
    tcase_add_test(cases, lost_tail_leaves_the_newest_proven_commit);
    tcase_add_test(cases, own_commits_go_on_over_a_lost_tail);
    tcase_add_test(cases, lost_synced_commit_is_damage);
    tcase_add_test(cases, store_and_row_of_different_days_are_told_apart);
    tcase_add_test(cases, store_of_a_host_is_not_opened_without_it);
    tcase_add_test(cases, row_behind_the_logs_end_undoes_what_follows);
    tcase_add_test(cases, nothing_gets_permanent_that_the_host_may_lose);
    tcase_add_test(cases, states_of_the_last_moments_are_held_by_name);
    tcase_add_test(cases, state_that_is_no_longer_held_is_refused);
    tcase_add_loop_test(cases, reader_waits_for_a_prepared_commit, 0, 3);
    tcase_add_loop_test(cases, own_commits_and_the_hosts_make_one_history, 0,
                        4);
    suite_add_tcase(suite, cases);
    return suite;
}
