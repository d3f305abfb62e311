/*
 * Power cuts and kills after every storage call of random workloads: what is
 * recovered is a prefix of the commits, with everything that was acknowledged
 * as durable.
 *
 * The host is played by the test: its row of commit points is what a database
 * file would hold, durable when a sync commit or the barrier says so.
 *
 * Covers: recovery, chain, wal, db_open, orphans.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/played_host.h"
#include "support/played_row.h"
#include "support/store_model.h"

Suite *test_crash_suite(void);

#define COMMITS_MAX 200
/* One thread plays all of it, so races are looked for in one of each kind. */
#ifdef __SANITIZE_THREAD__
#define SEEDS 1
#else
#define SEEDS 4
#endif

/* Everything that was ever committed, in order; 0 is the empty store. */
struct history {
    struct model_state states[COMMITS_MAX + 2];
    struct played_row rows[COMMITS_MAX + 2];
    size_t whole[COMMITS_MAX + 2]; /* The host's row naming the commit, at
                                      least that one has to be there. */
    size_t newest;                 /* The host's row names it. */
    size_t safe;                   /* A power cut may not take its data back. */
    size_t row_safe;   /* The host's row on disk names it or a later one. */
    bool is_preparing; /* states[newest + 1] is on its way. */
};

struct crash_run {
    struct rng rng;
    struct memfs *fs;
    struct store_model model;
    struct byron_options options;
    struct history history;
    byron_db *db;
    unsigned sync_one_in;
    bool is_own; /* No host: batches commit by themselves. */
    uint64_t images;
    const struct memfs_call *call;
};

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

static byron_status host_syncs(void *context)
{
    struct history *history = context;
    history->row_safe = history->newest;
    return BYRON_OK;
}

static byron_status open_image(struct crash_run *run, struct memfs *image,
                               const struct played_row *row, byron_db **out)
{
    struct byron_options options = run->options;
    options.os = memfs_os(image);
    options.create = false;
    if (!run->is_own)
        played_row_tell(row, &options);
    options.barrier = NULL;
    return byron_open("store", &options, out);
}

/* The commit whose state db shows, among [low, high]; fails if none. */
static size_t find_state(struct crash_run *run, byron_db *db, size_t low,
                         size_t high)
{
    for (size_t i = high + 1; i-- > low;)
        if (store_model_is(&run->model, db, &run->history.states[i]))
            return i;
    for (size_t i = 0; i <= run->history.newest + run->history.is_preparing;
         i++)
        if (store_model_is(&run->model, db, &run->history.states[i]))
            printf("it is commit %zu of %zu\n", i, run->history.newest);
    /* What differs from the newest: printed. */
    for (size_t i = 0; i < MODEL_KEYS; i++)
        store_model_check_get(&run->model, db, NULL, NULL,
                              &run->history.states[high], i);
    fflush(stdout);
    ck_abort_msg("image %llu (call %s of %s): no commit from %zu to %zu is "
                 "what was recovered",
                 (unsigned long long)run->images, run->call->name,
                 run->call->path, low, high);
    return 0;
}

/* What was committed durably by a process that recovered from a kill outlasts
 * a power cut: it builds on nothing that the killed one had not synced. */
static void cut_power(struct crash_run *run, struct memfs *image,
                      const struct played_row *row,
                      const struct model_state *state)
{
    enum memfs_crash mode =
        (enum memfs_crash)(1 + rng_below(&run->rng, MEMFS_CRASH_COUNT - 1));
    struct memfs *last = memfs_crash_clone(image, mode, rng_next(&run->rng));
    struct byron_error error;
    byron_db *db;
    byron_status status = open_image(run, last, row, &db);
    byron_last_error(&error);
    ck_assert_msg(status == BYRON_OK && store_model_is(&run->model, db, state),
                  "image %llu, call %s of %s, a durable commit, %s: %s",
                  (unsigned long long)run->images, run->call->name,
                  run->call->path, memfs_crash_name(mode),
                  status == BYRON_OK ? "it is lost" : error.words);
    CHECK_OK(byron_close(db));
    memfs_free(last);
}

