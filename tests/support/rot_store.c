#include "support/rot_store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs_inspect.h"

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

/* --- making it ----------------------------------------------------------- */

byron_status rot_store_open(struct rot_store *rot, struct memfs *fs,
                            byron_db **out)
{
    struct byron_options options = rot->options;
    options.os = memfs_os(fs);
    options.commit_point = rot->has_host ? &rot->point : NULL;
    return byron_open("store", &options, out);
}

/* keys [first, first + count), stepping over some, as the next commit. */
static void commit(struct rot_store *rot, byron_db *db, size_t first,
                   size_t step, bool is_sync)
{
    byron_txn *txn;
    struct model_state *state = &rot->states[0];
    unsigned flags = (is_sync ? BYRON_PREPARE_SYNC : 0u) |
                     (rot->has_host ? 0u : BYRON_PREPARE_OWN);
    CHECK_OK(byron_begin(db, 0, &txn));
    /* A few neighbours at once, somewhere. */
    size_t low = 11 * (rot->model.next_value % 20);
    struct byron_range range = {rot->model.keys[low], rot->model.keys[low + 7]};
    CHECK_OK(byron_txn_delete_range(txn, &range));
    for (size_t key = low; key < low + 7; key++)
        state->values[key] = 0;
    for (size_t key = first; key < MODEL_KEYS; key += step) {
        uint32_t number = rot->model.next_value++;
        struct byron_bytes bytes = rot->model.keys[key];
        if (number % 5 == 0) {
            CHECK_OK(byron_txn_delete(txn, bytes));
            number = 0;
        } else {
            uint64_t expires_ms = number % 7 == 0 ? UINT64_MAX / 2 : 0;
            CHECK_OK(byron_txn_put_until(txn, bytes,
                                         store_model_value(&rot->model, number),
                                         expires_ms));
        }
        ck_assert_uint_lt(number, ROT_WRITES);
        rot->written[number] = (uint16_t)key;
        state->values[key] = number;
    }
    CHECK_OK(byron_txn_prepare(txn, flags, &rot->point));
    byron_txn_publish(txn);
}

/* Into the last log: the states before it may be all that a cut leaves. */
static void next_commit(struct rot_store *rot, byron_db *db, size_t first,
                        bool is_sync)
{
    memmove(&rot->states[1], &rot->states[0],
            (ROT_STATES - 1) * sizeof rot->states[0]);
    commit(rot, db, first, 90, is_sync);
}

static void reopen(struct rot_store *rot, byron_db **db)
{
    CHECK_OK(byron_close(*db));
    CHECK_OK(rot_store_open(rot, rot->fs, db));
}

static void note_file(void *context, const char *path)
{
    struct rot_store *rot = context;
    ck_assert_uint_lt(rot->file_count, ROT_FILES);
    struct rot_file *file = &rot->files[rot->file_count++];
    snprintf(file->path, sizeof file->path, "%s", path);
    memfs_read_all(rot->fs, path, &file->bytes);
    for (file->used = file->bytes.size; file->used > 0; file->used--)
        if (file->bytes.data[file->used - 1] != 0)
            break;
}

static bool is_equal(const struct buf *a, const struct buf *b)
{
    return slice_compare(buf_slice(a), buf_slice(b)) == 0;
}

/* What the file holds now is a version of it, unless it was before. */
static void note_version(void *context, const char *path)
{
    struct rot_store *rot = context;
    ck_assert_uint_lt(rot->version_count, ROT_VERSIONS);
    struct rot_version *version = &rot->versions[rot->version_count];
    size_t last = rot->version_count;
    snprintf(version->path, sizeof version->path, "%s", path);
    ck_assert(memfs_read_all(rot->fs, path, &version->bytes));
    while (last > 0 && strcmp(rot->versions[last - 1].path, path) != 0)
        last--;
    if (last > 0 && is_equal(&rot->versions[last - 1].bytes, &version->bytes))
        buf_deinit(&version->bytes);
    else
        rot->version_count++;
}

static void note_versions(struct rot_store *rot)
{
    memfs_list(rot->fs, note_version, rot);
}

/* The files as they are now; what they hold is no older version. */
static void note_files(struct rot_store *rot)
{
    size_t kept = 0;
    for (size_t i = 0; i < rot->file_count; i++)
        buf_deinit(&rot->files[i].bytes);
    memset(rot->files, 0, sizeof rot->files);
    rot->file_count = 0;
    memfs_list(rot->fs, note_file, rot);
    for (size_t i = 0; i < rot->version_count; i++) {
        struct rot_version *version = &rot->versions[i];
        const struct rot_file *file = rot_store_find(rot, version->path);
        if (file && is_equal(&file->bytes, &version->bytes)) {
            buf_deinit(&version->bytes);
        } else {
            struct rot_version moved = *version;
            memset(version, 0, sizeof *version);
            rot->versions[kept++] = moved;
        }
    }
    rot->version_count = kept;
}

