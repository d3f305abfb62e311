/*
 * A store whose flush is slow, or fails: writers wait, or are told; memory
 * stays within its limit; nothing that was acknowledged is lost, and all goes
 * on once tables can be written again. How much writers are slowed before that:
 * tests/unit/test_pace.c.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"

Suite *test_pressure_suite(void);

#define MEMORY      ((uint64_t)4 << 20)
#define MEMTABLE    (MEMORY / 8)
#define VALUE       1000
#define ROWS        (10 * MEMTABLE / VALUE) /* Far more than may wait. */
#define FROZEN_MOST 2
/* A large transaction brings two at once. */
#define FROZEN_EVER (FROZEN_MOST + 1)
#define PATIENCE    60000 /* Milliseconds until a test gives up. */

static struct memfs *fs;
static struct byron_options options;
static byron_db *db;

/* --- tables that are not written ------------------------------------------ */

static struct {
    atomic_bool is_shut;    /* No table is begun, nor gets its place. */
    atomic_bool is_failing; /* Each that is begun fails. */
    atomic_bool log_fails;  /* The next record does. */
} gate;

/* Of a thread whose own tables are let through: those of transactions that are
 * larger than memory. */
static _Thread_local bool is_let_through;

static void at_call(void *context, const struct memfs_call *call)
{
    (void)context;
    bool is_table = (call->kind & MEMFS_CREATE) && strstr(call->path, "/S-");
    bool is_record = (call->kind & MEMFS_APPEND) && strstr(call->path, "/W-");
    bool is_edit = (call->kind & MEMFS_APPEND) && strstr(call->path, "/M-");
    while ((is_table || is_edit) && !is_let_through &&
           atomic_load(&gate.is_shut))
        usleep(500);
    if (is_table && !is_let_through && atomic_load(&gate.is_failing))
        memfs_fail_nth(fs, MEMFS_CREATE, 1, BYRON_FULL, false);
    if (is_record && !call->is_middle &&
        atomic_exchange(&gate.log_fails, false))
        memfs_fail_nth(fs, MEMFS_APPEND, 1, BYRON_FULL, false);
}

static void begin(bool is_inline)
{
    fs = memfs_new(1);
    options = plain_options(fs);
    options.inline_work = is_inline;
    options.memory = MEMORY;
    options.file_size = MEMTABLE;
    options.compression = BYRON_COMPRESSION_NONE;
    db = plain_open(&options);
    atomic_store(&gate.is_shut, false);
    atomic_store(&gate.is_failing, false);
    atomic_store(&gate.log_fails, false);
    memfs_set_hook(fs, at_call, NULL);
}

/* --- rows ------------------------------------------------------------------
 */

static struct byron_bytes key_of(uint64_t number)
{
    static _Thread_local char text[24];
    snprintf(text, sizeof text, "key %012llu", (unsigned long long)number);
    return plain_text(text);
}

static struct byron_bytes value_of(uint64_t number)
{
    static _Thread_local uint8_t bytes[VALUE];
    memset(bytes, (int)(number % 251), sizeof bytes);
    return (struct byron_bytes){bytes, sizeof bytes};
}

static byron_status put(uint64_t number)
{
    return byron_put(db, key_of(number), value_of(number), false);
}

static byron_status put_many(uint64_t first, uint64_t count)
{
    byron_txn *txn;
    byron_status status = byron_begin(db, PATIENCE, &txn);
    for (uint64_t i = 0; status == BYRON_OK && i < count; i++)
        status = byron_txn_put(txn, key_of(first + i), value_of(first + i));
    if (status == BYRON_OK)
        status = byron_txn_commit(txn, false);
    if (status != BYRON_OK)
        byron_txn_abort(txn);
    return status;
}

static void expect_row(uint64_t number)
{
    struct byron_value value;
    CHECK_OK(byron_get(db, NULL, key_of(number), &value));
    ck_assert_uint_eq(value.size, VALUE);
    ck_assert_mem_eq(value.data, value_of(number).data, VALUE);
    byron_value_release(&value);
}

/* Rows below the limit of which there is no flag that says otherwise. */
static void expect_rows(uint64_t count, const bool *is_missing)
{
    for (uint64_t i = 0; i < count; i++)
        if (!is_missing || !is_missing[i])
            expect_row(i);
}

