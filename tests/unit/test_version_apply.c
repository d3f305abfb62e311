#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/edit_fixture.h"
#include "support/seed.h"

Suite *test_version_apply_suite(void);

struct fixture {
    struct table_env env;
    struct version *version;
};

static void init(struct fixture *fixture)
{
    table_env_init(&fixture->env, NULL, NULL);
    ck_assert_int_eq(version_new_empty(&fixture->version), BYRON_OK);
}

static void deinit(struct fixture *fixture)
{
    version_unref(fixture->version);
    ck_assert_uint_eq(fixture->env.live_count, 0);
    table_env_deinit(&fixture->env);
}

/* Replaces the version; frees edit. */
static byron_status apply(struct fixture *fixture, struct version_edit *edit)
{
    struct version *next;
    byron_status status =
        version_apply(fixture->version, edit, &fixture->env, &next);

    version_edit_deinit(edit);
    if (status != BYRON_OK)
        return status;
    version_unref(fixture->version);
    fixture->version = next;
    return BYRON_OK;
}

static void check_text(const struct fixture *fixture, const char *wanted)
{
    ck_assert_str_eq(fixture_version_text(fixture->version), wanted);
    ck_assert_int_eq(version_check(fixture->version, NULL), BYRON_OK);
}

START_TEST(runs_lie_newest_first_and_tables_by_key)
{
    struct fixture fixture;
    struct version_edit edit = {0};

    init(&fixture);
    fixture_add(&edit, 0, 5, 1, "m", "n");
    fixture_add(&edit, 0, 7, 2, "a", "z");
    fixture_add(&edit, 0, 5, 3, "a", "b");
    fixture_add(&edit, 6, 0, 4, "c", "d");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, "L0 r7 2[a,z] | L0 r5 3[a,b] 1[m,n] | "
                         "L6 r0 4[c,d] | ");
    fixture_add(&edit, 0, 6, 5, "a", "a");
    fixture_add(&edit, 6, 0, 6, "e", "f");
    fixture_add(&edit, 6, 0, 7, "a", "b");
    fixture_remove(&edit, 1);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, "L0 r7 2[a,z] | L0 r6 5[a,a] | L0 r5 3[a,b] | "
                         "L6 r0 7[a,b] 4[c,d] 6[e,f] | ");
    deinit(&fixture);
}
END_TEST

START_TEST(empty_runs_and_levels_vanish)
{
    struct fixture fixture;
    struct version_edit edit = {0};

    init(&fixture);
    fixture_add(&edit, 0, 5, 1, "m", "n");
    fixture_add(&edit, 3, 0, 2, "m", "n");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    fixture_remove(&edit, 1);
    fixture_remove(&edit, 2);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, "");
    ck_assert_uint_eq(version_run_count(fixture.version), 0);
    deinit(&fixture);
}
END_TEST

START_TEST(levels_are_summed)
{
    struct fixture fixture;
    struct version_edit edit = {0};
    const struct level *level;

    init(&fixture);
    fixture_add(&edit, 2, 0, 10, "a", "b");
    fixture_add(&edit, 2, 0, 20, "c", "d");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    level = &fixture.version->levels[2];
    ck_assert_uint_eq(level->bytes, 300);
    ck_assert_uint_eq(level->entries, 30);
    ck_assert_uint_eq(level->tombstones, 15);
    ck_assert_uint_eq(level->runs[0].bytes, 300);
    fixture_remove(&edit, 10);
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    level = &fixture.version->levels[2];
    ck_assert_uint_eq(level->bytes, 200);
    ck_assert_uint_eq(level->runs[0].bytes, 200);
    deinit(&fixture);
}
END_TEST

START_TEST(old_version_stays_as_it_was)
{
    struct fixture fixture;
    struct version_edit edit = {0};
    struct version *old;

    init(&fixture);
    fixture_add(&edit, 0, 1, 1, "a", "b");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    old = version_ref(fixture.version);
    fixture_remove(&edit, 1);
    fixture_add(&edit, 1, 0, 2, "a", "b");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    ck_assert_str_eq(fixture_version_text(old), "L0 r1 1[a,b] | ");
    check_text(&fixture, "L1 r0 2[a,b] | ");
    version_unref(old);
    deinit(&fixture);
}
END_TEST

START_TEST(carried_and_moved_tables_stay_the_same_object)
{
    struct fixture fixture;
    struct version_edit edit = {0};
    struct table_meta *carried;
    struct table_meta *moved;

    init(&fixture);
    fixture_add(&edit, 0, 1, 1, "a", "b");
    fixture_add(&edit, 0, 1, 2, "c", "d");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    carried = fixture.version->levels[0].runs[0].tables[0];
    moved = fixture.version->levels[0].runs[0].tables[1];
    fixture_remove(&edit, 2);
    fixture_add(&edit, 6, 0, 2, "c", "d");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    check_text(&fixture, "L0 r1 1[a,b] | L6 r0 2[c,d] | ");
    ck_assert_ptr_eq(fixture.version->levels[0].runs[0].tables[0], carried);
    ck_assert_ptr_eq(fixture.version->levels[6].runs[0].tables[0], moved);
    ck_assert_uint_eq(atomic_load(&moved->refs), 1);
    deinit(&fixture);
}
END_TEST