/* Levels by flushes of ever fewer keys, and commits that stay in logs. */
static void fill(struct rot_store *rot)
{
    byron_db *db;
    struct byron_stats stats;
    size_t levels = 0;
    rot->options.create = true;
    CHECK_OK(rot_store_open(rot, rot->fs, &db));
    rot->options.create = false;
    for (size_t round = 0; round < 6; round++) {
        commit(rot, db, 0, 1, false);
        note_versions(rot);
        CHECK_OK(byron_settle(db));
        memfs_advance(rot->fs, 1000000);
        note_versions(rot);
    }
    for (size_t step = 3; step < 8; step++) {
        commit(rot, db, step, step, false);
        note_versions(rot);
        CHECK_OK(byron_flush(db));
        memfs_advance(rot->fs, 1000000);
        note_versions(rot);
    }
    byron_stats(db, &stats);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        levels += stats.level[i].files > 0;
    ck_assert_uint_ge(levels, 3);
    commit(rot, db, 1, 60, true);
    note_versions(rot);
    reopen(rot, &db);
    next_commit(rot, db, 2, false);
    note_versions(rot);
    next_commit(rot, db, 4, true);
    if (!rot->has_host) {
        next_commit(rot, db, 5, false);
        next_commit(rot, db, 6, false);
    }
    rot->state_count = rot->has_host ? 1 : 3;
    rot->state_count_cut = rot->has_host ? 1 : ROT_STATES;
    CHECK_OK(byron_close(db));
    note_files(rot);
}

void rot_store_init(struct rot_store *rot, bool has_host)
{
    struct rng rng;
    memset(rot, 0, sizeof *rot);
    rng_init(&rng, 7);
    rot->fs = memfs_new(7);
    memfs_use_virtual_time(rot->fs);
    rot->has_host = has_host;
    store_model_init(&rot->model, &rng, has_host ? 150 : 600);
    rot->options = (struct byron_options){
        .memory = 1 << 20,
        .memtable = 4096,
        .cache = 1 << 16,
        .file_size = 4096,
        .block_size = 512,
        .fanout = 2,
        .inline_work = true,
        .retain_ms = 1,
        .compression =
            has_host ? BYRON_COMPRESSION_NONE : BYRON_COMPRESSION_DEFAULT,
        .map_files = has_host,
        .hash_index = has_host ? BYRON_HASH_INDEX_OFF : BYRON_HASH_INDEX_ON,
    };
    fill(rot);
}

void rot_store_deinit(struct rot_store *rot)
{
    for (size_t i = 0; i < rot->file_count; i++)
        buf_deinit(&rot->files[i].bytes);
    for (size_t i = 0; i < rot->version_count; i++)
        buf_deinit(&rot->versions[i].bytes);
    memfs_free(rot->fs);
    store_model_deinit(&rot->model);
}

void rot_store_remove(struct memfs *fs, const char *path)
{
    struct byron_os *os = memfs_os(fs);
    struct os_dir *dir;
    CHECK_OK(os->dir_open(os, "store", false, &dir));
    CHECK_OK(os->file_remove(dir, strrchr(path, '/') + 1));
    os->dir_close(dir);
}

void rot_store_restore(struct rot_store *rot, const struct rot_file *file)
{
    memfs_write_all(rot->fs, file->path, buf_slice(&file->bytes));
}

const struct rot_file *rot_store_find(const struct rot_store *rot,
                                      const char *path)
{
    for (size_t i = 0; i < rot->file_count; i++)
        if (strcmp(rot->files[i].path, path) == 0)
            return &rot->files[i];
    return NULL;
}

const struct rot_version *rot_store_older(const struct rot_store *rot,
                                          const struct rot_file *file,
                                          size_t nth)
{
    for (size_t i = rot->version_count; i > 0; i--)
        if (strcmp(rot->versions[i - 1].path, file->path) == 0 && nth-- == 0)
            return &rot->versions[i - 1];
    return NULL;
}

/* Commits that go into tables, and a last one that stays in a log. Versions are
 * noted where it is rot's own file system. */
