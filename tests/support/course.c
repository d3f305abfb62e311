#include "support/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/memfs.h"
#include "support/store_model.h"

#define SNAPSHOTS 3
#define MARKS     6
#define BATCH     12

struct course {
    const uint8_t *bytes;
    size_t size, at;
    struct memfs *fs;
    bool is_fixed; /* The options were given, and stay. */
    struct byron_options options;
    byron_db *db;
    struct model_state state; /* Of the newest commit. */
    byron_snapshot *snapshots[SNAPSHOTS];
    struct model_state seen[SNAPSHOTS];
    byron_txn *txn; /* NULL: none is open. */
    struct model_state writes;
    uint64_t marks[MARKS];
    struct model_state marked[MARKS];
    size_t mark_count;
    struct model_walk walk;
    int walked;       /* The snapshot that walk is over; -1: the transaction. */
    bool is_prepared; /* The open transaction. */
    bool is_doubtful; /* One was given up that had been: a cut may revive it. */
    bool is_all_safe; /* A power cut takes no commit back. */
    unsigned copies;
};

/* The keys, and the numbers of values. */
static struct store_model model;
static const char *course_name;

static void fail(const char *what)
{
    struct byron_error error;

    byron_last_error(&error);
    fprintf(stderr, "%s: %s (last error: %s)\n", course_name, what,
            error.words);
    abort();
}

#define REQUIRE(holds)   ((holds) ? (void)0 : fail(#holds))
#define REQUIRE_OK(call) REQUIRE((call) == BYRON_OK)

static unsigned next(struct course *course)
{
    return course->at < course->size ? course->bytes[course->at++] : 0;
}

/* Chance, as two bytes say. */
static struct rng next_rng(struct course *course)
{
    struct rng rng;
    unsigned low = next(course);

    rng_init(&rng, low | next(course) << 8);
    return rng;
}

static size_t next_key(struct course *course)
{
    return next(course) % MODEL_KEYS;
}

static uint32_t next_value(bool is_large)
{
    if (is_large)
        model.next_value += 6 - (model.next_value + 6) % 7;
    return model.next_value++;
}

/* --- opening ------------------------------------------------------------ */

static void choose_options(struct course *course)
{
    struct rng rng = next_rng(course);

    if (course->is_fixed)
        return;
    store_model_options(&rng, &course->options);
    course->options.inline_work = true;
    course->options.os = memfs_os(course->fs);
}

static void open_store(struct course *course)
{
    course->options.os = memfs_os(course->fs);
    model.os = course->options.os;
    REQUIRE_OK(byron_open("store", &course->options, &course->db));
}

static void end_walk(struct course *course)
{
    byron_cursor_close(course->walk.cursor);
    course->walk.cursor = NULL;
}

static void give_up(struct course *course)
{
    end_walk(course);
    byron_txn_abort(course->txn);
    course->is_doubtful |= course->is_prepared;
    course->txn = NULL;
    course->is_prepared = false;
}

static void close_store(struct course *course)
{
    give_up(course);
    for (size_t i = 0; i < SNAPSHOTS; i++) {
        byron_snapshot_close(course->snapshots[i]);
        course->snapshots[i] = NULL;
    }
    REQUIRE_OK(byron_close(course->db));
    course->db = NULL;
}

static void call_reopen(struct course *course)
{
    close_store(course);
    if (next(course) & 1)
        choose_options(course);
    open_store(course);
}

static void call_cut(struct course *course)
{
    unsigned mode = next(course) % MEMFS_CRASH_COUNT;
    struct memfs *image;

    if (course->is_doubtful || course->is_prepared)
        return;
    if (!course->is_all_safe)
        mode = MEMFS_KEEP_ALL;
    image = memfs_crash_clone(course->fs, (enum memfs_crash)mode, next(course));
    close_store(course);
    memfs_free(course->fs);
    course->fs = image;
    open_store(course);
}

/* --- writing ------------------------------------------------------------ */

static struct byron_range next_range(struct course *course, size_t *low,
                                     size_t *high)
{
    struct byron_range range;

    *low = next_key(course);
    *high = *low + next(course) % 64;
    if (*high >= MODEL_KEYS)
        *high = MODEL_KEYS - 1;
    range = (struct byron_range){model.keys[*low], model.keys[*high]};
    return range;
}

/* The op that the next bytes say, and what it makes of state. value is a copy's
 * room. */
static struct byron_op next_op(struct course *course, struct model_state *state,
                               struct byron_bytes *value)
{
    unsigned what = next(course);
    struct byron_op op = {.kind = BYRON_OP_PUT};
    struct rng rng;
    size_t low, high;
    uint32_t number;

