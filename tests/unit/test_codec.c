#include <check.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/error.h"
#include "base/thread.h"
#include "support/seed.h"

Suite *test_codec_suite(void);

#define RAW_SIZE ((size_t)8192)
static const enum codec codecs[] = {CODEC_LZ4, CODEC_ZSTD};
static const char *const names[] = {"lz4", "zstd"};

static uint8_t raw[RAW_SIZE];
static struct rng rng;
static struct buf packed;

/* Rows such as a table has: half of the bytes repeat. */
static void set_up(void)
{
    rng_init(&rng, test_seed());
    for (size_t at = 0; at < RAW_SIZE; at += 16) {
        memcpy(raw + at, "name=val", 8);
        rng_bytes(&rng, raw + at + 8, 4);
        memset(raw + at + 12, (int)at, 4);
    }
}

static void tear_down(void)
{
    buf_deinit(&packed);
}

START_TEST(what_shrank_comes_back)
{
    enum codec codec = codecs[_i];
    uint8_t again[RAW_SIZE];
    bool shrank;

    if (!codec_is_built_in(codec))
        return;
    for (size_t size = 200; size <= RAW_SIZE; size += 111) {
        ck_assert_int_eq(
            codec_compress(codec, slice_of(raw, size), &packed, &shrank),
            BYRON_OK);
        ck_assert(shrank);
        ck_assert_uint_le(packed.size, size - size / 8);
        ck_assert_int_eq(
            codec_decompress(codec, buf_slice(&packed), again, size), BYRON_OK);
        ck_assert_mem_eq(again, raw, size);
    }
}
END_TEST

START_TEST(what_does_not_shrink_stays_raw)
{
    bool shrank = true;

    if (!codec_is_built_in(codecs[_i]))
        return;
    rng_bytes(&rng, raw, RAW_SIZE);
    for (size_t size = 0; size <= RAW_SIZE; size = size * 2 + 1) {
        ck_assert_int_eq(
            codec_compress(codecs[_i], slice_of(raw, size), &packed, &shrank),
            BYRON_OK);
        ck_assert(!shrank);
        ck_assert_uint_eq(packed.size, 0);
    }
}
END_TEST

START_TEST(what_shrinks_too_little_stays_raw)
{
    bool shrank = true;

    if (!codec_is_built_in(codecs[_i]))
        return;
    rng_bytes(&rng, raw, RAW_SIZE);
    memset(raw, 0, RAW_SIZE / 12);
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    ck_assert(!shrank);
    memset(raw, 0, RAW_SIZE / 6);
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    ck_assert(shrank);
}
END_TEST

START_TEST(another_size_than_packed_is_corrupt)
{
    uint8_t again[RAW_SIZE + 1];
    bool shrank;

    if (!codec_is_built_in(codecs[_i]))
        return;
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    ck_assert_int_eq(
        codec_decompress(codecs[_i], buf_slice(&packed), again, RAW_SIZE - 1),
        BYRON_CORRUPT);
    ck_assert_int_eq(
        codec_decompress(codecs[_i], buf_slice(&packed), again, RAW_SIZE + 1),
        BYRON_CORRUPT);
    ck_assert_int_eq(codec_decompress(codecs[_i],
                                      slice_of(packed.data, packed.size - 1),
                                      again, RAW_SIZE),
                     BYRON_CORRUPT);
}
END_TEST

/* What a damaged block decodes to is the checksum's business; here it must
 * only stay within its bytes. */
START_TEST(damaged_bytes_are_survived)
{
    uint8_t again[RAW_SIZE];
    bool shrank;

    if (!codec_is_built_in(codecs[_i]))
        return;
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    for (int i = 0; i < 2000; i++) {
        size_t at = (size_t)rng_below(&rng, packed.size);
        uint8_t good = packed.data[at];
        byron_status status;
        packed.data[at] = (uint8_t)rng_next(&rng);
        status =
            codec_decompress(codecs[_i], buf_slice(&packed), again, RAW_SIZE);
        ck_assert(status == BYRON_OK || status == BYRON_CORRUPT);
        packed.data[at] = good;
    }
}
END_TEST

