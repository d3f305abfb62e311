#include <stdio.h>

#include "base/alloc.h"
#include "merge/limit_iter.h"
#include "support/entry_list.h"

Suite *test_limit_iter_suite(void);

static struct iter *limited(const struct entry_list *list, uint64_t sequence)
{
    struct iter *limit = NULL;
    must(limit_iter_new(entry_list_iter(list), sequence, &limit) == BYRON_OK);
    return limit;
}

static void add_random(struct entry_list *list, struct rng *rng, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t space[32];
        uint64_t word = rng_next(rng);
        struct entry entry = {any_key(rng, space, sizeof space),
                              slice_of(&word, sizeof word), rng_below(rng, 40),
                              ENTRY_PUT};
        if (rng_one_in(rng, 3)) {
            entry.kind = ENTRY_DELETE;
            entry.value.size = 0;
        }
        entry_list_add(list, &entry);
    }
}

START_TEST(every_version_up_to_the_sequence_is_shown)
{
    struct rng rng;
    size_t live = alloc_live();

    rng_init(&rng, test_seed());
    for (int round = 0; round < 200; round++) {
        struct entry_list list = {0};
        uint64_t sequence = rng_below(&rng, 42);
        struct iter *limit;

        add_random(&list, &rng, rng_below(&rng, 60));
        limit = limited(&list, sequence);
        for (int twice = 0; twice < 2; twice++) {
            must(iter_first(limit) == BYRON_OK);
            for (size_t i = 0; i < list.count; i++) {
                if (list.entries[i].sequence > sequence)
                    continue;
                check_shows(limit, &list.entries[i]);
                must(iter_next(limit) == BYRON_OK);
            }
            must(!limit->valid);
        }
        iter_free(limit);
        entry_list_deinit(&list);
    }
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(an_error_is_passed_on)
{
    struct entry_list list = {0};
    struct rng rng;

    rng_init(&rng, 1);
    add_random(&list, &rng, 20);
    for (size_t nth = 1; nth < 10; nth++) {
        struct iter *child = entry_list_iter(&list);
        struct iter *limit = NULL;
        byron_status status;

        entry_list_iter_fail_after(child, nth);
        must(limit_iter_new(child, 20, &limit) == BYRON_OK);
        status = iter_first(limit);
        while (status == BYRON_OK && limit->valid)
            status = iter_next(limit);
        ck_assert_int_eq(status, BYRON_IO);
        ck_assert(!limit->valid);
        iter_free(limit);
    }
    entry_list_deinit(&list);
}
END_TEST

START_TEST(it_moves_forward_only)
{
    struct entry_list list = {0};
    struct iter *limit = limited(&list, 5);

    ck_assert_int_eq(iter_last(limit), BYRON_MISUSE);
    ck_assert_int_eq(iter_seek(limit, slice_of("k", 1), 1), BYRON_MISUSE);
    ck_assert_int_eq(iter_seek_before(limit, slice_of("k", 1)), BYRON_MISUSE);
    iter_free(limit);
    alloc_fail_after(1);
    ck_assert_int_eq(limit_iter_new(entry_list_iter(&list), 5, &limit),
                     BYRON_NO_MEMORY);
}
END_TEST

Suite *test_limit_iter_suite(void)
{
    Suite *suite = suite_create("limit_iter");
    TCase *cases = tcase_create("limit_iter");

    tcase_add_test(cases, every_version_up_to_the_sequence_is_shown);
    tcase_add_test(cases, an_error_is_passed_on);
    tcase_add_test(cases, it_moves_forward_only);
    suite_add_tcase(suite, cases);
    return suite;
}