static void write_on(struct rot_store *rot, struct memfs *fs, size_t first)
{
    byron_db *db;
    CHECK_OK(rot_store_open(rot, fs, &db));
    for (size_t round = 0; round < 4; round++) {
        commit(rot, db, first + round, 2, false);
        CHECK_OK(byron_flush(db));
        memfs_advance(fs, 1000000);
        if (fs == rot->fs)
            note_versions(rot);
    }
    memmove(&rot->states[1], &rot->states[0],
            (ROT_STATES - 1) * sizeof rot->states[0]);
    commit(rot, db, first, 70, true);
    CHECK_OK(byron_close(db));
}

void rot_store_write_on(struct rot_store *rot)
{
    write_on(rot, rot->fs, 0);
    /* What a flush made safe stays. Without a host nobody but the last log
     * knows of the last commit. */
    rot->state_count = 1;
    rot->state_count_cut = rot->has_host ? 1 : 2;
    note_files(rot);
}

struct memfs *rot_store_fork(struct rot_store *rot)
{
    /* With another seed: other salts and uids. */
    struct memfs *other = memfs_crash_clone(rot->fs, MEMFS_KEEP_ALL, 99);
    struct byron_commit_point point = rot->point;
    struct model_state states[ROT_STATES];
    memcpy(states, rot->states, sizeof states);
    write_on(rot, other, 1);
    memcpy(rot->states, states, sizeof states);
    rot->point = point;
    rot_store_write_on(rot);
    return other;
}

bool rot_store_was_put(const struct rot_store *rot, size_t key,
                       struct byron_bytes value)
{
    for (uint32_t number = 1; number < rot->model.next_value; number++) {
        struct byron_bytes wanted;

        if (rot->written[number] != key || number % 5 == 0)
            continue;
        wanted = store_model_value(&rot->model, number);
        if (wanted.size == value.size &&
            memcmp(wanted.data, value.data, value.size) == 0)
            return true;
    }
    return false;
}

/* Check notes the place of each of its assertions in a file: too slow here. */
#define REQUIRE(condition, ...)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg(__VA_ARGS__);                                         \
    } while (0)

/* --- reading it ---------------------------------------------------------- */

/* A walk over all that can be read. */
struct reading {
    struct rot_store *rot;
    const char *what;
    struct rot_findings *out;
    bool is_possible[ROT_STATES];
};

static byron_status judge(struct reading *reading, byron_status status)
{
    struct byron_error error;
    byron_last_error(&error);
    if (status == BYRON_OK || status == BYRON_NOT_FOUND)
        return status;
    REQUIRE(status == BYRON_CORRUPT || status == BYRON_NEWER_FORMAT,
            "%s: status %s (%s)", reading->what, byron_status_words(status),
            error.words);
    REQUIRE(error.path[0] && strstr(error.words, error.path),
            "%s: no path in \"%s\"", reading->what, error.words);
    reading->out->errors++;
    return status;
}

/* The store says that key has these bytes (NULL: is absent). */
static void see(struct reading *reading, size_t key, const void *bytes,
                size_t size)
{
    struct rot_store *rot = reading->rot;
    bool is_any = false;
    uint32_t last = UINT32_MAX; /* Neighbouring states mostly agree. */
    bool is_same = false;
    for (size_t i = 0; i < ROT_STATES; i++) {
        uint32_t number = rot->states[i].values[key];
        if (!reading->is_possible[i])
            continue;
        if (number != last) {
            struct byron_bytes wanted = store_model_value(&rot->model, number);
            is_same = bytes ? number != 0 && wanted.size == size &&
                                  memcmp(wanted.data, bytes, size) == 0
                            : number == 0;
            last = number;
        }
        reading->is_possible[i] = is_same;
        is_any = is_any || is_same;
    }
    REQUIRE(is_any, "%s: wrong data at key %zu", reading->what, key);
}

static void get_all(struct reading *reading, byron_db *db)
{
    struct rot_store *rot = reading->rot;
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        struct byron_value value;
        byron_status status =
            judge(reading, byron_get(db, NULL, rot->model.keys[i], &value));
        reading->out->is_readable[i] =
            status == BYRON_OK || status == BYRON_NOT_FOUND;
        if (status == BYRON_OK)
            see(reading, i, value.data, value.size);
        if (status == BYRON_NOT_FOUND)
            see(reading, i, NULL, 0);
        byron_value_release(&value);
    }
}

static bool is_key(const struct rot_store *rot, size_t key,
                   struct byron_bytes bytes)
{
    return rot->model.keys[key].size == bytes.size &&
           memcmp(rot->model.keys[key].data, bytes.data, bytes.size) == 0;
}

/* The place of a key in the scan's order, at or after seen; else the end. */
static size_t find_place(const struct rot_store *rot, struct byron_bytes bytes,
                         size_t seen, bool is_backward)
{
    while (seen < MODEL_KEYS &&
           !is_key(rot, is_backward ? MODEL_KEYS - 1 - seen : seen, bytes))
        seen++;
    return seen;
}

