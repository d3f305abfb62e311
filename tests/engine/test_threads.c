/*
 * Writers, readers, maintenance and the background thread at once. Money moves
 * between accounts: the sum is the same in every snapshot, and the count of
 * transfers never goes back, nor misses one.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "support/memfs.h"
#include "support/seed.h"

#include "byron.h"

Suite *test_threads_suite(void);

#define ACCOUNTS 60
#define READERS  3
#define WRITERS  2
#define ACTORS   (READERS + WRITERS + 2)
#define MONEY    1000
#define RUN_US   2500000

/* Failures are counted, and told by the main thread: Check's own assertions
 * are for one thread. */
struct play {
    byron_db *db;
    struct byron_options options;
    uint64_t seed;
    atomic_bool stop;
    atomic_uint_fast64_t transfers; /* Published: that many, or more. */
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t reads;
    atomic_uint_fast64_t verified; /* How often. */
    atomic_uint failures;
    char first_failure[600];
    pthread_mutex_t mutex;
};

struct actor {
    struct play *play;
    uint64_t seed;
};

static void note_failure(struct play *play, const char *what)
{
    struct byron_error error;
    byron_last_error(&error);
    pthread_mutex_lock(&play->mutex);
    if (atomic_fetch_add(&play->failures, 1) == 0)
        snprintf(play->first_failure, sizeof play->first_failure,
                 "%s (last error: %.500s)", what, error.words);
    pthread_mutex_unlock(&play->mutex);
    atomic_store(&play->stop, true);
}

static bool expect(struct play *play, bool condition, const char *what)
{
    if (!condition)
        note_failure(play, what);
    return condition;
}

/* "account" and its number: wide enough apart for several tables. */
static struct byron_bytes account(char key[24], uint64_t number)
{
    snprintf(key, 24, "account %llu",
             (unsigned long long)(number * 2654435761u % 100003u));
    return (struct byron_bytes){key, strlen(key)};
}

/* Values carry a number and a tail that makes them long. */
struct cell {
    int64_t amount;
    char tail[200];
};

static bool read_amount(struct byron_bytes value, int64_t *out)
{
    struct cell cell;
    if (value.size != sizeof cell)
        return false;
    memcpy(&cell, value.data, sizeof cell);
    for (size_t i = 0; i < sizeof cell.tail; i++)
        if (cell.tail[i] != (char)('a' + (cell.amount & 15)))
            return false;
    *out = cell.amount;
    return true;
}

static bool put_amount(byron_txn *txn, struct byron_bytes key, int64_t amount)
{
    struct cell cell;
    cell.amount = amount;
    memset(cell.tail, 'a' + (int)(amount & 15), sizeof cell.tail);
    return byron_txn_put(txn, key, (struct byron_bytes){&cell, sizeof cell}) ==
           BYRON_OK;
}

static bool get_amount(struct play *play, byron_snapshot *snapshot,
                       byron_txn *txn, struct byron_bytes key, int64_t *out)
{
    struct byron_value value;
    byron_status status = txn ? byron_txn_get(txn, key, &value)
                              : byron_get(play->db, snapshot, key, &value);
    if (!expect(play, status == BYRON_OK, "an account is missing"))
        return false;
    bool is_well =
        read_amount((struct byron_bytes){value.data, value.size}, out);
    byron_value_release(&value);
    return expect(play, is_well, "an account's bytes are wrong");
}

static const struct byron_bytes counter = {"transfers", 9};

static bool move_money(struct play *play, struct rng *rng, byron_txn *txn)
{
    char from[24], to[24];
    struct byron_bytes left = account(from, rng_below(rng, ACCOUNTS));
    struct byron_bytes right = account(to, rng_below(rng, ACCOUNTS));
    int64_t amount = (int64_t)rng_below(rng, 50);
    int64_t first, second;
    return get_amount(play, NULL, txn, left, &first) &&
           put_amount(txn, left, first - amount) &&
           get_amount(play, NULL, txn, right, &second) &&
           put_amount(txn, right, second + amount);
}

static void note_commit(struct play *play, uint64_t count)
{
    uint64_t known = atomic_load(&play->transfers);
    while (known < count &&
           !atomic_compare_exchange_weak(&play->transfers, &known, count))
        continue;
    atomic_fetch_add(&play->commits, 1);
}

