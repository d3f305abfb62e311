/*
 * merge_iter, and what it keeps of each child.
 *
 * Covers: window.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "memtable/memtable.h"
#include "memtable/memtable_iter.h"
#include "merge/merge_iter.h"
#include "support/entry_list.h"

Suite *test_merge_iter_suite(void);

#define CHILDREN_MAX 9

/* Random entries, dealt out to so many lists; all of them in whole. */
struct deal {
    struct entry_list parts[CHILDREN_MAX];
    struct entry_list whole;
    size_t part_count;
};

static void deal_init(struct deal *deal, struct rng *rng, size_t part_count,
                      size_t entries)
{
    memset(deal, 0, sizeof *deal);
    deal->part_count = part_count;
    for (size_t i = 0; i < entries && part_count > 0; i++) {
        uint8_t space[20];
        struct slice key = any_key(rng, space, sizeof space);
        uint8_t value = (uint8_t)i;
        struct entry entry = {key, slice_of(&value, 1), rng_below(rng, 40),
                              ENTRY_PUT};
        if (rng_one_in(rng, 12))
            entry.kind = ENTRY_TIMED;
        /* Most in the first, so that it dominates. */
        size_t part = rng_one_in(rng, 2) ? 0 : rng_below(rng, part_count);
        if (entry_list_add(&deal->whole, &entry))
            entry_list_add(&deal->parts[part], &entry);
    }
}

static void deal_deinit(struct deal *deal)
{
    for (size_t i = 0; i < deal->part_count; i++)
        entry_list_deinit(&deal->parts[i]);
    entry_list_deinit(&deal->whole);
}

/* Of children that lend, if rng is given. */
static struct iter *merge_of(struct deal *deal, struct rng *rng)
{
    struct iter *children[CHILDREN_MAX];
    struct iter *merge = NULL;

    for (size_t i = 0; i < deal->part_count; i++)
        children[i] = rng ? entry_list_iter_lending(&deal->parts[i], rng)
                          : entry_list_iter(&deal->parts[i]);
    must(merge_iter_new(children, deal->part_count, &merge) == BYRON_OK);
    return merge;
}

START_TEST(many_children_match_one_sorted_list)
{
    struct deal deal;
    struct rng rng;
    struct iter *merge;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    deal_init(&deal, &rng, (size_t)_i, 400);
    merge = merge_of(&deal, _i % 2 ? &rng : NULL);
    check_moves(merge, &deal.whole, &rng, 3000);
    iter_free(merge);
    deal_deinit(&deal);
}
END_TEST

/* The index that a step from entry at has led to: older versions may be gone
 * where a skip was allowed to leave them out. */
static size_t after_step(const struct iter *merge,
                         const struct entry_list *whole, size_t at,
                         bool passes_older)
{
    const struct entry *entries = whole->entries;

    at++;
    while (passes_older && at < whole->count &&
           slice_equal(entries[at].key, entries[at - 1].key) &&
           !(merge->valid && merge->sequence == entries[at].sequence &&
             slice_equal(merge->key, entries[at].key)))
        at++;
    return at;
}

/* Ahead through the list by steps and by skips of all kinds. */
static size_t check_walk(struct iter *merge, const struct deal *deal,
                         struct rng *rng)
{
    const struct entry_list *whole = &deal->whole;
    struct byron_pair pairs[100];
    uint64_t sequences[100];
    size_t at = rng_below(rng, whole->count);
    size_t skipped = 0;
    bool passes_older = rng_one_in(rng, 2);

    must(iter_seek(merge, whole->entries[at].key,
                   whole->entries[at].sequence) == BYRON_OK);
    while (at < whole->count) {
        struct skip_limits limits = {
            .most = 1 + rng_below(rng, rng_one_in(rng, 4) ? 100 : 5),
            .sequence = rng_one_in(rng, 3) ? 25 : SEQUENCE_MAX,
            .pairs = rng_one_in(rng, 4) ? NULL : pairs,
            .sequences = rng_one_in(rng, 2) ? sequences : NULL,
            .passes_older = passes_older};
        size_t before = at;

        if (rng_one_in(rng, 4))
            limits.key = whole->entries[rng_below(rng, whole->count)].key;
        check_shows(merge, &whole->entries[at]);
        if (rng_one_in(rng, 2))
            at = check_skip(merge, whole, at, &limits);
        skipped += at - before;
        if (rng_one_in(rng, 40)) {
            must(iter_prev(merge) == BYRON_OK);
            if (at-- == 0)
                return skipped;
            check_shows(merge, &whole->entries[at]);
        }
        must(iter_next(merge) == BYRON_OK);
        at = after_step(merge, whole, at, passes_older);
    }
    must(!merge->valid);
    return skipped;
}

