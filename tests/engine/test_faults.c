/*
 * Every storage call of a workload fails: once, or from then on for ever. No
 * wrong data, no leak, no hang; what was acknowledged is there afterwards.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "support/plain_store.h"
#include "support/workload.h"

Suite *test_faults_suite(void);

#define STEPS 60
/* Where a disk can turn out to be full. */
#define GROWING (MEMFS_CREATE | MEMFS_APPEND | MEMFS_EXTEND | MEMFS_HEAD_WRITE)

struct fault {
    const char *name;
    unsigned kinds;
    byron_status status;
    bool is_sticky;
};

/* True if the nth call was there to fail. */
static bool one_round(const struct fault *fault, uint64_t seed, uint64_t nth,
                      bool has_host)
{
    struct workload *work = calloc(1, sizeof *work);
    size_t live = alloc_live();
    workload_init(work, seed, has_host);
    snprintf(work->name, sizeof work->name, "%s%s, seed %llu, call %llu",
             fault->name, has_host ? ", with a host" : "",
             (unsigned long long)seed, (unsigned long long)nth);
    work->expected = fault->status;
    memfs_fail_nth(work->fs, fault->kinds, nth, fault->status,
                   fault->is_sticky);
    workload_run(work, STEPS);
    bool was_hit = memfs_calls(work->fs, fault->kinds) >= nth;
    memfs_fail_nth(work->fs, 0, 0, BYRON_OK, false);
    memfs_advance(work->fs, 1000000);
    if (work->db) {
        /* Readers have never stopped. */
        work->expected = BYRON_OK;
        work->step = "reading with the failure gone";
        workload_check_newest(work);
        if (fault->status == BYRON_FULL) {
            work->step = "writing once there is space";
            byron_status status = workload_commit(work, 20, true);
            ck_assert_int_eq(status, BYRON_OK);
            ck_assert_int_eq(byron_flush(work->db), BYRON_OK);
            ck_assert_int_eq(byron_settle(work->db), BYRON_OK);
            workload_check_newest(work);
        }
    }
    workload_close(work);
    workload_check_aftermath(work);
    workload_deinit(work);
    free(work);
    ck_assert_uint_eq(alloc_live(), live);
    return was_hit;
}

/* Some of the calls, others in every run; each call of more workloads where
 * BYRON_TORTURE tells how many. */
static void every_call(const struct fault *fault, bool has_host, uint64_t step)
{
    const char *torture = getenv("BYRON_TORTURE");
    uint64_t first = 1 + test_seed() % 8;
    uint64_t last = first;
    uint64_t rounds = 0;
    if (torture) {
        first = step = 1;
        last = strtoull(torture, NULL, 10);
    }
    for (uint64_t seed = first; seed <= last; seed++) {
        uint64_t nth = 1 + test_seed() % step;
        for (; one_round(fault, seed, nth, has_host); nth += step)
            rounds++;
        printf("faults: %s%s, seed %llu: up to call %llu\n", fault->name,
               has_host ? ", with a host" : "", (unsigned long long)seed,
               (unsigned long long)nth);
    }
    ck_assert_uint_gt(rounds, 0);
}

static const struct fault faults[] = {
    {"input/output error once", MEMFS_ALL, BYRON_IO, false},
    {"input/output errors for ever", MEMFS_ALL, BYRON_IO, true},
    {"failed sync once", MEMFS_SYNCS, BYRON_IO, false},
    {"failed syncs for ever", MEMFS_SYNCS, BYRON_IO, true},
    {"full disk once", GROWING, BYRON_FULL, false},
    {"full disk for ever", GROWING, BYRON_FULL, true},
};
#define FAULTS (int)(sizeof faults / sizeof *faults)

START_TEST(a_call_that_fails_loses_no_acknowledged_commit)
{
    const struct fault *fault = &faults[_i / 2];
    every_call(fault, _i % 2 != 0, fault->kinds == MEMFS_ALL ? 70 : 12);
}
END_TEST

/* --- with the background thread ------------------------------------------- */

#define COMMITS 150

/* Until one fails; how many were acknowledged. */
static int commit_many(byron_db *db, int first)
{
    char key[16];
    for (int i = first; i < first + COMMITS; i++) {
        snprintf(key, sizeof key, "k%07d", i);
        if (byron_put(db, plain_text(key), plain_text(key), i % 10 == 0) !=
            BYRON_OK)
            return i;
    }
    return first + COMMITS;
}

static void expect_many(byron_db *db, int count)
{
    char key[16];
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k%07d", i);
        plain_expect_get(db, key, key);
    }
}

/* Each returns, and fails or not. */
static void maintain(byron_db *db)
{
    byron_status ignored = byron_flush(db);
    ignored = byron_settle(db);
    ignored = byron_compact(db, NULL);
    (void)ignored;
}

START_TEST(failures_with_a_thread_hang_nobody)
{
    const struct fault *fault = &faults[_i];
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int round = 0; round < 8; round++) {
        size_t live = alloc_live();
        struct memfs *fs = memfs_new(1);
        struct byron_options options = plain_options(fs);
        options.inline_work = false;
        options.memory = 1 << 16;
        options.memtable = options.file_size = 4096;
        options.retain_ms = 1;
        byron_db *db = plain_open(&options);
        memfs_fail_nth(fs, fault->kinds, 1 + rng_below(&rng, 100),
                       fault->status, fault->is_sticky);
        int count = commit_many(db, 0);
        maintain(db);
        memfs_fail_nth(fs, 0, 0, BYRON_OK, false);
        expect_many(db, count);
        if (fault->status == BYRON_FULL) {
            CHECK_OK(byron_flush(db));
            CHECK_OK(byron_settle(db));
            int more = commit_many(db, count);
            ck_assert_int_eq(more, count + COMMITS);
            count = more;
        }
        CHECK_OK(byron_close(db));
        db = plain_open(&options);
        expect_many(db, count);
        CHECK_OK(byron_settle(db));
        expect_many(db, count);
        CHECK_OK(byron_close(db));
        memfs_free(fs);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, a_call_that_fails_loses_no_acknowledged_commit,
                        0, 2 * FAULTS);
    tcase_add_loop_test(tcase, failures_with_a_thread_hang_nobody, 0, FAULTS);
    suite_add_tcase(suite, tcase);
    return suite;
}
