/*
 * The whole engine against plain arrays: random operations, tiny options.
 *
 * Covers: txn, commit, spill, cursor, snapshot, read_state, frozen, work.
 * Covers: db_state, maintain, verify, pace, background, sources.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "support/memfs.h"
#include "support/store_model.h"

Suite *test_model_suite(void);

#define OPERATIONS 400
#define SNAPSHOTS  4

struct run {
    struct rng rng;
    struct memfs *fs;
    struct store_model model;
    struct byron_options options;
    byron_db *db;
    struct model_state state;
    byron_snapshot *snapshots[SNAPSHOTS];
    struct model_state seen[SNAPSHOTS];
};

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

static void run_open(struct run *run)
{
    run->options.os = memfs_os(run->fs);
    CHECK_OK(byron_open("store", &run->options, &run->db));
}

static void close_snapshots(struct run *run)
{
    for (size_t i = 0; i < SNAPSHOTS; i++) {
        byron_snapshot_close(run->snapshots[i]);
        run->snapshots[i] = NULL;
    }
}

static void op_reopen(struct run *run)
{
    close_snapshots(run);
    CHECK_OK(byron_close(run->db));
    bool is_inline = run->options.inline_work;
    if (rng_one_in(&run->rng, 3)) {
        store_model_options(&run->rng, &run->options);
        run->options.inline_work = is_inline;
    }
    run_open(run);
}

static void txn_check(struct run *run, byron_txn *txn,
                      const struct model_state *state)
{
    size_t key = (size_t)rng_below(&run->rng, MODEL_KEYS);
    ck_assert(
        store_model_check_get(&run->model, run->db, NULL, txn, state, key));
    if (rng_one_in(&run->rng, 8))
        ck_assert(store_model_check_walk(&run->model, &run->rng, NULL, txn,
                                         state, NULL));
}

/* A cursor that stays open over several writes. */
static void txn_rest(struct run *run, byron_txn *txn,
                     const struct model_state *state, struct model_walk *walk)
{
    if (walk->cursor || rng_one_in(&run->rng, 12))
        ck_assert(store_model_check_walk(&run->model, &run->rng, NULL, txn,
                                         state, walk));
}

static void end_rest(struct model_walk *walk)
{
    byron_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

/* What is committed can be flushed beside an open transaction, unless it is
 * prepared. */
static void flush_beside(struct run *run, bool is_prepared)
{
    static const struct byron_patience none;
    byron_status status = rng_one_in(&run->rng, 3)
                              ? byron_compact_within(run->db, NULL, &none)
                              : byron_flush_within(run->db, &none);
    ck_assert_int_eq(status, is_prepared ? BYRON_BUSY : BYRON_OK);
}

/* Savepoints, rollbacks, prepares: then committed or not. */
static void op_txn(struct run *run)
{
    byron_txn *txn;
    struct model_walk walk = {0};
    struct model_state state = run->state;
    struct model_state marked[8];
    uint64_t marks[8];
    size_t mark_count = 0;
    struct byron_commit_point point;
    bool is_prepared = false;
    CHECK_OK(byron_begin(run->db, 1000, &txn));
    state.now_ms = byron_time(NULL, txn);
    uint64_t steps = rng_below(&run->rng, rng_one_in(&run->rng, 10)  ? 800
                                          : rng_one_in(&run->rng, 4) ? 160
                                                                     : 40);
    for (uint64_t i = 0; i < steps; i++) {
        CHECK_OK(store_model_write(&run->model, &run->rng, txn, &state));
        txn_rest(run, txn, &state, &walk);
        if (rng_one_in(&run->rng, 6))
            txn_check(run, txn, &state);
        if (rng_one_in(&run->rng, 10))
            end_rest(&walk);
        if (mark_count < 8 && rng_one_in(&run->rng, 10)) {
            marks[mark_count] = byron_txn_mark(txn);
            marked[mark_count++] = state;
        }
        if (mark_count > 0 && rng_one_in(&run->rng, 12)) {
            end_rest(&walk);
            mark_count = (size_t)rng_below(&run->rng, mark_count);
            byron_txn_rollback_to(txn, marks[mark_count]);
            state = marked[mark_count];
        }
        if (rng_one_in(&run->rng, 40))
            flush_beside(run, is_prepared);
        if (rng_one_in(&run->rng, 50)) {
            CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_OWN, &point));
            is_prepared = true;
        }
    }
    end_rest(&walk);
    txn_check(run, txn, &state);
    if (rng_one_in(&run->rng, 4)) {
        byron_txn_abort(txn);
        return;
    }
    CHECK_OK(byron_txn_commit(txn, rng_one_in(&run->rng, 5)));
    state.now_ms = 0;
    run->state = state;
}

static void op_write(struct run *run)
{
    struct byron_op op = {0};
    size_t key = (size_t)rng_below(&run->rng, MODEL_KEYS);
    uint32_t value = rng_one_in(&run->rng, 3) ? 0 : run->model.next_value++;
    op.kind = value ? BYRON_OP_PUT : BYRON_OP_DELETE;
    op.key = run->model.keys[key];
    if (value)
        op.value = store_model_value(&run->model, value);
    if (value)
        op.expires_ms = store_model_expiry(&run->model, &run->rng);
    CHECK_OK(byron_write(run->db, &op, 1, rng_one_in(&run->rng, 10)));
    run->state.values[key] = value;
    run->state.expires_ms[key] = op.expires_ms;
}

