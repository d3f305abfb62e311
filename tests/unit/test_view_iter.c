/*
 * view_iter, and what it is made of.
 *
 * Covers: newest_iter.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/integer.h"
#include "memtable/memtable.h"
#include "merge/view_iter.h"
#include "support/entry_list.h"

Suite *test_view_iter_suite(void);

static const struct slice open_bound;

static struct slice text(const char *words)
{
    return slice_of(words, strlen(words));
}

/* Whoever reads, reads at that time. */
#define NOW_MS 1000
static struct moment moment = {.ms = NOW_MS};

static struct iter *view_of(struct iter *child, uint64_t sequence,
                            struct slice lower, struct slice upper)
{
    struct iter *view = NULL;
    must(view_iter_start(child, sequence, lower, upper, &moment, &view) ==
         BYRON_OK);
    return view;
}

static void add(struct entry_list *list, const char *key, uint64_t sequence,
                enum entry_kind kind)
{
    struct entry entry = {
        text(key), text(kind == ENTRY_PUT ? "some value" : ""), sequence, kind};
    must(entry_list_add(list, &entry));
}

/* Few keys, many versions, some of the reader's own transaction. */
static void add_random(struct entry_list *list, struct rng *rng, size_t count,
                       size_t keys)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t word = rng_next(rng);
        char key[32];
        int size = snprintf(key, sizeof key, "key%llu",
                            (unsigned long long)rng_below(rng, keys));
        struct entry entry = {
            slice_of(key, (size_t)size), slice_of(&word, sizeof word),
            rng_one_in(rng, 12) ? SEQUENCE_MAX : rng_below(rng, 60), ENTRY_PUT};
        if (rng_one_in(rng, 3)) {
            entry.kind = ENTRY_DELETE;
            entry.value.size = 0;
        } else if (rng_one_in(rng, 3)) {
            entry.kind = ENTRY_TIMED;
            word = NOW_MS - 1 + rng_below(rng, 3);
        }
        entry_list_add(list, &entry);
    }
}

/* As a reader sees it: the expiry is not in the value. */
static void append_parted(struct entry_list *out, struct entry entry)
{
    if (entry.kind == ENTRY_TIMED) {
        entry.value.data += TIMED_HEAD;
        entry.value.size -= TIMED_HEAD;
    }
    entry_list_append(out, &entry);
}

/* What a view must show, by the definition. */
static void model_of(const struct entry_list *list, uint64_t sequence,
                     struct slice lower, struct slice upper,
                     struct entry_list *out)
{
    const struct entry *passed = NULL;

    out->is_by_key = true;
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        if (passed && slice_equal(passed->key, entry->key))
            continue;
        if (entry->sequence > sequence && entry->sequence != SEQUENCE_MAX)
            continue;
        passed = entry;
        if (lower.data && slice_compare(entry->key, lower) < 0)
            continue;
        if (upper.data && slice_compare(entry->key, upper) >= 0)
            continue;
        if (entry->kind == ENTRY_PUT || (entry->kind == ENTRY_TIMED &&
                                         load_u64(entry->value.data) > NOW_MS))
            append_parted(out, *entry);
    }
}

/* *view is new, or has been started before. */
static void check_view(const struct entry_list *list, struct rng *rng,
                       struct slice lower, struct slice upper,
                       struct iter **view)
{
    uint64_t sequence = rng_one_in(rng, 4) ? SEQUENCE_MAX : rng_below(rng, 62);
    struct entry_list model = {0};
    struct iter *child = entry_list_iter(list);

    must(view_iter_start(child, sequence, lower, upper, &moment, view) ==
         BYRON_OK);
    must(!(*view)->valid);
    model_of(list, sequence, lower, upper, &model);
    check_moves(*view, &model, rng, 400);
    must(view_iter_rest(*view));
    iter_free(child);
    entry_list_deinit(&model);
}

