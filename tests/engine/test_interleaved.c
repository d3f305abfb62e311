/*
 * interleaved: a flush, a compaction or a drop stops before each of its storage
 * calls in turn, and meanwhile a reader or a writer takes one step. Readers get
 * by without waiting, but for a table that is just being opened; writers
 * finish, if need be once the work goes on.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/plain_store.h"

Suite *test_interleaved_suite(void);

#define KEYS 60

/* --- the stage ------------------------------------------------------------ */

struct stage {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t stop_at; /* The work's storage call that waits. */
    uint64_t calls;   /* The work's, so far. */
    unsigned kind;    /* Of the one that waits. */
    bool has_stopped, may_go_on, is_done;
    int work;
    byron_db *db;
    byron_snapshot *before; /* What was there when it all began. */
    byron_cursor *cursor;   /* Over that, on its way. */
    int at;                 /* The key it stands on. */
};

/* Of the thread that reads or writes, not of the work. */
static _Thread_local bool is_player;

static void stop_there(void *context, const struct memfs_call *call)
{
    struct stage *stage = context;

    if (is_player || call->is_middle)
        return;
    pthread_mutex_lock(&stage->mutex);
    if (++stage->calls == stage->stop_at) {
        stage->has_stopped = true;
        stage->kind = (unsigned)call->kind;
        pthread_cond_broadcast(&stage->changed);
        while (!stage->may_go_on)
            pthread_cond_wait(&stage->changed, &stage->mutex);
    }
    pthread_mutex_unlock(&stage->mutex);
}

static byron_status work(struct stage *stage)
{
    struct byron_range range = {plain_text("x"), plain_text("y")};

    switch (stage->work) {
    case 0:
        return byron_flush(stage->db);
    case 1:
        return byron_compact(stage->db, NULL);
    default:
        return byron_drop(stage->db, &range);
    }
}

static void *carry_out(void *context)
{
    struct stage *stage = context;
    byron_status status = work(stage);

    if (status == BYRON_OK)
        status = byron_settle(stage->db);
    pthread_mutex_lock(&stage->mutex);
    stage->is_done = true;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->mutex);
    return status == BYRON_OK ? stage : NULL;
}

static void go_on(struct stage *stage)
{
    pthread_mutex_lock(&stage->mutex);
    stage->may_go_on = true;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->mutex);
}

/* --- the steps ------------------------------------------------------------ */

static const char *key_of(int number)
{
    static _Thread_local char text[16];

    snprintf(text, sizeof text, "key %02d", number);
    return text;
}

/* What was there in the beginning: each key in one of three places. */
static void expect_pair(byron_cursor *cursor, int number)
{
    struct byron_bytes value;
    char text[20];

    ck_assert(byron_cursor_valid(cursor));
    CHECK_OK(byron_cursor_value(cursor, &value));
    snprintf(text, sizeof text, "value %d", number);
    ck_assert_uint_eq(value.size, strlen(text));
    ck_assert_mem_eq(value.data, text, value.size);
    ck_assert_mem_eq(byron_cursor_key(cursor).data, key_of(number), 6);
}

