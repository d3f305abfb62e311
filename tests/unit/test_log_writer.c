#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/log_fixture.h"
#include "support/seed.h"

Suite *test_log_writer_suite(void);

static byron_status append(struct log_writer *writer, uint64_t sequence,
                           struct slice payload)
{
    return log_writer_append(writer, RECORD_BATCH, sequence, &payload, 1);
}

/* Reads the only record of the log; its payload must be wanted. */
static void check_only_record(struct log_fixture *log, struct slice wanted)
{
    struct log_reader *reader;
    struct log_record record;
    bool found;

    ck_assert_int_eq(log_fixture_open(log, UINT64_MAX, &reader), BYRON_OK);
    ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
    ck_assert(found);
    ck_assert(slice_equal(record.payload, wanted));
    ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
    ck_assert(!found);
    log_reader_close(reader);
}

START_TEST(record_is_one_write)
{
    struct log_fixture log;
    struct log_writer *writer;
    struct slice parts[3] = {slice_of("abc", 3), slice_of(NULL, 0),
                             slice_of("defgh", 5)};
    uint64_t before;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    before = memfs_calls(log.fs, MEMFS_APPEND);
    ck_assert_int_eq(log_writer_append(writer, RECORD_PREPARE, 9, parts, 3),
                     BYRON_OK);
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_APPEND), before + 1);
    ck_assert_uint_eq(log_writer_end(writer), 128 + 40);
    log_writer_close(writer);

    check_only_record(&log, slice_of("abcdefgh", 8));
    log_fixture_deinit(&log);
}
END_TEST

/* The two ways to write a record, around the size where they meet. */
START_TEST(records_of_any_size_come_back)
{
    static const size_t sizes[] = {
        1,       7, 8, 4096, (1u << 20) - 32, (1u << 20) - 31, (1u << 20) + 5,
        3u << 20};
    uint8_t *payload = malloc(3u << 20);
    struct rng rng;

    rng_init(&rng, test_seed());
    rng_bytes(&rng, payload, 3u << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct log_fixture log;
        struct log_writer *writer;
        size_t cut = (size_t)rng_below(&rng, sizes[i]);
        struct slice parts[2] = {slice_of(payload, cut),
                                 slice_of(payload + cut, sizes[i] - cut)};

        log_fixture_init(&log, 1);
        writer = log_fixture_create(&log);
        ck_assert_int_eq(log_writer_append(writer, RECORD_BATCH, 1, parts, 2),
                         BYRON_OK);
        ck_assert_uint_eq(log_writer_end(writer),
                          128 + record_footprint(sizes[i]));
        log_writer_close(writer);
        check_only_record(&log, slice_of(payload, sizes[i]));
        log_fixture_deinit(&log);
    }
    free(payload);
}
END_TEST

START_TEST(chunks_are_one_record)
{
    struct log_fixture log;
    struct log_writer *writer;
    uint8_t payload[1000];
    struct rng rng;

    rng_init(&rng, test_seed());
    rng_bytes(&rng, payload, sizeof payload);
    for (size_t chunk = 1; chunk <= 1001; chunk = chunk * 3 + 1) {
        struct slice parts[2] = {slice_of(payload, 333),
                                 slice_of(payload + 333, 667)};
        log_fixture_init(&log, 1);
        writer = log_fixture_create(&log);
        log_writer_set_chunk_size(writer, chunk);
        ck_assert_int_eq(log_writer_append(writer, RECORD_BATCH, 1, parts, 2),
                         BYRON_OK);
        log_writer_close(writer);
        check_only_record(&log, slice_of(payload, sizeof payload));
        log_fixture_deinit(&log);
    }
}
END_TEST

