#include "support/log_fixture.h"

#include <stdlib.h>

#include "base/try.h"

/* What a test cannot go on without. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

void log_fixture_init_clone(struct log_fixture *log, struct memfs *fs)
{
    memset(log, 0, sizeof *log);
    log->fs = fs;
    log->os = memfs_os(fs);
    log->header = (struct log_header){.kind = FILE_WAL,
                                      .store_id = "a store of tests",
                                      .number = 7,
                                      .first_sequence = 1};
    require(log->os->dir_open(log->os, "store", true, &log->dir) == BYRON_OK);
}

void log_fixture_init(struct log_fixture *log, uint64_t seed)
{
    log_fixture_init_clone(log, memfs_new(seed));
}

void log_fixture_deinit(struct log_fixture *log)
{
    log->os->dir_close(log->dir);
    memfs_free(log->fs);
}

struct log_writer *log_fixture_create(struct log_fixture *log)
{
    struct log_writer *writer;
    require(log_writer_create(log->os, log->dir, &log->header, &writer) ==
            BYRON_OK);
    return writer;
}

void log_fixture_append(struct log_writer *writer, uint64_t sequence,
                        struct slice payload)
{
    require(log_writer_append(writer, RECORD_BATCH, sequence, &payload, 1) ==
            BYRON_OK);
}

void log_fixture_sync(struct log_writer *writer)
{
    require(log_writer_sync(writer) == BYRON_OK);
}

void log_fixture_fill(struct log_fixture *log, size_t count,
                      size_t synced_count)
{
    struct log_writer *writer = log_fixture_create(log);

    for (size_t i = 0; i < count; i++) {
        uint8_t payload[256];
        require(i < sizeof payload);
        memset(payload, (int)i + 1, i + 1);
        log_fixture_append(writer, i, slice_of(payload, i + 1));
        if (i < synced_count)
            log_fixture_sync(writer);
    }
    log_writer_close(writer);
}

bool log_fixture_is_filled(const struct log_record *record, size_t i)
{
    if (record->type != RECORD_BATCH || record->sequence != i ||
        record->payload.size != i + 1)
        return false;
    for (size_t at = 0; at <= i; at++)
        if (record->payload.data[at] != i + 1)
            return false;
    return true;
}

byron_status log_fixture_open(struct log_fixture *log, uint64_t end_at,
                              struct log_reader **out)
{
    return log_reader_open(log->os, log->dir, log->header.kind,
                           log->header.number, log->header.store_id, end_at,
                           out);
}

byron_status log_fixture_read(struct log_fixture *log, uint64_t end_at,
                              size_t *count)
{
    byron_status status;
    struct log_reader *reader = NULL;
    struct log_record record;
    bool found;

    *count = 0;
    TRY(log_fixture_open(log, end_at, &reader));
    for (;;) {
        TRY(log_reader_next(reader, &record, &found));
        if (!found)
            break;
        require(log_fixture_is_filled(&record, *count));
        ++*count;
    }
out:
    log_reader_close(reader);
    return status;
}

struct buf log_fixture_bytes(struct log_fixture *log)
{
    struct buf bytes = {0};
    require(memfs_read_all(log->fs, LOG_FIXTURE_PATH, &bytes));
    return bytes;
}

void log_fixture_replace(struct log_fixture *log, struct slice bytes)
{
    memfs_write_all(log->fs, LOG_FIXTURE_PATH, bytes);
}
