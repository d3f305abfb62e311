/*
 * workload: its steps.
 */
#include "support/workload_parts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A snapshot that is held over many steps, then read. */
static void step_hold(struct workload *work)
{
    work->step = "held snapshot";
    if (!work->held) {
        byron_status status =
            workload_judge(work, byron_snapshot_open(work->db, &work->held));
        if (status == BYRON_OK)
            work->held_state = work->states[work->newest];
        if (status == BYRON_OK && rng_one_in(&work->rng, 2))
            work->held_state.now_ms = byron_time(work->held, NULL);
        return;
    }
    work->held_state.now_ms = byron_time(work->held, NULL);
    byron_status ignored =
        workload_read_all(work, work->held, NULL, &work->held_state, false);
    ignored =
        workload_read_all(work, work->held, NULL, &work->held_state, true);
    (void)ignored;
    byron_snapshot_close(work->held);
    work->held = NULL;
}

/* --- writing ------------------------------------------------------------- */

/* A write that fails is not there, and the transaction goes on. */
static byron_status write_one(struct workload *work, byron_txn *txn,
                              struct model_state *state)
{
    return workload_judge(
        work, store_model_write(&work->model, &work->rng, txn, state));
}

/* Writes with a savepoint that is rolled back to now and then. */
static byron_status fill(struct workload *work, byron_txn *txn, size_t count,
                         struct model_state *state)
{
    byron_status status = BYRON_OK;
    uint64_t mark = byron_txn_mark(txn);
    struct model_state marked = *state;
    for (size_t i = 0; i < count; i++) {
        byron_status written = write_one(work, txn, state);
        if (written != BYRON_OK)
            status = written;
        if (rng_one_in(&work->rng, 40)) {
            byron_txn_rollback_to(txn, mark);
            *state = marked;
        }
        if (rng_one_in(&work->rng, 20)) {
            mark = byron_txn_mark(txn);
            marked = *state;
        }
    }
    for (int i = 0; i < 3; i++) {
        size_t key = (size_t)rng_below(&work->rng, MODEL_KEYS);
        byron_status ignored = workload_read_key(work, NULL, txn, state, key);
        (void)ignored;
    }
    if (rng_one_in(&work->rng, 5)) {
        byron_status ignored =
            workload_read_all(work, NULL, txn, state, count % 2);
        (void)ignored;
    }
    return status;
}

static void note_maybe(struct workload *work, const struct model_state *state)
{
    if (work->has_host)
        return;
    ck_assert_uint_lt(work->maybe_count, WORKLOAD_MAYBES);
    work->maybe[work->maybe_count] = *state;
    work->maybe[work->maybe_count].now_ms = 0;
    work->maybe_base[work->maybe_count++] = work->newest;
}

/* Prepares, and once more if that failed and retry says so. */
static byron_status prepare(struct workload *work, byron_txn *txn,
                            unsigned flags, bool is_retried)
{
    const struct model_state *state = &work->states[work->newest + 1];
    const struct played_row *before = &work->rows[work->newest];
    struct played_row *row = &work->rows[work->newest + 1];
    byron_status status =
        workload_judge(work, played_row_prepare(txn, flags, before, row));
    if (status == BYRON_OK)
        return status;
    note_maybe(work, state);
    byron_status ignored = workload_read_all(work, NULL, txn, state, false);
    (void)ignored;
    if (is_retried) {
        status =
            workload_judge(work, played_row_prepare(txn, flags, before, row));
        if (status != BYRON_OK)
            note_maybe(work, state);
    }
    return status;
}

