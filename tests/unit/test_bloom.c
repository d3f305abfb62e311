#include <check.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "sstable/bloom.h"
#include "support/seed.h"

Suite *test_bloom_suite(void);

static void add_hashes(struct rng *rng, size_t count, struct buf *hashes)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(buf_add_u64(hashes, rng_next(rng)), BYRON_OK);
}

static bool has(const struct bloom_shape *shape, const struct buf *lines,
                uint64_t hash)
{
    return bloom_line_has(lines->data +
                              (size_t)bloom_line(shape, hash) * BLOOM_LINE_SIZE,
                          shape->probes, hash);
}

START_TEST(every_key_added_may_be_there)
{
    struct rng rng;
    struct buf hashes = {0}, lines = {0};
    struct bloom_shape shape;
    size_t count = _i ? 20000 : 1;

    rng_init(&rng, test_seed());
    add_hashes(&rng, count, &hashes);
    bloom_choose(count, 3 + 4 * (uint32_t)_i, &shape);
    ck_assert_int_eq(bloom_add(&shape, &hashes, &lines), BYRON_OK);

    ck_assert_uint_eq(lines.size, (size_t)shape.lines * BLOOM_LINE_SIZE);
    for (size_t i = 0; i < count; i++)
        ck_assert(has(&shape, &lines, load_u64(hashes.data + i * 8)));
    buf_deinit(&hashes);
    buf_deinit(&lines);
}
END_TEST

/* Share of absent keys, per 10000, that a filter lets through. */
static size_t false_positives(uint32_t bits)
{
    struct rng rng;
    struct buf hashes = {0}, lines = {0};
    struct bloom_shape shape;
    size_t passed = 0;

    rng_init(&rng, test_seed());
    add_hashes(&rng, 100000, &hashes);
    bloom_choose(100000, bits, &shape);
    ck_assert_int_eq(bloom_add(&shape, &hashes, &lines), BYRON_OK);
    for (int i = 0; i < 100000; i++)
        passed += has(&shape, &lines, rng_next(&rng));
    buf_deinit(&hashes);
    buf_deinit(&lines);
    return passed / 10;
}

START_TEST(ten_bits_let_one_in_a_hundred_through)
{
    size_t share = false_positives(10);

    ck_assert_uint_lt(share, 140);
    ck_assert_uint_gt(share, 60);
}
END_TEST

START_TEST(sixteen_bits_let_one_in_five_hundred_through)
{
    ck_assert_uint_lt(false_positives(16), 20);
}
END_TEST

START_TEST(no_bits_give_no_lines)
{
    struct bloom_shape shape;

    bloom_choose(1000, 0, &shape);
    ck_assert_uint_eq(shape.lines, 0);
    bloom_choose(0, 10, &shape);
    ck_assert_uint_eq(shape.lines, 0);
    bloom_choose(1, 10, &shape);
    ck_assert_uint_eq(shape.lines, 1);
}
END_TEST

START_TEST(no_memory_is_reported)
{
    struct buf hashes = {0}, lines = {0};
    struct bloom_shape shape;

    bloom_choose(100, 10, &shape);
    alloc_fail_after(1);
    ck_assert_int_eq(bloom_add(&shape, &hashes, &lines), BYRON_NO_MEMORY);
    alloc_fail_after(0);
}
END_TEST

Suite *test_bloom_suite(void)
{
    Suite *suite = suite_create("bloom");
    TCase *cases = tcase_create("bloom");

    tcase_add_loop_test(cases, every_key_added_may_be_there, 0, 4);
    tcase_add_test(cases, ten_bits_let_one_in_a_hundred_through);
    tcase_add_test(cases, sixteen_bits_let_one_in_five_hundred_through);
    tcase_add_test(cases, no_bits_give_no_lines);
    tcase_add_test(cases, no_memory_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
