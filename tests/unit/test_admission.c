#include <check.h>

#include "base/alloc.h"
#include "sstable/admission.h"

Suite *test_admission_suite(void);

static uint64_t hash_of(uint64_t number)
{
    uint64_t hash = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

START_TEST(the_second_miss_admits)
{
    struct admission admission;

    ck_assert_int_eq(admission_init(&admission, 1024), BYRON_OK);
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert(!admission_ask(&admission, hash_of(i)));
        ck_assert(admission_ask(&admission, hash_of(i)));
        /* It was taken in; once driven out, it starts anew. */
        ck_assert(!admission_ask(&admission, hash_of(i)));
    }
    admission_deinit(&admission);
}
END_TEST

START_TEST(old_misses_are_forgotten)
{
    struct admission admission;
    unsigned admitted = 0;

    ck_assert_int_eq(admission_init(&admission, 64), BYRON_OK);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 6400; i++)
            admitted += admission_ask(&admission, hash_of(i));
    ck_assert_uint_lt(admitted, 10);
    admission_deinit(&admission);
}
END_TEST

START_TEST(recent_misses_are_remembered)
{
    struct admission admission;
    unsigned admitted = 0;

    ck_assert_int_eq(admission_init(&admission, 1000), BYRON_OK);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 250; i++)
            admitted += admission_ask(&admission, hash_of(i));
    /* Some share a mark with a later one. */
    ck_assert_uint_gt(admitted, 150);
    ck_assert_uint_le(admitted, 250);
    admission_deinit(&admission);
}
END_TEST

START_TEST(an_empty_one_admits_everything)
{
    struct admission admission = {0};

    ck_assert(admission_ask(&admission, 7));
    ck_assert(admission_ask(&admission, 8));
    admission_deinit(&admission);
}
END_TEST

START_TEST(without_memory_it_is_refused)
{
    struct admission admission;
    size_t live = alloc_live();

    alloc_fail_after(1);
    ck_assert_int_eq(admission_init(&admission, 64), BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_admission_suite(void)
{
    Suite *suite = suite_create("admission");
    TCase *cases = tcase_create("admission");

    tcase_add_test(cases, the_second_miss_admits);
    tcase_add_test(cases, old_misses_are_forgotten);
    tcase_add_test(cases, recent_misses_are_remembered);
    tcase_add_test(cases, an_empty_one_admits_everything);
    tcase_add_test(cases, without_memory_it_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