START_TEST(what_is_lent_matches_one_sorted_list)
{
    struct deal deal;
    struct rng rng;
    struct iter *merge;
    size_t skipped = 0;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    deal_init(&deal, &rng, (size_t)_i, 600);
    merge = merge_of(&deal, &rng);
    for (int round = 0; round < 60; round++)
        skipped += check_walk(merge, &deal, &rng);
    ck_assert_uint_gt(skipped, 1000);
    iter_free(merge);
    deal_deinit(&deal);
}
END_TEST

/* One merge over one set of borrowed children after the other. */
START_TEST(lent_children_match_one_sorted_list)
{
    struct rng rng;
    struct iter *merge;

    rng_init(&rng, test_seed());
    must(merge_iter_new_lent(CHILDREN_MAX, &merge) == BYRON_OK);
    for (size_t count = 0; count < 8; count++) {
        struct iter *children[CHILDREN_MAX];
        struct deal deal;

        deal_init(&deal, &rng, count, 200);
        for (size_t i = 0; i < count; i++)
            children[i] = entry_list_iter(&deal.parts[i]);
        for (int round = 0; round < 3; round++) {
            merge_iter_lend(merge, children, count);
            must(!merge->valid);
            check_moves(merge, &deal.whole, &rng, 500);
        }
        for (size_t i = 0; i < count; i++)
            iter_free(children[i]);
        deal_deinit(&deal);
    }
    iter_free(merge);
}
END_TEST

START_TEST(one_child_is_returned_itself)
{
    struct entry_list list = {0};
    struct iter *child = entry_list_iter(&list);
    struct iter *merge = NULL;

    must(merge_iter_new(&child, 1, &merge) == BYRON_OK);
    ck_assert_ptr_eq(merge, child);
    iter_free(merge);
}
END_TEST

START_TEST(any_error_of_a_child_sticks)
{
    struct deal deal;
    struct rng rng;
    struct iter *children[3];
    struct iter *merge = NULL;
    byron_status status;
    bool is_forth = _i % 2 == 0;

    rng_init(&rng, test_seed());
    deal_init(&deal, &rng, 3, 60);
    for (size_t i = 0; i < 3; i++)
        children[i] = entry_list_iter_lending(&deal.parts[i], &rng);
    entry_list_iter_fail_after(children[1], (size_t)_i);
    must(merge_iter_new(children, 3, &merge) == BYRON_OK);
    status = iter_first(merge);
    while (status == BYRON_OK) {
        if (!merge->valid) {
            is_forth = !is_forth;
            status = is_forth ? iter_first(merge) : iter_last(merge);
        } else {
            status = is_forth || rng_one_in(&rng, 8) ? iter_next(merge)
                                                     : iter_prev(merge);
        }
    }
    ck_assert_int_eq(status, BYRON_IO);
    must(!merge->valid);
    ck_assert_int_eq(iter_first(merge), BYRON_IO);
    ck_assert_int_eq(iter_seek(merge, slice_of("a", 1), 3), BYRON_IO);
    ck_assert_int_eq(iter_last(merge), BYRON_IO);
    must(!merge->valid);
    iter_free(merge);
    deal_deinit(&deal);
}
END_TEST

START_TEST(failed_allocation_frees_the_children)
{
    size_t live = alloc_live();

    for (size_t nth = 1; nth <= 3; nth++) {
        struct iter *children[2];
        struct iter *merge = NULL;
        struct memtable *memtable = NULL;

        must(memtable_new(false, &memtable) == BYRON_OK);
        for (size_t i = 0; i < 2; i++)
            must(memtable_iter_new(memtable, &children[i]) == BYRON_OK);
        memtable_unref(memtable);
        alloc_fail_after(nth);
        ck_assert_int_eq(merge_iter_new(children, 2, &merge), BYRON_NO_MEMORY);
        ck_assert_uint_eq(alloc_live(), live);
    }
    alloc_fail_after(0);
}
END_TEST

Suite *test_merge_iter_suite(void)
{
    Suite *suite = suite_create("merge_iter");
    TCase *cases = tcase_create("merge_iter");

    tcase_add_loop_test(cases, many_children_match_one_sorted_list, 0,
                        CHILDREN_MAX + 1);
    tcase_add_loop_test(cases, what_is_lent_matches_one_sorted_list, 1,
                        CHILDREN_MAX + 1);
    tcase_add_test(cases, lent_children_match_one_sorted_list);
    tcase_add_test(cases, one_child_is_returned_itself);
    tcase_add_loop_test(cases, any_error_of_a_child_sticks, 1, 60);
    tcase_add_test(cases, failed_allocation_frees_the_children);
    suite_add_tcase(suite, cases);
    return suite;
}
