#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/edit_fixture.h"
#include "support/seed.h"
#include "version/run.h"

Suite *test_run_suite(void);

#define MOST 300

/* A run of up to MOST tables, made by hand. */
struct fixture {
    struct table_env env;
    struct run run;
};

static void init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    table_env_init(&fixture->env, NULL, NULL);
    fixture->run.tables = alloc_zeroed(MOST, sizeof *fixture->run.tables);
    ck_assert_ptr_nonnull(fixture->run.tables);
}

static void add(struct fixture *fixture, const char *smallest,
                const char *largest)
{
    struct run *run = &fixture->run;
    run->tables[run->count] =
        fixture_meta(&fixture->env, run->count + 1, smallest, largest);
    run->count++;
}

static void deinit(struct fixture *fixture)
{
    run_deinit(&fixture->run);
    table_env_deinit(&fixture->env);
}

static struct slice text(const char *bytes)
{
    return slice_of(bytes, strlen(bytes));
}

static size_t find(const struct fixture *fixture, const char *key)
{
    return run_find(&fixture->run, text(key));
}

START_TEST(find_is_the_first_that_may_hold_the_key)
{
    struct fixture fixture;

    init(&fixture);
    add(&fixture, "kb", "kd");
    add(&fixture, "kf", "kh");
    add(&fixture, "kj", "kl");
    for (int sealed = 0; sealed < 2; sealed++) {
        if (sealed)
            ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
        ck_assert_uint_eq(find(&fixture, ""), 0);
        ck_assert_uint_eq(find(&fixture, "a"), 0);
        ck_assert_uint_eq(find(&fixture, "k"), 0);
        ck_assert_uint_eq(find(&fixture, "kd"), 0);
        ck_assert_uint_eq(find(&fixture, "kd\1"), 1);
        ck_assert_uint_eq(find(&fixture, "kg"), 1);
        ck_assert_uint_eq(find(&fixture, "kl"), 2);
        ck_assert_uint_eq(find(&fixture, "km"), 3);
        ck_assert_uint_eq(find(&fixture, "l"), 3);
    }
    deinit(&fixture);
}
END_TEST

/* The head search must agree with a walk, whatever the keys look like. */
static void check_finds(const struct run *run, struct slice key)
{
    size_t wanted = 0;

    while (wanted < run->count &&
           table_meta_ends_before(run->tables[wanted], key))
        wanted++;
    ck_assert_uint_eq(run_find(run, key), wanted);
    if (wanted == run->count ||
        slice_compare(table_meta_smallest(run->tables[wanted]), key) > 0)
        ck_assert_ptr_null(run_cover(run, key));
    else
        ck_assert_ptr_eq(run_cover(run, key), run->tables[wanted]);
}

START_TEST(find_agrees_with_a_walk)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 60; round++) {
        struct fixture fixture;
        size_t count = 1 + (size_t)rng_below(&rng, MOST - 3);
        unsigned step = 1 + (unsigned)rng_below(&rng, 3);
        const char *prefix = round % 2 ? "tenant-of-many-tables-" : "";
        char key[64];

        init(&fixture);
        /* Nothing is shared by all then, and many heads are equal. */
        if (round % 3 == 0)
            add(&fixture, " ", " ");
        for (size_t i = 0; i < count; i++) {
            snprintf(key, sizeof key, "%s%0*x", prefix, round % 12,
                     (unsigned)(0x1000 + i * step));
            add(&fixture, key, key);
        }
        if (round % 3 == 0)
            add(&fixture, "~", "~");
        ck_assert_int_eq(run_check(&fixture.run, NULL), BYRON_OK);
        ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
        for (unsigned i = 0xff0; i < 0x1010 + count * step; i++) {
            snprintf(key, sizeof key, "%s%0*x", prefix, round % 12, i);
            check_finds(&fixture.run, text(key));
            check_finds(&fixture.run, slice_of(key, strlen(key) - 1));
            strcat(key, "!");
            check_finds(&fixture.run, text(key));
        }
        deinit(&fixture);
    }
}
END_TEST

