/*
 * byron_copy: a copy shows exactly what its snapshot shows, goes its own way,
 * and is there as a whole or not at all, whatever fails and whenever the power
 * goes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/memfs_inspect.h"
#include "support/plain_store.h"
#include "support/workload.h"

Suite *test_copy_suite(void);

/* A store in the middle of its life, and a state of it to copy. */
struct scene {
    struct workload work;
    byron_snapshot *snapshot;
    struct byron_commit_point point;
    struct model_state state;
    struct byron_copy_options options;
    char path[32]; /* Of the copy. */
};

static struct scene *scene_new(uint64_t seed, bool has_host)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct workload *work = &scene->work;
    workload_init(work, seed, has_host);
    strcpy(scene->path, "copy");
    workload_run(work, 50);
    if (!work->db)
        CHECK_OK(workload_open(work));
    CHECK_OK(workload_commit(work, 12, true));
    CHECK_OK(byron_snapshot_open(work->db, &scene->snapshot));
    scene->point = work->rows[work->newest].point;
    scene->state = work->states[work->newest];
    if (has_host)
        scene->options.commit_point = &scene->point;
    return scene;
}

static void scene_free(struct scene *scene)
{
    byron_snapshot_close(scene->snapshot);
    workload_deinit(&scene->work);
    free(scene);
}

/* The store goes on: what is copied is history. */
static void make_history(struct scene *scene)
{
    struct workload *work = &scene->work;
    for (int i = 0; i < 8; i++) {
        CHECK_OK(workload_commit(work, i == 5 ? 150 : 20, false));
        if (i % 3 == 1)
            CHECK_OK(byron_flush(work->db));
    }
    CHECK_OK(byron_compact(work->db, NULL));
}

static byron_status copy_scene(struct scene *scene)
{
    return byron_copy(scene->snapshot, scene->path, &scene->options, NULL);
}

static byron_status open_copy(struct scene *scene, struct memfs *fs,
                              const struct byron_commit_point *point,
                              byron_db **out)
{
    struct byron_options options = scene->work.options;
    options.os = memfs_os(fs);
    options.create = false;
    options.barrier = NULL;
    options.commit_point = scene->work.has_host ? point : NULL;
    return byron_open(scene->path, &options, out);
}

static void expect_whole(byron_db *db)
{
    uint64_t damages;
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
}

/* Writes, flushes, is opened again: and knows all of it. */
static void expect_goes_on(struct scene *scene, struct memfs *fs, byron_db *db)
{
    struct model_state state = scene->state;
    struct byron_commit_point point;
    bool has_host = scene->work.has_host;
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    for (size_t key = 0; key < MODEL_KEYS; key += 7) {
        CHECK_OK(byron_txn_put(txn, scene->work.model.keys[key],
                               store_model_value(&scene->work.model, 77)));
        state.values[key] = 77;
        state.expires_ms[key] = 0;
    }
    CHECK_OK(byron_txn_prepare(
        txn, BYRON_PREPARE_SYNC | (has_host ? 0u : BYRON_PREPARE_OWN), &point));
    byron_txn_publish(txn);
    CHECK_OK(byron_close(db));
    CHECK_OK(open_copy(scene, fs, &point, &db));
    ck_assert(store_model_is(&scene->work.model, db, &state));
    CHECK_OK(byron_compact(db, NULL));
    ck_assert(store_model_is(&scene->work.model, db, &state));
    expect_whole(db);
    CHECK_OK(byron_close(db));
}

/* Opens and shows the state; takes nothing else for it. */
static void expect_copy(struct scene *scene, struct memfs *fs)
{
    byron_db *db;
    CHECK_OK(open_copy(scene, fs, &scene->point, &db));
    ck_assert(store_model_is(&scene->work.model, db, &scene->state));
    expect_whole(db);
    expect_goes_on(scene, fs, db);
}

