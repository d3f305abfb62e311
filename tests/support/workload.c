#include "support/workload.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs_inspect.h"

/* Check notes the place of each of its assertions in a file: too slow here. */
#define REQUIRE(condition, ...)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg(__VA_ARGS__);                                         \
    } while (0)

/* --- failures ------------------------------------------------------------ */

/* A call answered status: was it to be expected, and does it say enough? */
static byron_status judge(struct workload *work, byron_status status)
{
    struct byron_error error;
    if (status == BYRON_OK || status == BYRON_NOT_FOUND)
        return status;
    byron_last_error(&error);
    REQUIRE(status == work->expected && work->expected != BYRON_OK,
            "%s: %s: status %s (%s), first failure: %s", work->name, work->step,
            byron_status_words(status), error.words, work->first_failure.words);
    REQUIRE(error.code == status, "%s: %s: the last error is another one",
            work->name, work->step);
    REQUIRE(error.words[0] != 0, "%s: %s: an error without words", work->name,
            work->step);
    if (status != BYRON_NO_MEMORY)
        REQUIRE(error.path[0] && strstr(error.words, error.path),
                "%s: %s: no path in \"%s\"", work->name, work->step,
                error.words);
    if (work->failures++ == 0)
        work->first_failure = error;
    return status;
}

#define TRY_JUDGED(call)                                                       \
    do {                                                                       \
        status = judge(work, (call));                                          \
        if (status != BYRON_OK)                                                \
            goto out;                                                          \
    } while (0)

static void fail_wrong(const struct workload *work, const char *what,
                       size_t key)
{
    ck_abort_msg("%s: %s: %s shows wrong data at key %zu; first failure: %s",
                 work->name, work->step, what, key, work->first_failure.words);
}

/* --- reading ------------------------------------------------------------- */

static bool is_value(const struct workload *work, uint32_t number,
                     const void *bytes, size_t size)
{
    struct byron_bytes wanted = store_model_value(&work->model, number);
    return size == wanted.size &&
           (size == 0 || memcmp(bytes, wanted.data, size) == 0);
}

static byron_status read_key(struct workload *work, byron_snapshot *snapshot,
                             byron_txn *txn, const struct model_state *state,
                             size_t key)
{
    struct byron_value value;
    struct byron_bytes bytes = work->model.keys[key];
    byron_status status =
        judge(work, txn ? byron_txn_get(txn, bytes, &value)
                        : byron_get(work->db, snapshot, bytes, &value));
    if (status == BYRON_NOT_FOUND) {
        if (state->values[key] != 0)
            fail_wrong(work, "get", key);
        return BYRON_OK;
    }
    if (status != BYRON_OK)
        return status;
    if (state->values[key] == 0 ||
        !is_value(work, state->values[key], value.data, value.size))
        fail_wrong(work, "get", key);
    byron_value_release(&value);
    return BYRON_OK;
}

static byron_status check_entry(struct workload *work, byron_cursor *cursor,
                                const struct model_state *state, size_t key)
{
    struct byron_bytes found;
    struct byron_bytes value;
    if (!byron_cursor_valid(cursor))
        fail_wrong(work, "a cursor that ended", key);
    found = byron_cursor_key(cursor);
    if (found.size != work->model.keys[key].size ||
        memcmp(found.data, work->model.keys[key].data, found.size) != 0)
        fail_wrong(work, "a cursor's key", key);
    byron_status status = judge(work, byron_cursor_value(cursor, &value));
    if (status == BYRON_OK &&
        !is_value(work, state->values[key], value.data, value.size))
        fail_wrong(work, "a cursor's value", key);
    return status;
}

static byron_status read_all(struct workload *work, byron_snapshot *snapshot,
                             byron_txn *txn, const struct model_state *state,
                             bool is_backward)
{
    byron_status status;
    byron_cursor *cursor = NULL;
    TRY_JUDGED(byron_cursor_open(snapshot, txn, NULL, &cursor));
    TRY_JUDGED(is_backward ? byron_cursor_last(cursor)
                           : byron_cursor_first(cursor));
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        size_t key = is_backward ? MODEL_KEYS - 1 - i : i;
        if (state->values[key] == 0)
            continue;
        TRY_JUDGED(check_entry(work, cursor, state, key));
        TRY_JUDGED(is_backward ? byron_cursor_prev(cursor)
                               : byron_cursor_next(cursor));
    }
    if (byron_cursor_valid(cursor))
        fail_wrong(work, "a cursor beyond the end", MODEL_KEYS);
