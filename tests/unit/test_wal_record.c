#include <check.h>
#include <string.h>

#include "db/wal_record.h"

Suite *test_wal_record_suite(void);

static struct buf payload;

static void setup(void)
{
    payload = (struct buf){0};
}

static void teardown(void)
{
    buf_deinit(&payload);
}

static byron_status decode(enum record_type type, struct wal_record *out)
{
    struct log_record record = {.type = type,
                                .sequence = 9,
                                .offset = 128,
                                .payload = buf_slice(&payload)};
    return wal_record_decode(&record, "W-1", out);
}

START_TEST(what_was_begun_comes_back)
{
    struct wal_record record;
    ck_assert_int_eq(wal_record_begin(77, 76, WAL_SPILLED, &payload), BYRON_OK);
    ck_assert_uint_eq(payload.size, WAL_RECORD_HEAD);
    ck_assert_int_eq(buf_add(&payload, "body", 4), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_PREPARE, &record), BYRON_OK);
    ck_assert_uint_eq(record.id, 77);
    ck_assert_uint_eq(record.previous, 76);
    ck_assert_uint_eq(record.sequence, 9);
    ck_assert(record.is_spilled);
    ck_assert(slice_equal(record.body, slice_of("body", 4)));
}
END_TEST

START_TEST(the_bytes_are_as_documented)
{
    static const uint8_t bytes[] = {0x02, 0x01, 0, 0, 0, 0, 0, 0, 0x04,
                                    0x03, 0,    0, 0, 0, 0, 0, 0};
    ck_assert_int_eq(wal_record_begin(0x0102, 0x0304, 0, &payload), BYRON_OK);
    ck_assert_mem_eq(payload.data, bytes, sizeof bytes);
}
END_TEST

START_TEST(every_cut_of_the_head_is_damage)
{
    struct wal_record record;
    ck_assert_int_eq(wal_record_begin(77, 76, 0, &payload), BYRON_OK);
    for (size_t size = 0; size < WAL_RECORD_HEAD; size++) {
        payload.size = size;
        ck_assert_int_eq(decode(RECORD_BATCH, &record), BYRON_CORRUPT);
    }
}
END_TEST

START_TEST(an_id_of_zero_is_damage)
{
    struct wal_record record;
    ck_assert_int_eq(wal_record_begin(0, 76, 0, &payload), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_BATCH, &record), BYRON_CORRUPT);
}
END_TEST

START_TEST(known_flags_are_read)
{
    struct wal_record record;
    ck_assert_int_eq(
        wal_record_begin(77, 76, WAL_SPILLED | WAL_TIMED, &payload), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_BATCH, &record), BYRON_OK);
    ck_assert(record.is_spilled);
}
END_TEST

START_TEST(range_deletes_come_back)
{
    struct wal_record record;
    struct range_deletes deletes = {0}, back = {0};
    struct range_delete one = {slice_of("", 0), slice_of("b", 1), 5};
    struct range_delete two = {slice_of("b", 1), slice_of("cc", 2), 5};
    bool is_sound;
    ck_assert_int_eq(wal_record_begin(77, 76, WAL_RANGES, &payload), BYRON_OK);
    ck_assert_int_eq(range_deletes_add(&deletes, &one), BYRON_OK);
    ck_assert_int_eq(range_deletes_add(&deletes, &two), BYRON_OK);
    ck_assert_int_eq(wal_record_add_ranges(&deletes, &payload), BYRON_OK);
    ck_assert_int_eq(buf_add(&payload, "rest", 4), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_PREPARE, &record), BYRON_OK);
    ck_assert(record.has_ranges);
    ck_assert_int_eq(wal_record_read_ranges(&record.body, 9, &back, &is_sound),
                     BYRON_OK);
    ck_assert(is_sound);
    ck_assert_uint_eq(back.count, 2);
    ck_assert(slice_equal(back.items[1].upper, two.upper));
    ck_assert_uint_eq(back.items[1].sequence, 9);
    ck_assert(slice_equal(record.body, slice_of("rest", 4)));
    range_deletes_deinit(&deletes);
    range_deletes_deinit(&back);
}
END_TEST

START_TEST(malformed_range_deletes_are_told)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"", 0},
        {"\x01\x01"
         "a",
         3},
        {"\x01\x01"
         "b\x01"
         "a",
         5},
        {"\x01\x01"
         "a\x01"
         "a",
         5},
        {"\x02\x01"
         "a\x01"
         "c\x01"
         "b\x01"
         "d",
         9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct range_deletes back = {0};
        struct slice body = slice_of(bad[i].bytes, bad[i].size);
        bool is_sound;
        ck_assert_int_eq(wal_record_read_ranges(&body, 9, &back, &is_sound),
                         BYRON_OK);
        ck_assert(!is_sound);
        range_deletes_deinit(&back);
    }
}
END_TEST

START_TEST(unknown_flags_are_a_newer_format)
{
    struct wal_record record;
    ck_assert_int_eq(wal_record_begin(77, 76, 128, &payload), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_BATCH, &record), BYRON_NEWER_FORMAT);
}
END_TEST

START_TEST(an_abort_is_only_an_id)
{
    struct wal_record record;
    ck_assert_int_eq(buf_add_u64(&payload, 77), BYRON_OK);
    ck_assert_int_eq(decode(RECORD_ABORT, &record), BYRON_OK);
    ck_assert_uint_eq(record.id, 77);
    ck_assert_int_eq(decode(RECORD_BATCH, &record), BYRON_CORRUPT);
}
END_TEST

Suite *test_wal_record_suite(void)
{
    Suite *suite = suite_create("wal_record");
    TCase *tcase = tcase_create("wal_record");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_begun_comes_back);
    tcase_add_test(tcase, the_bytes_are_as_documented);
    tcase_add_test(tcase, every_cut_of_the_head_is_damage);
    tcase_add_test(tcase, an_id_of_zero_is_damage);
    tcase_add_test(tcase, known_flags_are_read);
    tcase_add_test(tcase, range_deletes_come_back);
    tcase_add_test(tcase, malformed_range_deletes_are_told);
    tcase_add_test(tcase, unknown_flags_are_a_newer_format);
    tcase_add_test(tcase, an_abort_is_only_an_id);
    suite_add_tcase(suite, tcase);
    return suite;
}