static void op_snapshot(struct run *run)
{
    size_t i = (size_t)rng_below(&run->rng, SNAPSHOTS);
    if (!run->snapshots[i]) {
        CHECK_OK(byron_snapshot_open(run->db, &run->snapshots[i]));
        run->seen[i] = run->state;
        if (rng_one_in(&run->rng, 2))
            run->seen[i].now_ms = byron_time(run->snapshots[i], NULL);
        return;
    }
    run->seen[i].now_ms = byron_time(run->snapshots[i], NULL);
    ck_assert(store_model_check_walk(&run->model, &run->rng, run->snapshots[i],
                                     NULL, &run->seen[i], NULL));
    ck_assert(store_model_check_scan(&run->model, run->snapshots[i], NULL,
                                     &run->seen[i], rng_one_in(&run->rng, 2)));
    byron_snapshot_close(run->snapshots[i]);
    run->snapshots[i] = NULL;
}

static void op_check(struct run *run)
{
    byron_snapshot *snapshot;
    CHECK_OK(byron_snapshot_open(run->db, &snapshot));
    for (size_t i = 0; i < 20; i++)
        ck_assert(store_model_check_get(
            &run->model, run->db, snapshot, NULL, &run->state,
            (size_t)rng_below(&run->rng, MODEL_KEYS)));
    ck_assert(store_model_check_walk(&run->model, &run->rng, snapshot, NULL,
                                     &run->state, NULL));
    ck_assert(store_model_check_scan(&run->model, snapshot, NULL, &run->state,
                                     rng_one_in(&run->rng, 2)));
    byron_snapshot_close(snapshot);
}

static void op_delete_range(struct run *run)
{
    size_t low, high;
    struct byron_range range =
        store_model_range(&run->model, &run->rng, &low, &high);
    bool is_one = rng_one_in(&run->rng, 2);
    if (is_one)
        CHECK_OK(byron_delete_range(run->db, &range, rng_one_in(&run->rng, 5)));
    for (size_t i = low; i < high && i < MODEL_KEYS; i++) {
        if (!is_one)
            CHECK_OK(byron_delete(run->db, run->model.keys[i], false));
        run->state.values[i] = 0;
    }
}

static void report(void *context, const char *words)
{
    (void)context;
    printf("damage: %s\n", words);
}

static void op_maintain(struct run *run)
{
    uint64_t damages = 0;
    struct byron_range range = {0};
    switch (rng_below(&run->rng, 4)) {
    case 0:
        CHECK_OK(byron_flush(run->db));
        break;
    case 1:
        range.lower = run->model.keys[rng_below(&run->rng, MODEL_KEYS)];
        CHECK_OK(
            byron_compact(run->db, rng_one_in(&run->rng, 2) ? &range : NULL));
        break;
    case 2:
        CHECK_OK(byron_settle(run->db));
        break;
    default:
        CHECK_OK(byron_verify(run->db, report, NULL, &damages));
        ck_assert_uint_eq(damages, 0);
    }
}

static void one_run(uint64_t seed)
{
    struct run run = {0};
    rng_init(&run.rng, seed);
    run.fs = memfs_new(seed);
    memfs_use_virtual_time(run.fs);
    store_model_init(&run.model, &run.rng, 5000);
    store_model_options(&run.rng, &run.options);
    run.model.os = memfs_os(run.fs);
    run_open(&run);
    for (int i = 0; i < OPERATIONS; i++) {
        uint64_t what = rng_below(&run.rng, 100);
        memfs_advance(run.fs, rng_below(&run.rng, 30000));
        if (rng_one_in(&run.rng, 30))
            memfs_advance(run.fs, 70000000);
        if (what < 40)
            op_write(&run);
        else if (what < 65)
            op_txn(&run);
        else if (what < 80)
            op_snapshot(&run);
        else if (what < 90)
            op_check(&run);
        else if (what < 93)
            op_delete_range(&run);
        else if (what < 97)
            op_maintain(&run);
        else
            op_reopen(&run);
    }
    op_check(&run);
    close_snapshots(&run);
    CHECK_OK(byron_close(run.db));
    memfs_free(run.fs);
    store_model_deinit(&run.model);
}

START_TEST(random_operations_agree_with_plain_arrays)
{
    size_t before = alloc_live();
    uint64_t seed = test_seed() + 1000 * (uint64_t)_i;
    printf("model run %d, seed %llu\n", _i, (unsigned long long)seed);
    one_run(seed);
    ck_assert_uint_eq(alloc_live(), before);
}
END_TEST

Suite *test_model_suite(void)
{
    Suite *suite = suite_create("model");
    TCase *tcase = tcase_create("model");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, random_operations_agree_with_plain_arrays, 0, 8);
    suite_add_tcase(suite, tcase);
    return suite;
}
