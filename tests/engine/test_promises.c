/*
 * What the engine owes its host, case by case: the names of commits, the
 * barrier before what cannot be undone, the room of what was given up.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_name.h"
#include "support/memfs.h"
#include "support/memfs_inspect.h"
#include "support/seed.h"

Suite *test_promises_suite(void);

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

struct host {
    struct memfs *fs;
    struct byron_options options;
    struct byron_commit_point row; /* As the host has it. */
    unsigned barriers;
    byron_db *db;
};

static byron_status count_barrier(void *context)
{
    struct host *host = context;
    host->barriers++;
    return BYRON_OK;
}

static void reopen(struct host *host)
{
    if (host->db)
        CHECK_OK(byron_close(host->db));
    host->options.commit_point = &host->row;
    CHECK_OK(byron_open("store", &host->options, &host->db));
    host->options.create = false;
}

static void host_init(struct host *host)
{
    memset(host, 0, sizeof *host);
    host->fs = memfs_new(1);
    memfs_use_virtual_time(host->fs);
    host->options.os = memfs_os(host->fs);
    host->options.create = true;
    host->options.inline_work = true;
    host->options.memtable = 64 << 10;
    host->options.compression = BYRON_COMPRESSION_NONE;
    host->options.barrier = count_barrier;
    host->options.barrier_context = host;
    reopen(host);
}

static void host_deinit(struct host *host)
{
    if (host->db)
        CHECK_OK(byron_close(host->db));
    memfs_free(host->fs);
}

static struct byron_bytes bytes_of(const char *text)
{
    return (struct byron_bytes){text, strlen(text)};
}

/* So many rows of 1 KB, named prefix000000 and so on. */
static byron_status put_rows(byron_txn *txn, const char *prefix, int count)
{
    static const char value[1000];
    byron_status status = BYRON_OK;
    for (int i = 0; i < count && status == BYRON_OK; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s%06d", prefix, i);
        status = byron_txn_put(txn, bytes_of(key),
                               (struct byron_bytes){value, sizeof value});
    }
    return status;
}

/* The id of the commit. */
static uint64_t commit(struct host *host, const char *prefix, int count,
                       unsigned flags)
{
    struct byron_commit_point point;
    byron_txn *txn;
    CHECK_OK(byron_begin(host->db, 0, &txn));
    CHECK_OK(put_rows(txn, prefix, count));
    CHECK_OK(byron_txn_prepare(txn, flags, &point));
    if (!(flags & BYRON_PREPARE_OWN))
        host->row = point;
    byron_txn_publish(txn);
    return point.recent[0];
}

static bool has(struct host *host, const char *key)
{
    struct byron_value value;
    byron_status status = byron_get(host->db, NULL, bytes_of(key), &value);
    ck_assert(status == BYRON_OK || status == BYRON_NOT_FOUND);
    byron_value_release(&value);
    return status == BYRON_OK;
}

START_TEST(a_large_own_commit_keeps_the_name_that_the_host_has)
{
    struct host host;
    byron_snapshot *snapshot;
    host_init(&host);
    commit(&host, "a", 1, 0);
    commit(&host, "b", 1, BYRON_PREPARE_OWN);
    commit(&host, "c", 300, BYRON_PREPARE_OWN);
    CHECK_OK(byron_snapshot_at(host.db, host.row.recent[0], 0, &snapshot));
    byron_snapshot_close(snapshot);
    commit(&host, "d", 1, BYRON_PREPARE_OWN);
    CHECK_OK(byron_flush(host.db));
    reopen(&host);
    ck_assert(has(&host, "a000000") && has(&host, "b000000"));
    ck_assert(has(&host, "c000299") && has(&host, "d000000"));
    host_deinit(&host);
}
END_TEST

START_TEST(a_drop_has_the_host_sync_first)
{
    static const struct byron_range range = {{"a", 1}, {"b", 1}};
    struct host host;
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_flush(host.db));
    reopen(&host);
    host.barriers = 0;
    CHECK_OK(byron_drop(host.db, &range));
    ck_assert_uint_gt(host.barriers, 0);
    host_deinit(&host);
}
END_TEST

