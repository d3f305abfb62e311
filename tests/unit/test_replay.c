#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/edit_fixture.h"
#include "support/seed.h"
#include "version/replay.h"

Suite *test_replay_suite(void);

static byron_status fold(struct replay *replay, struct version_edit *edit)
{
    byron_status status = replay_edit(replay, edit, "dir/M", 5);
    version_edit_deinit(edit);
    return status;
}

/* The live numbers of the sum, as they come. */
static void check_numbers(struct replay *replay, const uint64_t *wanted,
                          size_t count)
{
    const struct version_edit *sum = replay_sum(replay);

    ck_assert_uint_eq(sum->add_count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(sum->adds[i].number, wanted[i]);
}

START_TEST(sum_has_what_was_added_and_not_removed)
{
    static const uint64_t wanted[] = {2, 4, 5};
    struct replay replay = {0};
    struct version_edit edit = {0};

    fixture_add(&edit, 0, 1, 5, "a", "b");
    fixture_add(&edit, 0, 1, 3, "c", "d");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    fixture_add(&edit, 0, 2, 2, "a", "b");
    fixture_add(&edit, 0, 3, 4, "a", "b");
    fixture_remove(&edit, 3);
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    check_numbers(&replay, wanted, 3);
    ck_assert_uint_eq(replay_sum(&replay)->adds[1].facts.uid, 1004);
    replay_deinit(&replay);
}
END_TEST

START_TEST(moved_table_is_at_its_new_level)
{
    struct replay replay = {0};
    struct version_edit edit = {0};

    fixture_add(&edit, 0, 1, 5, "a", "b");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    fixture_remove(&edit, 5);
    fixture_add(&edit, 4, 0, 5, "a", "b");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    ck_assert_uint_eq(replay_sum(&replay)->add_count, 1);
    ck_assert_uint_eq(replay_sum(&replay)->adds[0].level, 4);
    replay_deinit(&replay);
}
END_TEST

START_TEST(numbers_only_grow_and_the_last_tip_counts)
{
    struct replay replay = {0};
    struct version_edit first = {.wal_floor = 9,
                                 .last_sequence = 8,
                                 .next_number = 7,
                                 .has_tip = true,
                                 .tip = 6};
    struct version_edit second = {
        .wal_floor = 3, .next_number = 70, .has_tip = true, .alias = 2};
    const struct version_edit *sum;

    ck_assert_int_eq(fold(&replay, &first), BYRON_OK);
    ck_assert_int_eq(fold(&replay, &second), BYRON_OK);
    sum = replay_sum(&replay);
    ck_assert_uint_eq(sum->wal_floor, 9);
    ck_assert_uint_eq(sum->last_sequence, 8);
    ck_assert_uint_eq(sum->next_number, 70);
    ck_assert(sum->has_tip);
    ck_assert_uint_eq(sum->tip, 0);
    ck_assert_uint_eq(sum->alias, 2);
    replay_deinit(&replay);
}
END_TEST

START_TEST(oldest_drops_are_forgotten_first)
{
    struct replay replay = {0};
    struct version_edit edit = {0};
    const struct version_edit *sum;

    fixture_drop(&edit, 1, "a", "b");
    fixture_drop(&edit, 2, "c", "d");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    edit.forget_drops = 1;
    fixture_drop(&edit, 3, "e", "f");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    sum = replay_sum(&replay);
    ck_assert_uint_eq(sum->drop_count, 2);
    ck_assert_uint_eq(sum->drops[0].wal, 2);
    ck_assert_uint_eq(sum->drops[1].wal, 3);
    ck_assert_uint_eq(sum->forget_drops, 0);
    replay_deinit(&replay);
}
END_TEST

START_TEST(edits_that_do_not_fit_are_corrupt)
{
    struct replay replay = {0};
    struct version_edit edit = {0};

    fixture_add(&edit, 0, 1, 5, "a", "b");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    fixture_add(&edit, 0, 2, 5, "a", "b");
    ck_assert_int_eq(fold(&replay, &edit), BYRON_CORRUPT);
    fixture_remove(&edit, 6);
    ck_assert_int_eq(fold(&replay, &edit), BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "dir/M");
    fixture_remove(&edit, 5);
    fixture_remove(&edit, 5);
    ck_assert_int_eq(fold(&replay, &edit), BYRON_CORRUPT);
    edit.forget_drops = 1;
    ck_assert_int_eq(fold(&replay, &edit), BYRON_CORRUPT);
    replay_deinit(&replay);
}
END_TEST

/* A flag for each number says whether it should be live. */
START_TEST(long_history_agrees_with_a_model)
{
    enum { NUMBERS = 200 };
    bool live[NUMBERS] = {false};
    struct replay replay = {0};
    const struct version_edit *sum;
    struct rng rng;
    size_t at = 0;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 3000; i++) {
        struct version_edit edit = {0};
        uint64_t number = 1 + rng_below(&rng, NUMBERS - 1);
        if (live[number])
            fixture_remove(&edit, number);
        else
            fixture_add(&edit, 0, number, number, "a", "b");
        live[number] = !live[number];
        ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
    }
    sum = replay_sum(&replay);
    for (uint64_t number = 0; number < NUMBERS; number++)
        if (live[number])
            ck_assert_uint_eq(sum->adds[at++].number, number);
    ck_assert_uint_eq(sum->add_count, at);
    replay_deinit(&replay);
}
END_TEST

START_TEST(removed_tables_do_not_pile_up)
{
    struct replay replay = {0};

    for (uint64_t number = 1; number < 1000; number++) {
        struct version_edit edit = {0};
        fixture_add(&edit, 0, 1, number, "a", "b");
        if (number > 1)
            fixture_remove(&edit, number - 1);
        ck_assert_int_eq(fold(&replay, &edit), BYRON_OK);
        ck_assert_uint_le(replay.sum.add_count, 4);
    }
    replay_deinit(&replay);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    size_t live = alloc_live();
    byron_status status = BYRON_NO_MEMORY;

    for (size_t nth = 1; status != BYRON_OK; nth++) {
        struct replay replay = {0};
        struct version_edit edit = {0};
        for (uint64_t number = 1; number < 9; number++)
            fixture_add(&edit, 0, 1, number, "a", "b");
        fixture_drop(&edit, 1, "a", "b");
        alloc_fail_after(nth);
        status = replay_edit(&replay, &edit, "dir/M", 5);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        version_edit_deinit(&edit);
        replay_deinit(&replay);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_replay_suite(void)
{
    Suite *suite = suite_create("replay");
    TCase *cases = tcase_create("replay");

    tcase_add_test(cases, sum_has_what_was_added_and_not_removed);
    tcase_add_test(cases, moved_table_is_at_its_new_level);
    tcase_add_test(cases, numbers_only_grow_and_the_last_tip_counts);
    tcase_add_test(cases, oldest_drops_are_forgotten_first);
    tcase_add_test(cases, edits_that_do_not_fit_are_corrupt);
    tcase_add_test(cases, long_history_agrees_with_a_model);
    tcase_add_test(cases, removed_tables_do_not_pile_up);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
