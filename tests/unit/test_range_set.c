#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "memtable/range_set.h"
#include "support/entry_list.h"

Suite *test_range_set_suite(void);

#define COUNT 700

static struct range_set set;
/* The model: number i covers [froms[i], tos[i]) at sequence i + 1. */
static unsigned froms[COUNT], tos[COUNT];

static void tear_down(void)
{
    range_set_deinit(&set);
    memset(&set, 0, sizeof set);
}

/* Bytes that are spoiled after the call. */
static byron_status stage(unsigned from, unsigned to, uint64_t sequence)
{
    char lower[8] = "", upper[8] = "";
    struct range_delete delete = {slice_of(lower, 4), slice_of(upper, 4),
                                  sequence};
    struct range_deletes deletes = {&delete, 1, 0};
    byron_status status;

    snprintf(lower, sizeof lower, "%04u", from);
    snprintf(upper, sizeof upper, "%04u", to);
    status = range_set_stage(&set, &deletes);
    memset(lower, 'x', sizeof lower);
    memset(upper, 'x', sizeof upper);
    return status;
}

static uint64_t newest(unsigned key, uint64_t limit)
{
    char bytes[8];
    const struct range_lists *lists = range_set_lists(&set);

    snprintf(bytes, sizeof bytes, "%04u", key);
    return lists ? range_lists_newest(lists, slice_of(bytes, 4), limit) : 0;
}

static uint64_t wanted(unsigned key, uint64_t limit, unsigned count)
{
    for (unsigned i = limit < count ? (unsigned)limit : count; i-- > 0;)
        if (froms[i] <= key && key < tos[i])
            return i + 1;
    return 0;
}

START_TEST(what_is_staged_is_seen_once_published)
{
    ck_assert_ptr_null(range_set_lists(&set));
    must(stage(1, 5, 3) == BYRON_OK);
    ck_assert_ptr_null(range_set_lists(&set));
    ck_assert_uint_eq(range_set_count(&set), 0);
    range_set_unstage(&set);
    range_set_publish(&set);
    ck_assert_ptr_null(range_set_lists(&set));
    must(stage(1, 5, 3) == BYRON_OK);
    range_set_publish(&set);
    ck_assert_uint_eq(range_set_count(&set), 1);
    ck_assert_uint_eq(newest(4, 9), 3);
    ck_assert_uint_eq(newest(4, 2), 0);
    ck_assert_uint_eq(newest(5, 9), 0);
}
END_TEST

START_TEST(any_number_of_them_is_kept)
{
    struct rng rng;
    struct range_deletes all = {0};

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (unsigned i = 0; i < COUNT; i++) {
        froms[i] = _i ? 0 : (unsigned)rng_below(&rng, 900);
        tos[i] = froms[i] + 1 + (unsigned)rng_below(&rng, _i ? i + 1 : 50);
        must(stage(froms[i], tos[i], i + 1) == BYRON_OK);
        if (rng_one_in(&rng, 10)) {
            range_set_unstage(&set);
            must(stage(froms[i], tos[i], i + 1) == BYRON_OK);
        }
        range_set_publish(&set);
        for (int look = 0; look < 5; look++) {
            unsigned key = (unsigned)rng_below(&rng, 1000);
            uint64_t limit = rng_below(&rng, COUNT + 1);
            must(newest(key, limit) == wanted(key, limit, i + 1));
        }
    }
    ck_assert_uint_eq(range_set_count(&set), COUNT);
    ck_assert_uint_lt(range_set_lists(&set)->count, 14);
    must(range_set_collect(&set, 100, &all) == BYRON_OK);
    for (size_t i = 0; i < all.count; i++)
        must(all.items[i].sequence <= 100);
    ck_assert_uint_ge(all.count, 100);
    range_deletes_deinit(&all);
}
END_TEST

START_TEST(lists_that_were_taken_stay)
{
    const struct range_lists *lists;

    must(stage(1, 5, 1) == BYRON_OK);
    range_set_publish(&set);
    lists = range_set_lists(&set);
    for (unsigned i = 2; i < 100; i++) {
        must(stage(i, i + 1, i) == BYRON_OK);
        range_set_publish(&set);
    }
    ck_assert_uint_eq(lists->count, 1);
    ck_assert_uint_eq(range_lists_newest(lists, slice_of("0004", 4), 99), 1);
}
END_TEST

/* A reader looks through few lists, and the lists of lists do not add up. */
START_TEST(few_lists_hold_many_that_do_not_overlap)
{
    size_t lists = 0;

    for (unsigned i = 0; i < 5000; i++) {
        must(stage(7 * i % 5000, 7 * i % 5000 + 1, i + 1) == BYRON_OK);
        range_set_publish(&set);
        lists += range_set_lists(&set)->count;
    }
    ck_assert_uint_le(range_set_lists(&set)->count, 13);
    ck_assert_uint_le(lists, (size_t)5000 * 13);
    ck_assert_uint_eq(range_set_bytes(&set), 5000 * 8);
    for (unsigned i = 0; i < 5000; i++)
        must(newest(7 * i % 5000, 9999) == i + 1);
    ck_assert_uint_eq(newest(5000, 9999), 0);
}
END_TEST

START_TEST(failed_allocation_changes_nothing)
{
    size_t nth = 1;

    must(stage(1, 5, 1) == BYRON_OK);
    range_set_publish(&set);
    for (;; nth++) {
        size_t live = alloc_live();
        alloc_fail_after(nth);
        byron_status status = stage(3, 9, 2);
        alloc_fail_after(0);
        if (status == BYRON_OK)
            break;
        ck_assert_uint_eq(alloc_live(), live);
        ck_assert_uint_eq(newest(4, 9), 1);
    }
    ck_assert_uint_gt(nth, 5);
    range_set_publish(&set);
    ck_assert_uint_eq(newest(4, 9), 2);
}
END_TEST

Suite *test_range_set_suite(void)
{
    Suite *suite = suite_create("range_set");
    TCase *cases = tcase_create("range_set");

    tcase_add_checked_fixture(cases, NULL, tear_down);
    tcase_add_test(cases, what_is_staged_is_seen_once_published);
    tcase_add_loop_test(cases, any_number_of_them_is_kept, 0, 2);
    tcase_add_test(cases, lists_that_were_taken_stay);
    tcase_add_test(cases, few_lists_hold_many_that_do_not_overlap);
    tcase_add_test(cases, failed_allocation_changes_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