START_TEST(a_codec_has_its_name)
{
    ck_assert_str_eq(codec_name(CODEC_NONE), "none");
    ck_assert_str_eq(codec_name(codecs[_i]), names[_i]);
    ck_assert_str_eq(codec_name((enum codec)77), "unknown");
}
END_TEST

START_TEST(an_unknown_codec_is_a_newer_format)
{
    bool shrank;

    ck_assert(!codec_is_built_in((enum codec)77));
    ck_assert_int_eq(
        codec_decompress((enum codec)77, slice_of("abc", 3), raw, 3),
        BYRON_NEWER_FORMAT);
    ck_assert_ptr_nonnull(strstr(error_last()->words, "77"));
    ck_assert_int_eq(
        codec_compress((enum codec)77, slice_of("abc", 3), &packed, &shrank),
        BYRON_NEWER_FORMAT);
}
END_TEST

START_TEST(none_copies)
{
    bool shrank = true;

    ck_assert(codec_is_built_in(CODEC_NONE));
    ck_assert_int_eq(
        codec_compress(CODEC_NONE, slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    ck_assert(!shrank);
    ck_assert_int_eq(codec_decompress(CODEC_NONE, slice_of("abc", 3), raw, 3),
                     BYRON_OK);
    ck_assert_mem_eq(raw, "abc", 3);
    ck_assert_int_eq(codec_decompress(CODEC_NONE, slice_of("abc", 3), raw, 2),
                     BYRON_CORRUPT);
    ck_assert_int_eq(codec_decompress(CODEC_NONE, slice_of(NULL, 0), NULL, 0),
                     BYRON_OK);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    bool shrank;

    if (!codec_is_built_in(codecs[_i]))
        return;
    alloc_fail_after(1);
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert_int_eq(
        codec_compress(codecs[_i], slice_of(raw, RAW_SIZE), &packed, &shrank),
        BYRON_OK);
    ck_assert(shrank);
}
END_TEST

struct worker {
    struct thread thread;
    enum codec codec;
    unsigned failures;
};

static void pack_and_unpack(void *context)
{
    struct worker *worker = context;
    struct buf out = {0};
    uint8_t again[RAW_SIZE];

    for (int i = 0; i < 50; i++) {
        bool shrank;
        worker->failures +=
            codec_compress(worker->codec, slice_of(raw, RAW_SIZE), &out,
                           &shrank) != BYRON_OK ||
            codec_decompress(worker->codec, buf_slice(&out), again, RAW_SIZE) !=
                BYRON_OK ||
            memcmp(again, raw, RAW_SIZE) != 0;
    }
    buf_deinit(&out);
}

START_TEST(threads_do_not_disturb_each_other)
{
    struct worker workers[4];

    if (!codec_is_built_in(codecs[_i]))
        return;
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.codec = codecs[_i]};
        ck_assert_int_eq(
            thread_start(&workers[i].thread, pack_and_unpack, &workers[i]),
            BYRON_OK);
    }
    for (int i = 0; i < 4; i++) {
        thread_join(&workers[i].thread);
        ck_assert_uint_eq(workers[i].failures, 0);
    }
}
END_TEST

Suite *test_codec_suite(void)
{
    Suite *suite = suite_create("codec");
    TCase *cases = tcase_create("codec");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, what_shrank_comes_back, 0, 2);
    tcase_add_loop_test(cases, what_does_not_shrink_stays_raw, 0, 2);
    tcase_add_loop_test(cases, what_shrinks_too_little_stays_raw, 0, 2);
    tcase_add_loop_test(cases, another_size_than_packed_is_corrupt, 0, 2);
    tcase_add_loop_test(cases, damaged_bytes_are_survived, 0, 2);
    tcase_add_loop_test(cases, a_codec_has_its_name, 0, 2);
    tcase_add_test(cases, an_unknown_codec_is_a_newer_format);
    tcase_add_test(cases, none_copies);
    tcase_add_loop_test(cases, without_memory_it_says_so, 0, 2);
    tcase_add_loop_test(cases, threads_do_not_disturb_each_other, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
