#include <check.h>
#include <stdlib.h>

#include "base/error.h"
#include "support/log_fixture.h"
#include "support/seed.h"

Suite *test_log_damage_suite(void);

static byron_status read_all(struct log_fixture *log, size_t *count)
{
    return log_fixture_read(log, UINT64_MAX, count);
}

/* How many of count records of log_fixture_fill lie wholly below size. */
static size_t whole_records(size_t count, size_t size)
{
    size_t end = LOG_HEADER_SIZE;
    size_t whole = 0;

    while (whole < count && end + record_footprint(whole + 1) <= size) {
        end += record_footprint(whole + 1);
        whole++;
    }
    return whole;
}

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

START_TEST(torn_tail_is_the_end_at_every_byte)
{
    struct log_fixture log;
    struct buf bytes;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 12, 2);
    bytes = log_fixture_bytes(&log);
    bytes.size = 128 + 12 * 40 + 100; /* Some zeros of the extent stay. */
    for (size_t size = 0; size < bytes.size; size++) {
        size_t count;
        byron_status status;
        log_fixture_replace(&log, slice_of(bytes.data, size));
        status = read_all(&log, &count);
        ck_assert_int_eq(status, size < 128 ? BYRON_NOT_FOUND : BYRON_OK);
        ck_assert_uint_eq(count, whole_records(12, size));
    }
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(zeroed_tail_is_the_end_at_every_byte)
{
    struct log_fixture log;
    struct buf bytes;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 12, 0);
    bytes = log_fixture_bytes(&log);
    for (size_t at = bytes.size; at-- > 128;) {
        size_t count;
        bytes.data[at] = 0;
        log_fixture_replace(&log, buf_slice(&bytes));
        ck_assert_int_eq(read_all(&log, &count), BYRON_OK);
        /* The last bytes of a record are padding, zero already. */
        ck_assert_uint_ge(count, whole_records(12, at));
        ck_assert_uint_le(count, whole_records(12, at + 8));
    }
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(each_flipped_bit_below_a_claim_is_corrupt)
{
    struct log_fixture log;
    struct buf bytes;

    log_fixture_init(&log, 1);
    fill_sealed(&log, 8);
    bytes = log_fixture_bytes(&log);
    bytes.size = 128 + 9 * 40; /* The zeros ahead only take time. */
    for (size_t bit = 0; bit < 8 * (128 + 8 * 40); bit++) {
        size_t count;
        byron_status status;
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        log_fixture_replace(&log, buf_slice(&bytes));
        status = read_all(&log, &count);
        /* What is not corrupt is whole: only padding was hit. */
        ck_assert(status == BYRON_CORRUPT ||
                  (status == BYRON_OK && count == 8));
        if (status == BYRON_CORRUPT)
            ck_assert_str_eq(error_last()->path, LOG_FIXTURE_PATH);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(each_flipped_bit_beyond_all_claims_is_the_end)
{
    struct log_fixture log;
    struct buf bytes;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 8, 0);
    bytes = log_fixture_bytes(&log);
    for (size_t bit = 8 * 128; bit < 8 * bytes.size; bit++) {
        size_t count;
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        log_fixture_replace(&log, buf_slice(&bytes));
        ck_assert_int_eq(read_all(&log, &count), BYRON_OK);
        ck_assert_uint_ge(count, whole_records(8, bit / 8));
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_deinit(&bytes);
    log_fixture_deinit(&log);
}
END_TEST

START_TEST(corruption_is_told_with_its_offset)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    fill_sealed(&log, 3);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 168 + 32, 1));
    ck_assert_int_eq(read_all(&log, &count), BYRON_CORRUPT);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(error_last()->offset, 168);
    log_fixture_deinit(&log);
}
END_TEST

/* Unsynced record 1 is lost, record 2 is there: nothing was promised. */
START_TEST(hole_among_unsynced_records_is_the_end)
{
    struct log_fixture log;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 3, 1);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 168 + 32, 1));
    ck_assert_int_eq(read_all(&log, &count), BYRON_OK);
    ck_assert_uint_eq(count, 1);
    log_fixture_deinit(&log);
}
END_TEST