out:
    byron_cursor_close(cursor);
    return status;
}

static byron_status read_many(struct workload *work, byron_snapshot *snapshot,
                              const struct model_state *state)
{
    enum { COUNT = 12 };
    struct byron_bytes keys[COUNT];
    struct byron_value values[COUNT];
    size_t index[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        index[i] = (size_t)rng_below(&work->rng, MODEL_KEYS);
        keys[i] = work->model.keys[index[i]];
    }
    byron_status status =
        judge(work, byron_multi_get(work->db, snapshot, COUNT, keys, values));
    for (size_t i = 0; i < COUNT && status == BYRON_OK; i++) {
        uint32_t number = state->values[index[i]];
        if ((number != 0) != (values[i].data != NULL) ||
            (number != 0 &&
             !is_value(work, number, values[i].data, values[i].size)))
            fail_wrong(work, "multi_get", index[i]);
        byron_value_release(&values[i]);
    }
    return status;
}

static void step_read(struct workload *work)
{
    byron_status status;
    byron_snapshot *snapshot = NULL;
    const struct model_state *state = &work->states[work->newest];
    bool is_backward = rng_one_in(&work->rng, 2);
    work->step = "read";
    TRY_JUDGED(byron_snapshot_open(work->db, &snapshot));
    for (int i = 0; i < 8; i++)
        TRY_JUDGED(read_key(work, snapshot, NULL, state,
                            (size_t)rng_below(&work->rng, MODEL_KEYS)));
    TRY_JUDGED(read_many(work, snapshot, state));
    TRY_JUDGED(read_all(work, snapshot, NULL, state, is_backward));
out:
    byron_snapshot_close(snapshot);
}

void workload_check_newest(struct workload *work)
{
    byron_status status;
    byron_snapshot *snapshot = NULL;
    const struct model_state *state = &work->states[work->newest];
    TRY_JUDGED(byron_snapshot_open(work->db, &snapshot));
    for (size_t i = 0; i < MODEL_KEYS; i++)
        TRY_JUDGED(read_key(work, snapshot, NULL, state, i));
    TRY_JUDGED(read_all(work, snapshot, NULL, state, false));
    TRY_JUDGED(read_all(work, snapshot, NULL, state, true));
out:
    byron_snapshot_close(snapshot);
}

/* A snapshot that is held over many steps, then read. */
static void step_hold(struct workload *work)
{
    work->step = "held snapshot";
    if (!work->held) {
        byron_status status =
            judge(work, byron_snapshot_open(work->db, &work->held));
        if (status == BYRON_OK)
            work->held_state = work->states[work->newest];
        return;
    }
    byron_status ignored =
        read_all(work, work->held, NULL, &work->held_state, false);
    ignored = read_all(work, work->held, NULL, &work->held_state, true);
    (void)ignored;
    byron_snapshot_close(work->held);
    work->held = NULL;
}

/* --- writing ------------------------------------------------------------- */

/* A write that fails is not there, and the transaction goes on. */
static byron_status write_one(struct workload *work, byron_txn *txn,
                              struct model_state *state)
{
    size_t key = (size_t)rng_below(&work->rng, MODEL_KEYS);
    uint32_t number = work->model.next_value++;
    byron_status status;
    if (rng_one_in(&work->rng, 4))
        number = 0;
    if (number == 0)
        status = byron_txn_delete(txn, work->model.keys[key]);
    else
        status = byron_txn_put(txn, work->model.keys[key],
                               store_model_value(&work->model, number));
    status = judge(work, status);
    if (status == BYRON_OK)
        state->values[key] = number;
    return status;
}

