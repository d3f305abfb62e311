/*
 * Covers: cover.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "merge/cover_iter.h"
#include "support/entry_list.h"

Suite *test_cover_iter_suite(void);

#define KEYS 20

static struct slice key_of(uint64_t number)
{
    static const char keys[] = "abcdefghijklmnopqrstuvwxyz";
    return slice_of(keys + number, 1);
}

/* Committed deletes, and those of a transaction, some of them rolled back. */
struct world {
    struct range_deletes deletes, own;
    struct range_list list, own_list;
    struct range_lists *lists, *own_lists;
    struct dead_spans dead;
    struct cover cover;
    struct entry_list entries, left;
    uint64_t newest;
};

static void add_deletes(struct range_deletes *deletes, struct rng *rng,
                        size_t count, uint64_t most)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t lower = rng_below(rng, KEYS);
        uint64_t upper = lower + 1 + rng_below(rng, KEYS - lower);
        struct range_delete delete = {key_of(lower), key_of(upper),
                                      1 + rng_below(rng, most)};
        must(range_deletes_add(deletes, &delete) == BYRON_OK);
    }
}

static struct range_lists *lists_of(struct range_list *list,
                                    const struct range_deletes *deletes)
{
    struct range_lists *lists =
        calloc(1, sizeof *lists + sizeof(struct range_list *));
    must(range_list_build(list, deletes) == BYRON_OK);
    lists->count = 1;
    lists->lists[0] = list;
    return lists;
}

static bool covers(const struct range_delete *delete, struct slice key)
{
    return slice_compare(delete->lower, key) <= 0 &&
           slice_compare(key, delete->upper) < 0;
}

/* By the definition. */
static bool is_hidden(const struct world *world, struct slice key,
                      uint64_t sequence)
{
    for (size_t i = 0; i < world->deletes.count; i++) {
        const struct range_delete *delete = &world->deletes.items[i];
        if (covers(delete, key) && delete->sequence > sequence &&
            delete->sequence <= world->cover.deletes.limit)
            return true;
    }
    for (size_t i = 0; i < world->own.count; i++) {
        const struct range_delete *delete = &world->own.items[i];
        if (covers(delete, key) && delete->sequence <= world->cover.own.limit &&
            !dead_spans_has(&world->dead, delete->sequence))
            return true;
    }
    return false;
}

static void world_init(struct world *world, struct rng *rng)
{
    memset(world, 0, sizeof *world);
    add_deletes(&world->deletes, rng, (size_t)rng_below(rng, 6), 60);
    world->lists = lists_of(&world->list, &world->deletes);
    world->cover.deletes =
        (struct seen_deletes){world->lists, 10 + rng_below(rng, 60), NULL};
    if (rng_one_in(rng, 2)) {
        add_deletes(&world->own, rng, (size_t)rng_below(rng, 3), 40);
        world->own_lists = lists_of(&world->own_list, &world->own);
        must(dead_spans_reserve(&world->dead) == BYRON_OK);
        dead_spans_add(&world->dead, 10, 20);
        world->cover.own = (struct seen_deletes){
            world->own_lists, 5 + rng_below(rng, 40), &world->dead};
    }
    uint64_t most = rng_one_in(rng, 2) ? 60 : 20;
    for (size_t i = rng_below(rng, 60); i > 0; i--) {
        struct entry entry = {key_of(rng_below(rng, KEYS)), slice_of("v", 1),
                              rng_below(rng, most), ENTRY_PUT};
        if (!entry_list_add(&world->entries, &entry))
            continue;
        if (entry.sequence > world->newest)
            world->newest = entry.sequence;
    }
    for (size_t i = 0; i < world->entries.count; i++) {
        const struct entry *entry = &world->entries.entries[i];
        if (!is_hidden(world, entry->key, entry->sequence))
            entry_list_append(&world->left, entry);
    }
    if (rng_one_in(rng, 3))
        world->newest = COVER_ANY_SEQUENCE;
}

static void world_deinit(struct world *world)
{
    entry_list_deinit(&world->entries);
    entry_list_deinit(&world->left);
    dead_spans_deinit(&world->dead);
    range_list_deinit(&world->list);
    range_list_deinit(&world->own_list);
    range_deletes_deinit(&world->deletes);
    range_deletes_deinit(&world->own);
    free(world->lists);
    free(world->own_lists);
}

static struct iter *cover_of(struct world *world)
{
    struct iter *iter = NULL;
    must(cover_iter_new(entry_list_iter(&world->entries), &world->cover,
                        world->newest, &iter) == BYRON_OK);
    return iter;
}

START_TEST(random_moves_match_the_model)
{
    struct rng rng;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 100; round++) {
        struct world world;
        world_init(&world, &rng);
        struct iter *iter = cover_of(&world);
        check_moves(iter, &world.left, &rng, 100);
        iter_free(iter);
        world_deinit(&world);
    }
}
END_TEST

