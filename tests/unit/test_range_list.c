#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "entry/range_list.h"
#include "support/entry_list.h"

Suite *test_range_list_suite(void);

#define KEYS 16 /* "a" to "p" */

static const char letters[] = "abcdefghijklmnop";

static struct slice letter(size_t index)
{
    return slice_of(letters + index, 1);
}

static void add(struct range_deletes *deletes, size_t lower, size_t upper,
                uint64_t sequence)
{
    struct range_delete delete = {letter(lower), letter(upper), sequence};
    must(range_deletes_add(deletes, &delete) == BYRON_OK);
}

static void add_random(struct range_deletes *deletes, struct rng *rng,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t lower = (size_t)rng_below(rng, KEYS - 1);
        size_t upper = lower + 1 + (size_t)rng_below(rng, KEYS - 1 - lower);
        add(deletes, lower, upper, 1 + rng_below(rng, 30));
    }
}

/* By the definition. */
static uint64_t newest(const struct range_deletes *deletes, struct slice key,
                       uint64_t limit)
{
    uint64_t found = 0;
    for (size_t i = 0; i < deletes->count; i++) {
        const struct range_delete *delete = &deletes->items[i];
        if (slice_compare(delete->lower, key) <= 0 &&
            slice_compare(key, delete->upper) < 0 &&
            delete->sequence <= limit && delete->sequence > found)
            found = delete->sequence;
    }
    return found;
}

/* Pieces ascend, none is empty, and neighbours differ. */
static void check_order(const struct range_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct range_piece *piece = &list->pieces[i];
        must(slice_compare(piece->lower, piece->upper) < 0);
        must(piece->count > 0);
        for (size_t j = 1; j < piece->count; j++)
            must(piece->sequences[j] < piece->sequences[j - 1]);
        if (i == 0)
            continue;
        const struct range_piece *before = piece - 1;
        must(slice_compare(before->upper, piece->lower) <= 0);
        must(!slice_equal(before->upper, piece->lower) ||
             before->count != piece->count ||
             memcmp(before->sequences, piece->sequences,
                    piece->count * sizeof *piece->sequences) != 0);
    }
}

START_TEST(every_key_has_the_deletes_that_cover_it)
{
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (size_t round = 0; round < 200; round++) {
        struct range_deletes deletes = {0};
        struct range_list list = {0};
        struct range_lists *lists =
            calloc(1, sizeof *lists + sizeof(struct range_list *));
        add_random(&deletes, &rng, (size_t)rng_below(&rng, 12));
        must(range_list_build(&list, &deletes) == BYRON_OK);
        check_order(&list);
        lists->count = 1;
        lists->lists[0] = &list;
        for (size_t key = 0; key < KEYS; key++)
            for (uint64_t limit = 0; limit <= 31; limit++)
                must(range_lists_newest(lists, letter(key), limit) ==
                     newest(&deletes, letter(key), limit));
        free(lists);
        range_list_deinit(&list);
        range_deletes_deinit(&deletes);
    }
}
END_TEST

START_TEST(overlaps_are_cut_as_documented)
{
    struct range_deletes deletes = {0};
    struct range_list list = {0};

    add(&deletes, 2, 6, 9);
    add(&deletes, 0, 4, 7);
    must(range_list_build(&list, &deletes) == BYRON_OK);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_uint_eq(list.pieces[0].count, 1);
    ck_assert_uint_eq(list.pieces[1].count, 2);
    ck_assert_uint_eq(list.pieces[1].sequences[0], 9);
    ck_assert_uint_eq(list.pieces[1].sequences[1], 7);
    ck_assert(slice_equal(list.pieces[2].lower, letter(4)));
    range_list_deinit(&list);
    range_deletes_deinit(&deletes);
}
END_TEST

START_TEST(deletes_of_one_commit_become_one)
{
    struct range_deletes deletes = {0};
    struct range_list list = {0};

    add(&deletes, 4, 6, 5);
    add(&deletes, 0, 3, 5);
    add(&deletes, 2, 4, 5);
    must(range_list_build(&list, &deletes) == BYRON_OK);
    ck_assert_uint_eq(list.count, 1);
    ck_assert(slice_equal(list.pieces[0].upper, letter(6)));
    range_list_deinit(&list);
    range_deletes_deinit(&deletes);
}
END_TEST

START_TEST(a_list_may_be_bounded)
{
    size_t live = alloc_live();
    struct range_deletes deletes = {0};
    struct range_list list = {0};
    bool fits;

    add(&deletes, 0, 4, 7);
    add(&deletes, 2, 6, 9); /* Three pieces: 7, 9 and 7, 9. */
    must(range_list_build_within(&list, &deletes, 3, &fits) == BYRON_OK);
    ck_assert(!fits);
    ck_assert_uint_eq(list.count, 0);
    must(range_list_build_within(&list, &deletes, 4, &fits) == BYRON_OK);
    ck_assert(fits);
    ck_assert_uint_eq(list.count, 3);
    range_list_deinit(&list);
    range_deletes_deinit(&deletes);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(what_touches_a_stretch_is_collected)
{
    struct range_deletes deletes = {0}, found = {0};
    struct range_list list = {0};
    struct slice open = {NULL, 0};

    add(&deletes, 1, 3, 5);
    add(&deletes, 1, 3, 8);
    add(&deletes, 6, 9, 6);
    must(range_list_build(&list, &deletes) == BYRON_OK);
    must(range_list_collect(&list, letter(2), letter(6), 7, &found) ==
         BYRON_OK);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_uint_eq(found.items[0].sequence, 5);
    must(range_list_collect(&list, letter(3), letter(6), 7, &found) ==
         BYRON_OK);
    ck_assert_uint_eq(found.count, 1);
    must(range_list_collect(&list, open, open, 4, &found) == BYRON_OK);
    ck_assert_uint_eq(found.count, 1);
    must(range_list_collect(&list, open, open, 9, &found) == BYRON_OK);
    ck_assert_uint_eq(found.count, 3);
    range_deletes_deinit(&found);
    range_list_deinit(&list);
    range_deletes_deinit(&deletes);
}
END_TEST

START_TEST(failed_allocation_leaks_nothing)
{
    size_t live = alloc_live();
    byron_status status = BYRON_NO_MEMORY;
    struct rng rng;

    for (size_t nth = 1; status == BYRON_NO_MEMORY; nth++) {
        struct range_deletes deletes = {0};
        struct range_list list = {0};
        rng_init(&rng, 1);
        add_random(&deletes, &rng, 20);
        alloc_fail_after(nth);
        status = range_list_build(&list, &deletes);
        alloc_fail_after(0);
        range_list_deinit(&list);
        range_deletes_deinit(&deletes);
        ck_assert_uint_eq(alloc_live(), live);
        ck_assert(status == BYRON_NO_MEMORY || nth > 5);
    }
    ck_assert_int_eq(status, BYRON_OK);
}
END_TEST

Suite *test_range_list_suite(void)
{
    Suite *suite = suite_create("range_list");
    TCase *cases = tcase_create("range_list");

    tcase_add_loop_test(cases, every_key_has_the_deletes_that_cover_it, 0, 4);
    tcase_add_test(cases, overlaps_are_cut_as_documented);
    tcase_add_test(cases, deletes_of_one_commit_become_one);
    tcase_add_test(cases, a_list_may_be_bounded);
    tcase_add_test(cases, what_touches_a_stretch_is_collected);
    tcase_add_test(cases, failed_allocation_leaks_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