START_TEST(random_versions_match_the_model)
{
    struct entry_list list = {0};
    struct iter *view = NULL;
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    add_random(&list, &rng, 300, (size_t)(1 + _i * _i * 2));
    for (size_t i = 0; i < 10; i++)
        check_view(&list, &rng, open_bound, open_bound, &view);
    iter_free(view);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(bounds_match_the_model)
{
    static const char *const bounds[] = {"",     "key",   "key0", "key2",
                                         "key5", "key77", "kez"};
    struct entry_list list = {0};
    struct iter *view = NULL;
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    add_random(&list, &rng, 300, 100);
    for (size_t i = 0; i < 30; i++) {
        struct slice lower = text(bounds[rng_below(&rng, 7)]);
        struct slice upper = text(bounds[rng_below(&rng, 7)]);
        check_view(&list, &rng, rng_one_in(&rng, 4) ? open_bound : lower,
                   rng_one_in(&rng, 4) ? open_bound : upper, &view);
    }
    iter_free(view);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(tombstones_past_the_bounds_are_not_stepped_over)
{
    struct entry_list list = {0};
    struct iter *child = entry_list_iter(&list);
    struct iter *view;
    char key[16];

    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%03d", i);
        add(&list, key, 5, i == 50 ? ENTRY_PUT : ENTRY_DELETE);
    }
    view = view_of(child, 9, text("050"), text("051"));
    must(iter_first(view) == BYRON_OK);
    must(view->valid);
    must(iter_next(view) == BYRON_OK);
    must(!view->valid);
    must(iter_last(view) == BYRON_OK);
    must(view->valid);
    must(iter_prev(view) == BYRON_OK);
    must(!view->valid);
    ck_assert_uint_eq(view_iter_skipped(view), 0);
    iter_free(view);
    iter_free(child);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(many_versions_are_sought_past)
{
    struct entry_list list = {0};
    struct iter *child = entry_list_iter(&list);
    struct iter *view;

    add(&list, "a", 1, ENTRY_PUT);
    for (uint64_t i = 1; i <= 1000; i++)
        add(&list, "b", i, ENTRY_PUT);
    add(&list, "c", 1, ENTRY_PUT);
    view = view_of(child, 500, open_bound, open_bound);
    must(iter_first(view) == BYRON_OK);
    must(iter_next(view) == BYRON_OK);
    ck_assert_uint_eq(view->sequence, 500);
    must(iter_next(view) == BYRON_OK);
    must(slice_equal(view->key, text("c")));
    must(iter_prev(view) == BYRON_OK);
    ck_assert_uint_eq(view->sequence, 500);
    must(iter_prev(view) == BYRON_OK);
    must(slice_equal(view->key, text("a")));
    ck_assert_uint_lt(view_iter_skipped(view), 60);
    iter_free(view);
    iter_free(child);
    entry_list_deinit(&list);
}
END_TEST

START_TEST(any_error_of_the_child_sticks)
{
    struct entry_list list = {0};
    struct iter *child;
    struct iter *view = NULL;
    struct rng rng;
    byron_status status;

    rng_init(&rng, test_seed());
    add_random(&list, &rng, 200, 40);
    child = entry_list_iter(&list);
    entry_list_iter_fail_after(child, (size_t)_i);
    must(view_iter_start(child, 50, open_bound, open_bound, NULL, &view) ==
         BYRON_OK);
    status = iter_last(view);
    while (status == BYRON_OK) {
        struct slice value;
        if (!view->valid)
            status = rng_one_in(&rng, 2) ? iter_first(view) : iter_last(view);
        else if (rng_one_in(&rng, 3))
            status = iter_value(view, &value);
        else
            status = rng_one_in(&rng, 2) ? iter_next(view) : iter_prev(view);
    }
    ck_assert_int_eq(status, BYRON_IO);
    must(!view->valid);
    ck_assert_int_eq(iter_first(view), BYRON_IO);
    ck_assert_int_eq(iter_seek_before(view, text("key3")), BYRON_IO);
    must(!view->valid);
    must(!view_iter_rest(view));
    iter_free(view);
    iter_free(child);
    entry_list_deinit(&list);
}
END_TEST

/* Everything a view does, with the nth allocation failing. */
static byron_status walk(const struct entry_list *list, size_t nth)
{
    struct iter *child = entry_list_iter(list);
    struct iter *view = NULL;
    struct slice value;
    byron_status status;

    alloc_fail_after(nth);
    status =
        view_iter_start(child, 50, text("key1"), text("key9"), NULL, &view);
    if (status == BYRON_OK)
        status = iter_last(view);
    while (status == BYRON_OK && view->valid) {
        status = iter_value(view, &value);
        if (status == BYRON_OK)
            status = iter_prev(view);
    }
    if (status == BYRON_OK)
        status = iter_first(view);
    while (status == BYRON_OK && view->valid)
        status = iter_next(view);
    iter_free(view);
    iter_free(child);
    alloc_fail_after(0);
    return status;
}

START_TEST(failed_allocation_leaks_nothing)
{
    size_t live = alloc_live();
    struct entry_list list = {0};
    struct rng rng;
    size_t nth = 1;

    rng_init(&rng, test_seed());
    add_random(&list, &rng, 100, 20);
    while (walk(&list, nth) == BYRON_NO_MEMORY) {
        ck_assert_uint_eq(alloc_live(), live);
        nth++;
    }
    ck_assert_uint_gt(nth, 4);
    must(walk(&list, nth) == BYRON_OK);
    entry_list_deinit(&list);
}
END_TEST

Suite *test_view_iter_suite(void)
{
    Suite *suite = suite_create("view_iter");
    TCase *cases = tcase_create("view_iter");

    tcase_add_loop_test(cases, random_versions_match_the_model, 0, 8);
    tcase_add_loop_test(cases, bounds_match_the_model, 0, 4);
    tcase_add_test(cases, tombstones_past_the_bounds_are_not_stepped_over);
    tcase_add_test(cases, many_versions_are_sought_past);
    tcase_add_loop_test(cases, any_error_of_the_child_sticks, 1, 60);
    tcase_add_test(cases, failed_allocation_leaks_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