/* --- memory --------------------------------------------------------------- */

static struct byron_stats stats_of_all(void)
{
    struct byron_stats stats;
    byron_stats(db, &stats);
    return stats;
}

/* Nothing grows beyond what the store was given, whoever waits for whom. */
static void check_memory(uint64_t frozen_most)
{
    struct byron_stats stats = stats_of_all();
    uint64_t memtables = stats.memtable_bytes + stats.frozen_bytes;
    ck_assert_uint_le(stats.frozen_count, frozen_most);
    ck_assert_uint_le(memtables, 5 * MEMTABLE);
    ck_assert_uint_le(memtables + stats.cache_bytes, MEMORY);
}

/* Fills the cache, so that memtables have to take from it. */
static void fill_cache(void)
{
    for (uint64_t i = 0; i < 2 * MEMORY / VALUE; i++)
        CHECK_OK(put(1000000 + i));
    CHECK_OK(byron_compact(db, NULL));
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 2 * MEMORY / VALUE; i++)
            expect_row(1000000 + i);
    ck_assert_uint_gt(stats_of_all().cache_bytes, MEMORY / 2);
}

/* --- a writer of its own thread --------------------------------------------
 */

struct writer {
    pthread_t thread;
    uint64_t batch; /* Rows of one transaction. */
    uint64_t count;
    atomic_uint_fast64_t written;
    byron_status status;
};

static void *write_rows(void *context)
{
    struct writer *writer = context;
    is_let_through = true;
    for (uint64_t i = 0; i < writer->count && writer->status == BYRON_OK;
         i += writer->batch) {
        writer->status =
            writer->batch == 1 ? put(i) : put_many(i, writer->batch);
        atomic_store(&writer->written, i + writer->batch);
    }
    return NULL;
}

static void start(struct writer *writer)
{
    ck_assert_int_eq(pthread_create(&writer->thread, NULL, write_rows, writer),
                     0);
}

/* Until so many memtables wait, and then a while longer: who does not wait for
 * them has written all by then. */
static void watch(const struct writer *writer)
{
    int waited = 0;
    while (stats_of_all().frozen_count < FROZEN_MOST) {
        check_memory(FROZEN_EVER);
        ck_assert_int_lt(waited++, PATIENCE);
        usleep(1000);
    }
    for (int i = 0; i < 300; i++) {
        check_memory(FROZEN_EVER);
        usleep(1000);
    }
    ck_assert_uint_lt(atomic_load(&writer->written), writer->count);
}

static void finish(struct writer *writer)
{
    ck_assert_int_eq(pthread_join(writer->thread, NULL), 0);
    ck_assert_int_eq(writer->status, BYRON_OK);
    check_memory(FROZEN_EVER);
    CHECK_OK(byron_settle(db));
    ck_assert_uint_eq(stats_of_all().frozen_count, 0);
}

static void end(uint64_t count, const bool *is_missing)
{
    uint64_t damages;
    for (int i = 0; i < 2; i++) {
        expect_rows(count, is_missing);
        CHECK_OK(byron_verify(db, NULL, NULL, &damages));
        ck_assert_uint_eq(damages, 0);
        CHECK_OK(byron_close(db));
        if (i == 0)
            db = plain_open(&options);
    }
    memfs_free(fs);
}

/* One row, some, nearly a memtable, and more than two in a transaction. */
static const uint64_t batches[] = {1, 50, MEMTABLE / VALUE * 9 / 10,
                                   MEMTABLE / VALUE * 5 / 2};

START_TEST(writers_wait_for_a_flush_that_is_slow)
{
    struct writer writer = {.batch = batches[_i]};
    writer.count = (ROWS / writer.batch + 1) * writer.batch;
    begin(false);
    fill_cache();
    atomic_store(&gate.is_shut, true);
    start(&writer);
    watch(&writer);
    atomic_store(&gate.is_shut, false);
    finish(&writer);
    end(writer.count, NULL);
}
END_TEST

/* --- flushes that fail -----------------------------------------------------
 */

static bool is_missing[4 * ROWS];