    if (what % 16 == 0) {
        struct byron_range range = next_range(course, &low, &high);
        op.kind = BYRON_OP_DELETE_RANGE;
        op.key = range.lower;
        op.value = range.upper;
        for (size_t i = low; i < high; i++)
            state->values[i] = 0;
        return op;
    }
    low = next_key(course);
    op.key = model.keys[low];
    number = what % 16 < 5 ? 0 : next_value(what & 128);
    if (number == 0) {
        op.kind = BYRON_OP_DELETE;
    } else {
        *value = store_model_value(&model, number);
        op.value.data =
            memcpy(malloc(value->size + 1), value->data, value->size);
        op.value.size = value->size;
        *value = op.value;
    }
    if (number != 0 && what % 16 == 5) {
        rng = next_rng(course);
        op.expires_ms = store_model_expiry(&model, &rng);
    }
    state->values[low] = number;
    state->expires_ms[low] = op.expires_ms;
    return op;
}

static byron_status write_in(byron_txn *txn, const struct byron_op *op)
{
    struct byron_range range = {op->key, op->value};

    if (op->kind == BYRON_OP_DELETE_RANGE)
        return byron_txn_delete_range(txn, &range);
    if (op->kind == BYRON_OP_DELETE)
        return byron_txn_delete(txn, op->key);
    return op->expires_ms
               ? byron_txn_put_until(txn, op->key, op->value, op->expires_ms)
               : byron_txn_put(txn, op->key, op->value);
}

static void committed(struct course *course, const struct model_state *state,
                      bool is_sync)
{
    course->state = *state;
    course->state.now_ms = 0;
    course->is_doubtful = false;
    course->is_all_safe = is_sync;
}

/* Into the open transaction, or a commit of their own. */
static void write_ops(struct course *course, size_t count)
{
    struct byron_op ops[BATCH];
    struct byron_bytes values[BATCH] = {{0}};
    struct model_state state = course->state;
    bool is_sync = next(course) % 8 == 0;

    for (size_t i = 0; i < count; i++)
        ops[i] =
            next_op(course, course->txn ? &course->writes : &state, &values[i]);
    if (course->txn) {
        for (size_t i = 0; i < count; i++)
            REQUIRE_OK(write_in(course->txn, &ops[i]));
    } else {
        REQUIRE_OK(byron_write(course->db, ops, count, is_sync));
        committed(course, &state, is_sync);
    }
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)values[i].data);
}

/* Many keys in their order, as a load has them. */
static void call_load(struct course *course)
{
    size_t key = next_key(course);
    size_t count = 20 + next(course);

    if (!course->txn)
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = next_value(i % 4 == 0);
        struct byron_bytes value = store_model_value(&model, number);
        REQUIRE_OK(byron_txn_put(course->txn, model.keys[key], value));
        course->writes.values[key] = number;
        course->writes.expires_ms[key] = 0;
        key = (key + 1) % MODEL_KEYS;
    }
}

static void call_begin(struct course *course)
{
    if (course->txn)
        return;
    REQUIRE_OK(byron_begin(course->db, 0, &course->txn));
    course->writes = course->state;
    course->writes.now_ms = byron_time(NULL, course->txn);
    course->mark_count = 0;
}

static void call_commit(struct course *course)
{
    bool is_sync = next(course) & 1;

    if (!course->txn)
        return;
    if (course->walk.cursor && course->walked < 0)
        end_walk(course);
    REQUIRE_OK(byron_txn_commit(course->txn, is_sync));
    course->txn = NULL;
    course->is_prepared = false;
    committed(course, &course->writes, is_sync);
}

static void call_prepare(struct course *course)
{
    struct byron_commit_point point;
    unsigned flags = BYRON_PREPARE_OWN;

    if (!course->txn)
        return;
    if (next(course) & 1)
        flags |= BYRON_PREPARE_SYNC;
    REQUIRE_OK(byron_txn_prepare(course->txn, flags, &point));
    course->is_prepared = true;
}

static void call_mark(struct course *course)
{
    if (!course->txn || course->mark_count == MARKS)
        return;
    course->marks[course->mark_count] = byron_txn_mark(course->txn);
    course->marked[course->mark_count++] = course->writes;
}

static void call_rollback(struct course *course)
{
    unsigned to = next(course);

    if (!course->txn || course->mark_count == 0)
        return;
    if (course->walk.cursor && course->walked < 0)
        end_walk(course);
    to %= (unsigned)course->mark_count;
    course->mark_count = to;
    byron_txn_rollback_to(course->txn, course->marks[to]);
    course->writes = course->marked[to];
}