START_TEST(create_is_durable)
{
    struct log_fixture log;
    struct log_fixture after;
    struct log_reader *reader;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_init_clone(&after,
                           memfs_crash_clone(log.fs, MEMFS_DROP_UNSYNCED, 1));

    ck_assert_int_eq(log_fixture_open(&after, UINT64_MAX, &reader), BYRON_OK);
    ck_assert_uint_ne(log_reader_header(reader)->salt, 0);
    log_reader_close(reader);
    log_fixture_deinit(&after);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(synced_follows_sync_alone)
{
    struct log_fixture log;
    struct log_writer *writer;
    uint64_t calls;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    ck_assert_uint_eq(log_writer_synced(writer), 128);
    log_fixture_append(writer, 1, slice_of("x", 1));
    ck_assert_uint_eq(log_writer_synced(writer), 128);
    log_fixture_sync(writer);
    ck_assert_uint_eq(log_writer_synced(writer), 168);
    calls = memfs_calls(log.fs, MEMFS_ALL);
    log_fixture_sync(writer);
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_ALL), calls);

    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(records_carry_what_was_synced)
{
    struct log_fixture log;
    struct log_writer *writer;
    struct buf bytes;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    log_fixture_append(writer, 2, slice_of("y", 1));
    log_fixture_sync(writer);
    log_fixture_append(writer, 3, slice_of("z", 1));
    log_writer_close(writer);

    bytes = log_fixture_bytes(&log);
    ck_assert_uint_eq(record_head_decode(bytes.data + 128).synced, 128);
    ck_assert_uint_eq(record_head_decode(bytes.data + 168).synced, 128);
    ck_assert_uint_eq(record_head_decode(bytes.data + 208).synced, 208);
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(zeros_are_prewritten_only_after_the_first_sync)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_EXTEND), 0);
    log_fixture_sync(writer);
    for (uint64_t i = 0; i < 1000; i++)
        log_fixture_append(writer, i, slice_of("x", 1));
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_EXTEND), 1);

    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(manifest_prewrites_nothing)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    log.header.kind = FILE_MANIFEST;
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    log_fixture_sync(writer);
    log_fixture_append(writer, 2, slice_of("x", 1));
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_EXTEND), 0);

    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(lack_of_room_for_zeros_is_no_error)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    log_fixture_sync(writer);
    memfs_set_space(log.fs, memfs_used(log.fs) + 64);

    ck_assert_int_eq(append(writer, 2, slice_of("y", 1)), BYRON_OK);
    ck_assert_int_eq(append(writer, 3, slice_of("z", 1)), BYRON_FULL);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(failed_append_poisons)
{
    struct log_fixture log;
    struct log_writer *writer;
    uint64_t calls;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    memfs_fail_nth(log.fs, MEMFS_APPEND, 1, BYRON_IO, false);
    ck_assert_int_eq(append(writer, 2, slice_of("y", 1)), BYRON_IO);

    calls = memfs_calls(log.fs, MEMFS_ALL);
    ck_assert_int_eq(log_writer_poison(writer), BYRON_IO);
    ck_assert_int_eq(append(writer, 3, slice_of("z", 1)), BYRON_IO);
    ck_assert_int_eq(log_writer_sync(writer), BYRON_IO);
    ck_assert_int_eq(error_last()->code, BYRON_IO);
    ck_assert_uint_eq(memfs_calls(log.fs, MEMFS_ALL), calls);
    ck_assert_uint_eq(log_writer_end(writer), 168);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(full_disk_refuses_appends_but_what_is_there_can_be_synced)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    memfs_fail_nth(log.fs, MEMFS_APPEND, 1, BYRON_FULL, false);
    ck_assert_int_eq(append(writer, 2, slice_of("y", 1)), BYRON_FULL);
    ck_assert_int_eq(append(writer, 3, slice_of("z", 1)), BYRON_FULL);

    ck_assert_int_eq(log_writer_sync(writer), BYRON_OK);
    ck_assert_uint_eq(log_writer_synced(writer), 168);
    ck_assert_int_eq(log_writer_poison(writer), BYRON_FULL);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(failed_sync_poisons_and_is_not_retried)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    memfs_fail_nth(log.fs, MEMFS_SYNC, 1, BYRON_IO, false);

    ck_assert_int_eq(log_writer_sync(writer), BYRON_IO);
    ck_assert_int_eq(log_writer_sync(writer), BYRON_IO);
    ck_assert_int_eq(append(writer, 2, slice_of("y", 1)), BYRON_IO);
    ck_assert_uint_eq(log_writer_synced(writer), 128);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(failed_extend_poisons_unless_full)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 1, slice_of("x", 1));
    log_fixture_sync(writer);
    memfs_fail_nth(log.fs, MEMFS_EXTEND, 1, BYRON_IO, false);

    ck_assert_int_eq(append(writer, 2, slice_of("y", 1)), BYRON_IO);
    ck_assert_int_eq(log_writer_poison(writer), BYRON_IO);
    log_writer_close(writer);
    log_fixture_deinit(&log);
}
END_TEST

static void count_file(void *context, const char *path)
{
    (void)path;
    ++*(size_t *)context;
}

