/*
 * hash, and that it is the same with wide vectors.
 *
 * Covers: hash_wide.
 */
#include <check.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/hash_wide.h"
#include "support/seed.h"

Suite *test_hash_suite(void);

#define SIZE 3000
static uint8_t bytes[SIZE];
static struct rng rng;

static void set_up(void)
{
    rng_init(&rng, test_seed());
    rng_bytes(&rng, bytes, sizeof bytes);
}

/* Published values of XXH3: files of today must be readable for ever. */
START_TEST(values_never_change)
{
    ck_assert_uint_eq(hash_bytes(slice_of(NULL, 0), 0),
                      UINT64_C(0x2d06800538d394c2));
    ck_assert_uint_eq(hash_bytes(slice_of("abc", 3), 0),
                      UINT64_C(0x78af5f94892f3950));
}
END_TEST

START_TEST(seed_and_every_byte_matter)
{
    uint64_t hash = hash_bytes(slice_of(bytes, SIZE), 1);

    ck_assert_uint_ne(hash, hash_bytes(slice_of(bytes, SIZE), 2));
    for (size_t i = 0; i < SIZE; i += 37) {
        bytes[i] ^= 1;
        ck_assert_uint_ne(hash, hash_bytes(slice_of(bytes, SIZE), 1));
        bytes[i] ^= 1;
    }
}
END_TEST

START_TEST(wide_vectors_give_the_same_value)
{
    if (!hash_wide_works()) {
        printf("skipped: no AVX2, in this build or on this processor\n");
        return;
    }
    for (size_t size = 0; size <= SIZE; size++) {
        uint64_t seed = rng_next(&rng);
        uint64_t value = XXH3_64bits_withSeed(bytes, size, seed);
        size_t cut = (size_t)rng_below(&rng, size + 1);
        XXH3_state_t state;

        ck_assert_uint_eq(hash_wide_bytes(bytes, size, seed), value);
        ck_assert_uint_eq(hash_bytes(slice_of(bytes, size), seed), value);
        XXH3_INITSTATE(&state);
        XXH3_64bits_reset_withSeed(&state, seed);
        hash_wide_update(&state, bytes, cut);
        XXH3_64bits_update(&state, bytes + cut, size - cut);
        ck_assert_uint_eq(XXH3_64bits_digest(&state), value);
    }
}
END_TEST

START_TEST(pair_hashes_as_one)
{
    for (int i = 0; i < 3000; i++) {
        size_t size = (size_t)rng_below(&rng, i % 2 ? 600 : SIZE);
        size_t cut = (size_t)rng_below(&rng, size + 1);
        uint64_t seed = rng_next(&rng);
        ck_assert_uint_eq(hash_pair(slice_of(bytes, cut),
                                    slice_of(bytes + cut, size - cut), seed),
                          hash_bytes(slice_of(bytes, size), seed));
    }
}
END_TEST

START_TEST(stream_hashes_as_one)
{
    for (int round = 0; round < 100; round++) {
        uint64_t seed = rng_next(&rng);
        struct hash_stream *stream;
        size_t at = 0;
        ck_assert_int_eq(hash_stream_new(seed, &stream), BYRON_OK);
        while (at < SIZE) {
            size_t piece = (size_t)rng_below(&rng, SIZE - at) + 1;
            hash_stream_add(stream, slice_of(bytes + at, piece));
            at += piece;
            ck_assert_uint_eq(hash_stream_value(stream),
                              hash_bytes(slice_of(bytes, at), seed));
        }
        hash_stream_free(stream);
    }
}
END_TEST

START_TEST(stream_without_memory_is_refused)
{
    size_t live = alloc_live();
    struct hash_stream *stream;

    alloc_fail_after(1);
    ck_assert_int_eq(hash_stream_new(0, &stream), BYRON_NO_MEMORY);
    hash_stream_free(NULL);
    ck_assert_int_eq(hash_stream_new(0, &stream), BYRON_OK);
    hash_stream_free(stream);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_hash_suite(void)
{
    Suite *suite = suite_create("hash");
    TCase *cases = tcase_create("hash");

    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, values_never_change);
    tcase_add_test(cases, seed_and_every_byte_matter);
    tcase_add_test(cases, wide_vectors_give_the_same_value);
    tcase_add_test(cases, pair_hashes_as_one);
    tcase_add_test(cases, stream_hashes_as_one);
    tcase_add_test(cases, stream_without_memory_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