/* A cursor that has failed fails on, or finds what is right. */
static void seek_on(struct reading *reading, byron_cursor *cursor)
{
    const struct byron_bytes *keys = reading->rot->model.keys;
    for (size_t key = 0; key < MODEL_KEYS; key += 31) {
        struct byron_bytes value;
        size_t place = MODEL_KEYS;
        if (judge(reading, byron_cursor_seek(cursor, keys[key])) != BYRON_OK)
            continue;
        if (byron_cursor_valid(cursor)) {
            place =
                find_place(reading->rot, byron_cursor_key(cursor), key, false);
            REQUIRE(place < MODEL_KEYS, "%s: a key that never was",
                    reading->what);
            if (judge(reading, byron_cursor_value(cursor, &value)) == BYRON_OK)
                see(reading, place, value.size ? value.data : "", value.size);
        }
        for (size_t i = key; i < place; i++)
            see(reading, i, NULL, 0);
    }
}

/* Keys that the cursor steps over are absent, up to where it fails. */
static void scan(struct reading *reading, byron_snapshot *snapshot,
                 bool is_backward)
{
    byron_cursor *cursor;
    size_t seen = 0; /* Keys so far, in the scan's order. */
    byron_status status =
        judge(reading, byron_cursor_open(snapshot, NULL, NULL, &cursor));
    if (status != BYRON_OK)
        return;
    status = judge(reading, is_backward ? byron_cursor_last(cursor)
                                        : byron_cursor_first(cursor));
    while (status == BYRON_OK && byron_cursor_valid(cursor)) {
        struct byron_bytes value;
        size_t place = find_place(reading->rot, byron_cursor_key(cursor), seen,
                                  is_backward);
        REQUIRE(place < MODEL_KEYS, "%s: a key that never was, or out of order",
                reading->what);
        size_t key = is_backward ? MODEL_KEYS - 1 - place : place;
        for (; seen < place; seen++)
            see(reading, is_backward ? MODEL_KEYS - 1 - seen : seen, NULL, 0);
        seen++;
        if (judge(reading, byron_cursor_value(cursor, &value)) == BYRON_OK)
            see(reading, key, value.size ? value.data : "", value.size);
        status = judge(reading, is_backward ? byron_cursor_prev(cursor)
                                            : byron_cursor_next(cursor));
    }
    REQUIRE(status == BYRON_OK || !byron_cursor_valid(cursor),
            "%s: a cursor that failed is valid", reading->what);
    for (; status == BYRON_OK && seen < MODEL_KEYS; seen++)
        see(reading, is_backward ? MODEL_KEYS - 1 - seen : seen, NULL, 0);
    if (status != BYRON_OK)
        seek_on(reading, cursor);
    byron_cursor_close(cursor);
}

static void expect_path(void *context, const char *words)
{
    struct reading *reading = context;
    REQUIRE(strstr(words, "store") != NULL, "%s: no path in \"%s\"",
            reading->what, words);
}

static void reading_init(struct reading *reading, struct rot_store *rot,
                         const char *what, struct rot_findings *out)
{
    *reading = (struct reading){.rot = rot, .what = what, .out = out};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < rot->state_count; i++)
        reading->is_possible[i] = true;
}

void rot_store_get_all(struct rot_store *rot, byron_db *db, const char *what,
                       struct rot_findings *out)
{
    struct reading reading;
    reading_init(&reading, rot, what, out);
    get_all(&reading, db);
}

void rot_store_read(struct rot_store *rot, struct memfs *fs, const char *what,
                    struct rot_findings *out)
{
    struct reading reading;
    byron_db *db;
    byron_snapshot *snapshot;
    uint64_t writes = memfs_calls(fs, MEMFS_WRITES);
    reading_init(&reading, rot, what, out);
    out->open_status = judge(&reading, rot_store_open(rot, fs, &db));
    if (out->open_status == BYRON_OK) {
        get_all(&reading, db);
        CHECK_OK(byron_snapshot_open(db, &snapshot));
        scan(&reading, snapshot, false);
        scan(&reading, snapshot, true);
        byron_snapshot_close(snapshot);
        CHECK_OK(byron_verify(db, expect_path, &reading, &out->damages));
        /* What a reader meets, verify finds as well. */
        REQUIRE(out->errors == 0 || out->damages > 0,
                "%s: verify finds nothing", what);
        CHECK_OK(byron_close(db));
    }
    REQUIRE(memfs_calls(fs, MEMFS_WRITES) == writes, "%s: reading has written",
            what);
    ck_assert_uint_eq(memfs_open_count(fs), 0);
}