/* One commit of a few transfers; some are rolled back to a mark or aborted. */
static bool transfer(struct play *play, struct rng *rng)
{
    byron_txn *txn;
    int64_t count;
    uint64_t moves = 1 + rng_below(rng, rng_one_in(rng, 40) ? 200 : 4);
    if (!expect(play, byron_begin(play->db, 60000, &txn) == BYRON_OK,
                "no transaction"))
        return false;
    bool is_well = get_amount(play, NULL, txn, counter, &count) &&
                   put_amount(txn, counter, count + 1);
    for (uint64_t i = 0; i < moves && is_well; i++) {
        uint64_t mark = byron_txn_mark(txn);
        is_well = move_money(play, rng, txn);
        if (rng_one_in(rng, 10))
            byron_txn_rollback_to(txn, mark);
    }
    if (!is_well || rng_one_in(rng, 20)) {
        byron_txn_abort(txn);
        return expect(play, is_well, "a write failed");
    }
    if (byron_txn_commit(txn, rng_one_in(rng, 50)) != BYRON_OK) {
        byron_txn_abort(txn);
        return expect(play, false, "a commit failed");
    }
    note_commit(play, (uint64_t)count + 1);
    return true;
}

static void *write_all(void *context)
{
    struct actor *actor = context;
    struct rng rng;
    rng_init(&rng, actor->seed);
    while (!atomic_load(&actor->play->stop) && transfer(actor->play, &rng))
        continue;
    return NULL;
}

/* The sum over a whole scan. */
static bool scan_sum(struct play *play, byron_snapshot *snapshot,
                     bool is_backward, int64_t *sum)
{
    byron_cursor *cursor;
    struct byron_range range = {{"account", 7}, {"accounu", 7}};
    size_t count = 0;
    *sum = 0;
    if (!expect(play,
                byron_cursor_open(snapshot, NULL, &range, &cursor) == BYRON_OK,
                "no cursor"))
        return false;
    byron_status status =
        is_backward ? byron_cursor_last(cursor) : byron_cursor_first(cursor);
    while (status == BYRON_OK && byron_cursor_valid(cursor)) {
        struct byron_bytes value;
        int64_t amount = 0;
        status = byron_cursor_value(cursor, &value);
        if (status != BYRON_OK ||
            !expect(play, read_amount(value, &amount), "a scan's bytes"))
            break;
        *sum += amount;
        count++;
        status =
            is_backward ? byron_cursor_prev(cursor) : byron_cursor_next(cursor);
    }
    byron_cursor_close(cursor);
    return expect(play, status == BYRON_OK && count == ACCOUNTS,
                  "a scan that ends early");
}

static bool get_sum(struct play *play, byron_snapshot *snapshot, int64_t *sum)
{
    *sum = 0;
    for (uint64_t i = 0; i < ACCOUNTS; i++) {
        char key[24];
        int64_t amount;
        if (!get_amount(play, snapshot, NULL, account(key, i), &amount))
            return false;
        *sum += amount;
    }
    return true;
}

static bool look(struct play *play, struct rng *rng, int64_t *newest)
{
    byron_snapshot *snapshot;
    int64_t before, after, sum = 0;
    bool is_well = false;
    int64_t published = (int64_t)atomic_load(&play->transfers);
    if (!expect(play, byron_snapshot_open(play->db, &snapshot) == BYRON_OK,
                "no snapshot"))
        return false;
    if (!get_amount(play, snapshot, NULL, counter, &before))
        goto out;
    if (!expect(play, before >= published && before >= *newest,
                "a counter that goes back"))
        goto out;
    for (int i = 0; i < 4; i++) {
        bool is_read = i == 0 ? get_sum(play, snapshot, &sum)
                              : scan_sum(play, snapshot, i % 2, &sum);
        if (!is_read ||
            !expect(play, sum == ACCOUNTS * MONEY, "a sum that changes"))
            goto out;
        if (rng_one_in(rng, 8))
            usleep(20000); /* Held while much happens. */
    }
    is_well = get_amount(play, snapshot, NULL, counter, &after) &&
              expect(play, before == after, "a snapshot that moves");
    *newest = before;
    atomic_fetch_add(&play->reads, 1);
out:
    byron_snapshot_close(snapshot);
    return is_well;
}

