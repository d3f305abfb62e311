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
#include "support/played_host.h"
#include "support/seed.h"

Suite *test_host_suite(void);

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

/* Opening is refused with this status and these words. */
static void expect_refusal(struct played_host *host, byron_status status,
                           const char *words)
{
    struct byron_error error;
    ck_assert_int_eq(played_host_open(host), status);
    byron_last_error(&error);
    ck_assert_msg(strstr(error.words, words) != NULL, "\"%s\" in \"%s\"", words,
                  error.words);
    host->db = NULL;
}

/* --- the ring ------------------------------------------------------------ */

START_TEST(point_names_the_last_commits_newest_first)
{
    struct played_host host;
    struct byron_commit_point now;
    uint64_t ids[10];
    played_host_init(&host);
    for (int i = 0; i < 10; i++) {
        played_host_commit(&host, "a", i, i == 4 ? BYRON_PREPARE_SYNC : 0);
        ids[i] = host.row.recent[0];
        for (int j = 0; j < BYRON_RECENT_COMMITS; j++)
            ck_assert_uint_eq(host.row.recent[j], i >= j ? ids[i - j] : 0);
        ck_assert_uint_eq(host.row.synced, i >= 4 ? ids[4] : 0);
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(ids[j], ids[i]);
    }
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    played_host_reopen(&host);
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    played_host_deinit(&host);
}
END_TEST

START_TEST(prepared_commit_is_no_commit_before_it_is_published)
{
    struct played_host host;
    struct byron_commit_point now, point;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    byron_txn *txn = played_host_begin(&host);
    played_host_put(txn, "a", 2);
    CHECK_OK(byron_txn_prepare(txn, 0, &point));
    ck_assert_int_eq(played_host_get(&host, "a"), 1);
    byron_commit_point(host.db, &now);
    ck_assert_mem_eq(&now, &host.row, sizeof now);
    ck_assert_uint_eq(point.recent[1], host.row.recent[0]);
    ck_assert_uint_eq(byron_txn_base(txn), host.row.recent[0]);
    host.row = point;
    byron_txn_publish(txn);
    ck_assert_int_eq(played_host_get(&host, "a"), 2);
    played_host_deinit(&host);
}
END_TEST

/* --- prepared, and then? -------------------------------------------------- */

START_TEST(aborted_prepare_is_gone_unless_the_host_brings_it_back)
{
    for (int is_large = 0; is_large < 2; is_large++) {
        struct played_host host;
        struct byron_commit_point old, aborted;
        played_host_init(&host);
        played_host_commit(&host, "a", 1, BYRON_PREPARE_SYNC);
        old = host.row;
        byron_txn *txn = played_host_begin(&host);
        played_host_put(txn, "a", 2);
        if (is_large)
            played_host_put_many(txn, 7);
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &aborted));
        byron_txn_abort(txn);
        CHECK_OK(byron_settle(host.db));
        ck_assert_int_eq(played_host_get(&host, "a"), 1);
        /* Opened by the old row as often as you like. */
        played_host_reopen(&host);
        CHECK_OK(byron_settle(host.db));
        played_host_reopen(&host);
        ck_assert_int_eq(played_host_get(&host, "a"), 1);
        ck_assert_int_eq(played_host_get(&host, "many100"), -1);
        /* The host's own log has brought the commit back. */
        host.row = aborted;
        played_host_reopen(&host);
        ck_assert_int_eq(played_host_get(&host, "a"), 2);
        ck_assert_int_eq(played_host_get(&host, "many399"), is_large ? 7 : -1);
        played_host_commit(&host, "b", 3, 0);
        CHECK_OK(byron_flush(host.db));
        played_host_reopen(&host);
        ck_assert_int_eq(played_host_get(&host, "a"), 2);
        ck_assert_int_eq(played_host_get(&host, "many399"), is_large ? 7 : -1);
        ck_assert_int_eq(played_host_get(&host, "b"), 3);
        host.row = old;
        CHECK_OK(byron_close(host.db));
        expect_refusal(&host, BYRON_FOREIGN, "ahead of its database file");
        played_host_deinit(&host);
    }
}
END_TEST