/* One more commit on top of what was recovered, known to row and state. */
static bool commit_more(struct crash_run *run, byron_db *db,
                        struct played_row *row, struct model_state *state)
{
    bool is_sync = rng_one_in(&run->rng, 2);
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 0; i < 5; i++) {
        size_t key = (size_t)rng_below(&run->rng, MODEL_KEYS);
        CHECK_OK(byron_txn_put(txn, run->model.keys[key],
                               store_model_value(&run->model, 77)));
        state->values[key] = 77;
        state->expires_ms[key] = 0;
    }
    CHECK_OK(played_row_prepare(txn,
                                (run->is_own ? BYRON_PREPARE_OWN : 0u) |
                                    (is_sync ? BYRON_PREPARE_SYNC : 0u),
                                row, row));
    byron_txn_publish(txn);
    return is_sync;
}

/* The store goes on from what was recovered, and still knows it later. */
static void go_on(struct crash_run *run, struct memfs *image, byron_db *db,
                  const struct played_row *before, size_t found)
{
    struct played_row row = *before;
    struct model_state state = run->history.states[found];
    uint64_t damages;
    for (uint64_t i = 1 + rng_below(&run->rng, 3); i > 0; i--)
        if (commit_more(run, db, &row, &state))
            cut_power(run, image, &row, &state);
    if (rng_one_in(&run->rng, 2))
        CHECK_OK(byron_flush(db));
    ck_assert(store_model_is(&run->model, db, &state));
    CHECK_OK(byron_close(db));
    CHECK_OK(open_image(run, image, &row, &db));
    ck_assert(store_model_is(&run->model, db, &state));
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(db));
}

static void check_image(struct crash_run *run, enum memfs_crash mode)
{
    const struct history *history = &run->history;
    struct memfs *image = memfs_crash_clone(run->fs, mode, rng_next(&run->rng));
    size_t row = history->newest;
    size_t low = row;
    size_t high = row;
    byron_db *db;
    run->images++;
    if (mode != MEMFS_KEEP_ALL) {
        /* The host's file loses what it had not synced, too. */
        row = history->row_safe +
              (size_t)rng_below(&run->rng,
                                history->newest - history->row_safe + 1);
        low = history->safe;
        if (low < history->whole[row])
            low = history->whole[row];
        high = row;
    }
    if (run->is_own) {
        low = mode == MEMFS_KEEP_ALL ? history->newest : history->safe;
        high = history->newest + history->is_preparing;
    }
    byron_status status = open_image(run, image, &history->rows[row], &db);
    struct byron_error error;
    byron_last_error(&error);
    if (status != BYRON_OK)
        memfs_dump(image, stdout);
    ck_assert_msg(status == BYRON_OK, "image %llu, %s, call %s of %s: %s",
                  (unsigned long long)run->images, memfs_crash_name(mode),
                  run->call->name, run->call->path, error.words);
    size_t found = find_state(run, db, low, high);
    /* Recovered twice is the same as recovered once. */
    CHECK_OK(byron_close(db));
    CHECK_OK(open_image(run, image, &history->rows[row], &db));
    ck_assert(store_model_is(&run->model, db, &history->states[found]));
    go_on(run, image, db, &history->rows[row], found);
    memfs_free(image);
}

static void before_call(void *context, const struct memfs_call *call)
{
    struct crash_run *run = context;
    const unsigned reads =
        MEMFS_READ | MEMFS_SIZE | MEMFS_OPEN | MEMFS_HEAD_READ | MEMFS_DIR_LIST;
    if (call->kind & reads)
        return;
    run->call = call;
    check_image(run, MEMFS_KEEP_ALL);
    check_image(run, (enum memfs_crash)(
                         1 + rng_below(&run->rng, MEMFS_CRASH_COUNT - 1)));
}

static void fill_txn(struct crash_run *run, byron_txn *txn,
                     struct model_state *state)
{
    uint64_t steps =
        1 + rng_below(&run->rng, rng_one_in(&run->rng, 12) ? 300 : 20);
    uint64_t mark = 0;
    struct model_state marked = *state;
    for (uint64_t i = 0; i < steps; i++) {
        CHECK_OK(store_model_write(&run->model, &run->rng, txn, state));
        if (rng_one_in(&run->rng, 30)) {
            byron_txn_rollback_to(txn, mark);
            *state = marked;
            mark = byron_txn_mark(txn);
        }
    }
}