static byron_status fail_barrier(void *context)
{
    struct host *host = context;
    return host->barriers++ == 0 ? BYRON_IO : BYRON_OK;
}

START_TEST(nothing_is_made_permanent_once_the_host_failed_to_sync)
{
    struct host host;
    struct byron_error error;
    host_init(&host);
    host.options.barrier = fail_barrier;
    reopen(&host);
    commit(&host, "a", 1, 0);
    ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
    byron_last_error(&error);
    ck_assert(strstr(error.words, "host database cannot be synced"));
    /* The next sync may succeed: what was lost is lost. */
    ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
    ck_assert_uint_eq(host.barriers, 1);
    commit(&host, "b", 1, 0);
    ck_assert(has(&host, "a000000") && has(&host, "b000000"));
    reopen(&host);
    CHECK_OK(byron_flush(host.db));
    ck_assert(has(&host, "a000000") && has(&host, "b000000"));
    host_deinit(&host);
}
END_TEST

/* What the first sync lost may be the very commit that a drop, or a durable
 * commit of our own, stands on. */
START_TEST(nothing_stands_on_what_the_host_failed_to_sync)
{
    static const struct byron_range range = {{"a", 1}, {"b", 1}};
    struct host host;
    byron_txn *txn;
    for (int first = 0; first < 3; first++) {
        host_init(&host);
        host.options.barrier = fail_barrier;
        reopen(&host);
        commit(&host, "a", 1, 0);
        if (first == 0)
            ck_assert_int_eq(byron_flush(host.db), BYRON_IO);
        if (first == 1)
            ck_assert_int_eq(byron_drop(host.db, &range), BYRON_IO);
        CHECK_OK(byron_begin(host.db, 0, &txn));
        CHECK_OK(put_rows(txn, "b", 1));
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(
                byron_txn_prepare(txn, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC,
                                  NULL),
                BYRON_IO);
        byron_txn_abort(txn);
        ck_assert_int_eq(byron_drop(host.db, &range), BYRON_IO);
        ck_assert_uint_eq(host.barriers, 1);
        commit(&host, "c", 1, 0);
        reopen(&host);
        ck_assert(has(&host, "a000000") && !has(&host, "b000000"));
        CHECK_OK(byron_drop(host.db, &range));
        ck_assert(has(&host, "c000000"));
        host_deinit(&host);
    }
}
END_TEST

START_TEST(a_commit_that_the_host_brings_back_is_still_there)
{
    struct host host;
    struct byron_commit_point revived;
    byron_txn *txn;
    for (int rows = 1; rows <= 301; rows += 300) {
        host_init(&host);
        commit(&host, "a", 1, 0);
        CHECK_OK(byron_begin(host.db, 0, &txn));
        CHECK_OK(put_rows(txn, "b", rows));
        CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_SYNC, &revived));
        byron_txn_abort(txn);
        CHECK_OK(byron_flush(host.db));
        CHECK_OK(byron_settle(host.db));
        ck_assert(has(&host, "a000000") && !has(&host, "b000000"));
        host.row = revived;
        reopen(&host);
        ck_assert(has(&host, "a000000") && has(&host, "b000000"));
        commit(&host, "c", 1, 0);
        CHECK_OK(byron_flush(host.db));
        reopen(&host);
        ck_assert(has(&host, "b000000") && has(&host, "c000000"));
        host_deinit(&host);
    }
}
END_TEST

START_TEST(commits_that_are_given_up_do_not_fill_the_disk)
{
    struct host host;
    struct byron_stats stats;
    byron_txn *txn;
    host_init(&host);
    commit(&host, "a", 1, 0);
    for (int i = 0; i < 400; i++) {
        CHECK_OK(byron_begin(host.db, 0, &txn));
        CHECK_OK(put_rows(txn, "x", 50));
        CHECK_OK(byron_txn_prepare(txn, 0, NULL));
        byron_txn_abort(txn);
    }
    CHECK_OK(byron_settle(host.db));
    byron_stats(host.db, &stats);
    ck_assert_uint_lt(stats.wal_bytes, 10 << 20);
    reopen(&host);
    ck_assert(has(&host, "a000000") && !has(&host, "x000000"));
    host_deinit(&host);
}
END_TEST