START_TEST(a_copy_shows_what_the_snapshot_shows_and_goes_its_own_way)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct scene *scene = scene_new(test_seed() + seed, _i & 1);
        struct byron_copied copied;
        if (seed % 2)
            make_history(scene);
        if (_i & 2)
            memfs_fail_nth(scene->work.fs, MEMFS_LINK, 1, BYRON_NOT_FOUND,
                           true);
        CHECK_OK(
            byron_copy(scene->snapshot, scene->path, &scene->options, &copied));
        ck_assert_uint_ge(copied.files, 2);
        ck_assert_uint_eq(copied.bytes, copied.all_bytes);
        byron_snapshot_close(scene->snapshot);
        scene->snapshot = NULL;
        expect_copy(scene, scene->work.fs);
        /* Neither feels what becomes of the other. */
        workload_check_newest(&scene->work);
        expect_whole(scene->work.db);
        scene_free(scene);
    }
}
END_TEST

/* --- what fails ----------------------------------------------------------- */

/* After a copy that failed: it may be there all the same, whole, if the last
 * call was all that failed. Else it is no store. */
static void expect_copy_or_none(struct scene *scene, struct memfs *fs,
                                const char *what, uint64_t nth)
{
    byron_db *db;
    struct byron_error error;
    byron_status status = open_copy(scene, fs, &scene->point, &db);
    byron_last_error(&error);
    if (status == BYRON_OK) {
        ck_assert_msg(store_model_is(&scene->work.model, db, &scene->state),
                      "%s, call %llu: another state", what,
                      (unsigned long long)nth);
        CHECK_OK(byron_close(db));
        return;
    }
    ck_assert_msg(status == BYRON_MISSING || status == BYRON_CORRUPT,
                  "%s, call %llu: %s", what, (unsigned long long)nth,
                  error.words);
    if (status == BYRON_CORRUPT)
        ck_assert_msg(strstr(error.words, "HEAD is gone"), "%s, call %llu: %s",
                      what, (unsigned long long)nth, error.words);
}

static const struct {
    const char *name;
    unsigned kinds;
    byron_status status;
    bool is_sticky;
    bool has_links;
} faults[] = {
    {"one failure", MEMFS_ALL, BYRON_IO, false, true},
    {"one failure without links", MEMFS_ALL & ~MEMFS_LINK, BYRON_IO, false,
     false},
    {"failures for ever", MEMFS_ALL, BYRON_IO, true, true},
    {"full disk", MEMFS_WRITES & ~MEMFS_REMOVE, BYRON_FULL, true, true},
};

static void expect_no_directory(struct scene *scene)
{
    struct os_dir *dir;
    struct byron_os *os = memfs_os(scene->work.fs);
    ck_assert_int_eq(os->dir_open(os, scene->path, false, &dir), BYRON_MISSING);
}

/* A file system can fail in one way at a time: without links the table says
 * so itself. */
static byron_status no_link(struct os_dir *dir, const char *name,
                            struct os_dir *to)
{
    (void)dir, (void)name, (void)to;
    return BYRON_NOT_FOUND;
}

START_TEST(after_any_failed_call_there_is_a_whole_copy_or_none)
{
    struct scene *scene = scene_new(test_seed(), _i & 1);
    struct memfs *fs = scene->work.fs;
    bool has_failed = true;
    uint64_t nth;
    if (!faults[_i / 2].has_links)
        memfs_os(fs)->file_link = no_link;
    for (nth = 1; has_failed; nth++) {
        snprintf(scene->path, sizeof scene->path, "copy%d", (int)nth);
        memfs_fail_nth(fs, faults[_i / 2].kinds, nth, faults[_i / 2].status,
                       faults[_i / 2].is_sticky);
        byron_status status = copy_scene(scene);
        memfs_fail_nth(fs, 0, 0, BYRON_OK, false);
        has_failed = status != BYRON_OK;
        if (has_failed)
            ck_assert_int_eq(status, faults[_i / 2].status);
        if (has_failed && !faults[_i / 2].is_sticky)
            expect_no_directory(scene);
        expect_copy_or_none(scene, fs, faults[_i / 2].name, nth);
        workload_check_newest(&scene->work);
    }
    ck_assert_uint_gt(nth, 5);
    expect_copy(scene, fs);
    expect_whole(scene->work.db);
    scene_free(scene);
}
END_TEST

