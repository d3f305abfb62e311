#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "support/log_fixture.h"
#include "support/seed.h"

Suite *test_log_reader_suite(void);

static byron_status read_all(struct log_fixture *log, size_t *count)
{
    return log_fixture_read(log, UINT64_MAX, count);
}

START_TEST(records_come_back_in_order)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 100, 3);
    ck_assert_int_eq(read_all(&log, &count), BYRON_OK);
    ck_assert_uint_eq(count, 100);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(record_knows_its_place)
{
    struct log_fixture log;
    struct log_reader *reader;
    struct log_record record;
    bool found;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 2, 0);
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
    ck_assert_uint_eq(log_reader_end(reader), 128);
    ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
    ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
    ck_assert_uint_eq(record.offset, 168);
    ck_assert_uint_eq(record.end, 208);
    ck_assert_uint_eq(log_reader_end(reader), 208);
    ck_assert_str_eq(log_reader_path(reader), LOG_FIXTURE_PATH);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
        ck_assert(!found);
    }
    log_reader_close(reader);
    log_fixture_deinit(&log);
}
END_TEST

/* All records were durable, and a last one says so. */
static void fill_sealed(struct log_fixture *log, size_t count)
{
    struct log_writer *writer = log_fixture_create(log);

    for (size_t i = 0; i < count; i++) {
        uint8_t payload[64];
        memset(payload, (int)i + 1, i + 1);
        log_fixture_append(writer, i, slice_of(payload, i + 1));
    }
    log_fixture_sync(writer);
    ck_assert_int_eq(log_writer_seal(writer), BYRON_OK);
    log_writer_close(writer);
}

START_TEST(only_a_seal_at_the_end_seals)
{
    for (int is_sealed = 0; is_sealed < 2; is_sealed++) {
        struct log_fixture log;
        struct log_reader *reader;
        struct log_record record;
        bool found = true;

        log_fixture_init(&log, 1);
        if (is_sealed)
            fill_sealed(&log, 3);
        else
            log_fixture_fill(&log, 3, 0);
        ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
        while (found) {
            ck_assert(!log_reader_is_sealed(reader));
            ck_assert_int_eq(log_reader_next(reader, &record, &found),
                             BYRON_OK);
        }
        ck_assert_int_eq(log_reader_is_sealed(reader), is_sealed);
        log_reader_close(reader);
        log_fixture_deinit(&log);
    }
}
END_TEST

START_TEST(error_stays)
{
    struct log_fixture log;
    struct log_reader *reader;
    struct log_record record;
    bool found;

    log_fixture_init(&log, 1);
    fill_sealed(&log, 3);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 128, 1));
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(log_reader_next(reader, &record, &found),
                         BYRON_CORRUPT);
        ck_assert(!found);
        ck_assert_uint_eq(error_last()->offset, 128);
    }
    log_reader_close(reader);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(nothing_beyond_end_at_counts)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 5, 0);
    ck_assert_int_eq(log_fixture_read(&log, 128, &count), BYRON_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(log_fixture_read(&log, 128 + 3 * 40, &count), BYRON_OK);
    ck_assert_uint_eq(count, 3);
    log_fixture_deinit(&log);
}
END_TEST

/* Whether that is damage, or a tail that was never synced, only the log that
 * names the end can tell. */
START_TEST(log_that_stays_short_of_end_at_says_where)
{
    struct log_fixture log;
    struct log_reader *reader;
    struct log_record record;
    bool found = true;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 5, 0);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 128 + 3 * 40, 1));
    ck_assert_int_eq(log_fixture_open(&log, 128 + 5 * 40, &reader), BYRON_OK);
    while (found)
        ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
    ck_assert_uint_eq(log_reader_end(reader), 128 + 3 * 40);
    log_reader_close(reader);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(log_without_header_that_had_records_is_corrupt)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_replace(&log, slice_of("byron", 5));
    ck_assert_int_eq(log_fixture_read(&log, 128, &count), BYRON_NOT_FOUND);
    ck_assert_int_eq(log_fixture_read(&log, 168, &count), BYRON_CORRUPT);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(record_tells_whether_others_were_synced_before_it)
{
    struct log_fixture log;
    struct log_reader *reader;
    struct log_record record;
    bool found;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 3, 1);
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
        ck_assert_int_eq(record.is_synced, i > 0);
    }
    log_reader_close(reader);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(record_across_end_at_is_corrupt)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 5, 0);
    ck_assert_int_eq(log_fixture_read(&log, 128 + 48, &count), BYRON_CORRUPT);
    ck_assert_uint_eq(count, 1);
    log_fixture_deinit(&log);
}
END_TEST

