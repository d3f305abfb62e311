#include "base/alloc.h"
#include "merge/dead_spans.h"
#include "support/entry_list.h"

Suite *test_dead_spans_suite(void);

static void kill_span(struct dead_spans *dead, uint64_t after, uint64_t up_to)
{
    ck_assert_int_eq(dead_spans_reserve(dead), BYRON_OK);
    dead_spans_add(dead, after, up_to);
}

START_TEST(span_is_open_below_and_closed_above)
{
    struct dead_spans dead = {0};

    kill_span(&dead, 3, 7);
    ck_assert(!dead_spans_has(&dead, 3));
    ck_assert(dead_spans_has(&dead, 4));
    ck_assert(dead_spans_has(&dead, 7));
    ck_assert(!dead_spans_has(&dead, 8));
    ck_assert_uint_eq(dead_spans_find(&dead, 5)->after, 3);
    ck_assert_ptr_null(dead_spans_find(&dead, 2));
    dead_spans_deinit(&dead);
}
END_TEST

START_TEST(later_span_swallows_those_inside)
{
    struct dead_spans dead = {0};

    kill_span(&dead, 3, 5);
    kill_span(&dead, 8, 9);
    kill_span(&dead, 2, 12);
    ck_assert_uint_eq(dead.count, 1);
    ck_assert_uint_eq(dead.spans[0].after, 2);
    ck_assert_uint_eq(dead.spans[0].up_to, 12);
    dead_spans_deinit(&dead);
}
END_TEST

START_TEST(empty_span_kills_nothing)
{
    struct dead_spans dead = {0};

    kill_span(&dead, 5, 5);
    ck_assert_uint_eq(dead.count, 0);
    ck_assert(!dead_spans_has(&dead, 5));
    dead_spans_deinit(&dead);
}
END_TEST

/* Writes and rollbacks of a transaction, one flag per position. */
START_TEST(random_rollbacks_match_the_model)
{
    struct dead_spans dead = {0};
    bool is_dead[601] = {0};
    uint64_t position = 0;
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    while (position < 590) {
        uint64_t mark;
        position += rng_below(&rng, 8);
        mark =
            position - rng_below(&rng, rng_one_in(&rng, 4) ? position + 1
                                                           : position / 20 + 1);
        kill_span(&dead, mark, position);
        for (uint64_t i = mark + 1; i <= position; i++)
            is_dead[i] = true;
        for (uint64_t i = 0; i <= 600; i++)
            must(dead_spans_has(&dead, i) == is_dead[i]);
    }
    for (size_t i = 1; i < dead.count; i++)
        ck_assert_uint_lt(dead.spans[i - 1].up_to, dead.spans[i].after);
    for (int i = 0; i < 3000; i++) {
        uint64_t after = rng_below(&rng, 600);
        uint64_t up_to = after + rng_below(&rng, 601 - after);
        uint64_t first = after + 1;
        const struct dead_span *span = dead_spans_meet(&dead, after, up_to);
        while (first <= up_to && !is_dead[first])
            first++;
        must((span != NULL) == (first <= up_to));
        must(!span || (span->after < first && span->up_to >= first));
    }
    dead_spans_deinit(&dead);
}
END_TEST

START_TEST(failed_reserve_keeps_what_there_is)
{
    size_t live = alloc_live();
    struct dead_spans dead = {0};

    for (uint64_t i = 0; i < 8; i++)
        kill_span(&dead, 3 * i, 3 * i + 1);
    alloc_fail_after(1);
    ck_assert_int_eq(dead_spans_reserve(&dead), BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert(dead_spans_has(&dead, 22));
    dead_spans_deinit(&dead);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_dead_spans_suite(void)
{
    Suite *suite = suite_create("dead_spans");
    TCase *cases = tcase_create("dead_spans");

    tcase_add_test(cases, span_is_open_below_and_closed_above);
    tcase_add_test(cases, later_span_swallows_those_inside);
    tcase_add_test(cases, empty_span_kills_nothing);
    tcase_add_loop_test(cases, random_rollbacks_match_the_model, 0, 8);
    tcase_add_test(cases, failed_reserve_keeps_what_there_is);
    suite_add_tcase(suite, cases);
    return suite;
}