/* --- reading ------------------------------------------------------------ */

static void call_snapshot(struct course *course)
{
    size_t i = next(course) % SNAPSHOTS;

    if (course->snapshots[i]) {
        if (course->walk.cursor && course->walked == (int)i)
            end_walk(course);
        REQUIRE(store_model_check_scan(&model, course->snapshots[i], NULL,
                                       &course->seen[i], i & 1));
        byron_snapshot_close(course->snapshots[i]);
        course->snapshots[i] = NULL;
        return;
    }
    REQUIRE_OK(byron_snapshot_open(course->db, &course->snapshots[i]));
    course->seen[i] = course->state;
    course->seen[i].now_ms = byron_time(course->snapshots[i], NULL);
}

/* Whom the next byte makes a reader: the transaction, a snapshot, or both NULL:
 * a snapshot of now, which the caller has to make. */
static const struct model_state *next_reader(struct course *course,
                                             byron_snapshot **snapshot,
                                             byron_txn **txn, int *number)
{
    unsigned which = next(course) % (SNAPSHOTS + 2);

    *snapshot = NULL;
    *txn = NULL;
    *number = -1;
    if (which < SNAPSHOTS && course->snapshots[which]) {
        *snapshot = course->snapshots[which];
        *number = (int)which;
        return &course->seen[which];
    }
    *txn = course->txn;
    return course->txn ? &course->writes : &course->state;
}

static void call_get(struct course *course)
{
    byron_snapshot *snapshot;
    byron_txn *txn;
    int number;
    const struct model_state *state =
        next_reader(course, &snapshot, &txn, &number);

    REQUIRE(store_model_check_get(&model, course->db, snapshot, txn, state,
                                  next_key(course)));
}

static void call_multi_get(struct course *course)
{
    struct byron_bytes keys[BATCH] = {{0}};
    struct byron_value values[BATCH];
    bool is_there[BATCH];
    size_t numbers[BATCH];
    size_t count = next(course) % (BATCH + 1);

    for (size_t i = 0; i < count; i++) {
        numbers[i] = next_key(course);
        keys[i] = model.keys[numbers[i]];
    }
    REQUIRE_OK(
        byron_multi_get(course->db, NULL, count, keys, values, is_there));
    for (size_t i = 0; i < count; i++) {
        uint32_t wanted = store_model_shown(&model, &course->state, numbers[i]);
        struct byron_bytes bytes = store_model_value(&model, wanted);
        REQUIRE(is_there[i] == (wanted != 0));
        REQUIRE(wanted == 0 ||
                (values[i].size == bytes.size &&
                 memcmp(values[i].data, bytes.data, bytes.size) == 0));
        byron_value_release(&values[i]);
    }
}

static void call_scan(struct course *course)
{
    byron_snapshot *snapshot;
    byron_snapshot *own = NULL;
    byron_txn *txn;
    int number;
    const struct model_state *state =
        next_reader(course, &snapshot, &txn, &number);

    if (!snapshot && !txn) {
        REQUIRE_OK(byron_snapshot_open(course->db, &own));
        snapshot = own;
    }
    REQUIRE(
        store_model_check_scan(&model, snapshot, txn, state, next(course) & 1));
    byron_snapshot_close(own);
}

/* A cursor that stays open over what follows. */
static void call_walk(struct course *course)
{
    byron_snapshot *snapshot;
    byron_txn *txn;
    int number;
    const struct model_state *state =
        next_reader(course, &snapshot, &txn, &number);
    struct rng rng = next_rng(course);

    if (!snapshot && !txn)
        return;
    if (!course->walk.cursor)
        course->walked = number;
    REQUIRE(store_model_check_walk(&model, &rng, snapshot, txn, state,
                                   &course->walk));
}

/* --- maintenance -------------------------------------------------------- */

/* What is committed is flushed beside an open transaction; while one is
 * prepared the log is not free. */
static void call_flush(struct course *course)
{
    static const struct byron_patience none;
    byron_status status = byron_flush_within(course->db, &none);

    REQUIRE(status == (course->is_prepared ? BYRON_BUSY : BYRON_OK));
    course->is_all_safe |= status == BYRON_OK;
}

static void call_compact(struct course *course)
{
    static const struct byron_patience none;
    size_t low, high;
    bool is_whole = next(course) & 1;
    struct byron_range range = next_range(course, &low, &high);
    byron_status status =
        byron_compact_within(course->db, is_whole ? NULL : &range, &none);

    REQUIRE(status == (course->is_prepared ? BYRON_BUSY : BYRON_OK));
}