START_TEST(commits_go_on_after_an_abort)
{
    struct played_host host;
    struct byron_commit_point aborted;
    played_host_init(&host);
    for (int i = 0; i < 20; i++) {
        byron_txn *txn = played_host_begin(&host);
        played_host_put(txn, "lost", i);
        if (i % 5 == 0)
            played_host_put_many(txn, i);
        CHECK_OK(byron_txn_prepare(txn, 0, &aborted));
        byron_txn_abort(txn);
        played_host_commit(&host, "kept", i, 0);
        if (i % 3 == 0)
            played_host_reopen(&host);
        if (i % 4 == 0)
            CHECK_OK(byron_flush(host.db));
        ck_assert_int_eq(played_host_get(&host, "kept"), i);
        ck_assert_int_eq(played_host_get(&host, "lost"), -1);
        ck_assert_int_eq(played_host_get(&host, "many001"), -1);
    }
    played_host_deinit(&host);
}
END_TEST

START_TEST(second_prepare_supersedes_the_first)
{
    struct played_host host;
    struct byron_commit_point first, second;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    byron_txn *txn = played_host_begin(&host);
    played_host_put(txn, "a", 2);
    CHECK_OK(byron_txn_prepare(txn, 0, &first));
    played_host_put(txn, "a", 3);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &second));
    ck_assert_uint_ne(first.recent[0], second.recent[0]);
    ck_assert_uint_eq(first.recent[1], second.recent[1]);
    /* Killed here: whichever the host's row names is the commit. */
    struct memfs *image = memfs_crash_clone(host.fs, MEMFS_KEEP_ALL, 1);
    byron_txn_publish(txn);
    ck_assert_int_eq(played_host_get(&host, "a"), 3);
    host.row = second;
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), 3);
    CHECK_OK(byron_close(host.db));
    memfs_free(host.fs);
    host.fs = image;
    host.row = first;
    CHECK_OK(played_host_open(&host));
    ck_assert_int_eq(played_host_get(&host, "a"), 2);
    played_host_deinit(&host);
}
END_TEST

/* --- power cuts ----------------------------------------------------------- */

START_TEST(lost_tail_leaves_the_newest_proven_commit)
{
    for (int lost = 1; lost <= 12; lost++) {
        struct played_host host;
        byron_snapshot *snapshot;
        played_host_init(&host);
        played_host_commit(&host, "a", 1, BYRON_PREPARE_SYNC);
        for (int i = 0; i < lost; i++)
            played_host_commit(&host, "a", 2 + i, 0);
        played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
        for (int round = 0; round < 4; round++) {
            /* The host still calls this state by the lost commit's name. */
            CHECK_OK(played_host_open(&host));
            ck_assert_int_eq(played_host_get(&host, "a"), 1);
            CHECK_OK(
                byron_snapshot_at(host.db, host.row.recent[0], 0, &snapshot));
            ck_assert_int_eq(played_host_get_at(host.db, snapshot, "a"), 1);
            byron_snapshot_close(snapshot);
            if (round == 1)
                CHECK_OK(byron_flush(host.db));
            if (round == 2)
                CHECK_OK(byron_compact(host.db, NULL));
            CHECK_OK(byron_close(host.db));
        }
        CHECK_OK(played_host_open(&host));
        played_host_commit(&host, "b", 5, 0);
        played_host_reopen(&host);
        ck_assert_int_eq(played_host_get(&host, "a"), 1);
        ck_assert_int_eq(played_host_get(&host, "b"), 5);
        played_host_deinit(&host);
    }
}
END_TEST

START_TEST(own_commits_go_on_over_a_lost_tail)
{
    struct played_host host;
    byron_snapshot *snapshot;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    played_host_commit(&host, "a", 2, 0);
    played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
    CHECK_OK(played_host_open(&host));
    played_host_commit(&host, "own", 3, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC);
    for (int round = 0; round < 3; round++) {
        played_host_reopen(&host);
        ck_assert_int_eq(played_host_get(&host, "a"), 1);
        ck_assert_int_eq(played_host_get(&host, "own"), 3);
        CHECK_OK(byron_snapshot_at(host.db, host.row.recent[0], 0, &snapshot));
        byron_snapshot_close(snapshot);
        if (round == 1)
            CHECK_OK(byron_flush(host.db));
    }
    played_host_commit(&host, "a", 4, 0);
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), 4);
    ck_assert_int_eq(played_host_get(&host, "own"), 3);
    played_host_deinit(&host);
}
END_TEST

