/*
 * A second crash, at every storage call of what follows a first one: of the
 * commits after the recovery, which put what was recovered into safety, of the
 * first flush and of the first compaction. What is then recovered is a prefix
 * of all commits, with everything that was acknowledged as durable before the
 * first crash or after it.
 *
 * The host is played by the test; without one batches commit by themselves.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/played_row.h"
#include "support/store_model.h"

Suite *test_crash_again_suite(void);

#define COMMITS_MAX 60
#define OPERATIONS  25
/* One thread plays all of it, so races are looked for in one of each kind. */
#ifdef __SANITIZE_THREAD__
#define SEEDS 1
#else
#define SEEDS 2
#endif

struct course {
    struct rng rng;
    struct store_model model;
    struct byron_options options;
    bool is_own; /* No host: batches commit by themselves. */
    unsigned sync_one_in;
    uint64_t images;
    uint64_t second_images;
    char where[200]; /* The calls before which it was cut short. */
};

/* A store from its creation, or from a crash, to the next. Commits in order; 0
 * is the oldest state that a power cut may bring back. */
struct life {
    struct course *course;
    struct memfs *fs;
    byron_db *db;
    bool is_second;
    struct model_state states[COMMITS_MAX + 2];
    struct played_row rows[COMMITS_MAX + 2];
    size_t whole[COMMITS_MAX + 2]; /* The host's row naming the commit, at
                                      least that one has to be there. */
    size_t newest;                 /* The host's row names it. */
    size_t safe;                   /* No power cut takes its data back. */
    size_t row_safe;   /* The host's row on disk names it or a later one. */
    bool is_preparing; /* states[newest + 1] is on its way. */
};

static void crash(struct life *life, enum memfs_crash mode);

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

static byron_status host_syncs(void *context)
{
    struct life *life = context;
    life->row_safe = life->newest;
    return BYRON_OK;
}

static byron_status open_store(struct life *life)
{
    struct byron_options options = life->course->options;

    options.os = memfs_os(life->fs);
    options.create = !life->is_second && life->newest == 0;
    if (!life->course->is_own) {
        played_row_tell(&life->rows[life->newest], &options);
        options.barrier = host_syncs;
        options.barrier_context = life;
    }
    return byron_open("store", &options, &life->db);
}