/* Writes a record as no writer would. */
static void add_record(struct buf *file, uint64_t salt, struct record_head head,
                       struct slice payload)
{
    uint8_t bytes[LOG_RECORD_HEAD];
    uint64_t offset = file->size;

    head.size = (uint32_t)payload.size;
    head.synced = 128;
    record_head_encode(&head, bytes);
    head.checksum = record_checksum(bytes, payload, salt, offset);
    record_head_encode(&head, bytes);
    ck_assert_int_eq(buf_add(file, bytes, sizeof bytes), BYRON_OK);
    ck_assert_int_eq(buf_add(file, payload.data, payload.size), BYRON_OK);
    ck_assert_int_eq(buf_add_zeros(file, (8 - payload.size % 8) % 8), BYRON_OK);
}

/* A file of one filled record, then one with that head. */
static byron_status read_behind(struct record_head head, size_t *count)
{
    struct log_fixture log;
    struct buf file;
    uint64_t salt;
    byron_status status;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 1, 0);
    file = log_fixture_bytes(&log);
    salt = load_u64(file.data + 48);
    add_record(&file, salt, head, slice_of("?", 1));
    add_record(&file, salt,
               (struct record_head){.type = RECORD_BATCH, .sequence = 1},
               slice_of("\2\2", 2));
    log_fixture_replace(&log, buf_slice(&file));
    status = read_all(&log, count);
    buf_deinit(&file);
    log_fixture_deinit(&log);
    return status;
}

START_TEST(unknown_types_are_skipped_only_where_they_may)
{
    struct record_head head = {.type = 0x80 | 99, .sequence = 1};
    size_t count;

    ck_assert_int_eq(read_behind(head, &count), BYRON_OK);
    ck_assert_uint_eq(count, 2);
    head.type = 99;
    ck_assert_int_eq(read_behind(head, &count), BYRON_NEWER_FORMAT);
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(unknown_flags_are_a_newer_format)
{
    struct record_head head = {.type = RECORD_BATCH, .flags = 4};
    size_t count;

    ck_assert_int_eq(read_behind(head, &count), BYRON_NEWER_FORMAT);
    head.flags = 0;
    head.reserved = 1;
    ck_assert_int_eq(read_behind(head, &count), BYRON_NEWER_FORMAT);
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(chunk_of_another_record_is_corrupt)
{
    struct record_head head = {
        .type = RECORD_BATCH, .flags = RECORD_MORE, .sequence = 77};
    size_t count;

    ck_assert_int_eq(read_behind(head, &count), BYRON_CORRUPT);
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(record_cut_between_chunks_never_was)
{
    struct log_fixture log;
    struct log_writer *writer;
    struct log_reader *reader;
    struct log_record record;
    struct buf bytes;
    bool found;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_writer_set_chunk_size(writer, 8);
    log_fixture_append(writer, 5, slice_of("0123456789abcdefghi", 19));
    log_writer_close(writer);
    bytes = log_fixture_bytes(&log);
    for (size_t size = 128; size < bytes.size; size += 8) {
        log_fixture_replace(&log, slice_of(bytes.data, size));
        ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
        ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
        ck_assert(!found);
        ck_assert_uint_eq(log_reader_end(reader), 128);
        log_reader_close(reader);
    }
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(log_that_was_never_finished_is_not_found)
{
    static const uint8_t zeros[4096];
    struct log_fixture log;
    struct buf bytes;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_replace(&log, slice_of(zeros, sizeof zeros));
    ck_assert_int_eq(read_all(&log, &count), BYRON_NOT_FOUND);
    log_fixture_deinit(&log);

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 0, 0);
    bytes = log_fixture_bytes(&log);
    bytes.data[50] ^= 1;
    log_fixture_replace(&log, buf_slice(&bytes));
    ck_assert_int_eq(read_all(&log, &count), BYRON_NOT_FOUND);
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(bad_header_before_records_is_corrupt)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 1, 0);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 0, 0xff));
    ck_assert_int_eq(read_all(&log, &count), BYRON_CORRUPT);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(strange_logs_are_refused)
{
    struct log_fixture log;
    struct log_reader *reader;
    struct buf bytes;

    log_fixture_init(&log, 1);
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader),
                     BYRON_MISSING);
    log_fixture_fill(&log, 1, 0);
    log.header.store_id[3] ^= 1;
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader),
                     BYRON_CORRUPT);
    bytes = log_fixture_bytes(&log);
    memfs_write_all(log.fs, "store/W-0000000000000008", buf_slice(&bytes));
    ck_assert_int_eq(log_reader_open(log.os, log.dir, FILE_WAL, 8, NULL,
                                     UINT64_MAX, &reader),
                     BYRON_CORRUPT);
    ck_assert_int_eq(log_reader_open(log.os, log.dir, FILE_WAL, 7, NULL,
                                     UINT64_MAX, &reader),
                     BYRON_OK);
    log_reader_close(reader);
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(record_larger_than_the_window_comes_back)
{
    struct log_fixture log;
    struct log_writer *writer;
    struct log_reader *reader;
    struct log_record record;
    size_t size = 700 * 1024;
    uint8_t *payload = malloc(size);
    bool found;

    memset(payload, 'p', size);
    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    for (uint64_t i = 0; i < 4; i++)
        log_fixture_append(writer, i, slice_of(payload, size - i));
    log_writer_close(writer);
    ck_assert_int_eq(log_fixture_open(&log, UINT64_MAX, &reader), BYRON_OK);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(log_reader_next(reader, &record, &found), BYRON_OK);
        ck_assert(found);
        ck_assert(slice_equal(record.payload, slice_of(payload, size - i)));
    }
    log_reader_close(reader);
    log_fixture_deinit(&log);
    free(payload);
}
END_TEST

