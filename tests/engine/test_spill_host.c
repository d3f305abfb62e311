/*
 * Loads whose tables are the commit's as they are, and a host that gives
 * commits up and brings them back.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"
#include "support/played_host.h"

Suite *test_spill_host_suite(void);

static void count_table(void *context, const char *path)
{
    *(unsigned *)context += strstr(path, "/S-") != NULL;
}

static unsigned tables_of(struct memfs *fs)
{
    unsigned count = 0;
    memfs_list(fs, count_table, &count);
    return count;
}

static void expect_many(struct played_host *host, int value)
{
    char key[16];
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "many%03d", i);
        ck_assert_int_eq(played_host_get(host, key), value);
    }
}

enum { GIVEN_UP, PREPARED_AGAIN, WRITTEN_ON, WAYS };

/* What was synced is there; what was removed is not. */
static enum memfs_crash crash_mode(int i)
{
    return i == 0 ? MEMFS_DROP_UNSYNCED : MEMFS_KEEP_ALL;
}

/* The host gave a load up, and finds it committed after a crash: in its own
 * log, of which it knew nothing. Meanwhile the transaction ended as it may. */
START_TEST(a_host_brings_back_a_load_that_it_gave_up)
{
    struct played_host host;
    struct byron_commit_point first, second;
    int way = _i % WAYS;
    played_host_init(&host);
    played_host_commit(&host, "before", 1, BYRON_PREPARE_SYNC);
    byron_txn *txn = played_host_begin(&host);
    played_host_put_many(txn, 7);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &first));
    if (way == WRITTEN_ON)
        played_host_put_many(txn, 8);
    if (way != GIVEN_UP)
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &second));
    byron_txn_abort(txn);
    CHECK_OK(byron_settle(host.db));
    host.row = first;
    played_host_cut_power(&host, crash_mode(_i / WAYS));
    CHECK_OK(played_host_open(&host));
    expect_many(&host, 7);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_compact(host.db, NULL));
    played_host_reopen(&host);
    expect_many(&host, 7);
    ck_assert_int_eq(played_host_get(&host, "before"), 1);
    played_host_deinit(&host);
}
END_TEST

/* A second xSync of one transaction: the record of the first names tables that
 * the commit does not need, and those go with it. */
START_TEST(a_load_is_prepared_twice)
{
    struct played_host host;
    struct byron_commit_point point;
    bool has_more = _i % 2 == 1;
    played_host_init(&host);
    byron_txn *txn = played_host_begin(&host);
    played_host_put_many(txn, 7);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &point));
    if (has_more)
        played_host_put(txn, "more", 1);
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &point));
    host.row = point;
    byron_txn_publish(txn);
    unsigned before = tables_of(host.fs);
    expect_many(&host, 7);
    played_host_cut_power(&host, crash_mode(_i / 2));
    CHECK_OK(played_host_open(&host));
    expect_many(&host, 7);
    ck_assert_int_eq(played_host_get(&host, "more"), has_more ? 1 : -1);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_settle(host.db));
    expect_many(&host, 7);
    ck_assert_uint_lt(tables_of(host.fs), before);
    played_host_reopen(&host);
    expect_many(&host, 7);
    played_host_deinit(&host);
}
END_TEST

Suite *test_spill_host_suite(void)
{
    Suite *suite = suite_create("spill_host");
    TCase *tcase = tcase_create("spill_host");
    tcase_add_loop_test(tcase, a_host_brings_back_a_load_that_it_gave_up, 0,
                        2 * WAYS);
    tcase_add_loop_test(tcase, a_load_is_prepared_twice, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
