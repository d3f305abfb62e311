#include <check.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "log/log_format.h"
#include "support/seed.h"

Suite *test_log_format_suite(void);

static struct log_header sample(void)
{
    struct log_header header = {
        .kind = FILE_WAL,
        .store_id = "0123456789abcde",
        .number = 0x1112,
        .salt = 0x2122232425262728,
        .first_sequence = 31,
        .previous_number = 41,
        .previous_end = 51,
        .previous_sequence = 61,
        .tip = 71,
        .alias = 81,
    };
    return header;
}

static byron_status decode(const uint8_t *bytes, struct log_header *out)
{
    return log_header_decode(bytes, FILE_WAL, "dir/W", out);
}

START_TEST(header_comes_back)
{
    struct log_header header = sample();
    struct log_header back;
    uint8_t bytes[LOG_HEADER_SIZE];

    log_header_encode(&header, bytes);

    ck_assert_int_eq(decode(bytes, &back), BYRON_OK);
    ck_assert_int_eq(back.kind, FILE_WAL);
    ck_assert_mem_eq(back.store_id, header.store_id, 16);
    ck_assert_uint_eq(back.number, header.number);
    ck_assert_uint_eq(back.salt, header.salt);
    ck_assert_uint_eq(back.first_sequence, header.first_sequence);
    ck_assert_uint_eq(back.previous_number, header.previous_number);
    ck_assert_uint_eq(back.previous_end, header.previous_end);
    ck_assert_uint_eq(back.previous_sequence, header.previous_sequence);
    ck_assert_uint_eq(back.tip, header.tip);
    ck_assert_uint_eq(back.alias, header.alias);
}
END_TEST

/* What docs/log-format.md says: a change of it needs another format number. */
START_TEST(header_lies_as_documented)
{
    struct log_header header = sample();
    uint8_t bytes[LOG_HEADER_SIZE];

    log_header_encode(&header, bytes);

    ck_assert_mem_eq(bytes, "byronWAL", 8);
    ck_assert_uint_eq(load_u16(bytes + 8), 1);
    ck_assert_uint_eq(load_u16(bytes + 10), 128);
    ck_assert_uint_eq(load_u32(bytes + 12), 0);
    ck_assert_uint_eq(load_u32(bytes + 16), 0);
    ck_assert_mem_eq(bytes + 24, "0123456789abcde", 16);
    ck_assert_uint_eq(load_u64(bytes + 40), 0x1112);
    ck_assert_uint_eq(load_u64(bytes + 48), 0x2122232425262728);
    ck_assert_uint_eq(load_u64(bytes + 56), 31);
    ck_assert_uint_eq(load_u64(bytes + 64), 41);
    ck_assert_uint_eq(load_u64(bytes + 72), 51);
    ck_assert_uint_eq(load_u64(bytes + 80), 61);
    ck_assert_uint_eq(load_u64(bytes + 88), 71);
    ck_assert_uint_eq(load_u64(bytes + 96), 81);
    ck_assert_uint_eq(load_u64(bytes + 120),
                      hash_bytes(slice_of(bytes, 120), 0x2122232425262728));
}
END_TEST

