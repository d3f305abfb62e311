/*
 * pinned: one thread keeps and takes a snapshot, as statements do, while others
 * sweep all that is held: each snapshot has one owner at a time.
 */
#include <check.h>
#include <pthread.h>

#include "pinned.h"
#include "support/plain_store.h"

Suite *test_pinned_suite(void);

#define ROUNDS   20000
#define SWEEPERS 2

static struct pinned_list list;
static struct pinned pinned;
static atomic_bool is_over;
static struct memfs *fs;
static byron_db *db;

static void setup(void)
{
    struct byron_options options;

    fs = memfs_new(1);
    options = plain_options(fs);
    db = plain_open(&options);
    pinned_list_init(&list);
    pinned = (struct pinned){0};
    pinned_add(&list, &pinned);
    atomic_store(&is_over, false);
}

static uint64_t open_snapshots(void)
{
    struct byron_stats stats;

    byron_stats(db, &stats);
    return stats.snapshots;
}

static void teardown(void)
{
    pinned_remove(&list, &pinned);
    pinned_list_deinit(&list);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}

static byron_snapshot *new_snapshot(void)
{
    byron_snapshot *snapshot = NULL;

    CHECK_OK(byron_snapshot_open(db, &snapshot));
    return snapshot;
}

START_TEST(what_is_kept_is_had_again_for_its_commit)
{
    byron_snapshot *snapshot = new_snapshot();

    ck_assert_ptr_null(pinned_take(&pinned, 0));
    pinned_keep(&pinned, snapshot, 7);
    ck_assert_ptr_eq(pinned_take(&pinned, 7), snapshot);
    ck_assert_ptr_null(pinned_take(&pinned, 7));
    pinned_keep(&pinned, snapshot, 7);
    ck_assert_ptr_null(pinned_take(&pinned, 8));
    ck_assert_ptr_null(pinned_take(&pinned, 7));
}
END_TEST

START_TEST(a_sweep_lets_go_of_what_is_old_enough)
{
    byron_snapshot *snapshot = new_snapshot();

    pinned_keep(&pinned, snapshot, 1);
    pinned_sweep(&list, 60000);
    ck_assert_ptr_eq(pinned_take(&pinned, 1), snapshot);
    pinned_keep(&pinned, snapshot, 1);
    pinned_sweep(&list, -1000);
    ck_assert_ptr_null(pinned_take(&pinned, 1));
}
END_TEST

static void *sweep_on(void *unused)
{
    while (!atomic_load(&is_over))
        pinned_sweep(&list, -1000);
    return unused;
}

START_TEST(a_snapshot_has_one_owner_whoever_sweeps)
{
    pthread_t sweepers[SWEEPERS];
    uint64_t before = open_snapshots();

    for (int i = 0; i < SWEEPERS; i++)
        ck_assert_int_eq(pthread_create(&sweepers[i], NULL, sweep_on, NULL), 0);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        byron_snapshot *snapshot = pinned_take(&pinned, i / 3);

        pinned_keep(&pinned, snapshot ? snapshot : new_snapshot(), i / 3);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < SWEEPERS; i++)
        pthread_join(sweepers[i], NULL);
    pinned_release(&pinned);
    /* Those that lie idle for the next reader are counted, too: a few. */
    ck_assert_uint_le(open_snapshots(), before + 1 + SWEEPERS);
}
END_TEST

Suite *test_pinned_suite(void)
{
    Suite *suite = suite_create("pinned");
    TCase *cases = tcase_create("pinned");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, what_is_kept_is_had_again_for_its_commit);
    tcase_add_test(cases, a_sweep_lets_go_of_what_is_old_enough);
    tcase_add_test(cases, a_snapshot_has_one_owner_whoever_sweeps);
    suite_add_tcase(suite, cases);
    return suite;
}