static void commit(struct life *life, bool is_sync)
{
    struct course *course = life->course;
    struct rng *rng = &course->rng;
    struct model_state *state = &life->states[life->newest + 1];
    size_t next = life->newest + 1;
    byron_txn *txn;

    ck_assert_uint_le(next, COMMITS_MAX);
    *state = life->states[life->newest];
    CHECK_OK(byron_begin(life->db, 0, &txn));
    for (uint64_t i = 1 + rng_below(rng, rng_one_in(rng, 8) ? 200 : 15); i > 0;
         i--)
        CHECK_OK(store_model_write(&course->model, rng, txn, state));
    life->is_preparing = true;
    CHECK_OK(played_row_prepare(txn,
                                (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                                    (course->is_own ? BYRON_PREPARE_OWN : 0u),
                                &life->rows[life->newest], &life->rows[next]));
    life->is_preparing = false;
    if (!course->is_own && rng_one_in(rng, 6)) {
        byron_txn_abort(txn); /* The host rolled back. */
        return;
    }
    life->newest = next;
    life->whole[next] = is_sync ? next : life->whole[next - 1];
    if (is_sync)
        life->safe = life->row_safe = next;
    byron_txn_publish(txn);
    ck_assert(store_model_is(&course->model, life->db, state));
}

static bool is_chosen_sync(struct course *course)
{
    return rng_one_in(&course->rng, course->sync_one_in);
}

/* The commit whose state is shown, from low to high. */
static size_t find_state(struct life *life, byron_db *db, size_t low,
                         size_t high)
{
    for (size_t i = high + 1; i-- > low;)
        if (store_model_is(&life->course->model, db, &life->states[i]))
            return i;
    ck_abort_msg("%s: no commit from %zu to %zu is what was recovered",
                 life->course->where, low, high);
    return 0;
}

/* --- before each call ------------------------------------------------------
 */

static void before_call(void *context, const struct memfs_call *call)
{
    struct life *life = context;
    struct course *course = life->course;
    size_t size = strlen(course->where);

    if (!(call->kind & MEMFS_WRITES) ||
        !rng_one_in(&course->rng, life->is_second ? 5 : 25))
        return;
    snprintf(course->where + size, sizeof course->where - size,
             "%scall %llu, %s of %s", life->is_second ? ", then " : "",
             (unsigned long long)call->number, call->name, call->path);
    crash(life, rng_one_in(&course->rng, 3)
                    ? MEMFS_KEEP_ALL
                    : (enum memfs_crash)(
                          1 + rng_below(&course->rng, MEMFS_CRASH_COUNT - 1)));
    course->where[size] = '\0';
}

/* What follows a recovery, watched at each call. */
static void go_on(struct life *life)
{
    struct course *course = life->course;
    size_t newest = life->newest;

    memfs_set_hook(life->fs, before_call, life);
    CHECK_OK(open_store(life));
    ck_assert(store_model_is(&course->model, life->db, &life->states[newest]));
    for (uint64_t i = rng_below(&course->rng, 3); i > 0; i--)
        commit(life, is_chosen_sync(course));
    CHECK_OK(byron_flush(life->db));
    commit(life, is_chosen_sync(course));
    CHECK_OK(byron_settle(life->db));
    CHECK_OK(byron_close(life->db));
    memfs_set_hook(life->fs, NULL, NULL);
}

/* A commit is kept as well as before, and the store is whole. */
static void check_once(struct life *life)
{
    uint64_t damages;

    CHECK_OK(open_store(life));
    commit(life, true);
    CHECK_OK(byron_close(life->db));
    CHECK_OK(open_store(life));
    CHECK_OK(byron_verify(life->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    ck_assert(store_model_is(&life->course->model, life->db,
                             &life->states[life->newest]));
    CHECK_OK(byron_close(life->db));
}

/* --- one crash -------------------------------------------------------------
 */

/* The row that the host's file has after it, and what may then be found. */
static size_t choose_row(const struct life *life, enum memfs_crash mode,
                         size_t *low, size_t *high)
{
    size_t row = life->newest;

    *low = *high = row;
    if (mode != MEMFS_KEEP_ALL)
        row = life->row_safe +
              (size_t)rng_below(&life->course->rng,
                                life->newest - life->row_safe + 1);
    if (life->course->is_own) {
        *low = mode == MEMFS_KEEP_ALL ? life->newest : life->safe;
        *high = life->newest + life->is_preparing;
    } else if (mode != MEMFS_KEEP_ALL) {
        *low = life->safe > life->whole[row] ? life->safe : life->whole[row];
        *high = row;
    }
    return row;
}

/* The life after it begins with what may still be lost, from low to found. */
static void inherit(struct life *next, const struct life *life, size_t low,
                    size_t found, size_t row)
{
    next->newest = found - low;
    for (size_t i = low; i <= found; i++)
        next->states[i - low] = life->states[i];
    next->rows[next->newest] = life->rows[row];
    next->row_safe = next->newest;
}

static void crash(struct life *life, enum memfs_crash mode)
{
    struct course *course = life->course;
    struct life *next = calloc(1, sizeof *next);
    size_t size = strlen(course->where);
    size_t low;
    size_t high;
    size_t found;
    size_t row = choose_row(life, mode, &low, &high);
    byron_status status;
    struct byron_error error;

    snprintf(course->where + size, sizeof course->where - size, ", %s",
             memfs_crash_name(mode));
    next->course = course;
    next->is_second = true;
    next->fs = memfs_crash_clone(life->fs, mode, rng_next(&course->rng));
    next->rows[0] = life->rows[row];
    status = open_store(next);
    byron_last_error(&error);
    ck_assert_msg(status == BYRON_OK, "%s: %s", course->where, error.words);
    found = find_state(life, next->db, low, high);
    CHECK_OK(byron_close(next->db));
    if (mode != MEMFS_KEEP_ALL)
        low = found;
    else if (!life->is_second)
        low = life->safe > life->whole[row] ? life->safe : life->whole[row];
    inherit(next, life, low, found, row);
    next->safe = next->whole[next->newest] =
        mode == MEMFS_KEEP_ALL ? 0 : next->newest;
    course->images += !life->is_second;
    course->second_images += life->is_second;
    if (life->is_second)
        check_once(next);
    else
        go_on(next);
    memfs_free(next->fs);
    free(next);
    course->where[size] = '\0';
}

/* --- the first life --------------------------------------------------------
 */

static void operate(struct life *life)
{
    switch (rng_below(&life->course->rng, 10)) {
    case 0:
        CHECK_OK(byron_flush(life->db));
        break;
    case 1:
        CHECK_OK(byron_settle(life->db));
        break;
    case 2:
        CHECK_OK(byron_close(life->db));
        CHECK_OK(open_store(life));
        break;
    default:
        commit(life, is_chosen_sync(life->course));
    }
}

static void crash_twice(uint64_t seed, bool is_own, size_t room)
{
    struct course *course = calloc(1, sizeof *course);
    struct life *life = calloc(1, sizeof *life);

    rng_init(&course->rng, seed);
    course->is_own = is_own;
    course->sync_one_in = room > 0 && rng_one_in(&course->rng, 2) ? 1 : 3;
    store_model_init(&course->model, &course->rng, 1500);
    course->model.next_value = 100;
    store_model_options(&course->rng, &course->options);
    course->options.inline_work = true;
    life->course = course;
    life->fs = memfs_new(seed);
    memfs_use_virtual_time(life->fs);
    life->rows[0].room = room;
    CHECK_OK(open_store(life));
    memfs_set_hook(life->fs, before_call, life);
    for (int i = 0; i < OPERATIONS; i++)
        operate(life);
    memfs_set_hook(life->fs, NULL, NULL);
    CHECK_OK(byron_close(life->db));
    printf("crash_again: seed %llu, %llu images, %llu of what followed\n",
           (unsigned long long)seed, (unsigned long long)course->images,
           (unsigned long long)course->second_images);
    ck_assert_uint_gt(course->second_images, 0);
    memfs_free(life->fs);
    store_model_deinit(&course->model);
    free(life);
    free(course);
}

START_TEST(a_second_crash_leaves_what_the_host_says)
{
    crash_twice(test_seed() + (uint64_t)_i * 7919, false, 0);
}
END_TEST

START_TEST(a_second_crash_leaves_what_the_host_carries)
{
    static const size_t rooms[] = {100, 700, 3000, PLAYED_ROOM_MAX};
    crash_twice(test_seed() + (uint64_t)_i * 7901, false,
                rooms[(test_seed() + (uint64_t)_i) % 4]);
}
END_TEST

START_TEST(a_second_crash_leaves_a_prefix_without_a_host)
{
    crash_twice(test_seed() + (uint64_t)_i * 7907, true, 0);
}
END_TEST

Suite *test_crash_again_suite(void)
{
    Suite *suite = suite_create("crash_again");
    TCase *tcase = tcase_create("crash_again");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, a_second_crash_leaves_what_the_host_says, 0,
                        SEEDS);
    tcase_add_loop_test(tcase, a_second_crash_leaves_what_the_host_carries, 0,
                        SEEDS);
    tcase_add_loop_test(tcase, a_second_crash_leaves_a_prefix_without_a_host, 0,
                        SEEDS);
    suite_add_tcase(suite, tcase);
    return suite;
}