START_TEST(a_durable_own_commit_has_the_host_sync_what_it_stands_on)
{
    struct host host;
    host_init(&host);
    commit(&host, "a", 1, 0);
    host.barriers = 0;
    commit(&host, "b", 1, BYRON_PREPARE_OWN);
    ck_assert_uint_eq(host.barriers, 0);
    commit(&host, "c", 1, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC);
    ck_assert_uint_eq(host.barriers, 1);
    /* Once is enough. */
    commit(&host, "d", 1, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC);
    ck_assert_uint_eq(host.barriers, 1);
    host_deinit(&host);
}
END_TEST

/* What a power cut leaves of host, with the row as it is. */
static void cut_power(struct host *host, struct host *out)
{
    *out = (struct host){.options = host->options, .row = host->row};
    out->fs = memfs_crash_clone(host->fs, MEMFS_DROP_UNSYNCED, 1);
    out->options.os = memfs_os(out->fs);
    out->options.barrier_context = out;
    reopen(out);
}

/* The log of what the host gave up is kept, and ends with an own commit that
 * the tables have: it is not where to look for what follows. */
START_TEST(a_power_cut_loses_nothing_of_the_tables_however_much_is_lost)
{
    struct host host;
    struct host image;
    byron_txn *txn;
    char prefix[16];
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_begin(host.db, 0, &txn));
    CHECK_OK(put_rows(txn, "x", 1));
    CHECK_OK(byron_txn_prepare(txn, 0, NULL));
    byron_txn_abort(txn);
    commit(&host, "b", 1, BYRON_PREPARE_OWN);
    CHECK_OK(byron_flush(host.db));
    for (int lost = 0; lost < BYRON_RECENT_COMMITS + 3; lost++) {
        if (lost > 0) {
            snprintf(prefix, sizeof prefix, "c%d-", lost);
            commit(&host, prefix, 1, 0);
        }
        cut_power(&host, &image);
        ck_assert(has(&image, "a000000") && has(&image, "b000000"));
        ck_assert(!has(&image, "x000000") && !has(&image, "c1-000000"));
        commit(&image, "d", 1, 0);
        reopen(&image);
        ck_assert(has(&image, "b000000") && has(&image, "d000000"));
        host_deinit(&image);
    }
    host_deinit(&host);
}
END_TEST

START_TEST(a_batch_that_was_given_up_on_a_full_disk_stays_away)
{
    struct host host;
    byron_txn *txn;
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_begin(host.db, 0, &txn));
    CHECK_OK(put_rows(txn, "b", 1));
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_OWN, NULL));
    memfs_set_space(host.fs, 0);
    byron_txn_abort(txn);
    memfs_set_space(host.fs, UINT64_MAX);
    ck_assert(!has(&host, "b000000"));
    reopen(&host);
    ck_assert(has(&host, "a000000") && !has(&host, "b000000"));
    host_deinit(&host);
}
END_TEST

START_TEST(a_large_transaction_that_is_given_up_gives_its_room_back)
{
    struct host host;
    byron_txn *txn;
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_settle(host.db));
    uint64_t used = memfs_used(host.fs);
    memfs_set_space(host.fs, used + (1 << 20));
    CHECK_OK(byron_begin(host.db, 0, &txn));
    ck_assert_int_eq(put_rows(txn, "b", 2000), BYRON_FULL);
    byron_txn_abort(txn);
    for (int i = 0; i < 8; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "c%d-", i);
        commit(&host, prefix, 40, 0);
    }
    host_deinit(&host);
}
END_TEST

/* Tables in the store's directory. */
static void count_table(void *context, const char *path)
{
    unsigned *count = context;
    enum file_kind kind;
    uint64_t number;
    if (file_name_parse(strchr(path, '/') + 1, &kind, &number) &&
        kind == FILE_TABLE)
        ++*count;
}

/* The disk has room for tables, but none for the manifest. */
static void fill_manifest(void *context, const struct memfs_call *call)
{
    if (call->kind == MEMFS_APPEND && strstr(call->path, "/M-"))
        memfs_fail_nth(context, MEMFS_APPEND, 1, BYRON_FULL, false);
}

