#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "support/memfs.h"
#include "support/plain_store.h"

Suite *test_group_suite(void);

#define WRITERS 5

struct writer {
    byron_db *db;
    struct byron_op ops[2];
    size_t count;
    byron_status status;
    struct byron_error error;
    pthread_t thread;
};

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;
static struct writer writers[WRITERS];
/* Of the syncs after that; NULL: none. */
static void (*next_hook)(void *context, const struct memfs_call *call);
static unsigned waiting; /* How many come while the first one syncs. */

/* The first sync waits until the others wait for it. */
static void hold_sync(void *context, const struct memfs_call *call)
{
    size_t count = 0;
    (void)context;
    if (!(call->kind & MEMFS_SYNC))
        return;
    while (count <= waiting) {
        mutex_lock(&db->group.mutex);
        count = db->group.count;
        mutex_unlock(&db->group.mutex);
        usleep(100);
    }
    memfs_set_hook(fs, next_hook, NULL);
}

static void *write_one(void *context)
{
    struct writer *writer = context;
    /* Nothing may come without a pointer. */
    const struct byron_op *ops = writer->count > 0 ? writer->ops : NULL;
    writer->status = byron_write(writer->db, ops, writer->count, true);
    byron_last_error(&writer->error);
    return NULL;
}

static void start(unsigned index)
{
    writers[index].db = db;
    ck_assert_int_eq(pthread_create(&writers[index].thread, NULL, write_one,
                                    &writers[index]),
                     0);
}

static size_t count_of_group(void)
{
    mutex_lock(&db->group.mutex);
    size_t count = db->group.count;
    mutex_unlock(&db->group.mutex);
    return count;
}

/* The first commits, and the others queue up behind it, in order. */
static void run(unsigned count)
{
    waiting = count - 1;
    memfs_set_hook(fs, hold_sync, NULL);
    for (unsigned i = 0; i < count; i++) {
        start(i);
        while (count_of_group() < i + 1 && i < count - 1)
            usleep(100);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        if (writers[i].db) /* Who came later, too. */
            pthread_join(writers[i].thread, NULL);
    ck_assert_uint_eq(count_of_group(), 0);
}

static void put(unsigned index, const char *key, const char *value)
{
    struct writer *writer = &writers[index];
    writer->ops[writer->count++] =
        (struct byron_op){BYRON_OP_PUT, plain_text(key), plain_text(value), 0};
}

static void set_up(void)
{
    fs = memfs_new(1);
    memset(writers, 0, sizeof writers);
    next_hook = NULL;
    options = plain_options(fs);
    db = plain_open(&options);
    plain_put(db, "before", "1"); /* The log is there. */
}

static void tear_down(void)
{
    memfs_free(fs);
}

static uint64_t syncs(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats.syncs;
}

static uint64_t commits(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats.commits;
}

START_TEST(who_waits_for_a_sync_shares_the_next)
{
    char keys[WRITERS][8];
    uint64_t syncs_before = syncs();
    uint64_t commits_before = commits();
    for (unsigned i = 0; i < WRITERS; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        put(i, keys[i], "mine");
        put(i, "all", keys[i]);
    }
    run(WRITERS);
    ck_assert_uint_eq(syncs() - syncs_before, 2);
    ck_assert_uint_eq(commits() - commits_before, 2);
    /* A power cut now takes nothing back. */
    struct memfs *cut = memfs_crash_clone(fs, MEMFS_DROP_UNSYNCED, 1);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
    fs = cut;
    options = plain_options(fs);
    db = plain_open(&options);
    for (unsigned i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(writers[i].status, BYRON_OK);
        plain_expect_get(db, keys[i], "mine");
    }
    plain_expect_get(db, "all", keys[WRITERS - 1]); /* Who came last. */
    CHECK_OK(byron_close(db));
}
END_TEST

/* They are commits all the same. */
/* Queues up behind a group that is on its way to the disk. */
static void come_late(void *context, const struct memfs_call *call)
{
    (void)context;
    if (!(call->kind & MEMFS_SYNC) || count_of_group() != 3)
        return; /* The first one alone, still. */
    memfs_set_hook(fs, NULL, NULL);
    start(WRITERS - 1);
    while (count_of_group() < 4)
        usleep(100);
}

/* Under a sanitizer: the one in front looks at nobody who comes later. */
START_TEST(who_comes_while_a_group_syncs_is_in_the_next)
{
    uint64_t before = commits();
    for (unsigned i = 0; i < WRITERS; i++)
        put(i, "k", i == WRITERS - 1 ? "late" : "early");
    next_hook = come_late;
    run(WRITERS - 1);
    ck_assert_uint_eq(commits() - before, 3);
    plain_expect_get(db, "k", "late");
    CHECK_OK(byron_close(db));
}
END_TEST

START_TEST(writes_of_nothing_share_a_sync_too)
{
    uint64_t before = commits();
    put(1, "k", "v");
    put(3, "k", "w");
    run(WRITERS);
    ck_assert_uint_eq(commits() - before, 2);
    for (unsigned i = 0; i < WRITERS; i++)
        ck_assert_int_eq(writers[i].status, BYRON_OK);
    plain_expect_get(db, "k", "w");
    CHECK_OK(byron_close(db));
}
END_TEST

START_TEST(one_alone_is_a_commit_of_its_own)
{
    uint64_t before = syncs();
    put(0, "a", "1");
    ck_assert_ptr_null(write_one((writers[0].db = db, &writers[0])));
    CHECK_OK(writers[0].status);
    ck_assert_uint_eq(syncs() - before, 1);
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
}
END_TEST

START_TEST(what_fails_for_one_fails_for_all_of_its_group)
{
    for (unsigned i = 0; i < 4; i++)
        put(i, "k", "v");
    memfs_fail_nth(fs, MEMFS_SYNC, 2, BYRON_IO, true);
    run(4);
    CHECK_OK(writers[0].status);
    for (unsigned i = 1; i < 4; i++) {
        ck_assert_int_eq(writers[i].status, BYRON_IO);
        ck_assert_ptr_nonnull(strstr(writers[i].error.words, "sync"));
    }
    CHECK_OK(byron_close(db));
}
END_TEST

START_TEST(a_group_is_no_larger_than_a_memtable_takes)
{
    static char big[1500];
    memset(big, 'b', sizeof big - 1);
    CHECK_OK(byron_close(db));
    options.memtable = 16384; /* A fourth of it: two such writes. */
    db = plain_open(&options);
    plain_put(db, "before", "1");
    uint64_t before = syncs();
    for (unsigned i = 0; i < WRITERS; i++)
        put(i, i % 2 ? "odd" : "even", big);
    run(WRITERS);
    ck_assert_uint_eq(syncs() - before, 3);
    for (unsigned i = 0; i < WRITERS; i++)
        ck_assert_int_eq(writers[i].status, BYRON_OK);
    plain_expect_get(db, "odd", big);
    CHECK_OK(byron_close(db));
}
END_TEST

Suite *test_group_suite(void)
{
    Suite *suite = suite_create("group");
    TCase *tcase = tcase_create("group");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, who_waits_for_a_sync_shares_the_next);
    tcase_add_test(tcase, who_comes_while_a_group_syncs_is_in_the_next);
    tcase_add_test(tcase, writes_of_nothing_share_a_sync_too);
    tcase_add_test(tcase, one_alone_is_a_commit_of_its_own);
    tcase_add_test(tcase, what_fails_for_one_fails_for_all_of_its_group);
    tcase_add_test(tcase, a_group_is_no_larger_than_a_memtable_takes);
    suite_add_tcase(suite, tcase);
    return suite;
}