START_TEST(each_flipped_bit_of_a_header_is_corrupt)
{
    struct log_header header = sample();
    struct log_header back;
    uint8_t bytes[LOG_HEADER_SIZE];

    log_header_encode(&header, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq(decode(bytes, &back), BYRON_CORRUPT);
        ck_assert_str_eq(error_last()->path, "dir/W");
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(manifest_does_not_pass_for_a_wal)
{
    struct log_header header = sample();
    struct log_header back;
    uint8_t bytes[LOG_HEADER_SIZE];

    header.kind = FILE_MANIFEST;
    log_header_encode(&header, bytes);

    ck_assert_int_eq(decode(bytes, &back), BYRON_CORRUPT);
}
END_TEST

static void seal_header(uint8_t *bytes)
{
    store_u64(bytes + 120, hash_bytes(slice_of(bytes, 120), sample().salt));
}

START_TEST(newer_formats_and_features_are_named_so)
{
    struct log_header header = sample();
    struct log_header back;
    uint8_t bytes[LOG_HEADER_SIZE];

    log_header_encode(&header, bytes);
    store_u16(bytes + 8, 2);
    seal_header(bytes);
    ck_assert_int_eq(decode(bytes, &back), BYRON_NEWER_FORMAT);

    log_header_encode(&header, bytes);
    store_u32(bytes + 12, 4);
    seal_header(bytes);
    ck_assert_int_eq(decode(bytes, &back), BYRON_NEWER_FORMAT);

    log_header_encode(&header, bytes);
    store_u32(bytes + 16, 4); /* A compatible feature may be ignored. */
    seal_header(bytes);
    ck_assert_int_eq(decode(bytes, &back), BYRON_OK);
}
END_TEST

START_TEST(record_head_comes_back)
{
    struct record_head head = {.size = 0x01020304,
                               .type = RECORD_PREPARE,
                               .flags = RECORD_MORE,
                               .reserved = 0,
                               .sequence = 0x1112131415161718,
                               .synced = 0x2122232425262728,
                               .checksum = 0x3132333435363738};
    uint8_t bytes[LOG_RECORD_HEAD];
    struct record_head back;

    record_head_encode(&head, bytes);
    back = record_head_decode(bytes);

    ck_assert_mem_eq(bytes, "\x04\x03\x02\x01\x02\x01\0\0\x18", 9);
    ck_assert_uint_eq(load_u64(bytes + 16), head.synced);
    ck_assert_uint_eq(load_u64(bytes + 24), head.checksum);
    ck_assert_uint_eq(back.size, head.size);
    ck_assert_uint_eq(back.type, head.type);
    ck_assert_uint_eq(back.flags, head.flags);
    ck_assert_uint_eq(back.sequence, head.sequence);
    ck_assert_uint_eq(back.synced, head.synced);
    ck_assert_uint_eq(back.checksum, head.checksum);
}
END_TEST

START_TEST(checksum_depends_on_place_file_and_every_field)
{
    struct record_head head = {.size = 3, .type = 1, .sequence = 7};
    struct slice payload = slice_of("abc", 3);
    uint8_t bytes[LOG_RECORD_HEAD];
    uint64_t sum;

    record_head_encode(&head, bytes);
    sum = record_checksum(bytes, payload, 5, 128);

    ck_assert_uint_eq(sum, record_checksum(bytes, payload, 5, 128));
    ck_assert_uint_ne(sum, record_checksum(bytes, payload, 5, 136));
    ck_assert_uint_ne(sum, record_checksum(bytes, payload, 6, 128));
    ck_assert_uint_ne(sum, record_checksum(bytes, slice_of("abd", 3), 5, 128));
    for (size_t i = 0; i < 24; i++) {
        bytes[i] ^= 1;
        ck_assert_uint_ne(sum, record_checksum(bytes, payload, 5, 128));
        bytes[i] ^= 1;
    }
}
END_TEST

START_TEST(footprint_is_padded_to_eight)
{
    ck_assert_uint_eq(record_footprint(1), 40);
    ck_assert_uint_eq(record_footprint(8), 40);
    ck_assert_uint_eq(record_footprint(9), 48);
}
END_TEST

Suite *test_log_format_suite(void)
{
    Suite *suite = suite_create("log_format");
    TCase *cases = tcase_create("log_format");

    tcase_add_test(cases, header_comes_back);
    tcase_add_test(cases, header_lies_as_documented);
    tcase_add_test(cases, each_flipped_bit_of_a_header_is_corrupt);
    tcase_add_test(cases, manifest_does_not_pass_for_a_wal);
    tcase_add_test(cases, newer_formats_and_features_are_named_so);
    tcase_add_test(cases, record_head_comes_back);
    tcase_add_test(cases, checksum_depends_on_place_file_and_every_field);
    tcase_add_test(cases, footprint_is_padded_to_eight);
    suite_add_tcase(suite, cases);
    return suite;
}