START_TEST(a_flush_that_the_manifest_had_no_room_for_leaves_no_tables)
{
    struct host host;
    struct byron_stats stats;
    unsigned tables = 0;
    host_init(&host);
    commit(&host, "a", 1, 0);
    CHECK_OK(byron_flush(host.db));
    commit(&host, "b", 30, 0);
    for (int i = 0; i < 5; i++) {
        memfs_set_hook(host.fs, fill_manifest, host.fs);
        ck_assert_int_eq(byron_flush(host.db), BYRON_FULL);
        memfs_set_hook(host.fs, NULL, NULL);
        memfs_advance(host.fs, 1000000);
    }
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_settle(host.db));
    commit(&host, "c", 1, 0);
    CHECK_OK(byron_flush(host.db));
    memfs_list(host.fs, count_table, &tables);
    byron_stats(host.db, &stats);
    ck_assert_uint_eq(tables, stats.level[0].files + stats.level[1].files +
                                  stats.level[6].files);
    host_deinit(&host);
}
END_TEST

/* Whoever opens a WAL is slow: the engine's thread flushes meanwhile. */
static void open_slowly(void *context, const struct memfs_call *call)
{
    (void)context;
    if (call->kind == MEMFS_OPEN && strstr(call->path, "/W-"))
        usleep(50000);
}

START_TEST(the_first_commit_gets_along_with_the_flush_of_what_was_recovered)
{
    struct host host;
    host_init(&host);
    /* Tables of its own: they wait for their flush when they are found. */
    commit(&host, "a", 300, 0);
    CHECK_OK(byron_close(host.db));
    host.db = NULL;
    host.options.inline_work = false;
    memfs_set_hook(host.fs, open_slowly, NULL);
    reopen(&host);
    commit(&host, "b", 1, 0);
    host_deinit(&host);
}
END_TEST

/* --- own commits among the host's, and a crash at every call ------------- */

#define MIXED 25

struct mixed {
    struct host host;
    struct byron_commit_point points[MIXED + 1]; /* Of the host's commits. */
    int point, safe_point; /* The host's row; and the one on its disk. */
    int newest, safe;      /* Commits; and those that a power cut leaves. */
    uint64_t seed;
};

static byron_status save_row(void *context)
{
    struct mixed *mixed = context;
    mixed->safe_point = mixed->point;
    return BYRON_OK;
}

/* Commits are there from the first to some newest one, whole. */
static int count_commits(struct host *host)
{
    int count = 0;
    char key[64];
    for (int i = 0; i <= MIXED; i++) {
        snprintf(key, sizeof key, "%03d-000000", i);
        bool is_there = has(host, key);
        ck_assert_msg(!is_there || count == i, "commit %d without %d", i,
                      count);
        count += is_there;
    }
    ck_assert(!has(host, "x-000000"));
    return count;
}

static void check_image(struct mixed *mixed, enum memfs_crash mode)
{
    struct host image = {.options = mixed->host.options};
    int point = mixed->point;
    int least = mixed->newest;
    if (mode != MEMFS_KEEP_ALL) {
        int range = mixed->point - mixed->safe_point + 1;
        point = mixed->safe_point + (int)(mixed->seed % (uint64_t)range);
        least = mixed->safe;
    }
    image.fs = memfs_crash_clone(mixed->host.fs, mode, ++mixed->seed);
    image.row = mixed->points[point];
    image.options.os = memfs_os(image.fs);
    image.options.barrier = NULL;
    reopen(&image);
    int found = count_commits(&image);
    ck_assert_msg(found >= least && found <= mixed->newest + 1,
                  "%d commits of %d to %d", found, least, mixed->newest);
    CHECK_OK(byron_flush(image.db));
    reopen(&image);
    ck_assert_int_eq(count_commits(&image), found);
    host_deinit(&image);
}

static void crash_here(void *context, const struct memfs_call *call)
{
    struct mixed *mixed = context;
    if (!(call->kind & MEMFS_WRITES) || call->is_middle)
        return;
    check_image(mixed, MEMFS_KEEP_ALL);
    check_image(mixed, MEMFS_DROP_UNSYNCED);
}