static void *read_on(void *context)
{
    struct actor *actor = context;
    struct rng rng;
    int64_t newest = 0;
    rng_init(&rng, actor->seed);
    while (!atomic_load(&actor->play->stop) && look(actor->play, &rng, &newest))
        continue;
    return NULL;
}

static byron_status maintain_once(struct play *play, uint64_t what)
{
    struct byron_stats stats;
    struct byron_range range = {{0}, {"account 5", 9}};
    struct byron_range junk = {{"x", 1}, {"y", 1}};
    uint64_t damages = 0, rows, bytes;
    byron_status status;
    switch (what) {
    case 0:
        return byron_flush(play->db);
    case 1:
        status = byron_compact(play->db, &range);
        return status == BYRON_BUSY ? BYRON_OK : status;
    case 2:
        status = byron_verify(play->db, NULL, NULL, &damages);
        expect(play, damages == 0, "verify finds damage");
        return status;
    case 3:
        return byron_drop(play->db, &junk);
    case 4:
        return byron_estimate(play->db, &range, &rows, &bytes);
    default:
        byron_stats(play->db, &stats);
        expect(play, stats.background_errors == 0, "background errors");
        return BYRON_OK;
    }
}

static void *maintain(void *context)
{
    struct actor *actor = context;
    struct rng rng;
    rng_init(&rng, actor->seed);
    while (!atomic_load(&actor->play->stop)) {
        uint64_t what = rng_below(&rng, 12);
        if (!expect(actor->play, maintain_once(actor->play, what) == BYRON_OK,
                    "maintenance failed"))
            break;
        usleep(3000);
    }
    return NULL;
}

/* Options change under everybody, the engine's thread comes and goes. */
static void *retune(void *context)
{
    struct actor *actor = context;
    struct byron_options options = actor->play->options;
    struct rng rng;
    rng_init(&rng, actor->seed);
    while (!atomic_load(&actor->play->stop)) {
        options.memtable = 8192 << rng_below(&rng, 3);
        options.cache = rng_one_in(&rng, 2) ? 0 : 200000;
        options.block_size = 256 << rng_below(&rng, 3);
        options.bloom_bits = (uint32_t)rng_below(&rng, 12);
        options.no_bloom = options.bloom_bits == 0;
        options.fanout = 2 + (uint32_t)rng_below(&rng, 4);
        options.compression = (enum byron_compression)rng_below(&rng, 3);
        options.inline_work = rng_one_in(&rng, 3);
        options.map_files = rng_one_in(&rng, 2);
        if (!expect(actor->play,
                    byron_set_options(actor->play->db, &options) == BYRON_OK,
                    "options are refused"))
            break;
        usleep(2000);
    }
    return NULL;
}

static void open_accounts(struct play *play)
{
    byron_txn *txn;
    ck_assert_int_eq(byron_begin(play->db, 0, &txn), BYRON_OK);
    for (uint64_t i = 0; i < ACCOUNTS; i++) {
        char key[24];
        ck_assert(put_amount(txn, account(key, i), MONEY));
    }
    ck_assert(put_amount(txn, counter, 0));
    ck_assert_int_eq(byron_txn_commit(txn, true), BYRON_OK);
}

