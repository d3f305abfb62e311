#include <check.h>

#include "savepoints.h"

Suite *test_savepoints_suite(void);

START_TEST(what_is_inside_says_nothing_of_the_beginning)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 2, 30, false));

    ck_assert_uint_eq(savepoints_roll_back(&stack, 1), 0);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(each_returns_to_its_own_mark)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 0, 10, false));
    ck_assert(savepoints_open(&stack, 1, 30, false));
    ck_assert(savepoints_open(&stack, 2, 40, false));

    ck_assert_uint_eq(savepoints_roll_back(&stack, 1), 30);
    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 10);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(what_was_never_heard_of_began_before_any_write)
{
    struct savepoints stack = {0};

    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 0);
    ck_assert(savepoints_open(&stack, 0, 7, false));
    ck_assert_uint_eq(savepoints_roll_back(&stack, 1), 0);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(minus_one_is_the_whole_transaction)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 0, 7, false));

    ck_assert_uint_eq(savepoints_roll_back(&stack, -1), 0);
    ck_assert_uint_eq(stack.count, 0);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(a_rolled_back_savepoint_stays_open)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 0, 5, false));
    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 5);

    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 5);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(release_forgets_number_and_what_is_inside)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 0, 1, false));
    ck_assert(savepoints_open(&stack, 1, 2, false));
    ck_assert(savepoints_open(&stack, 2, 3, false));
    savepoints_release(&stack, 1);

    ck_assert_uint_eq(stack.count, 1);
    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 1);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(a_table_that_joins_keeps_the_first_mark)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 1, 4, false));
    ck_assert(savepoints_open(&stack, 1, 9, true));

    ck_assert_uint_eq(savepoints_roll_back(&stack, 1), 4);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(one_that_is_heard_of_by_joining_began_before_any_write)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 1, 0, true));
    savepoints_release(&stack, 1);
    ck_assert(savepoints_open(&stack, 0, 9, true));

    ck_assert_uint_eq(savepoints_roll_back(&stack, 0), 0);
    savepoints_deinit(&stack);
}
END_TEST

START_TEST(a_new_savepoint_replaces_one_that_ended_unheard)
{
    struct savepoints stack = {0};

    ck_assert(savepoints_open(&stack, 1, 4, false));
    ck_assert(savepoints_open(&stack, 1, 9, false));

    ck_assert_uint_eq(savepoints_roll_back(&stack, 1), 9);
    savepoints_deinit(&stack);
}
END_TEST

Suite *test_savepoints_suite(void)
{
    Suite *suite = suite_create("savepoints");
    TCase *cases = tcase_create("savepoints");

    tcase_add_test(cases, what_is_inside_says_nothing_of_the_beginning);
    tcase_add_test(cases, each_returns_to_its_own_mark);
    tcase_add_test(cases, what_was_never_heard_of_began_before_any_write);
    tcase_add_test(cases, minus_one_is_the_whole_transaction);
    tcase_add_test(cases, a_rolled_back_savepoint_stays_open);
    tcase_add_test(cases, release_forgets_number_and_what_is_inside);
    tcase_add_test(cases, a_table_that_joins_keeps_the_first_mark);
    tcase_add_test(cases,
                   one_that_is_heard_of_by_joining_began_before_any_write);
    tcase_add_test(cases, a_new_savepoint_replaces_one_that_ended_unheard);
    suite_add_tcase(suite, cases);
    return suite;
}
