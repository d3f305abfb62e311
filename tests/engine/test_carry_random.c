/*
 * Commits of all kinds at random, with kills, power cuts in the middle of
 * calls, full disks and syncs that fail; the host's own log is played, too: it
 * loses rows that were not synced, and brings a commit back that it gave up.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs.h"
#include "support/played_row.h"
#include "support/seed.h"

Suite *test_carry_random_suite(void);

#define COMMITS 300
#define STEPS   400

struct commit {
    uint64_t attempt;
    bool is_own;
    bool is_sync;
};

/* What the host and the disk must agree on. */
struct history {
    struct commit commits[COMMITS + 2]; /* From 1. */
    struct played_row rows[COMMITS + 2];
    size_t row_at[COMMITS + 2]; /* The commit that each row names. */
    size_t count, row_count;    /* rows[0] names none. */
    size_t durable;             /* A row. */
    bool is_offered;            /* given_up may come back. */
    struct played_row given_up;
    uint64_t given_up_attempt;
    bool given_up_sync;
    uint64_t flying; /* An own commit under way. */
};

struct play {
    struct rng rng;
    struct memfs *fs;
    struct byron_options options;
    byron_db *db;
    struct history now;
    struct history *then; /* As of the image. */
    struct memfs *image;
    enum memfs_crash mode;
    uint64_t countdown;
    uint64_t attempts;
    size_t room;
    bool may_fail; /* Until it is opened again. */
    bool is_io;    /* And no cut comes between a failed sync and DOUBT. */
};

static byron_status host_sync(void *context)
{
    struct play *play = context;
    play->now.durable = play->now.row_count - 1;
    return BYRON_OK;
}

static void hook(void *context, const struct memfs_call *call)
{
    struct play *play = context;
    (void)call;
    if (play->countdown == 0 || --play->countdown > 0)
        return;
    play->mode = (enum memfs_crash)rng_below(&play->rng, MEMFS_CRASH_COUNT);
    play->image = memfs_crash_clone(play->fs, play->mode, rng_next(&play->rng));
    *play->then = play->now;
}

static void key_of(size_t index, char key[16])
{
    snprintf(key, 16, "k%05zu", index);
}

/* The attempt that wrote it; 0: it is not there. */
static uint64_t read_one(struct play *play, size_t index)
{
    char key[16];
    uint64_t attempt = 0;
    struct byron_value value;
    struct byron_error error;
    key_of(index, key);
    byron_status status = byron_get(
        play->db, NULL, (struct byron_bytes){key, strlen(key)}, &value);
    if (status == BYRON_NOT_FOUND)
        return 0;
    byron_last_error(&error);
    ck_assert_msg(status == BYRON_OK, "get: %s", error.words);
    memcpy(&attempt, value.data, 8);
    byron_value_release(&value);
    return attempt;
}

/* Opens at the history's last row: the host has nothing newer. */
static void open_at_row(struct play *play, const char *how)
{
    const struct played_row *row = &play->now.rows[play->now.row_count - 1];
    struct byron_error error;
    play->options.os = memfs_os(play->fs);
    memfs_set_hook(play->fs, NULL, NULL);
    memfs_fail_nth(play->fs, 0, 0, BYRON_OK, false);
    played_row_tell(row, &play->options);
    play->options.read_only = rng_one_in(&play->rng, 8);
    for (bool is_over = false; !is_over;) {
        is_over = !play->options.read_only;
        byron_status status = byron_open("store", &play->options, &play->db);
        byron_last_error(&error);
        ck_assert_msg(status == BYRON_OK, "%s: %s", how, error.words);
        if (!is_over)
            ck_assert_int_eq(byron_close(play->db), BYRON_OK);
        play->options.read_only = false;
    }
    play->may_fail = play->is_io = false;
}

/* So many commits can be there: what the row names, and own ones after it. */
static size_t most_of(const struct history *now)
{
    size_t most = now->row_at[now->row_count - 1];
    while (most < now->count && now->commits[most + 1].is_own)
        most++;
    return most;
}

/* So many are there; one that failed may have got into the log. */
static size_t find_all(struct play *play)
{
    struct history *now = &play->now;
    size_t found = 0;
    uint64_t attempt;
    while (found < now->count &&
           read_one(play, found + 1) == now->commits[found + 1].attempt)
        found++;
    attempt = read_one(play, found + 1);
    if (found == now->count && most_of(now) == found && now->flying &&
        attempt >= now->flying) {
        now->commits[++now->count] =
            (struct commit){.attempt = attempt, .is_own = true};
        now->flying = 0;
        found++;
    }
    return found;
}