static void call_maintain(struct course *course)
{
    struct byron_range range = {0};
    uint64_t damages = 0;
    uint64_t rows, size;
    unsigned what = next(course);

    if (course->txn)
        return;
    if (what % 3 == 0)
        REQUIRE_OK(byron_settle(course->db));
    else if (what % 3 == 1)
        REQUIRE_OK(byron_verify(course->db, NULL, NULL, &damages));
    else
        REQUIRE_OK(byron_estimate(course->db, &range, &rows, &size));
    REQUIRE(damages == 0);
}

static void call_options(struct course *course)
{
    choose_options(course);
    REQUIRE_OK(byron_set_options(course->db, &course->options));
}

/* A copy of what a snapshot shows is a store that shows the same. */
static void call_copy(struct course *course)
{
    struct byron_options options = course->options;
    unsigned i = next(course) % SNAPSHOTS;
    byron_snapshot *shown;
    byron_db *copy;
    char path[32];

    if (!course->snapshots[i] || course->is_prepared || course->copies > 3)
        return;
    snprintf(path, sizeof path, "copy %u", course->copies++);
    REQUIRE_OK(byron_copy(course->snapshots[i], path, NULL, NULL));
    options.create = false;
    REQUIRE_OK(byron_open(path, &options, &copy));
    REQUIRE_OK(byron_snapshot_open(copy, &shown));
    course->seen[i].now_ms = byron_time(course->snapshots[i], NULL);
    if (course->seen[i].now_ms == byron_time(shown, NULL))
        REQUIRE(store_model_check_scan(&model, shown, NULL, &course->seen[i],
                                       false));
    byron_snapshot_close(shown);
    REQUIRE_OK(byron_close(copy));
}

static void call_wait(struct course *course)
{
    unsigned how_long = next(course);

    memfs_advance(course->fs, how_long & 128 ? 70000000u : how_long * 1000u);
}

static void call(struct course *course)
{
    static void (*const calls[])(struct course *) = {
        call_begin, call_load,      call_commit,   call_commit,   call_prepare,
        call_mark,  call_rollback,  give_up,       call_snapshot, call_get,
        call_get,   call_multi_get, call_scan,     call_walk,     call_walk,
        call_flush, call_compact,   call_maintain, call_options,  call_reopen,
        call_cut,   call_copy,      call_wait,
    };
    unsigned what = next(course) % 40;

    if (what < sizeof calls / sizeof *calls)
        calls[what](course);
    else if (what < 38)
        write_ops(course, 1);
    else
        write_ops(course, 1 + next(course) % BATCH);
}

/* What is left in the end, before and after another opening, and once all of it
 * lies in one run. */
static void check_end(struct course *course)
{
    uint64_t damages = 0;

    give_up(course);
    for (int round = 0; round < 3; round++) {
        byron_snapshot *snapshot;
        for (size_t i = 0; i < MODEL_KEYS; i++)
            REQUIRE(store_model_check_get(&model, course->db, NULL, NULL,
                                          &course->state, i));
        REQUIRE_OK(byron_snapshot_open(course->db, &snapshot));
        for (int i = 0; i < 2; i++)
            REQUIRE(store_model_check_scan(&model, snapshot, NULL,
                                           &course->state, i == 1));
        byron_snapshot_close(snapshot);
        REQUIRE_OK(byron_verify(course->db, NULL, NULL, &damages));
        REQUIRE(damages == 0);
        if (round == 0) {
            close_store(course);
            open_store(course);
        } else if (round == 1) {
            REQUIRE_OK(byron_compact(course->db, NULL));
        }
    }
}

void course_run(const char *name, const uint8_t *bytes, size_t size,
                const struct byron_options *options)
{
    static struct course course;
    size_t live = alloc_live();
    struct rng rng;

    if (!model.keys[0].data) {
        rng_init(&rng, 1);
        store_model_init(&model, &rng, 3000);
    }
    model.next_value = 1;
    course_name = name;
    memset(&course, 0, sizeof course);
    course.bytes = bytes;
    course.size = size;
    course.fs = memfs_new(1);
    memfs_use_virtual_time(course.fs);
    course.is_fixed = options != NULL;
    if (options)
        course.options = *options;
    course.options.create = true;
    choose_options(&course);
    open_store(&course);
    for (int i = 0; i < COURSE_CALLS && course.at < course.size; i++)
        call(&course);
    check_end(&course);
    close_store(&course);
    memfs_free(course.fs);
    REQUIRE(alloc_live() == live);
}