static void one_commit(struct crash_run *run)
{
    struct history *history = &run->history;
    struct model_state *state = &history->states[history->newest + 1];
    bool is_sync = rng_one_in(&run->rng, run->sync_one_in);
    /* What must not be torn from the host's own tables. */
    bool is_mixed = !run->is_own && rng_one_in(&run->rng, 4);
    unsigned flags = (is_sync || is_mixed ? BYRON_PREPARE_SYNC : 0u) |
                     (run->is_own ? BYRON_PREPARE_OWN : 0u);
    byron_txn *txn;
    *state = history->states[history->newest];
    CHECK_OK(byron_begin(run->db, 0, &txn));
    state->now_ms = 0;
    fill_txn(run, txn, state);
    if (rng_one_in(&run->rng, 6))
        CHECK_OK(byron_flush(run->db)); /* Beside the open transaction. */
    history->is_preparing = true;
    CHECK_OK(played_row_prepare(txn, flags, &history->rows[history->newest],
                                &history->rows[history->newest + 1]));
    history->is_preparing = false;
    if (!run->is_own && rng_one_in(&run->rng, 5)) {
        byron_txn_abort(txn); /* The host rolled back. */
        return;
    }
    /* The host commits: from here on its row names the new commit. */
    history->newest++;
    history->whole[history->newest] = is_sync || is_mixed
                                          ? history->newest
                                          : history->whole[history->newest - 1];
    if (is_sync)
        history->safe = history->row_safe = history->newest;
    byron_txn_publish(txn);
    state->now_ms = 0;
    ck_assert(store_model_is(&run->model, run->db, state));
}

static void one_operation(struct crash_run *run)
{
    /* Now and then so far that what has expired is let go. */
    memfs_advance(run->fs, rng_one_in(&run->rng, 8) ? 70000000 : 1000);
    switch (rng_below(&run->rng, 12)) {
    case 0:
        CHECK_OK(byron_flush(run->db));
        break;
    case 1:
        CHECK_OK(byron_settle(run->db));
        break;
    case 2:
        CHECK_OK(byron_close(run->db));
        if (!run->is_own)
            played_row_tell(&run->history.rows[run->history.newest],
                            &run->options);
        run->options.create = false;
        CHECK_OK(byron_open("store", &run->options, &run->db));
        break;
    default:
        one_commit(run);
    }
}

static void crash_everywhere(uint64_t seed, bool is_own, size_t room,
                             int operations)
{
    struct crash_run *run = calloc(1, sizeof *run);
    rng_init(&run->rng, seed);
    run->is_own = is_own;
    run->sync_one_in = room > 0 && rng_one_in(&run->rng, 2) ? 1 : 3;
    run->fs = memfs_new(seed);
    memfs_use_virtual_time(run->fs);
    store_model_init(&run->model, &run->rng, 1500);
    run->model.next_value = 100;
    store_model_options(&run->rng, &run->options);
    run->options.inline_work = true;
    run->options.os = run->model.os = memfs_os(run->fs);
    if (!is_own) {
        run->history.rows[0].room = room;
        played_row_tell(&run->history.rows[0], &run->options);
        run->options.barrier = host_syncs;
        run->options.barrier_context = &run->history;
    }
    CHECK_OK(byron_open("store", &run->options, &run->db));
    memfs_set_hook(run->fs, before_call, run);
    for (int i = 0; i < operations && run->history.newest < COMMITS_MAX; i++)
        one_operation(run);
    memfs_set_hook(run->fs, NULL, NULL);
    printf("crash: seed %llu, %llu images of %zu commits\n",
           (unsigned long long)seed, (unsigned long long)run->images,
           run->history.newest);
    ck_assert_uint_gt(run->images, 0);
    CHECK_OK(byron_close(run->db));
    memfs_free(run->fs);
    store_model_deinit(&run->model);
    free(run);
}

START_TEST(every_crash_image_recovers_to_what_the_host_says)
{
    crash_everywhere(test_seed() + (uint64_t)_i * 7919, false, 0, 40);
}
END_TEST

START_TEST(every_crash_image_recovers_what_the_host_carries)
{
    static const size_t rooms[] = {100, 700, 3000, PLAYED_ROOM_MAX};
    crash_everywhere(test_seed() + (uint64_t)_i * 7901, false, rooms[_i % 4],
                     40);
}
END_TEST