START_TEST(lost_synced_commit_is_damage)
{
    struct played_host host;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    played_host_commit(&host, "a", 2, 0);
    played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
    host.row.synced = host.row.recent[0];
    expect_refusal(&host, BYRON_CORRUPT, "synced commit is missing");
    played_host_deinit(&host);
}
END_TEST

/* --- the row of another day ----------------------------------------------- */

START_TEST(store_and_row_of_different_days_are_told_apart)
{
    struct played_host host;
    struct byron_commit_point old;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, BYRON_PREPARE_SYNC);
    old = host.row;
    struct memfs *yesterday = memfs_crash_clone(host.fs, MEMFS_KEEP_ALL, 1);
    played_host_commit(&host, "a", 2, BYRON_PREPARE_SYNC);
    CHECK_OK(byron_flush(host.db));
    played_host_commit(&host, "a", 3, BYRON_PREPARE_SYNC);
    CHECK_OK(byron_close(host.db));

    struct byron_commit_point newest = host.row;
    host.row = old;
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is ahead of its database file");
    memset(&host.row, 0, sizeof host.row);
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is ahead of its database file");
    host.row = newest;
    CHECK_OK(played_host_open(&host));
    ck_assert_int_eq(played_host_get(&host, "a"), 3);
    CHECK_OK(byron_close(host.db));

    memfs_free(host.fs);
    host.fs = yesterday;
    expect_refusal(&host, BYRON_FOREIGN,
                   "the store is older than its database file");
    host.row = old;
    CHECK_OK(played_host_open(&host));
    ck_assert_int_eq(played_host_get(&host, "a"), 1);
    played_host_deinit(&host);
}
END_TEST

START_TEST(store_of_a_host_is_not_opened_without_it)
{
    struct played_host host;
    struct byron_error error;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    CHECK_OK(byron_close(host.db));
    host.options.commit_point = NULL;
    ck_assert_int_eq(byron_open("store", &host.options, &host.db),
                     BYRON_FOREIGN);
    byron_last_error(&error);
    ck_assert_ptr_nonnull(strstr(error.words, "belongs to a database file"));
    host.db = NULL;
    played_host_deinit(&host);
}
END_TEST

START_TEST(row_behind_the_logs_end_undoes_what_follows)
{
    struct played_host host;
    struct byron_commit_point middle;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    played_host_commit(&host, "a", 2, 0);
    middle = host.row;
    played_host_commit(&host, "a", 3, 0);
    played_host_commit(&host, "b", 4, 0);
    host.row = middle;
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), 2);
    ck_assert_int_eq(played_host_get(&host, "b"), -1);
    played_host_commit(&host, "c", 5, 0);
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), 2);
    ck_assert_int_eq(played_host_get(&host, "b"), -1);
    ck_assert_int_eq(played_host_get(&host, "c"), 5);
    played_host_deinit(&host);
}
END_TEST

/* --- the barrier -----------------------------------------------------------
 */

START_TEST(nothing_gets_permanent_that_the_host_may_lose)
{
    struct played_host host;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    host.barrier_answer = BYRON_IO;
    ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
    ck_assert_uint_gt(host.barriers, 0);
    ck_assert_int_eq(played_host_get(&host, "a"), 1);
    /* The host falls back behind the commit: nothing holds it. */
    struct byron_commit_point row = host.row;
    memset(&host.row, 0, sizeof host.row);
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), -1);
    host.row = row;
    played_host_reopen(&host);
    ck_assert_int_eq(played_host_get(&host, "a"), 1);
    host.barrier_answer = BYRON_OK;
    CHECK_OK(byron_flush(host.db));
    ck_assert_int_eq(played_host_get(&host, "a"), 1);
    played_host_deinit(&host);
}
END_TEST

/* --- snapshots by name ------------------------------------------------------
 */