static void run_threads(struct play *play)
{
    pthread_t threads[ACTORS];
    struct actor actors[ACTORS];
    for (size_t i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){play, play->seed + i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                        i == 0            ? maintain
                                        : i == 1          ? retune
                                        : i < 2 + WRITERS ? write_all
                                                          : read_on,
                                        &actors[i]),
                         0);
    }
    for (uint64_t us = 0; us < RUN_US && !atomic_load(&play->stop); us += 10000)
        usleep(10000);
    atomic_store(&play->stop, true);
    for (size_t i = 0; i < ACTORS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void play_through(struct byron_os *os, const char *path)
{
    struct play play = {.seed = test_seed()};
    struct byron_options options = {
        .memory = 1 << 20,
        .memtable = 16384,
        .file_size = 16384,
        .block_size = 512,
        .fanout = 3,
        .retain_ms = 20,
        .create = true,
        .remove_at_close = true,
        .os = os,
    };
    int64_t sum = 0;
    pthread_mutex_init(&play.mutex, NULL);
    play.options = options;
    ck_assert_int_eq(byron_open(path, &options, &play.db), BYRON_OK);
    open_accounts(&play);
    run_threads(&play);
    ck_assert_msg(atomic_load(&play.failures) == 0, "%s", play.first_failure);
    ck_assert(get_sum(&play, NULL, &sum) && sum == ACCOUNTS * MONEY);
    ck_assert_uint_eq(atomic_load(&play.transfers), atomic_load(&play.commits));
    struct byron_stats stats;
    byron_stats(play.db, &stats);
    printf("threads: %llu commits, %llu reads, %llu flushes, %llu compactions,"
           " seed %llu\n",
           (unsigned long long)stats.commits,
           (unsigned long long)atomic_load(&play.reads),
           (unsigned long long)stats.flushes,
           (unsigned long long)stats.compactions,
           (unsigned long long)play.seed);
    ck_assert_uint_gt(stats.flushes, 0);
    ck_assert_uint_gt(stats.compactions, 0);
    ck_assert_uint_gt(atomic_load(&play.reads), 0);
    ck_assert_uint_gt(atomic_load(&play.transfers), 0);
    ck_assert_int_eq(byron_close(play.db), BYRON_OK);
    pthread_mutex_destroy(&play.mutex);
}

START_TEST(money_is_neither_made_nor_lost_in_memory)
{
    size_t live = alloc_live();
    struct memfs *fs = memfs_new(test_seed());
    play_through(memfs_os(fs), "store");
    memfs_free(fs);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

static void make_on_disk(char *path, size_t path_size)
{
    const char *root = getenv("TMPDIR");

    snprintf(path, path_size, "%s/byron-threads-XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

START_TEST(money_is_neither_made_nor_lost_on_a_disk)
{
    char path[256];
    struct stat stat_of;
    make_on_disk(path, sizeof path);
    play_through(NULL, path);
    /* A private store goes with its handle. */
    ck_assert_int_ne(stat(path, &stat_of), 0);
}
END_TEST

/* As much as one reading of the log may meet: a writer who runs away from the
 * reader makes it long, and the test never-ending. */
#define PUTS_A_VERIFY 200

static void *write_and_sync(void *context)
{
    struct play *play = context;
    char value[300] = {0};
    for (uint64_t i = 0; !atomic_load(&play->stop); i++) {
        while (i > (atomic_load(&play->verified) + 1) * PUTS_A_VERIFY &&
               !atomic_load(&play->stop))
            usleep(100);
        struct byron_bytes key = {&i, 1};
        struct byron_bytes bytes = {value, i % sizeof value};
        if (!expect(play, byron_put(play->db, key, bytes, true) == BYRON_OK,
                    "a synced put failed"))
            break;
    }
    return NULL;
}

START_TEST(verify_finds_no_damage_in_a_log_that_grows)
{
    /* In memory a sync is fast, and more happens in the middle of a read. */
    char path[256] = "/dev/shm/byron-threads-XXXXXX";
    struct byron_options options = {.create = true, .remove_at_close = true};
    struct play play = {.seed = test_seed()};
    pthread_t writer;
    if (!mkdtemp(path))
        make_on_disk(path, sizeof path);
    pthread_mutex_init(&play.mutex, NULL);
    play.options = options;
    ck_assert_int_eq(byron_open(path, &options, &play.db), BYRON_OK);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_and_sync, &play), 0);
    for (int i = 0; i < 400 && !atomic_load(&play.stop); i++) {
        uint64_t damages = 0;
        expect(&play,
               byron_verify(play.db, NULL, NULL, &damages) == BYRON_OK &&
                   damages == 0,
               "verify finds damage");
        atomic_fetch_add(&play.verified, 1);
    }
    atomic_store(&play.stop, true);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    ck_assert_msg(atomic_load(&play.failures) == 0, "%s", play.first_failure);
    ck_assert_int_eq(byron_close(play.db), BYRON_OK);
    pthread_mutex_destroy(&play.mutex);
}
END_TEST

Suite *test_threads_suite(void)
{
    Suite *suite = suite_create("threads");
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, money_is_neither_made_nor_lost_in_memory);
    tcase_add_test(cases, money_is_neither_made_nor_lost_on_a_disk);
    tcase_add_test(cases, verify_finds_no_damage_in_a_log_that_grows);
    suite_add_tcase(suite, cases);
    return suite;
}
