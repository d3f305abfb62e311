/*
 * template: what a unit test file looks like. Copy it to
 * tests/unit/test_<module>.c, and the next `make unit T=<module>` runs it:
 * the Makefile finds suites by their file names. This file is not built.
 *
 * One file per module; the suite bears the module's name; a test's name is a
 * claim about it. Arrange, act, check, in at most 30 lines. A test that
 * cannot fail is a defect: break the code once and see it fail.
 */
#include <check.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "support/seed.h"

/* Declared here, as the runner's table is made from the file names. */
Suite *test_template_suite(void);

/* Checks that live in a helper report the line of the helper: few of them. */
static void fill(struct buf *buf, size_t size)
{
    ck_assert_int_eq(buf_add_zeros(buf, size), BYRON_OK);
}

START_TEST(clear_keeps_the_capacity)
{
    struct buf buf = {0};
    size_t capacity;

    fill(&buf, 1000);
    capacity = buf.capacity;
    buf_clear(&buf);

    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_eq(buf.capacity, capacity);
    buf_deinit(&buf);
}
END_TEST

/* The runner prints the seed; BYRON_SEED=n repeats what went wrong. */
START_TEST(any_bytes_come_back)
{
    struct rng rng;
    uint8_t bytes[64];
    struct buf buf = {0};

    rng_init(&rng, test_seed());
    rng_bytes(&rng, bytes, sizeof bytes);
    ck_assert_int_eq(buf_add(&buf, bytes, sizeof bytes), BYRON_OK);

    ck_assert_mem_eq(buf.data, bytes, sizeof bytes);
    buf_deinit(&buf);
}
END_TEST

/* Every allocation fails once; nothing is lost and nothing leaks. */
START_TEST(survives_any_failed_allocation)
{
    size_t live = alloc_live();
    struct buf buf = {0};

    alloc_fail_after(1);
    ck_assert_int_eq(buf_add_u8(&buf, 1), BYRON_NO_MEMORY);
    alloc_fail_after(0);

    ck_assert_int_eq(buf_add_u8(&buf, 1), BYRON_OK);
    buf_deinit(&buf);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_template_suite(void)
{
    Suite *suite = suite_create("template");
    TCase *cases = tcase_create("template");

    tcase_add_test(cases, clear_keeps_the_capacity);
    tcase_add_test(cases, any_bytes_come_back);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