byron_status workload_commit(struct workload *work, size_t count, bool is_sync)
{
    byron_status status;
    byron_txn *txn = NULL;
    struct model_state *state = &work->states[work->newest + 1];
    bool is_twice = rng_one_in(&work->rng, 8);
    bool is_aborted = rng_one_in(&work->rng, 8);
    bool is_retried = rng_one_in(&work->rng, 2);
    unsigned flags = (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                     (work->has_host ? 0u : BYRON_PREPARE_OWN);
    ck_assert_uint_lt(work->newest, WORKLOAD_COMMITS);
    *state = work->states[work->newest];
    TRY_JUDGED(byron_begin(work->db, 0, &txn));
    state->now_ms = byron_time(NULL, txn);
    status = fill(work, txn, count, state);
    if (rng_one_in(&work->rng, 8))
        TRY_JUDGED(byron_flush(work->db)); /* Beside the transaction. */
    if (is_twice && status == BYRON_OK) {
        TRY_JUDGED(prepare(work, txn, flags, is_retried));
        note_maybe(work, state);
        TRY_JUDGED(fill(work, txn, 3, state));
    }
    TRY_JUDGED(prepare(work, txn, flags, is_retried));
    if (is_aborted) {
        note_maybe(work, state);
        goto out;
    }
    work->newest++;
    state->now_ms = 0;
    if (is_sync)
        work->safe = work->row_safe = work->newest;
    byron_txn_publish(txn);
    return BYRON_OK;
out:
    byron_txn_abort(txn);
    return status;
}

/* Until something is written: the workload aborts and rolls back, too. */
byron_status workload_commit_something(struct workload *work)
{
    byron_status status = BYRON_OK;
    struct model_state before = work->states[work->newest];
    while (status == BYRON_OK &&
           memcmp(&before, &work->states[work->newest], sizeof before) == 0)
        status = workload_commit(work, 10, true);
    return status;
}

static void step_commit(struct workload *work)
{
    bool is_large = rng_one_in(&work->rng, 9);
    size_t count = 1 + (size_t)rng_below(&work->rng, is_large ? 150 : 14);
    work->step = is_large ? "large commit" : "commit";
    byron_status ignored =
        workload_commit(work, count, rng_one_in(&work->rng, 3));
    (void)ignored;
}

/* --- maintenance --------------------------------------------------------- */

static void step_maintain(struct workload *work)
{
    struct byron_range range = {0};
    uint64_t damages = 0;
    uint64_t rows;
    uint64_t bytes;
    byron_status status = BYRON_OK;
    switch (rng_below(&work->rng, 5)) {
    case 0:
        work->step = "flush";
        status = byron_flush(work->db);
        break;
    case 1:
        work->step = "compact";
        range.lower = work->model.keys[rng_below(&work->rng, MODEL_KEYS)];
        status =
            byron_compact(work->db, rng_one_in(&work->rng, 2) ? &range : NULL);
        break;
    case 2:
        work->step = "settle";
        status = byron_settle(work->db);
        break;
    case 3:
        work->step = "verify";
        status = byron_verify(work->db, NULL, NULL, &damages);
        /* A file that cannot be read counts as damaged. */
        if (work->expected == BYRON_OK)
            ck_assert_uint_eq(damages, 0);
        break;
    default:
        work->step = "estimate";
        status = byron_estimate(work->db, &range, &rows, &bytes);
    }
    status = workload_judge(work, status);
}

static byron_status host_syncs(void *context)
{
    struct workload *work = context;
    work->row_safe = work->newest;
    return BYRON_OK;
}

byron_status workload_open(struct workload *work)
{
    work->options.os = memfs_os(work->fs);
    work->options.create = work->newest == 0;
    if (work->has_host)
        played_row_tell(&work->rows[work->newest], &work->options);
    byron_status status =
        workload_judge(work, byron_open("store", &work->options, &work->db));
    if (status != BYRON_OK)
        work->db = NULL;
    return status;
}

void workload_close(struct workload *work)
{
    byron_snapshot_close(work->held);
    work->held = NULL;
    if (work->db)
        ck_assert_int_eq(byron_close(work->db), BYRON_OK);
    work->db = NULL;
}

static void step_reopen(struct workload *work)
{
    work->step = "open";
    workload_close(work);
    if (workload_open(work) != BYRON_OK)
        return;
    if (work->maybe_count > 0) {
        size_t found = workload_find_state(work, work->db, work->newest);
        if (found == WORKLOAD_NO_STATE) { /* Reading failed: next time, then. */
            workload_close(work);
            return;
        }
        work->newest = found;
    }
    /* A sync that failed may have lost bytes that can still be read, and nobody
     * can know it now: what is to be safe is written anew, into tables. (Nor
     * is every failure told: an abort answers nothing. And a commit may have
     * left a record and changed nothing.) */
    bool is_first = !work->has_opened;
    work->has_opened = true;
    if (work->expected != BYRON_OK && !is_first) {
        byron_status status = workload_commit_something(work);
        if (status == BYRON_OK)
            status = workload_judge(work, byron_flush(work->db));
    }
}

void workload_init(struct workload *work, uint64_t seed, bool has_host)
{
    static const size_t rooms[] = {0, 400, 1500, PLAYED_ROOM_MAX};
    memset(work, 0, sizeof *work);
    rng_init(&work->rng, seed);
    work->fs = memfs_new(seed);
    memfs_use_virtual_time(work->fs);
    store_model_init(&work->model, &work->rng, 1500);
    work->model.next_value = 100;
    work->model.os = memfs_os(work->fs);
    store_model_options(&work->rng, &work->options);
    work->options.inline_work = true;
    work->has_host = has_host;
    work->step = "begin";
    if (has_host) {
        work->rows[0].room = rooms[rng_below(&work->rng, 4)];
        work->options.barrier = host_syncs;
        work->options.barrier_context = work;
    }
}

void workload_deinit(struct workload *work)
{
    workload_close(work);
    memfs_free(work->fs);
    store_model_deinit(&work->model);
}

void workload_run(struct workload *work, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint64_t what = rng_below(&work->rng, 20);
        /* Now and then so far that what has expired is let go. */
        memfs_advance(work->fs, rng_one_in(&work->rng, 12) ? 70000000 : 100000);
        if (!work->db || what == 0)
            step_reopen(work);
        else if (what < 3)
            step_hold(work);
        else if (what < 6)
            workload_read_some(work);
        else if (what < 10)
            step_maintain(work);
        else
            step_commit(work);
    }
}
