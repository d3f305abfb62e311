/*
 * Every allocation of a workload fails once: BYRON_NO_MEMORY and nothing
 * worse. The store goes on, and nothing that was acknowledged is lost.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "support/workload.h"

Suite *test_memory_suite(void);

#define STEPS 50

/* At once: it need not be reopened. */
static void go_on(struct workload *work)
{
    ck_assert_int_eq(workload_commit(work, 20, true), BYRON_OK);
    ck_assert_int_eq(byron_flush(work->db), BYRON_OK);
    ck_assert_int_eq(byron_settle(work->db), BYRON_OK);
    workload_check_newest(work);
}

/* True if there was an nth allocation to fail. */
static bool one_round(uint64_t seed, size_t nth, bool has_host)
{
    struct workload *work = calloc(1, sizeof *work);
    size_t live = alloc_live();
    workload_init(work, seed, has_host);
    snprintf(work->name, sizeof work->name, "no memory%s, seed %llu, call %zu",
             has_host ? ", with a host" : "", (unsigned long long)seed, nth);
    work->expected = BYRON_NO_MEMORY;
    alloc_fail_after(nth);
    workload_run(work, STEPS);
    bool was_hit = alloc_fail_pending() == 0;
    alloc_fail_after(0);
    memfs_advance(work->fs, 1000000);
    work->expected = BYRON_OK;
    work->step = "going on with memory";
    if (!work->db)
        ck_assert_int_eq(workload_open(work), BYRON_OK);
    workload_check_newest(work);
    go_on(work);
    workload_close(work);
    workload_check_aftermath(work);
    workload_deinit(work);
    free(work);
    ck_assert_uint_eq(alloc_live(), live);
    return was_hit;
}

/* As in test_faults: some of them, or each where BYRON_TORTURE says so. */
START_TEST(an_allocation_that_fails_loses_nothing)
{
    const char *torture = getenv("BYRON_TORTURE");
    bool has_host = _i != 0;
    size_t step = 60;
    uint64_t first = 1 + test_seed() % 8;
    uint64_t last = first;
    uint64_t rounds = 0;
    if (torture) {
        first = step = 1;
        last = strtoull(torture, NULL, 10);
    }
    for (uint64_t seed = first; seed <= last; seed++) {
        size_t nth = 1 + (size_t)(test_seed() % step);
        for (; one_round(seed, nth, has_host); nth += step)
            rounds++;
        printf("memory: seed %llu: up to allocation %zu\n",
               (unsigned long long)seed, nth);
    }
    ck_assert_uint_gt(rounds, 3);
}
END_TEST

Suite *test_memory_suite(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");
    tcase_set_timeout(tcase, 3600);
    tcase_add_loop_test(tcase, an_allocation_that_fails_loses_nothing, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