/* A copy of a record elsewhere in its file is not a record. */
START_TEST(misplaced_record_is_not_whole)
{
    struct log_fixture log;
    struct buf file;
    size_t count;

    log_fixture_init(&log, 1);
    log_fixture_fill(&log, 2, 0);
    file = log_fixture_bytes(&log);
    memcpy(file.data + 168, file.data + 128, 40);
    log_fixture_replace(&log, buf_slice(&file));
    ck_assert_int_eq(read_all(&log, &count), BYRON_OK);
    ck_assert_uint_eq(count, 1);
    buf_deinit(&file);
    log_fixture_deinit(&log);
}
END_TEST

/* A payload full of heads that claim to be long, durable records. */
START_TEST(search_behind_damage_is_bounded)
{
    struct log_fixture log;
    struct log_writer *writer;
    size_t size = 4u << 20;
    uint8_t *payload = calloc(1, size);
    struct record_head fake = {
        .size = 1u << 20, .type = RECORD_BATCH, .synced = 136};
    size_t count;

    for (size_t at = 0; at < size; at += LOG_RECORD_HEAD)
        record_head_encode(&fake, payload + at);
    log_fixture_init(&log, 1);
    writer = log_fixture_create(&log);
    log_fixture_append(writer, 0, slice_of(payload, size));
    log_writer_close(writer);
    ck_assert(memfs_corrupt(log.fs, LOG_FIXTURE_PATH, 128 + 33, 1));

    ck_assert_int_eq(read_all(&log, &count), BYRON_CORRUPT);
    ck_assert_uint_eq(count, 0);
    log_fixture_deinit(&log);
    free(payload);
}
END_TEST

/* The log after a power cut must hold at least what was synced. */
static void check_crash(struct log_fixture *log, enum memfs_crash mode,
                        uint64_t seed, size_t synced, size_t written)
{
    struct log_fixture after;
    size_t count;
    byron_status status;

    log_fixture_init_clone(&after, memfs_crash_clone(log->fs, mode, seed));
    status = read_all(&after, &count);
    ck_assert_msg(status == BYRON_OK && count >= synced && count <= written,
                  "%s: status %d, %zu records of %zu to %zu",
                  memfs_crash_name(mode), (int)status, count, synced, written);
    log_fixture_deinit(&after);
}

START_TEST(power_cut_leaves_a_prefix_with_all_that_was_synced)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 4; round++) {
        struct log_fixture log;
        struct log_writer *writer;
        size_t synced = 0;

        log_fixture_init(&log, rng_next(&rng));
        writer = log_fixture_create(&log);
        for (size_t i = 0; i < 40; i++) {
            uint8_t payload[64];
            memset(payload, (int)i + 1, i + 1);
            log_fixture_append(writer, i, slice_of(payload, i + 1));
            if (rng_one_in(&rng, 6)) {
                log_fixture_sync(writer);
                synced = i + 1;
            }
            check_crash(&log, (enum memfs_crash)(i % MEMFS_CRASH_COUNT),
                        rng_next(&rng), synced, i + 1);
        }
        log_writer_close(writer);
        log_fixture_deinit(&log);
    }
}
END_TEST

Suite *test_log_damage_suite(void)
{
    Suite *suite = suite_create("log_damage");
    TCase *cases = tcase_create("log_damage");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, torn_tail_is_the_end_at_every_byte);
    tcase_add_test(cases, zeroed_tail_is_the_end_at_every_byte);
    tcase_add_test(cases, each_flipped_bit_below_a_claim_is_corrupt);
    tcase_add_test(cases, each_flipped_bit_beyond_all_claims_is_the_end);
    tcase_add_test(cases, corruption_is_told_with_its_offset);
    tcase_add_test(cases, hole_among_unsynced_records_is_the_end);
    tcase_add_test(cases, misplaced_record_is_not_whole);
    tcase_add_test(cases, search_behind_damage_is_bounded);
    tcase_add_test(cases, power_cut_leaves_a_prefix_with_all_that_was_synced);
    suite_add_tcase(suite, cases);
    return suite;
}