/* is_exact: nothing can be lost. */
static void open_play(struct play *play, bool is_exact, const char *how)
{
    struct history *now = &play->now;
    open_at_row(play, how);
    size_t found = find_all(play);
    size_t most = most_of(now);
    ck_assert_msg(found <= most, "%s: %zu of %zu", how, found, most);
    ck_assert_msg(!is_exact || found == most, "%s: %zu, not %zu", how, found,
                  most);
    for (size_t i = found + 1; i <= now->count + 1; i++)
        ck_assert_msg(read_one(play, i) == 0, "%s: %zu is there", how, i);
    for (size_t i = found + 1; i <= most; i++)
        ck_assert_msg(!now->commits[i].is_sync, "%s: %zu is lost", how, i);
    now->count = found;
    if (now->row_at[now->row_count - 1] > found)
        now->row_at[now->row_count - 1] = found;
    if (!is_exact)
        now->flying = 0;
    now->is_offered = false;
}

/* The host's log brings the failed commit back. */
static void revive(struct play *play)
{
    struct history *now = &play->now;
    if (!now->is_offered || !rng_one_in(&play->rng, 2))
        return;
    now->commits[++now->count] = (struct commit){
        .attempt = now->given_up_attempt, .is_sync = now->given_up_sync};
    now->row_at[now->row_count] = now->count;
    now->rows[now->row_count++] = now->given_up;
}

static void forget_rows(struct play *play)
{
    struct history *now = &play->now;
    size_t newest = now->row_count - 1;
    size_t chosen = now->durable;
    chosen += rng_below(&play->rng, newest - chosen + 1);
    now->row_count = chosen + 1;
    if (chosen == newest)
        revive(play);
    now->durable = now->row_count - 1;
    size_t most = most_of(now);
    /* What follows a row that is gone cannot be there. */
    for (size_t i = most + 1; i <= now->count; i++)
        now->commits[i].is_sync = now->commits[i].is_own = false;
}

static void cut(struct play *play, struct memfs *image, enum memfs_crash mode)
{
    bool is_kill = mode == MEMFS_KEEP_ALL;
    memfs_set_hook(play->fs, NULL, NULL);
    ck_assert_int_eq(byron_close(play->db), BYRON_OK);
    memfs_free(play->fs);
    play->fs = image;
    if (is_kill)
        revive(play);
    else
        forget_rows(play);
    open_play(play, is_kill, memfs_crash_name(mode));
    play->countdown = 0;
    play->image = NULL;
}

static byron_status put(struct play *play, byron_txn *txn, size_t size)
{
    char key[16];
    uint8_t value[9000] = {0};
    key_of(play->now.count + 1, key);
    memcpy(value, &play->attempts, 8);
    return byron_txn_put(txn, (struct byron_bytes){key, strlen(key)},
                         (struct byron_bytes){value, size});
}

static void failed(struct play *play, byron_txn *txn)
{
    struct byron_error error;
    byron_last_error(&error);
    ck_assert_msg(play->may_fail, "commit: %s", error.words);
    play->now.is_offered = play->now.is_offered && !play->is_io;
    byron_txn_abort(txn);
}

static void commit_own(struct play *play, byron_txn *txn, bool is_sync)
{
    struct history *now = &play->now;
    if (!now->flying)
        now->flying = play->attempts;
    if (byron_txn_prepare(
            txn, BYRON_PREPARE_OWN | (is_sync ? BYRON_PREPARE_SYNC : 0u),
            NULL) != BYRON_OK) {
        failed(play, txn);
        return;
    }
    if (rng_one_in(&play->rng, 5)) {
        byron_txn_abort(txn);
        if (!play->may_fail)
            now->flying = 0;
        return;
    }
    byron_txn_publish(txn);
    now->flying = 0;
    now->commits[++now->count] = (struct commit){play->attempts, true, is_sync};
}

static void commit_host(struct play *play, byron_txn *txn, bool is_sync,
                        bool is_normal)
{
    struct history *now = &play->now;
    struct played_row before = now->rows[now->row_count - 1];
    struct played_row row;
    unsigned flags = is_sync ? BYRON_PREPARE_SYNC : 0;
    if (rng_one_in(&play->rng, 6))
        before.room = 0; /* A rollback journal. */
    else
        before.room = play->room;
    if (played_row_prepare(txn, flags, &before, &row) != BYRON_OK) {
        failed(play, txn);
        return;
    }
    now->flying = 0;
    row.room = play->room;
    if (rng_one_in(&play->rng, 6)) {
        if (play->image) /* Both histories must agree. */
            play->then->is_offered = false;
        now->is_offered = true;
        now->given_up = row;
        now->given_up_attempt = play->attempts;
        now->given_up_sync = is_sync;
        byron_txn_abort(txn);
        return;
    }
    now->rows[now->row_count] = row;
    now->row_at[now->row_count++] = now->count + 1;
    now->commits[++now->count] =
        (struct commit){play->attempts, false, is_sync};
    now->is_offered = false;
    now->flying = 0;
    if (is_sync && !is_normal)
        now->durable = now->row_count - 1;
    byron_txn_publish(txn);
}

