/*
 * Who demands a flush or a compact is told how that one went, not how one went
 * that had begun before.
 *
 * Covers: maintain, work.
 */
#include <check.h>
#include <unistd.h>

#include "db/db.h"
#include "support/memfs.h"
#include "support/plain_store.h"

Suite *test_demand_suite(void);

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static atomic_bool is_failing; /* The thread's first attempt is under way. */
static atomic_bool is_waiting; /* Somebody, for the next one. */

static bool wait_on(void *context)
{
    (void)context;
    atomic_store(&is_waiting, true);
    return true;
}

static const struct byron_patience patience = {.busy_ms = 60000,
                                               .go_on = wait_on};

/* The thread's own attempt fails once somebody waits for the next one, and so
 * makes no storage call itself. */
static void hold(void *context, const struct memfs_call *call)
{
    (void)context;
    if (!(call->kind & MEMFS_APPEND) || !strstr(call->path, "/S-") ||
        atomic_exchange(&is_failing, true))
        return;
    while (!atomic_load(&is_waiting))
        usleep(500);
    memfs_fail_nth(fs, MEMFS_APPEND, 1, BYRON_FULL, false);
}

static void set_up(void)
{
    fs = memfs_new(1);
    options = plain_options(fs);
    options.inline_work = false;
    options.memtable = 4096;
    db = plain_open(&options);
    atomic_store(&is_failing, false);
    atomic_store(&is_waiting, false);
}

/* Full memtables are frozen, and the thread begins to flush one: in vain. */
static void fail_in_the_background(void)
{
    static char value[600];
    memset(value, 'v', sizeof value - 1);
    plain_put(db, "a", value);
    memfs_set_hook(fs, hold, NULL);
    for (char key[2] = "b"; key[0] < 'i'; key[0]++)
        plain_put(db, key, value);
    while (!atomic_load(&is_failing))
        usleep(500);
}

START_TEST(a_flush_is_not_told_of_the_one_before)
{
    fail_in_the_background();
    CHECK_OK(byron_flush_within(db, &patience));
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(a_compact_is_not_told_of_the_one_before)
{
    fail_in_the_background();
    CHECK_OK(byron_compact_within(db, NULL, &patience));
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

Suite *test_demand_suite(void)
{
    Suite *suite = suite_create("demand");
    TCase *tcase = tcase_create("demand");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_flush_is_not_told_of_the_one_before);
    tcase_add_test(tcase, a_compact_is_not_told_of_the_one_before);
    suite_add_tcase(suite, tcase);
    return suite;
}