/* Writes with a savepoint that is rolled back to now and then. */
static byron_status fill(struct workload *work, byron_txn *txn, size_t count,
                         struct model_state *state)
{
    byron_status status = BYRON_OK;
    uint64_t mark = byron_txn_mark(txn);
    struct model_state marked = *state;
    for (size_t i = 0; i < count; i++) {
        byron_status written = write_one(work, txn, state);
        if (written != BYRON_OK)
            status = written;
        if (rng_one_in(&work->rng, 40)) {
            byron_txn_rollback_to(txn, mark);
            *state = marked;
        }
        if (rng_one_in(&work->rng, 20)) {
            mark = byron_txn_mark(txn);
            marked = *state;
        }
    }
    for (int i = 0; i < 3; i++) {
        size_t key = (size_t)rng_below(&work->rng, MODEL_KEYS);
        byron_status ignored = read_key(work, NULL, txn, state, key);
        (void)ignored;
    }
    if (rng_one_in(&work->rng, 5)) {
        byron_status ignored = read_all(work, NULL, txn, state, count % 2);
        (void)ignored;
    }
    return status;
}

static void note_maybe(struct workload *work, const struct model_state *state)
{
    if (work->has_host)
        return;
    ck_assert_uint_lt(work->maybe_count, WORKLOAD_MAYBES);
    work->maybe[work->maybe_count] = *state;
    work->maybe_base[work->maybe_count++] = work->newest;
}

/* Prepares, and once more if that failed and retry says so. */
static byron_status prepare(struct workload *work, byron_txn *txn,
                            unsigned flags, bool is_retried)
{
    const struct model_state *state = &work->states[work->newest + 1];
    struct byron_commit_point *point = &work->points[work->newest + 1];
    byron_status status = judge(work, byron_txn_prepare(txn, flags, point));
    if (status == BYRON_OK)
        return status;
    note_maybe(work, state);
    byron_status ignored = read_all(work, NULL, txn, state, false);
    (void)ignored;
    if (is_retried) {
        status = judge(work, byron_txn_prepare(txn, flags, point));
        if (status != BYRON_OK)
            note_maybe(work, state);
    }
    return status;
}