START_TEST(states_of_the_last_moments_are_held_by_name)
{
    struct played_host host;
    uint64_t ids[10];
    byron_snapshot *snapshot;
    played_host_init(&host);
    CHECK_OK(byron_snapshot_at(host.db, 0, 0, &snapshot));
    byron_snapshot_close(snapshot);
    for (int i = 0; i < 10; i++) {
        played_host_commit(&host, "a", i, 0);
        ids[i] = host.row.recent[0];
        if (i % 4 == 3)
            CHECK_OK(byron_flush(host.db));
    }
    for (int i = 0; i < 10; i++) {
        CHECK_OK(byron_snapshot_at(host.db, ids[i], 0, &snapshot));
        ck_assert_int_eq(played_host_get_at(host.db, snapshot, "a"), i);
        byron_snapshot_close(snapshot);
    }
    ck_assert_int_eq(byron_snapshot_at(host.db, ids[9] + 77, 0, &snapshot),
                     BYRON_BUSY_SNAPSHOT);
    played_host_deinit(&host);
}
END_TEST

START_TEST(state_that_is_no_longer_held_is_refused)
{
    struct played_host host;
    byron_snapshot *snapshot, *held;
    played_host_init(&host);
    memfs_use_virtual_time(host.fs);
    played_host_commit(&host, "a", 1, 0);
    uint64_t old = host.row.recent[0];
    CHECK_OK(byron_snapshot_at(host.db, old, 0, &held));
    played_host_commit(&host, "a", 2, 0);
    played_host_commit(&host, "a", 3, 0);
    memfs_advance(host.fs, 10000000);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_compact(host.db, NULL));
    ck_assert_int_eq(byron_snapshot_at(host.db, old, 0, &snapshot),
                     BYRON_BUSY_SNAPSHOT);
    /* What is held stays. */
    ck_assert_int_eq(played_host_get_at(host.db, held, "a"), 1);
    byron_snapshot_close(held);
    ck_assert_int_eq(played_host_get(&host, "a"), 3);
    played_host_deinit(&host);
}
END_TEST

struct waiter {
    struct played_host *host;
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
        waiter->value = played_host_get_at(waiter->host->db, snapshot, "a");
        byron_snapshot_close(snapshot);
    }
    return NULL;
}

/* 0: published while the reader waits; 1: aborted; 2: neither, in time. */
START_TEST(reader_waits_for_a_prepared_commit)
{
    struct played_host host;
    struct waiter waiter = {.host = &host, .timeout_ms = _i == 2 ? 20 : 60000};
    struct byron_commit_point point;
    pthread_t thread;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    byron_txn *txn = played_host_begin(&host);
    played_host_put(txn, "a", 2);
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
    played_host_deinit(&host);
}
END_TEST

/* --- mixed ------------------------------------------------------------------
 */

START_TEST(own_commits_and_the_hosts_make_one_history)
{
    struct played_host host;
    struct rng rng;
    char key[16];
    int expected[20];
    size_t live = alloc_live();
    uint64_t seed = test_seed() + (uint64_t)_i;
    printf("host: seed %llu\n", (unsigned long long)seed);
    rng_init(&rng, seed);
    played_host_init(&host);
    for (int i = 0; i < 20; i++)
        expected[i] = -1;
    for (int i = 0; i < 300; i++) {
        int which = (int)rng_below(&rng, 20);
        bool is_sync = rng_one_in(&rng, 4);
        unsigned flags = (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                         (rng_one_in(&rng, 2) ? BYRON_PREPARE_OWN : 0u);
        snprintf(key, sizeof key, "k%d", which);
        played_host_commit(&host, key, i, flags);
        expected[which] = i;
        if (rng_one_in(&rng, 10))
            CHECK_OK(byron_flush(host.db));
        if (rng_one_in(&rng, 10))
            played_host_reopen(&host);
        if (rng_one_in(&rng, 20)) {
            played_host_cut_power(&host, MEMFS_KEEP_ALL);
            CHECK_OK(played_host_open(&host));
        }
        for (int j = 0; j < 20; j++) {
            snprintf(key, sizeof key, "k%d", j);
            ck_assert_int_eq(played_host_get(&host, key), expected[j]);
        }
    }
    played_host_deinit(&host);
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