START_TEST(without_memory_there_is_no_copy)
{
    struct scene *scene = scene_new(test_seed(), true);
    byron_status status = BYRON_NO_MEMORY;
    for (uint64_t nth = 1; status != BYRON_OK; nth++) {
        size_t live = alloc_live();
        alloc_fail_after(nth);
        status = copy_scene(scene);
        alloc_fail_after(0);
        if (status == BYRON_OK)
            break;
        ck_assert_int_eq(status, BYRON_NO_MEMORY);
        ck_assert_uint_eq(alloc_live(), live);
        expect_no_directory(scene);
    }
    expect_copy(scene, scene->work.fs);
    scene_free(scene);
}
END_TEST

struct patience {
    uint64_t left;
    struct byron_copied last;
};

static bool lose_patience(void *context, const struct byron_copied *copied)
{
    struct patience *patience = context;
    ck_assert_uint_ge(copied->files, patience->last.files);
    patience->last = *copied;
    return --patience->left > 0;
}

START_TEST(an_interrupted_copy_leaves_nothing)
{
    struct scene *scene = scene_new(test_seed(), true);
    byron_status status = BYRON_INTERRUPTED;
    uint64_t calls;
    for (calls = 1; status != BYRON_OK; calls++) {
        struct patience patience = {.left = calls};
        scene->options.progress = lose_patience;
        scene->options.context = &patience;
        status = copy_scene(scene);
        if (status != BYRON_OK) {
            ck_assert_int_eq(status, BYRON_INTERRUPTED);
            expect_no_directory(scene);
        }
    }
    ck_assert_uint_gt(calls, 2);
    expect_copy(scene, scene->work.fs);
    scene_free(scene);
}
END_TEST

/* --- power cuts ------------------------------------------------------------
 */

struct cut {
    struct scene *scene;
    struct rng rng;
    uint64_t images;
};

static void expect_source(struct scene *scene, struct memfs *fs)
{
    struct byron_options options = scene->work.options;
    byron_db *db;
    options.os = memfs_os(fs);
    options.create = false;
    options.barrier = NULL;
    if (scene->work.has_host)
        played_row_tell(&scene->work.rows[scene->work.newest], &options);
    CHECK_OK(byron_open("store", &options, &db));
    ck_assert(store_model_is(&scene->work.model, db, &scene->state));
    CHECK_OK(byron_close(db));
}

static void cut_power(void *context, const struct memfs_call *call)
{
    struct cut *cut = context;
    for (int mode = 0; mode < MEMFS_CRASH_COUNT; mode++) {
        struct memfs *image = memfs_crash_clone(
            cut->scene->work.fs, (enum memfs_crash)mode, rng_next(&cut->rng));
        expect_copy_or_none(cut->scene, image, call->name, call->number);
        expect_source(cut->scene, image);
        memfs_free(image);
        cut->images++;
    }
}

START_TEST(a_power_cut_leaves_a_whole_copy_or_none)
{
    struct scene *scene = scene_new(test_seed(), _i & 1);
    struct cut cut = {.scene = scene};
    rng_init(&cut.rng, test_seed());
    if (_i & 2)
        memfs_os(scene->work.fs)->file_link = no_link;
    memfs_set_hook(scene->work.fs, cut_power, &cut);
    CHECK_OK(copy_scene(scene));
    memfs_set_hook(scene->work.fs, NULL, NULL);
    ck_assert_uint_gt(cut.images, 50);
    struct memfs *image =
        memfs_crash_clone(scene->work.fs, MEMFS_DROP_UNSYNCED, 1);
    expect_copy(scene, image);
    memfs_free(image);
    scene_free(scene);
}
END_TEST

Suite *test_copy_suite(void)
{
    Suite *suite = suite_create("copy");
    TCase *cases = tcase_create("copy");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(
        cases, a_copy_shows_what_the_snapshot_shows_and_goes_its_own_way, 0, 4);
    tcase_add_loop_test(cases,
                        after_any_failed_call_there_is_a_whole_copy_or_none, 0,
                        2 * (int)(sizeof faults / sizeof *faults));
    tcase_add_test(cases, without_memory_there_is_no_copy);
    tcase_add_test(cases, an_interrupted_copy_leaves_nothing);
    tcase_add_loop_test(cases, a_power_cut_leaves_a_whole_copy_or_none, 0, 4);
    suite_add_tcase(suite, cases);
    return suite;
}