static void scan(byron_snapshot *snapshot)
{
    struct byron_range range = {plain_text("key"), plain_text("kez")};
    byron_cursor *cursor;

    CHECK_OK(byron_cursor_open(snapshot, NULL, &range, &cursor));
    CHECK_OK(byron_cursor_first(cursor));
    for (int i = 0; i < KEYS; i++) {
        expect_pair(cursor, i);
        CHECK_OK(byron_cursor_next(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    CHECK_OK(byron_cursor_last(cursor));
    for (int i = KEYS; i-- > 0;) {
        expect_pair(cursor, i);
        CHECK_OK(byron_cursor_prev(cursor));
    }
    ck_assert(!byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
}

static void step_get(struct stage *stage)
{
    for (int i = 0; i < KEYS; i++) {
        struct byron_value value;
        CHECK_OK(byron_get(stage->db, i % 2 ? stage->before : NULL,
                           plain_text(key_of(i)), &value));
        byron_value_release(&value);
    }
}

static void step_old_snapshot(struct stage *stage)
{
    scan(stage->before);
}

static void step_new_snapshot(struct stage *stage)
{
    byron_snapshot *snapshot;

    CHECK_OK(byron_snapshot_open(stage->db, &snapshot));
    scan(snapshot);
    byron_snapshot_close(snapshot);
}

static void step_cursor(struct stage *stage)
{
    for (int i = 0; i < 10; i++) {
        CHECK_OK(byron_cursor_next(stage->cursor));
        expect_pair(stage->cursor, ++stage->at);
    }
    for (int i = 0; i < 15; i++) {
        CHECK_OK(byron_cursor_prev(stage->cursor));
        expect_pair(stage->cursor, --stage->at);
    }
}

static void step_let_go(struct stage *stage)
{
    byron_cursor_close(stage->cursor);
    byron_snapshot_close(stage->before);
    stage->cursor = NULL;
    stage->before = NULL;
}

static void step_figures(struct stage *stage)
{
    struct byron_stats stats;
    struct byron_range all = {0};
    uint64_t rows, bytes;

    byron_stats(stage->db, &stats);
    CHECK_OK(byron_estimate(stage->db, &all, &rows, &bytes));
}

static void step_put(struct stage *stage)
{
    plain_put(stage->db, "written meanwhile", "1");
    plain_expect_get(stage->db, "written meanwhile", "1");
}

static void step_durable_put(struct stage *stage)
{
    CHECK_OK(byron_put(stage->db, plain_text("written meanwhile"),
                       plain_text("1"), true));
}

static void step_transaction(struct stage *stage)
{
    byron_txn *txn;

    CHECK_OK(byron_begin(stage->db, 20000, &txn));
    CHECK_OK(
        byron_txn_put(txn, plain_text("written meanwhile"), plain_text("1")));
    CHECK_OK(byron_txn_commit(txn, false));
}

static const struct {
    void (*run)(struct stage *stage);
    bool is_writing;
} steps[] = {
    {step_get, false},          {step_old_snapshot, false},
    {step_new_snapshot, false}, {step_cursor, false},
    {step_let_go, false},       {step_figures, false},
    {step_put, true},           {step_durable_put, true},
    {step_transaction, true},
};
#define STEPS ((int)(sizeof steps / sizeof *steps))

struct player {
    struct stage *stage;
    int step;
};

static void *play(void *context)
{
    struct player *player = context;

    is_player = true;
    steps[player->step].run(player->stage);
    return NULL;
}

/* --- the courses -----------------------------------------------------------
 */

static void put_third(byron_db *db, int third)
{
    for (int i = third; i < KEYS; i += 3) {
        char text[20];
        snprintf(text, sizeof text, "value %d", i);
        plain_put(db, key_of(i), text);
    }
    plain_put(db, third % 2 ? "x 1" : "x 2", "is dropped");
}

/* A store with rows in two runs and in memory. */
static void begin(struct stage *stage, struct memfs *fs)
{
    struct byron_options options = plain_options(fs);

    options.inline_work = false;
    options.file_size = 4096;
    stage->db = plain_open(&options);
    put_third(stage->db, 0);
    CHECK_OK(byron_flush(stage->db));
    put_third(stage->db, 1);
    CHECK_OK(byron_flush(stage->db));
    put_third(stage->db, 2);
    CHECK_OK(byron_snapshot_open(stage->db, &stage->before));
    CHECK_OK(byron_cursor_open(stage->before, NULL, NULL, &stage->cursor));
    stage->at = 20;
    CHECK_OK(byron_cursor_seek(stage->cursor, plain_text(key_of(stage->at))));
}

static void end(struct stage *stage, int step)
{
    uint64_t damages = 0;

    step_new_snapshot(stage);
    if (stage->before)
        scan(stage->before);
    plain_expect_get(stage->db, "written meanwhile",
                     steps[step].is_writing && stage->has_stopped ? "1" : NULL);
    step_let_go(stage);
    CHECK_OK(byron_verify(stage->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(stage->db));
}

/* The step while the work stands; false: it has no such call any more. */
static bool meet(struct stage *stage, int step)
{
    struct player player = {stage, step};
    struct timespec soon;
    pthread_t thread;

    pthread_mutex_lock(&stage->mutex);
    while (!stage->has_stopped && !stage->is_done)
        pthread_cond_wait(&stage->changed, &stage->mutex);
    pthread_mutex_unlock(&stage->mutex);
    if (!stage->has_stopped)
        return false;
    ck_assert_int_eq(pthread_create(&thread, NULL, play, &player), 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 5000000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_nsec -= 1000000000;
        soon.tv_sec++;
    }
    /* Who waits and should not never ends. */
    bool may_wait = steps[step].is_writing ||
                    (stage->kind & (MEMFS_OPEN | MEMFS_READ | MEMFS_SIZE));
    if (!may_wait || pthread_timedjoin_np(thread, NULL, &soon) != 0) {
        if (may_wait)
            go_on(stage);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    go_on(stage);
    return true;
}

static bool one_course(int work_number, int step, uint64_t stop_at)
{
    struct memfs *fs = memfs_new(1);
    struct stage stage = {.stop_at = UINT64_MAX, .work = work_number};
    pthread_t worker;
    void *result;
    bool has_met;

    is_player = true;
    pthread_mutex_init(&stage.mutex, NULL);
    pthread_cond_init(&stage.changed, NULL);
    begin(&stage, fs);
    stage.stop_at = stop_at;
    memfs_set_hook(fs, stop_there, &stage);
    ck_assert_int_eq(pthread_create(&worker, NULL, carry_out, &stage), 0);
    has_met = meet(&stage, step);
    ck_assert_int_eq(pthread_join(worker, &result), 0);
    ck_assert_ptr_nonnull(result);
    end(&stage, step);
    memfs_free(fs);
    pthread_cond_destroy(&stage.changed);
    pthread_mutex_destroy(&stage.mutex);
    return has_met;
}

START_TEST(a_step_beside_work_that_stands_before_any_call)
{
    int work_number = _i / STEPS;
    int step = _i % STEPS;
    uint64_t stop_at = 1;

    /* Of many calls most are reads: some of them, or each where BYRON_TORTURE
     * says so. */
    while (one_course(work_number, step, stop_at))
        stop_at += getenv("BYRON_TORTURE") ? 1 : 1 + stop_at / 16;
    if (step == 0)
        printf("interleaved: work %d has fewer than %llu calls\n", work_number,
               (unsigned long long)stop_at);
    ck_assert_uint_gt(stop_at, 3);
}
END_TEST

Suite *test_interleaved_suite(void)
{
    Suite *suite = suite_create("interleaved");
    TCase *cases = tcase_create("interleaved");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_step_beside_work_that_stands_before_any_call,
                        0, 3 * STEPS);
    suite_add_tcase(suite, cases);
    return suite;
}
