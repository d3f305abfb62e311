#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/edit_fixture.h"

Suite *test_store_state_suite(void);

struct fixture {
    struct table_env env;
    struct store_state state;
};

static void init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    table_env_init(&fixture->env, NULL, NULL);
    ck_assert_int_eq(version_new_empty(&fixture->state.version), BYRON_OK);
}

static void deinit(struct fixture *fixture)
{
    store_state_deinit(&fixture->state);
    table_env_deinit(&fixture->env);
}

/* Frees edit. */
static byron_status apply(struct fixture *fixture, struct version_edit *edit)
{
    byron_status status =
        store_state_apply(&fixture->state, edit, &fixture->env);
    version_edit_deinit(edit);
    return status;
}

static void check_text(const struct fixture *fixture, const char *wanted)
{
    ck_assert_str_eq(fixture_text(&fixture->state), wanted);
}

/* A state with something of everything. */
static void fill(struct fixture *fixture)
{
    struct version_edit edit = {.wal_floor = 2,
                                .last_sequence = 3,
                                .next_number = 4,
                                .has_tip = true,
                                .tip = 5,
                                .alias = 6};
    fixture_add(&edit, 0, 1, 1, "a", "b");
    fixture_add(&edit, 6, 0, 2, "a", "b");
    fixture_drop(&edit, 7, "k", "l");
    fixture_drop(&edit, 8, "m", "n");
    ck_assert_int_eq(apply(fixture, &edit), BYRON_OK);
}

static const char filled[] = "L0 r1 1[a,b] | L6 r0 2[a,b] | drop 7[k,l) | "
                             "drop 8[m,n) | floor 2 seq 3 next 4 tip 5/6";

START_TEST(edit_takes_hold_in_every_part)
{
    struct fixture fixture;

    init(&fixture);
    fill(&fixture);
    check_text(&fixture, filled);
    deinit(&fixture);
}
END_TEST

START_TEST(edit_of_nothing_changes_nothing)
{
    struct fixture fixture;
    struct version_edit edit = {0};
    struct version *version;

    init(&fixture);
    fill(&fixture);
    version = fixture.state.version;
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, filled);
    ck_assert_ptr_eq(fixture.state.version, version);
    deinit(&fixture);
}
END_TEST

START_TEST(numbers_never_go_back)
{
    struct fixture fixture;
    struct version_edit edit = {
        .wal_floor = 1, .last_sequence = 1, .next_number = 1};

    init(&fixture);
    fill(&fixture);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, filled);
    deinit(&fixture);
}
END_TEST

START_TEST(added_table_uses_up_its_number)
{
    struct fixture fixture;
    struct version_edit edit = {0};

    init(&fixture);
    fixture_add(&edit, 0, 1, 41, "a", "b");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    ck_assert_uint_eq(fixture.state.next_number, 42);
    deinit(&fixture);
}
END_TEST

START_TEST(oldest_drops_are_forgotten_first)
{
    struct fixture fixture;
    struct version_edit edit = {.forget_drops = 1};

    init(&fixture);
    fill(&fixture);
    fixture_drop(&edit, 9, "o", "p");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, "L0 r1 1[a,b] | L6 r0 2[a,b] | drop 8[m,n) | "
                         "drop 9[o,p) | floor 2 seq 3 next 4 tip 5/6");
    edit.forget_drops = 2;
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    ck_assert_uint_eq(fixture.state.drop_count, 0);
    deinit(&fixture);
}
END_TEST

START_TEST(edit_that_does_not_fit_changes_nothing)
{
    struct fixture fixture;
    struct version_edit edit = {.forget_drops = 3};

    init(&fixture);
    fill(&fixture);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_CORRUPT);
    edit.next_number = 99;
    fixture_drop(&edit, 9, "o", "p");
    fixture_remove(&edit, 77);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_CORRUPT);
    check_text(&fixture, filled);
    deinit(&fixture);
}
END_TEST

START_TEST(a_plan_changes_nothing_until_it_is_taken)
{
    size_t live = alloc_live();
    struct fixture fixture;
    struct store_change change;
    struct version_edit edit = {.forget_drops = 1, .next_number = 99};

    init(&fixture);
    fill(&fixture);
    fixture_drop(&edit, 9, "o", "p");
    fixture_remove(&edit, 1);
    fixture_add(&edit, 0, 3, 3, "a", "b");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            store_state_plan(&fixture.state, &edit, &fixture.env, &change),
            BYRON_OK);
        check_text(&fixture, filled);
        if (i == 0)
            store_change_deinit(&change);
    }
    store_state_take(&fixture.state, &edit, &change);
    check_text(&fixture, "L0 r3 3[a,b] | L6 r0 2[a,b] | drop 8[m,n) | "
                         "drop 9[o,p) | floor 2 seq 3 next 99 tip 5/6");
    store_change_deinit(&change);
    version_edit_deinit(&edit);
    deinit(&fixture);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(encoding_makes_the_same_state_out_of_nothing)
{
    struct fixture fixture;
    struct fixture again;
    struct version_edit edit = {0};
    struct buf bytes = {0};

    init(&fixture);
    init(&again);
    fill(&fixture);
    ck_assert_int_eq(store_state_encode(&fixture.state, &bytes), BYRON_OK);
    ck_assert_int_eq(version_edit_decode(buf_slice(&bytes), NULL, 0, &edit),
                     BYRON_OK);
    ck_assert_int_eq(apply(&again, &edit), BYRON_OK);
    check_text(&again, filled);
    ck_assert_uint_eq(
        again.state.version->levels[0].runs[0].tables[0]->created_s, 5001);
    ck_assert_uint_eq(
        again.state.version->levels[0].runs[0].tables[0]->facts.uid, 1001);
    buf_deinit(&bytes);
    deinit(&fixture);
    deinit(&again);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    size_t live = alloc_live();
    byron_status status = BYRON_NO_MEMORY;

    for (size_t nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        struct version_edit edit = {.forget_drops = 1, .next_number = 99};
        struct buf bytes = {0};
        init(&fixture);
        fill(&fixture);
        fixture_drop(&edit, 9, "o", "p");
        fixture_add(&edit, 0, 3, 3, "a", "b");
        alloc_fail_after(nth);
        status = apply(&fixture, &edit);
        if (status == BYRON_OK)
            status = store_state_encode(&fixture.state, &bytes);
        else
            check_text(&fixture, filled);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        buf_deinit(&bytes);
        deinit(&fixture);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_store_state_suite(void)
{
    Suite *suite = suite_create("store_state");
    TCase *cases = tcase_create("store_state");

    tcase_add_test(cases, edit_takes_hold_in_every_part);
    tcase_add_test(cases, edit_of_nothing_changes_nothing);
    tcase_add_test(cases, numbers_never_go_back);
    tcase_add_test(cases, added_table_uses_up_its_number);
    tcase_add_test(cases, oldest_drops_are_forgotten_first);
    tcase_add_test(cases, edit_that_does_not_fit_changes_nothing);
    tcase_add_test(cases, a_plan_changes_nothing_until_it_is_taken);
    tcase_add_test(cases, encoding_makes_the_same_state_out_of_nothing);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