START_TEST(each_failed_read_is_told)
{
    struct log_fixture log;
    byron_status status = BYRON_IO;
    uint64_t nth;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 20, 0);
    for (nth = 1; status != BYRON_OK; nth++) {
        size_t count;
        memfs_fail_nth(log.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = read_all(&log, &count);
        ck_assert(status == BYRON_IO || status == BYRON_OK);
        ck_assert_uint_eq(memfs_open_count(log.fs), 1); /* The directory. */
    }
    ck_assert_uint_gt(nth, 3);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    struct log_fixture log;
    struct log_writer *writer;
    byron_status status = BYRON_NO_MEMORY;
    size_t live = alloc_live();
    size_t nth;

    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_writer_set_chunk_size(writer, 64 * 1024);
    for (uint64_t i = 0; i < 1; i++)
        log_fixture_append(writer, i, slice_of("\1", 1));
    log_writer_close(writer);
    for (nth = 1; status != BYRON_OK; nth++) {
        size_t count;
        alloc_fail_after(nth);
        status = read_all(&log, &count);
        alloc_fail_after(0);
        ck_assert(status == BYRON_NO_MEMORY || status == BYRON_OK);
        ck_assert_uint_eq(alloc_live(), live);
    }
    ck_assert_uint_gt(nth, 2);
    log_fixture_deinit(&log);
}
END_TEST

Suite *test_log_reader_suite(void)
{
    Suite *suite = suite_create("log_reader");
    TCase *cases = tcase_create("log_reader");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, records_come_back_in_order);
    tcase_add_test(cases, record_knows_its_place);
    tcase_add_test(cases, only_a_seal_at_the_end_seals);
    tcase_add_test(cases, error_stays);
    tcase_add_test(cases, nothing_beyond_end_at_counts);
    tcase_add_test(cases, log_that_stays_short_of_end_at_says_where);
    tcase_add_test(cases, log_without_header_that_had_records_is_corrupt);
    tcase_add_test(cases, record_tells_whether_others_were_synced_before_it);
    tcase_add_test(cases, record_across_end_at_is_corrupt);
    tcase_add_test(cases, unknown_types_are_skipped_only_where_they_may);
    tcase_add_test(cases, unknown_flags_are_a_newer_format);
    tcase_add_test(cases, chunk_of_another_record_is_corrupt);
    tcase_add_test(cases, record_cut_between_chunks_never_was);
    tcase_add_test(cases, log_that_was_never_finished_is_not_found);
    tcase_add_test(cases, bad_header_before_records_is_corrupt);
    tcase_add_test(cases, strange_logs_are_refused);
    tcase_add_test(cases, record_larger_than_the_window_comes_back);
    tcase_add_test(cases, each_failed_read_is_told);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