/* Tries to write rows [from, to); how many it could. */
static uint64_t try_rows(uint64_t from, uint64_t to)
{
    uint64_t written = 0;
    for (uint64_t i = from; i < to; i++) {
        byron_status status = put(i);
        ck_assert(status == BYRON_OK || status == BYRON_FULL);
        is_missing[i] = status != BYRON_OK;
        written += status == BYRON_OK;
        if (i % 16 == 0)
            check_memory(FROZEN_MOST);
    }
    check_memory(FROZEN_MOST);
    return written;
}

/* Tables can be written again: so can rows, sooner or later. */
static void heal(uint64_t number)
{
    int waited = 0;
    atomic_store(&gate.is_failing, false);
    while (put(number) != BYRON_OK) {
        ck_assert_int_lt(waited++, PATIENCE);
        usleep(1000);
    }
    is_missing[number] = false;
}

START_TEST(writers_are_told_of_a_flush_that_fails)
{
    begin(_i == 0);
    fill_cache();
    atomic_store(&gate.is_failing, true);
    uint64_t written = try_rows(0, 2 * ROWS);
    ck_assert_uint_gt(written, MEMTABLE / VALUE);
    ck_assert_uint_lt(written, 5 * MEMTABLE / VALUE);
    expect_rows(2 * ROWS, is_missing);
    ck_assert_uint_gt(stats_of_all().background_errors, 0);
    heal(2 * ROWS);
    ck_assert_uint_eq(try_rows(2 * ROWS + 1, 4 * ROWS), 2 * ROWS - 1);
    CHECK_OK(byron_settle(db));
    end(4 * ROWS, is_missing);
}
END_TEST

/* A log that failed goes with its memtable, and a new one begins, however
 * little that memtable holds. */
START_TEST(logs_that_fail_as_well_freeze_no_more)
{
    begin(_i == 0);
    atomic_store(&gate.is_failing, true);
    for (uint64_t i = 0; i < 200; i++) {
        atomic_store(&gate.log_fails, i % 2 == 1);
        byron_status status = put(i);
        ck_assert(status == BYRON_OK || status == BYRON_FULL);
        is_missing[i] = status != BYRON_OK;
        check_memory(FROZEN_MOST);
    }
    ck_assert(is_missing[1]);
    expect_rows(200, is_missing);
    atomic_store(&gate.log_fails, false);
    heal(200);
    ck_assert_uint_eq(try_rows(201, 2 * ROWS), 2 * ROWS - 201);
    CHECK_OK(byron_settle(db));
    end(2 * ROWS, is_missing);
}
END_TEST

/* --- without a thread ------------------------------------------------------
 */

/* Each commit does its share: nothing piles up. */
START_TEST(writers_without_a_thread_keep_up)
{
    uint64_t count = 40 * MEMTABLE / VALUE;
    uint64_t runs_most = 0;
    uint64_t debt_most = 0;
    begin(true);
    for (uint64_t i = 0; i < count; i++) {
        struct byron_stats stats;
        CHECK_OK(put(i * 7919 % count));
        if (i % 32 != 0)
            continue;
        check_memory(FROZEN_MOST);
        stats = stats_of_all();
        if (stats.level[0].runs > runs_most)
            runs_most = stats.level[0].runs;
        if (stats.debt_bytes > debt_most)
            debt_most = stats.debt_bytes;
    }
    printf("pressure: without a thread, at most %llu runs and %llu bytes due\n",
           (unsigned long long)runs_most, (unsigned long long)debt_most);
    /* Where a thread would slow writers most. */
    ck_assert_uint_lt(runs_most, 24);
    ck_assert_uint_lt(debt_most, 64 * MEMTABLE);
    end(count, NULL);
}
END_TEST

Suite *test_pressure_suite(void)
{
    Suite *suite = suite_create("pressure");
    TCase *cases = tcase_create("pressure");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, writers_wait_for_a_flush_that_is_slow, 0,
                        sizeof batches / sizeof *batches);
    tcase_add_loop_test(cases, writers_are_told_of_a_flush_that_fails, 0, 2);
    tcase_add_loop_test(cases, logs_that_fail_as_well_freeze_no_more, 0, 2);
    tcase_add_test(cases, writers_without_a_thread_keep_up);
    suite_add_tcase(suite, cases);
    return suite;
}