static void commit_one(struct play *play)
{
    byron_txn *txn;
    bool is_own = !play->now.is_offered && rng_one_in(&play->rng, 4);
    bool is_sync = !rng_one_in(&play->rng, 3);
    size_t size = rng_one_in(&play->rng, 8) ? 8 + rng_below(&play->rng, 8900)
                                            : 8 + rng_below(&play->rng, 300);
    play->attempts++;
    byron_status status = byron_begin(play->db, 0, &txn);
    if (status != BYRON_OK) {
        ck_assert(play->may_fail);
        return;
    }
    if (put(play, txn, size) != BYRON_OK) {
        failed(play, txn);
        return;
    }
    if (is_own)
        commit_own(play, txn, is_sync);
    else
        commit_host(play, txn, is_sync, rng_one_in(&play->rng, 3));
}

static void arm(struct play *play)
{
    uint64_t nth = 1 + rng_below(&play->rng, 12);
    if (rng_one_in(&play->rng, 12)) {
        play->may_fail = true;
        play->countdown = 0;
        play->is_io = true;
        memfs_fail_nth(play->fs,
                       rng_one_in(&play->rng, 2)
                           ? MEMFS_SYNCS
                           : MEMFS_WRITES & ~(unsigned)MEMFS_CREATE,
                       nth, BYRON_IO, rng_one_in(&play->rng, 2));
    } else if (rng_one_in(&play->rng, 12)) {
        play->may_fail = true;
        memfs_fail_nth(play->fs, MEMFS_APPEND | MEMFS_CREATE | MEMFS_EXTEND,
                       nth, BYRON_FULL, true);
    }
}

static void step(struct play *play)
{
    uint64_t what = rng_below(&play->rng, 100);
    if (what < 70) {
        commit_one(play);
    } else if (what < 74) {
        byron_status status = byron_flush(play->db);
        ck_assert(status == BYRON_OK || play->may_fail);
    } else if (what < 80) {
        arm(play);
    } else if (what < 84) {
        memfs_fail_nth(play->fs, 0, 0, BYRON_OK, false);
    } else if (what < 90) {
        play->countdown = play->is_io ? 0 : 1 + rng_below(&play->rng, 60);
    } else if (what < 92 && !play->may_fail) {
        play->countdown = 0;
        ck_assert_int_eq(byron_close(play->db), BYRON_OK);
        open_play(play, true, "reopen");
    } else if (what < 97) {
        enum memfs_crash mode =
            rng_one_in(&play->rng, 2)
                ? MEMFS_KEEP_ALL
                : (enum memfs_crash)rng_below(&play->rng, MEMFS_CRASH_COUNT);
        play->countdown = 0;
        cut(play, memfs_crash_clone(play->fs, mode, rng_next(&play->rng)),
            mode);
    }
    if (play->image) {
        memcpy(&play->now, play->then, sizeof play->now);
        cut(play, play->image, play->mode);
    }
    if (play->countdown == 0 && !play->is_io)
        play->countdown =
            rng_one_in(&play->rng, 10) ? 1 + rng_below(&play->rng, 30) : 0;
    memfs_set_hook(play->fs, hook, play);
}

static void play_one(uint64_t seed)
{
    static const size_t rooms[] = {100, 700, 3000, PLAYED_ROOM_MAX};
    struct play *play = calloc(1, sizeof *play);
    play->then = calloc(1, sizeof *play->then);
    rng_init(&play->rng, seed);
    play->fs = memfs_new(seed);
    play->room = rooms[seed % 4];
    play->now.row_count = 1;
    play->now.rows[0].room = play->room;
    play->options.create = true;
    play->options.inline_work = true;
    play->options.memtable = 1 << 14;
    play->options.memory = 1 << 20;
    play->options.barrier = host_sync;
    play->options.barrier_context = play;
    open_play(play, true, "create");
    play->options.create = false;
    for (int i = 0; i < STEPS && play->now.count < COMMITS &&
                    play->now.row_count < COMMITS;
         i++)
        step(play);
    memfs_set_hook(play->fs, NULL, NULL);
    ck_assert_int_eq(byron_close(play->db), BYRON_OK);
    memfs_free(play->fs);
    free(play->then);
    free(play);
}

START_TEST(commits_at_random)
{
    play_one(test_seed() + (uint64_t)_i);
}
END_TEST

Suite *test_carry_random_suite(void)
{
    Suite *suite = suite_create("carry_random");
    TCase *cases = tcase_create("carry_random");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, commits_at_random, 0, 40);
    suite_add_tcase(suite, cases);
    return suite;
}