START_TEST(every_crash_image_without_a_host_recovers_to_a_prefix)
{
    crash_everywhere(test_seed() + (uint64_t)_i * 7907, true, 0, 40);
}
END_TEST

/* --- After a kill, or a sync that failed ---------------------------------- */

/* Whether the next open is told. */
static bool is_in_doubt(struct memfs *fs)
{
    struct buf bytes = {0};
    bool is_there = memfs_read_all(fs, "store/DOUBT", &bytes);
    buf_deinit(&bytes);
    return is_there;
}

/* One commit of one put, durable; without the host where is_own. */
static byron_status commit_one(struct played_host *host, bool is_own,
                               const char *key)
{
    struct byron_bytes bytes = {key, strlen(key)};
    struct byron_commit_point point;
    byron_txn *txn;
    if (is_own)
        return byron_put(host->db, bytes, bytes, true);
    CHECK_OK(byron_begin(host->db, 0, &txn));
    CHECK_OK(byron_txn_put(txn, bytes, bytes));
    byron_status status = byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &point);
    if (status == BYRON_OK) {
        host->row = point;
        byron_txn_publish(txn);
    } else {
        byron_txn_abort(txn);
    }
    return status;
}

static bool has(struct played_host *host, const char *key)
{
    return played_host_get(host, key) != -1;
}

/* A sync that comes after it succeeds, and saves nothing of what it lost. */
START_TEST(no_commit_builds_on_what_a_failed_sync_lost)
{
    bool is_own = _i & 1;
    struct played_host host;
    played_host_init(&host);
    host.options.inline_work = !(_i & 2);
    if (_i & 4)
        CHECK_OK(commit_one(&host, is_own, "1"));
    memfs_fail_nth(host.fs, MEMFS_SYNC, _i & 4 ? 1 : 2, BYRON_IO, false);
    ck_assert_int_eq(commit_one(&host, is_own, "2"), BYRON_IO);
    ck_assert(is_in_doubt(host.fs));
    played_host_reopen(&host);
    bool has_second = has(&host, "2");
    ck_assert_int_eq(has_second, is_own);
    CHECK_OK(commit_one(&host, is_own, "3"));
    CHECK_OK(commit_one(&host, is_own, "4"));
    ck_assert(!is_in_doubt(host.fs));
    played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
    CHECK_OK(played_host_open(&host));
    ck_assert_int_eq(has(&host, "1"), (_i & 4) != 0);
    ck_assert_int_eq(has(&host, "2"), has_second);
    ck_assert(has(&host, "3") && has(&host, "4"));
    played_host_deinit(&host);
}
END_TEST

/* Nothing is written before the flush of what is in doubt is there. */
START_TEST(doubt_stays_until_the_flush)
{
    struct played_host host;
    played_host_init(&host);
    CHECK_OK(commit_one(&host, true, "1"));
    memfs_fail_nth(host.fs, MEMFS_SYNC, 1, BYRON_IO, false);
    ck_assert_int_eq(commit_one(&host, true, "2"), BYRON_IO);
    played_host_reopen(&host);
    memfs_fail_nth(host.fs, MEMFS_APPEND, 2, BYRON_FULL, true);
    ck_assert_int_eq(commit_one(&host, true, "3"), BYRON_FULL);
    ck_assert_int_eq(commit_one(&host, true, "3"), BYRON_FULL);
    ck_assert(is_in_doubt(host.fs));
    memfs_fail_nth(host.fs, 0, 0, BYRON_OK, false);
    memfs_use_virtual_time(host.fs);
    memfs_advance(host.fs, 1000000);
    CHECK_OK(commit_one(&host, true, "3"));
    ck_assert(!is_in_doubt(host.fs));
    played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
    CHECK_OK(played_host_open(&host));
    ck_assert(has(&host, "1") && has(&host, "2") && has(&host, "3"));
    played_host_deinit(&host);
}
END_TEST

struct kill {
    struct played_host *host;
    struct memfs *image;
};

/* Killed when the manifest has a flush, and the disk not yet. */
static void before_manifest_sync(void *context, const struct memfs_call *call)
{
    struct kill *kill = context;
    if (call->kind == MEMFS_SYNC && strstr(call->path, "/M-") && !kill->image)
        kill->image = memfs_crash_clone(kill->host->fs, MEMFS_KEEP_ALL, 1);
}