START_TEST(a_span_hides_all_that_it_says)
{
    struct rng rng;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 200; round++) {
        struct world world;
        struct cover_span span;
        world_init(&world, &rng);
        for (uint64_t number = 0; number < KEYS; number++) {
            uint64_t sequence = rng_below(&rng, 60);
            bool hides =
                cover_hides(&world.cover, key_of(number), sequence, &span);
            must(hides == is_hidden(&world, key_of(number), sequence));
            for (uint64_t other = 0; hides && other < KEYS; other++) {
                struct slice key = key_of(other);
                if (slice_compare(span.lower, key) <= 0 &&
                    slice_compare(key, span.upper) < 0)
                    must(is_hidden(&world, key, span.below - 1));
            }
        }
        world_deinit(&world);
    }
}
END_TEST

START_TEST(nothing_is_hidden_where_it_is_clear)
{
    struct rng rng;
    size_t clear = 0;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 200; round++) {
        struct world world;
        struct slice until;
        world_init(&world, &rng);
        for (uint64_t number = 0; number < KEYS; number++) {
            if (!cover_is_clear(&world.cover, key_of(number), &until))
                continue;
            clear++;
            for (uint64_t other = number;
                 other < KEYS &&
                 (!until.data || slice_compare(key_of(other), until) < 0);
                 other++)
                must(!is_hidden(&world, key_of(other), 0));
        }
        world_deinit(&world);
    }
    ck_assert_uint_gt(clear, 100);
}
END_TEST

START_TEST(whole_stretches_are_hidden_or_not)
{
    struct rng rng;
    size_t hidden = 0;
    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 500; round++) {
        struct world world;
        world_init(&world, &rng);
        uint64_t first = rng_below(&rng, KEYS);
        uint64_t last = first + rng_below(&rng, KEYS - first);
        uint64_t newest = rng_below(&rng, 60);
        bool all = true;
        for (uint64_t number = first; number <= last; number++)
            all = all && is_hidden(&world, key_of(number), newest);
        must(cover_hides_all(&world.cover, key_of(first), key_of(last), true,
                             newest) == all);
        if (all)
            must(cover_hides_all(&world.cover, key_of(first), key_of(last),
                                 false, newest));
        hidden += all;
        world_deinit(&world);
    }
    ck_assert_uint_gt(hidden, 10);
}
END_TEST

START_TEST(one_seek_passes_what_is_hidden)
{
    struct world world = {0};
    struct range_delete delete = {key_of(1), key_of(20), 50};
    struct iter *child;
    struct iter *iter = NULL;
    for (uint64_t i = 0; i < 21; i++) {
        struct entry entry = {key_of(i), slice_of("v", 1), 7, ENTRY_PUT};
        entry_list_add(&world.entries, &entry);
    }
    must(range_deletes_add(&world.deletes, &delete) == BYRON_OK);
    world.lists = lists_of(&world.list, &world.deletes);
    world.cover.deletes = (struct seen_deletes){world.lists, 60, NULL};
    child = entry_list_iter(&world.entries);
    must(cover_iter_new(child, &world.cover, 7, &iter) == BYRON_OK);
    must(iter_first(iter) == BYRON_OK);
    entry_list_iter_fail_after(child, 3); /* next, seek: two moves. */
    must(iter_next(iter) == BYRON_OK);
    ck_assert(slice_equal(iter->key, key_of(20)));
    entry_list_iter_fail_after(child, 3);
    must(iter_prev(iter) == BYRON_OK);
    ck_assert(slice_equal(iter->key, key_of(0)));
    iter_free(iter);
    world_deinit(&world);
}
END_TEST

START_TEST(error_of_the_child_is_passed_on)
{
    struct world world;
    struct rng rng;
    struct iter *child;
    struct iter *iter = NULL;
    byron_status status;
    rng_init(&rng, test_seed());
    do {
        world_init(&world, &rng);
        if (world.entries.count < 12)
            world_deinit(&world);
    } while (world.entries.count < 12);
    child = entry_list_iter(&world.entries);
    must(cover_iter_new(child, &world.cover, world.newest, &iter) == BYRON_OK);
    entry_list_iter_fail_after(child, (size_t)_i);
    status = iter_first(iter);
    while (status == BYRON_OK && iter->valid)
        status = iter_next(iter);
    ck_assert(status == BYRON_IO || (status == BYRON_OK && _i > 1));
    ck_assert(!iter->valid);
    iter_free(iter);
    world_deinit(&world);
}
END_TEST

START_TEST(failed_allocation_frees_the_child)
{
    struct world world = {0};
    struct iter *iter = NULL;
    size_t live = alloc_live();
    alloc_fail_after(1);
    ck_assert_int_eq(
        cover_iter_new(entry_list_iter(&world.entries), &world.cover, 0, &iter),
        BYRON_NO_MEMORY);
    alloc_fail_after(0);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_cover_iter_suite(void)
{
    Suite *suite = suite_create("cover_iter");
    TCase *cases = tcase_create("cover_iter");
    tcase_add_loop_test(cases, random_moves_match_the_model, 0, 6);
    tcase_add_loop_test(cases, a_span_hides_all_that_it_says, 0, 2);
    tcase_add_loop_test(cases, nothing_is_hidden_where_it_is_clear, 0, 2);
    tcase_add_loop_test(cases, whole_stretches_are_hidden_or_not, 0, 2);
    tcase_add_test(cases, one_seek_passes_what_is_hidden);
    tcase_add_loop_test(cases, error_of_the_child_is_passed_on, 1, 6);
    tcase_add_test(cases, failed_allocation_frees_the_child);
    suite_add_tcase(suite, cases);
    return suite;
}