/* Heads of all ones are where head + 1 overflows. */
START_TEST(find_survives_the_largest_head)
{
    struct fixture fixture;

    init(&fixture);
    add(&fixture, "a", "a");
    add(&fixture, "\xff\xff\xff\xff\xff\xff\xff\xff",
        "\xff\xff\xff\xff\xff\xff\xff\xff");
    add(&fixture, "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
    ck_assert_uint_eq(find(&fixture, "\xff\xff\xff\xff\xff\xff\xff\xff"), 1);
    ck_assert_uint_eq(find(&fixture, "\xff\xff\xff\xff\xff\xff\xff\xff\1"), 2);
    ck_assert_uint_eq(
        find(&fixture, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 3);
    deinit(&fixture);
}
END_TEST

static void check_overlap(const struct fixture *fixture, const char *lower,
                          const char *upper, size_t begin, size_t end)
{
    size_t found_begin;
    size_t found_end;
    struct slice open = {NULL, 0};

    run_overlap(&fixture->run, lower ? text(lower) : open,
                upper ? text(upper) : open, &found_begin, &found_end);
    ck_assert_uint_eq(found_begin, begin);
    ck_assert_uint_eq(found_end, end);
}

START_TEST(overlap_includes_lower_and_excludes_upper)
{
    struct fixture fixture;

    init(&fixture);
    add(&fixture, "b", "d");
    add(&fixture, "f", "h");
    add(&fixture, "j", "l");
    check_overlap(&fixture, NULL, NULL, 0, 3);
    check_overlap(&fixture, "d", NULL, 0, 3);
    check_overlap(&fixture, "e", NULL, 1, 3);
    check_overlap(&fixture, NULL, "f", 0, 1);
    check_overlap(&fixture, NULL, "g", 0, 2);
    check_overlap(&fixture, NULL, "b", 0, 0);
    check_overlap(&fixture, "e", "f", 1, 1);
    check_overlap(&fixture, "g", "g1", 1, 2);
    check_overlap(&fixture, "m", NULL, 3, 3);
    check_overlap(&fixture, "k", "c", 2, 2);
    deinit(&fixture);
}
END_TEST

START_TEST(check_finds_overlaps_and_disorder)
{
    struct fixture fixture;

    init(&fixture);
    add(&fixture, "b", "d");
    add(&fixture, "d", "e");
    ck_assert_int_eq(run_check(&fixture.run, "dir/M"), BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "dir/M");
    ck_assert_ptr_nonnull(strstr(error_last()->words, "tables 1 and 2"));
    deinit(&fixture);

    init(&fixture);
    add(&fixture, "b", "a");
    ck_assert_int_eq(run_check(&fixture.run, NULL), BYRON_CORRUPT);
    deinit(&fixture);
}
END_TEST

START_TEST(a_table_with_an_open_end_does_not_have_its_largest_key)
{
    struct fixture fixture;

    init(&fixture);
    add(&fixture, "b", "d");
    add(&fixture, "d", "e");
    add(&fixture, "g", "h");
    fixture.run.tables[0]->facts.is_open = true;
    fixture.run.tables[2]->facts.is_open = true;
    ck_assert_int_eq(run_check(&fixture.run, NULL), BYRON_OK);
    for (int pass = 0; pass < 2; pass++) {
        ck_assert_uint_eq(find(&fixture, "c"), 0);
        ck_assert_uint_eq(find(&fixture, "d"), 1);
        ck_assert_uint_eq(find(&fixture, "e"), 1);
        ck_assert_uint_eq(find(&fixture, "h"), 3);
        check_overlap(&fixture, "d", "e", 1, 2);
        check_overlap(&fixture, "h", NULL, 3, 3);
        check_overlap(&fixture, NULL, "d", 0, 1);
        if (pass == 0)
            ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
    }
    deinit(&fixture);
}
END_TEST

START_TEST(copy_has_references_of_its_own)
{
    struct fixture fixture;
    struct run copy;

    init(&fixture);
    add(&fixture, "b", "d");
    add(&fixture, "f", "g");
    ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
    ck_assert_uint_eq(fixture.run.bytes, 30);
    ck_assert_int_eq(run_copy(&fixture.run, &copy), BYRON_OK);
    ck_assert_uint_eq(atomic_load(&copy.tables[1]->refs), 2);
    ck_assert_uint_eq(run_find(&copy, text("e")), 1);
    run_deinit(&copy);
    ck_assert_uint_eq(atomic_load(&fixture.run.tables[1]->refs), 1);
    deinit(&fixture);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    struct fixture fixture;
    struct run copy = {0};
    size_t live = alloc_live();

    init(&fixture);
    add(&fixture, "b", "d");
    alloc_fail_after(1);
    ck_assert_int_eq(run_seal(&fixture.run), BYRON_NO_MEMORY);
    ck_assert_int_eq(run_seal(&fixture.run), BYRON_OK);
    for (size_t nth = 1; nth < 3; nth++) {
        alloc_fail_after(nth);
        ck_assert_int_eq(run_copy(&fixture.run, &copy), BYRON_NO_MEMORY);
    }
    alloc_fail_after(0);
    deinit(&fixture);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_run_suite(void)
{
    Suite *suite = suite_create("run");
    TCase *cases = tcase_create("run");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, find_is_the_first_that_may_hold_the_key);
    tcase_add_test(cases, find_agrees_with_a_walk);
    tcase_add_test(cases,
                   a_table_with_an_open_end_does_not_have_its_largest_key);
    tcase_add_test(cases, find_survives_the_largest_head);
    tcase_add_test(cases, overlap_includes_lower_and_excludes_upper);
    tcase_add_test(cases, check_finds_overlaps_and_disorder);
    tcase_add_test(cases, copy_has_references_of_its_own);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