/* All is in tables, and the log that goes on is empty: the next one would
 * follow tables of which the disk knows nothing. */
START_TEST(no_commit_builds_on_a_manifest_that_is_not_safe)
{
    bool is_own = _i & 1;
    bool has_failed = _i & 2; /* Not killed: the sync fails. */
    struct played_host host;
    played_host_init(&host);
    struct kill kill = {.host = &host};
    CHECK_OK(commit_one(&host, is_own, "1"));
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(commit_one(&host, is_own, "2"));
    memfs_set_hook(host.fs, before_manifest_sync, &kill);
    if (has_failed) {
        /* Of the table, of the manifest. */
        memfs_fail_nth(host.fs, MEMFS_SYNC, 3, BYRON_IO, false);
        ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
        played_host_reopen(&host);
        memfs_free(kill.image);
    } else {
        CHECK_OK(byron_flush(host.db));
        CHECK_OK(byron_close(host.db));
        memfs_free(host.fs);
        host.fs = kill.image;
        CHECK_OK(played_host_open(&host));
    }
    CHECK_OK(commit_one(&host, is_own, "3"));
    CHECK_OK(commit_one(&host, is_own, "4"));
    played_host_cut_power(&host, MEMFS_DROP_UNSYNCED);
    CHECK_OK(played_host_open(&host));
    ck_assert(has(&host, "1") && has(&host, "2"));
    ck_assert(has(&host, "3") && has(&host, "4"));
    played_host_deinit(&host);
}
END_TEST

static void count_tables(void *context, const char *path)
{
    *(unsigned *)context += strstr(path, "/S-") != NULL;
}

/* Tables of a transaction that was killed: they go although nothing else has
 * to be written down, and their numbers are not given out a second time. On a
 * disk that is full they go first, for they may be what fills it. */
START_TEST(what_a_killed_transaction_spilled_goes)
{
    struct played_host host;
    unsigned tables = 0;
    bool is_full = _i == 1;
    played_host_init(&host);
    if (is_full) { /* The manifest says that it is on the disk. */
        played_host_commit(&host, "before", 1, BYRON_PREPARE_SYNC);
        CHECK_OK(byron_flush(host.db));
    }
    byron_txn *txn = played_host_begin(&host);
    for (int i = 0; i < 8; i++)
        played_host_put_many(txn, i);
    struct memfs *image = memfs_crash_clone(host.fs, MEMFS_KEEP_ALL, 1);
    byron_txn_abort(txn);
    CHECK_OK(byron_close(host.db));
    memfs_free(host.fs);
    host.fs = image;
    memfs_list(host.fs, count_tables, &tables);
    ck_assert_uint_gt(tables, 0);
    if (is_full)
        memfs_set_space(host.fs, 1);
    CHECK_OK(played_host_open(&host));
    if (is_full) {
        ck_assert_int_eq(byron_settle(host.db), BYRON_FULL);
        tables = 0;
        memfs_list(host.fs, count_tables, &tables);
        ck_assert_uint_le(tables, 2);
        memfs_set_space(host.fs, UINT64_MAX);
    }
    CHECK_OK(byron_settle(host.db));
    tables = 0;
    memfs_list(host.fs, count_tables, &tables);
    ck_assert_uint_eq(tables, is_full);
    played_host_deinit(&host);
}
END_TEST

Suite *test_crash_suite(void)
{
    Suite *suite = suite_create("crash");
    TCase *tcase = tcase_create("crash");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, every_crash_image_recovers_to_what_the_host_says,
                        0, SEEDS);
    tcase_add_loop_test(tcase, every_crash_image_recovers_what_the_host_carries,
                        0, SEEDS);
    tcase_add_loop_test(
        tcase, every_crash_image_without_a_host_recovers_to_a_prefix, 0, SEEDS);
    tcase_add_loop_test(tcase, no_commit_builds_on_what_a_failed_sync_lost, 0,
                        8);
    tcase_add_loop_test(tcase, no_commit_builds_on_a_manifest_that_is_not_safe,
                        0, 4);
    tcase_add_test(tcase, doubt_stays_until_the_flush);
    tcase_add_loop_test(tcase, what_a_killed_transaction_spilled_goes, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
