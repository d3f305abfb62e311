#include <check.h>
#include <string.h>

#include "base/posix_clock.h"

Suite *test_posix_clock_suite(void);

START_TEST(clock_goes_on_while_asleep)
{
    struct byron_os *os = os_posix();
    uint64_t start = posix_now_us(os);

    posix_sleep_us(os, 5000);
    ck_assert_uint_ge(posix_now_us(os) - start, 5000);
    ck_assert_uint_gt(posix_wall_ms(os), 1700000000000);
}
END_TEST

START_TEST(random_bytes_differ)
{
    uint8_t first[32] = {0};
    uint8_t second[32] = {0};

    ck_assert_int_eq(posix_random(os_posix(), first, sizeof first), BYRON_OK);
    ck_assert_int_eq(posix_random(os_posix(), second, sizeof second), BYRON_OK);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

Suite *test_posix_clock_suite(void)
{
    Suite *suite = suite_create("posix_clock");
    TCase *cases = tcase_create("posix_clock");

    tcase_add_test(cases, clock_goes_on_while_asleep);
    tcase_add_test(cases, random_bytes_differ);
    suite_add_tcase(suite, cases);
    return suite;
}
