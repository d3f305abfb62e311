/*
 * fuzz_open: any bytes as the files of a store, and as the row of its host.
 * Whatever they are, opening, reading, checking and writing on end, and leave
 * nothing behind; until something is written, nothing is.
 *
 * Input: support/planted.h. Built as the other fuzzers, checksums of blocks
 * pass.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "support/memfs_inspect.h"
#include "support/planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define STEPS_MAX 2000

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What it answers is judged by nobody: the bytes may be of any store. */
static void ignore(byron_status status)
{
    (void)status;
}

static void touch(struct byron_bytes bytes)
{
    static volatile uint8_t sum;

    for (size_t i = 0; i < bytes.size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes.data)[i]);
}

/* To the end, and back. */
static void scan(byron_cursor *cursor)
{
    struct byron_bytes value;
    byron_status status = byron_cursor_first(cursor);
    int steps = 0;

    while (status == BYRON_OK && byron_cursor_valid(cursor) &&
           steps++ < STEPS_MAX) {
        touch(byron_cursor_key(cursor));
        if (byron_cursor_value(cursor, &value) == BYRON_OK)
            touch(value);
        status = byron_cursor_next(cursor);
    }
    status = byron_cursor_last(cursor);
    while (status == BYRON_OK && byron_cursor_valid(cursor) && steps-- > 0) {
        touch(byron_cursor_key(cursor));
        status = byron_cursor_prev(cursor);
    }
}

static void read_all(byron_db *db)
{
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    uint64_t damages;

    if (byron_snapshot_open(db, &snapshot) != BYRON_OK)
        return;
    if (byron_cursor_open(snapshot, NULL, NULL, &cursor) == BYRON_OK) {
        scan(cursor);
        byron_cursor_close(cursor);
    }
    for (unsigned i = 0; i < 32; i++) {
        uint8_t key = (uint8_t)(i * 8);
        struct byron_value value;

        if (byron_get(db, NULL, (struct byron_bytes){&key, i % 4 > 0},
                      &value) == BYRON_OK)
            touch((struct byron_bytes){value.data, value.size});
        byron_value_release(&value);
    }
    byron_snapshot_close(snapshot);
    ignore(byron_verify(db, NULL, NULL, &damages));
}

static void write_on(byron_db *db)
{
    struct byron_op ops[3] = {
        {.kind = BYRON_OP_PUT, .key = {"a", 1}, .value = {"1", 1}},
        {.kind = BYRON_OP_DELETE, .key = {"b", 1}},
        {.kind = BYRON_OP_DELETE_RANGE, .key = {"c", 1}, .value = {"d", 1}},
    };

    ignore(byron_write(db, ops, 3, true));
    ignore(byron_flush(db));
    ignore(byron_compact(db, NULL));
    ignore(byron_settle(db));
    read_all(db);
}

static void open_store(struct planted *planted, bool is_writing)
{
    uint64_t writes = memfs_calls(planted->fs, MEMFS_WRITES);
    struct byron_options options = {
        .memory = 1 << 20,
        .memtable = 4096,
        .file_size = 4096,
        .block_size = 512,
        .fanout = 2,
        .inline_work = true,
        .map_files = is_writing,
        .commit_point = planted->has_row ? &planted->point : NULL,
        .carried = planted_carried(planted),
        .os = memfs_os(planted->fs),
    };
    byron_db *db;

    if (byron_open("store", &options, &db) != BYRON_OK)
        return;
    read_all(db);
    require(memfs_calls(planted->fs, MEMFS_WRITES) == writes);
    if (is_writing)
        write_on(db);
    ignore(byron_close(db));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct planted planted;
    size_t live = alloc_live();

    planted_init(&planted, slice_of(bytes, size));
    open_store(&planted, false);
    open_store(&planted, true);
    open_store(&planted, true);
    require(memfs_open_count(planted.fs) == 0);
    planted_deinit(&planted);
    require(alloc_live() == live);
    return 0;
}