byron_status workload_commit(struct workload *work, size_t count, bool is_sync)
{
    byron_status status;
    byron_txn *txn = NULL;
    struct model_state *state = &work->states[work->newest + 1];
    bool is_twice = rng_one_in(&work->rng, 8);
    bool is_aborted = rng_one_in(&work->rng, 8);
    bool is_retried = rng_one_in(&work->rng, 2);
    unsigned flags = (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                     (work->has_host ? 0u : BYRON_PREPARE_OWN);
    ck_assert_uint_lt(work->newest, WORKLOAD_COMMITS);
    *state = work->states[work->newest];
    TRY_JUDGED(byron_begin(work->db, 0, &txn));
    status = fill(work, txn, count, state);
    if (is_twice && status == BYRON_OK) {
        TRY_JUDGED(prepare(work, txn, flags, is_retried));
        note_maybe(work, state);
        TRY_JUDGED(fill(work, txn, 3, state));
    }
    TRY_JUDGED(prepare(work, txn, flags, is_retried));
    if (is_aborted) {
        note_maybe(work, state);
        goto out;
    }
    work->newest++;
    if (is_sync)
        work->safe = work->row_safe = work->newest;
    byron_txn_publish(txn);
    return BYRON_OK;
out:
    byron_txn_abort(txn);
    return status;
}

/* Until something is written: the workload aborts and rolls back, too. */
static byron_status commit_something(struct workload *work)
{
    byron_status status = BYRON_OK;
    struct model_state before = work->states[work->newest];
    while (status == BYRON_OK &&
           memcmp(&before, &work->states[work->newest], sizeof before) == 0)
        status = workload_commit(work, 10, true);
    return status;
}

static void step_commit(struct workload *work)
{
    bool is_large = rng_one_in(&work->rng, 9);
    size_t count = 1 + (size_t)rng_below(&work->rng, is_large ? 150 : 14);
    work->step = is_large ? "large commit" : "commit";
    byron_status ignored =
        workload_commit(work, count, rng_one_in(&work->rng, 3));
    (void)ignored;
}

/* --- maintenance --------------------------------------------------------- */

static void step_maintain(struct workload *work)
{
    struct byron_range range = {0};
    uint64_t damages = 0;
    uint64_t rows;
    uint64_t bytes;
    byron_status status = BYRON_OK;
    switch (rng_below(&work->rng, 5)) {
    case 0:
        work->step = "flush";
        status = byron_flush(work->db);
        break;
    case 1:
        work->step = "compact";
        range.lower = work->model.keys[rng_below(&work->rng, MODEL_KEYS)];
        status =
            byron_compact(work->db, rng_one_in(&work->rng, 2) ? &range : NULL);
        break;
    case 2:
        work->step = "settle";
        status = byron_settle(work->db);
        break;
    case 3:
        work->step = "verify";
        status = byron_verify(work->db, NULL, NULL, &damages);
        /* A file that cannot be read counts as damaged. */
        if (work->expected == BYRON_OK)
            ck_assert_uint_eq(damages, 0);
        break;
    default:
        work->step = "estimate";
        status = byron_estimate(work->db, &range, &rows, &bytes);
    }
    status = judge(work, status);
}

static byron_status host_syncs(void *context)
{
    struct workload *work = context;
    work->row_safe = work->newest;
    return BYRON_OK;
}

byron_status workload_open(struct workload *work)
{
    work->options.os = memfs_os(work->fs);
    work->options.create = work->newest == 0;
    work->options.commit_point =
        work->has_host ? &work->points[work->newest] : NULL;
    byron_status status =
        judge(work, byron_open("store", &work->options, &work->db));
    if (status != BYRON_OK)
        work->db = NULL;
    return status;
}

void workload_close(struct workload *work)
{
    byron_snapshot_close(work->held);
    work->held = NULL;
    if (work->db)
        ck_assert_int_eq(byron_close(work->db), BYRON_OK);
    work->db = NULL;
}

#define NOT_FOUND SIZE_MAX
static size_t find_state(struct workload *work, byron_db *db, size_t low);

static void step_reopen(struct workload *work)
{
    work->step = "open";
    workload_close(work);
    if (workload_open(work) != BYRON_OK)
        return;
    if (work->maybe_count > 0) {
        size_t found = find_state(work, work->db, work->newest);
        if (found == NOT_FOUND) { /* Reading failed: next time, then. */
            workload_close(work);
            return;
        }
        work->newest = found;
    }
    /* A sync that failed may have lost bytes that can still be read, and nobody
     * can know it now: what is to be safe is written anew, into tables. (Nor
     * is every failure told: an abort answers nothing.) */
    if (work->expected != BYRON_OK && work->newest > 0) {
        byron_status status = commit_something(work);
        if (status == BYRON_OK)
            status = judge(work, byron_flush(work->db));
    }
}

void workload_init(struct workload *work, uint64_t seed, bool has_host)
{
    memset(work, 0, sizeof *work);
    rng_init(&work->rng, seed);
    work->fs = memfs_new(seed);
    memfs_use_virtual_time(work->fs);
    store_model_init(&work->model, &work->rng, 1500);
    work->model.next_value = 100;
    store_model_options(&work->rng, &work->options);
    work->options.inline_work = true;
    work->has_host = has_host;
    work->step = "begin";
    if (has_host) {
        work->options.barrier = host_syncs;
        work->options.barrier_context = work;
    }
}

void workload_deinit(struct workload *work)
{
    workload_close(work);
    memfs_free(work->fs);
    store_model_deinit(&work->model);
}

void workload_run(struct workload *work, int steps)
{
    for (int i = 0; i < steps; i++) {
        uint64_t what = rng_below(&work->rng, 20);
        memfs_advance(work->fs, 100000);
        if (!work->db || what == 0)
            step_reopen(work);
        else if (what < 3)
            step_hold(work);
        else if (what < 6)
            step_read(work);
        else if (what < 10)
            step_maintain(work);
        else
            step_commit(work);
    }
}

/* --- afterwards ---------------------------------------------------------- */

static byron_status open_copy(struct workload *work, struct memfs *fs,
                              size_t row, byron_db **out)
{
    struct byron_options options = work->options;
    options.os = memfs_os(fs);
    options.create = false;
    options.barrier = NULL;
    options.commit_point = work->has_host ? &work->points[row] : NULL;
    return byron_open("store", &options, out);
}

/* Which state db shows: one of [low, newest], or a commit that failed, which
 * is then the newest. */
static size_t find_state(struct workload *work, byron_db *db, size_t low)
{
    for (size_t i = work->newest + 1; i-- > low;)
        if (store_model_is(&work->model, db, &work->states[i]))
            return i;
    for (size_t i = work->maybe_count; i-- > 0;)
        if (work->maybe_base[i] >= low &&
            store_model_is(&work->model, db, &work->maybe[i])) {
            work->states[work->newest + 1] = work->maybe[i];
            return work->newest + 1;
        }
    return NOT_FOUND;
}

static size_t find_newest(struct workload *work, byron_db *db, size_t low)
{
    size_t found = find_state(work, db, low);
    if (found != NOT_FOUND)
        return found;
    ck_abort_msg(
        "%s: %s: no commit from %zu to %zu is there; first failure: %s",
        work->name, work->step, low, work->newest, work->first_failure.words);
    return 0;
}

static void check_power_cut(struct workload *work, enum memfs_crash mode)
{
    struct memfs *image =
        memfs_crash_clone(work->fs, mode, rng_next(&work->rng));
    struct byron_error error;
    byron_db *db;
    byron_status status = open_copy(work, image, work->row_safe, &db);
    /* Cut off before the store was made. */
    bool is_empty = status == BYRON_MISSING && work->safe == 0;
    byron_last_error(&error);
    ck_assert_msg(status == BYRON_OK || is_empty,
                  "%s: %s, then power cut (%s): %s; first failure: %s",
                  work->name, work->step, memfs_crash_name(mode), error.words,
                  work->first_failure.words);
    if (status == BYRON_OK) {
        size_t found = find_newest(work, db, work->safe);
        (void)found;
        ck_assert_int_eq(byron_close(db), BYRON_OK);
    }
    memfs_free(image);
}

struct file_count {
    uint64_t tables, manifests, logs;
};

static void count_file(void *context, const char *path)
{
    struct file_count *count = context;
    const char *name = strrchr(path, '/') + 1;
    count->tables += strncmp(name, "S-", 2) == 0;
    count->manifests += strncmp(name, "M-", 2) == 0;
    count->logs += strncmp(name, "W-", 2) == 0;
}

/* Every file of the store is one that the store knows. */
static void check_no_stray_file(struct workload *work)
{
    struct byron_stats stats;
    struct file_count count = {0};
    uint64_t tables = 0;
    byron_stats(work->db, &stats);
    memfs_list(work->fs, count_file, &count);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        tables += stats.level[i].files;
    bool is_exact = count.tables == tables && count.manifests == 1 &&
                    count.logs == stats.wal_files;
    if (!is_exact)
        memfs_dump(work->fs, stdout);
    ck_assert_msg(
        is_exact,
        "%s: %llu tables for %llu, %llu manifests, %llu logs for "
        "%llu; first failure: %s",
        work->name, (unsigned long long)count.tables,
        (unsigned long long)tables, (unsigned long long)count.manifests,
        (unsigned long long)count.logs, (unsigned long long)stats.wal_files,
        work->first_failure.words);
}

/* The store goes on: writes, flush, compaction, and no damage. */
static void check_goes_on(struct workload *work)
{
    uint64_t damages;
    byron_status status;
    TRY_JUDGED(commit_something(work));
    TRY_JUDGED(byron_flush(work->db));
    TRY_JUDGED(byron_compact(work->db, NULL));
    TRY_JUDGED(byron_settle(work->db));
    workload_check_newest(work);
    TRY_JUDGED(byron_verify(work->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    check_no_stray_file(work);
out:
    return;
}

void workload_check_aftermath(struct workload *work)
{
    work->expected = BYRON_OK;
    check_power_cut(work, MEMFS_DROP_UNSYNCED);
    check_power_cut(
        work,
        (enum memfs_crash)(2 + rng_below(&work->rng, MEMFS_CRASH_COUNT - 2)));
    work->step = "reopen afterwards";
    byron_status status = workload_open(work);
    ck_assert_int_eq(status, BYRON_OK);
    work->newest = find_newest(work, work->db, work->newest);
    workload_check_newest(work);
    work->step = "going on";
    check_goes_on(work);
    workload_close(work);
    check_power_cut(work, MEMFS_DROP_UNSYNCED);
    ck_assert_uint_eq(memfs_open_count(work->fs), 0);
}