START_TEST(failed_create_leaves_no_file)
{
    bool has_failed = true;

    for (uint64_t nth = 1; has_failed; nth++) {
        struct log_fixture log;
        struct log_writer *writer = NULL;
        size_t files = 0;
        byron_status status;

        log_fixture_init(&log, 1);
        memfs_fail_nth(log.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = log_writer_create(log.os, log.dir, &log.header, &writer);
        has_failed = status != BYRON_OK;
        memfs_list(log.fs, count_file, &files);
        ck_assert_uint_eq(files, has_failed ? 0 : 1);
        if (has_failed)
            ck_assert_int_eq(error_last()->code, BYRON_IO);
        log_writer_close(writer);
        log_fixture_deinit(&log);
    }
}
END_TEST

START_TEST(file_that_is_there_is_left_alone)
{
    struct log_fixture log;
    struct log_writer *writer;
    struct buf bytes;

    log_fixture_init(&log, 1);
    log_fixture_replace(&log, slice_of("precious", 8));
    ck_assert_int_eq(log_writer_create(log.os, log.dir, &log.header, &writer),
                     BYRON_MISUSE);

    bytes = log_fixture_bytes(&log);
    ck_assert(slice_equal(buf_slice(&bytes), slice_of("precious", 8)));
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

/* Creates, and appends a small and a large record; the nth allocation fails.
 * What was appended comes back, the rest may be tried again. */
static bool survive_allocation(size_t nth, const uint8_t *payload, size_t size)
{
    struct log_fixture log;
    struct log_writer *writer = NULL;
    size_t live;
    bool has_failed;

    log_fixture_init(&log, 1);
    live = alloc_live();
    alloc_fail_after(nth);
    has_failed =
        log_writer_create(log.os, log.dir, &log.header, &writer) != BYRON_OK;
    for (int i = 0; i < 2 && writer; i++) {
        struct slice part = slice_of(payload, i ? size : 1);
        byron_status status = append(writer, 1, part);
        if (status != BYRON_OK) {
            has_failed = true;
            ck_assert_int_eq(status, BYRON_NO_MEMORY);
            ck_assert_int_eq(log_writer_poison(writer), BYRON_OK);
            ck_assert_int_eq(append(writer, 1, part), BYRON_OK);
        }
    }
    alloc_fail_after(0);
    log_writer_close(writer);
    ck_assert_uint_eq(alloc_live(), live);
    log_fixture_deinit(&log);
    return has_failed;
}

START_TEST(survives_any_failed_allocation)
{
    size_t size = (1u << 20) + 1;
    uint8_t *payload = calloc(1, size);
    size_t nth = 1;

    while (survive_allocation(nth, payload, size))
        nth++;
    ck_assert_uint_gt(nth, 3);
    free(payload);
}
END_TEST

START_TEST(seal_is_not_seen_by_readers)
{
    struct log_fixture log;
    struct log_writer *writer;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    ck_assert_int_eq(log_writer_seal(writer), BYRON_OK);
    log_fixture_append(writer, 1, slice_of("x", 1));
    ck_assert_int_eq(log_writer_seal(writer), BYRON_OK);
    log_writer_close(writer);

    check_only_record(&log, slice_of("x", 1));
    log_fixture_deinit(&log);
}
END_TEST

Suite *test_log_writer_suite(void)
{
    Suite *suite = suite_create("log_writer");
    TCase *cases = tcase_create("log_writer");

    tcase_add_test(cases, record_is_one_write);
    tcase_add_test(cases, records_of_any_size_come_back);
    tcase_add_test(cases, chunks_are_one_record);
    tcase_add_test(cases, create_is_durable);
    tcase_add_test(cases, synced_follows_sync_alone);
    tcase_add_test(cases, records_carry_what_was_synced);
    tcase_add_test(cases, zeros_are_prewritten_only_after_the_first_sync);
    tcase_add_test(cases, manifest_prewrites_nothing);
    tcase_add_test(cases, lack_of_room_for_zeros_is_no_error);
    tcase_add_test(cases, failed_append_poisons);
    tcase_add_test(cases,
                   full_disk_refuses_appends_but_what_is_there_can_be_synced);
    tcase_add_test(cases, failed_sync_poisons_and_is_not_retried);
    tcase_add_test(cases, failed_extend_poisons_unless_full);
    tcase_add_test(cases, failed_create_leaves_no_file);
    tcase_add_test(cases, file_that_is_there_is_left_alone);
    tcase_add_test(cases, survives_any_failed_allocation);
    tcase_add_test(cases, seal_is_not_seen_by_readers);
    suite_add_tcase(suite, cases);
    return suite;
}