static void commit_mixed(struct mixed *mixed, int number, uint64_t chance)
{
    struct byron_commit_point point;
    struct host *host = &mixed->host;
    char prefix[16];
    byron_txn *txn;
    bool is_own = chance % 2 == 0;
    bool is_sync = chance / 2 % 4 == 0;
    int rows = chance / 8 % 4 == 0 ? 90 : 12;
    unsigned flags =
        (is_own ? BYRON_PREPARE_OWN : 0u) | (is_sync ? BYRON_PREPARE_SYNC : 0u);
    CHECK_OK(byron_begin(host->db, 0, &txn));
    CHECK_OK(put_rows(txn, "x-", chance / 32 % 4 == 0 ? rows : 0));
    if (byron_txn_mark(txn) > 0) {
        CHECK_OK(byron_txn_prepare(txn, flags & BYRON_PREPARE_SYNC, &point));
        byron_txn_rollback_to(txn, 0);
    }
    snprintf(prefix, sizeof prefix, "%03d-", number);
    CHECK_OK(put_rows(txn, prefix, rows));
    CHECK_OK(byron_txn_prepare(txn, flags, &point));
    if (!is_own) {
        mixed->points[++mixed->point] = point;
        mixed->safe_point = is_sync ? mixed->point : mixed->safe_point;
    }
    mixed->newest = number + 1;
    mixed->safe = is_sync ? mixed->newest : mixed->safe;
    byron_txn_publish(txn);
}

START_TEST(own_commits_among_the_hosts_survive_a_crash_at_every_call)
{
    struct mixed *mixed = calloc(1, sizeof *mixed);
    struct rng rng;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    host_init(&mixed->host);
    CHECK_OK(byron_close(mixed->host.db));
    mixed->host.db = NULL;
    mixed->host.options.barrier = save_row;
    mixed->host.options.barrier_context = mixed;
    reopen(&mixed->host);
    memfs_set_hook(mixed->host.fs, crash_here, mixed);
    for (int i = 0; i < MIXED; i++) {
        commit_mixed(mixed, i, rng_next(&rng));
        if (rng_one_in(&rng, 8))
            CHECK_OK(byron_flush(mixed->host.db));
        if (rng_one_in(&rng, 8)) {
            mixed->host.row = mixed->points[mixed->point];
            reopen(&mixed->host);
        }
    }
    memfs_set_hook(mixed->host.fs, NULL, NULL);
    host_deinit(&mixed->host);
    free(mixed);
}
END_TEST

Suite *test_promises_suite(void)
{
    Suite *suite = suite_create("promises");
    TCase *tcase = tcase_create("promises");
    tcase_add_test(tcase, a_large_own_commit_keeps_the_name_that_the_host_has);
    tcase_add_test(tcase, a_drop_has_the_host_sync_first);
    tcase_add_test(tcase, a_commit_that_the_host_brings_back_is_still_there);
    tcase_add_test(tcase, commits_that_are_given_up_do_not_fill_the_disk);
    tcase_add_test(tcase,
                   nothing_is_made_permanent_once_the_host_failed_to_sync);
    tcase_add_test(tcase, nothing_stands_on_what_the_host_failed_to_sync);
    tcase_add_test(tcase,
                   a_durable_own_commit_has_the_host_sync_what_it_stands_on);
    tcase_add_test(
        tcase, a_power_cut_loses_nothing_of_the_tables_however_much_is_lost);
    tcase_add_test(tcase, a_batch_that_was_given_up_on_a_full_disk_stays_away);
    tcase_add_test(tcase,
                   a_large_transaction_that_is_given_up_gives_its_room_back);
    tcase_add_test(tcase,
                   a_flush_that_the_manifest_had_no_room_for_leaves_no_tables);
    tcase_add_test(
        tcase,
        the_first_commit_gets_along_with_the_flush_of_what_was_recovered);
    tcase_add_loop_test(
        tcase, own_commits_among_the_hosts_survive_a_crash_at_every_call, 0, 3);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return suite;
}