START_TEST(table_that_is_there_already_is_taken_over)
{
    struct fixture fixture;
    struct version_edit edit = {0};
    struct table_meta *meta;

    init(&fixture);
    meta = fixture_meta(&fixture.env, 9, "a", "b");
    fixture_add(&edit, 0, 1, 9, "a", "b");
    edit.adds[0].meta = meta;
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    ck_assert_ptr_eq(fixture.version->levels[0].runs[0].tables[0], meta);
    ck_assert_uint_eq(atomic_load(&meta->refs), 2);
    table_meta_unref(meta);
    deinit(&fixture);
}
END_TEST

static void check_refused(struct fixture *fixture, struct version_edit *edit,
                          const char *words)
{
    ck_assert_int_eq(apply(fixture, edit), BYRON_CORRUPT);
    ck_assert_msg(strstr(error_last()->words, words) != NULL, "%s",
                  error_last()->words);
    check_text(fixture, "L0 r1 1[c,e] | ");
}

START_TEST(edits_that_do_not_fit_are_corrupt)
{
    struct fixture fixture;
    struct version_edit edit = {0};

    init(&fixture);
    fixture_add(&edit, 0, 1, 1, "c", "e");
    ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
    fixture_remove(&edit, 2);
    check_refused(&fixture, &edit, "1 of the tables");
    fixture_remove(&edit, 1);
    fixture_remove(&edit, 1);
    check_refused(&fixture, &edit, "table 1 is removed twice");
    fixture_add(&edit, 1, 0, 1, "c", "e");
    check_refused(&fixture, &edit, "table 1 is added again");
    fixture_add(&edit, 1, 0, 3, "c", "e");
    fixture_add(&edit, 2, 0, 3, "c", "e");
    check_refused(&fixture, &edit, "table 3 is added twice");
    fixture_add(&edit, 0, 1, 3, "e", "f");
    check_refused(&fixture, &edit, "tables 1 and 3 overlap");
    fixture_add(&edit, BYRON_LEVELS, 0, 3, "e", "f");
    check_refused(&fixture, &edit, "no such level");
    fixture_add(&edit, 5, 0, 3, "f", "e");
    check_refused(&fixture, &edit, "ends before it starts");
    deinit(&fixture);
}
END_TEST

/* Tables of one level in a random order of coming and going. */
START_TEST(random_edits_keep_a_level_in_order)
{
    enum { NUMBERS = 100 };
    bool is_there[NUMBERS] = {false};
    struct fixture fixture;
    struct rng rng;

    rng_init(&rng, test_seed());
    init(&fixture);
    for (int i = 0; i < 500; i++) {
        struct version_edit edit = {0};
        const struct run *run;
        size_t at = 0;
        uint64_t first = rng_below(&rng, NUMBERS);
        for (uint64_t n = first; n < NUMBERS && n < first + 7; n += 2) {
            char key[3] = {(char)('a' + n / 10), (char)('a' + n % 10), 0};
            if (is_there[n])
                fixture_remove(&edit, n + 1);
            else
                fixture_add(&edit, 4, 0, n + 1, key, key);
            is_there[n] = !is_there[n];
        }
        ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
        ck_assert_int_eq(version_check(fixture.version, NULL), BYRON_OK);
        run = fixture.version->levels[4].runs;
        for (uint64_t n = 0; n < NUMBERS; n++)
            if (is_there[n])
                ck_assert_uint_eq(run->tables[at++]->number, n + 1);
        ck_assert_uint_eq(at,
                          fixture.version->levels[4].count ? run->count : 0);
    }
    deinit(&fixture);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    size_t live = alloc_live();
    byron_status status = BYRON_NO_MEMORY;

    for (size_t nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        struct version_edit edit = {0};
        init(&fixture);
        fixture_add(&edit, 0, 1, 1, "a", "b");
        fixture_add(&edit, 0, 1, 2, "c", "d");
        fixture_add(&edit, 1, 0, 3, "c", "d");
        ck_assert_int_eq(apply(&fixture, &edit), BYRON_OK);
        fixture_remove(&edit, 2);
        fixture_add(&edit, 6, 0, 2, "c", "d");
        fixture_add(&edit, 6, 0, 4, "e", "f");
        fixture_add(&edit, 0, 2, 5, "e", "f");
        alloc_fail_after(nth);
        status = apply(&fixture, &edit);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        if (status != BYRON_OK)
            check_text(&fixture, "L0 r1 1[a,b] 2[c,d] | L1 r0 3[c,d] | ");
        deinit(&fixture);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_version_apply_suite(void)
{
    Suite *suite = suite_create("version_apply");
    TCase *cases = tcase_create("version_apply");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, runs_lie_newest_first_and_tables_by_key);
    tcase_add_test(cases, empty_runs_and_levels_vanish);
    tcase_add_test(cases, levels_are_summed);
    tcase_add_test(cases, old_version_stays_as_it_was);
    tcase_add_test(cases, carried_and_moved_tables_stay_the_same_object);
    tcase_add_test(cases, table_that_is_there_already_is_taken_over);
    tcase_add_test(cases, edits_that_do_not_fit_are_corrupt);
    tcase_add_test(cases, random_edits_keep_a_level_in_order);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
