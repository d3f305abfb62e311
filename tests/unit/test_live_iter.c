#include <stdio.h>

#include "base/alloc.h"
#include "memtable/memtable.h"
#include "memtable/memtable_iter.h"
#include "merge/live_iter.h"
#include "merge/merge_iter.h"
#include "support/entry_list.h"

Suite *test_live_iter_suite(void);

/* A transaction: every write has the next position. */
struct writes {
    struct entry_list list;
    struct dead_spans dead;
    uint64_t position;
};

static void write_random(struct writes *writes, struct rng *rng, size_t keys)
{
    uint64_t word = rng_next(rng);
    char key[32];
    int size = snprintf(key, sizeof key, "key%llu",
                        (unsigned long long)rng_below(rng, keys));
    struct entry entry = {slice_of(key, (size_t)size),
                          slice_of(&word, sizeof word), ++writes->position,
                          ENTRY_PUT};
    if (rng_one_in(rng, 3)) {
        entry.kind = ENTRY_DELETE;
        entry.value.size = 0;
    } else if (rng_one_in(rng, 3)) {
        entry.kind = ENTRY_TIMED;
    }
    must(entry_list_add(&writes->list, &entry));
}

static void roll_back(struct writes *writes, uint64_t mark)
{
    must(dead_spans_reserve(&writes->dead) == BYRON_OK);
    dead_spans_add(&writes->dead, mark, writes->position);
}

static void write_and_roll_back(struct writes *writes, struct rng *rng,
                                size_t count, size_t keys)
{
    for (size_t i = 0; i < count; i++) {
        write_random(writes, rng, keys);
        if (rng_one_in(rng, 10))
            roll_back(writes, writes->position -
                                  rng_below(rng, writes->position / 8 + 1));
    }
}

static void writes_deinit(struct writes *writes)
{
    entry_list_deinit(&writes->list);
    dead_spans_deinit(&writes->dead);
}

/* What must be shown, by the definition. */
static void model_of(const struct writes *writes, uint64_t limit,
                     struct entry_list *out)
{
    const struct entry *passed = NULL;

    for (size_t i = 0; i < writes->list.count; i++) {
        struct entry entry = writes->list.entries[i];
        if (passed && slice_equal(passed->key, entry.key))
            continue;
        if (entry.sequence > limit ||
            dead_spans_has(&writes->dead, entry.sequence))
            continue;
        passed = &writes->list.entries[i];
        entry.sequence = SEQUENCE_MAX;
        entry_list_append(out, &entry);
    }
}

static struct iter *live_of(struct iter *child, const struct writes *writes,
                            uint64_t limit)
{
    struct iter *live = NULL;
    must(live_iter_new(child, &writes->dead, limit, &live) == BYRON_OK);
    return live;
}

START_TEST(random_rollbacks_match_the_model)
{
    struct writes writes = {0};
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    write_and_roll_back(&writes, &rng, 300, (size_t)(1 + _i * _i * 2));
    for (size_t i = 0; i < 10; i++) {
        uint64_t limit = rng_one_in(&rng, 2)
                             ? writes.position
                             : rng_below(&rng, writes.position + 1);
        struct entry_list model = {0};
        struct iter *live =
            live_of(entry_list_iter(&writes.list), &writes, limit);

        model_of(&writes, limit, &model);
        check_moves(live, &model, &rng, 400);
        iter_free(live);
        entry_list_deinit(&model);
    }
    writes_deinit(&writes);
}
END_TEST

/* As the engine does it: own writes over what is committed. */
START_TEST(merge_with_committed_entries_matches_the_model)
{
    struct writes writes = {0};
    struct entry_list committed = {0};
    struct entry_list model = {0};
    struct iter *children[2];
    struct iter *merge = NULL;
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    write_and_roll_back(&writes, &rng, 200, 30);
    model_of(&writes, writes.position, &model);
    for (uint64_t i = 0; i < 100; i++) {
        char key[32];
        int size = snprintf(key, sizeof key, "key%llu",
                            (unsigned long long)rng_below(&rng, 40));
        struct entry entry = {slice_of(key, (size_t)size), slice_of("old", 3),
                              i, ENTRY_PUT};
        must(entry_list_add(&committed, &entry));
        must(entry_list_add(&model, &entry));
    }
    children[0] = entry_list_iter(&committed);
    children[1] =
        live_of(entry_list_iter(&writes.list), &writes, writes.position);
    must(merge_iter_new(children, 2, &merge) == BYRON_OK);
    check_moves(merge, &model, &rng, 2000);
    iter_free(merge);
    entry_list_deinit(&committed);
    entry_list_deinit(&model);
    writes_deinit(&writes);
}
END_TEST

START_TEST(long_dead_span_is_sought_past)
{
    struct memtable *memtable = NULL;
    struct dead_spans dead = {0};
    struct iter *iter = NULL;
    struct iter *live = NULL;

    must(memtable_new(false, &memtable) == BYRON_OK);
    for (uint64_t i = 1; i <= 1000; i++) {
        struct entry entry = {slice_of("k", 1), slice_of("v", 1), i, ENTRY_PUT};
        must(memtable_add(memtable, &entry) == BYRON_OK);
    }
    must(dead_spans_reserve(&dead) == BYRON_OK);
    dead_spans_add(&dead, 1, 1000);
    must(memtable_iter_new(memtable, &iter) == BYRON_OK);
    memtable_unref(memtable);
    must(live_iter_new(iter, &dead, 1000, &live) == BYRON_OK);
    must(iter_last(live) == BYRON_OK);
    must(live->valid && live->sequence == SEQUENCE_MAX);
    must(iter_next(live) == BYRON_OK);
    must(!live->valid);
    must(iter_first(live) == BYRON_OK);
    must(live->valid);
    must(iter_prev(live) == BYRON_OK);
    must(!live->valid);
    iter_free(live);
    dead_spans_deinit(&dead);
}
END_TEST

START_TEST(later_rollbacks_and_writes_are_minded)
{
    struct writes writes = {0};
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    write_and_roll_back(&writes, &rng, 50, 10);
    for (size_t i = 0; i < 20; i++) {
        struct entry_list model = {0};
        struct iter *live =
            live_of(entry_list_iter(&writes.list), &writes, SEQUENCE_MAX - 1);
        must(iter_first(live) == BYRON_OK);
        write_and_roll_back(&writes, &rng, 5, 10);
        model_of(&writes, SEQUENCE_MAX - 1, &model);
        check_moves(live, &model, &rng, 100);
        iter_free(live);
        entry_list_deinit(&model);
    }
    writes_deinit(&writes);
}
END_TEST

START_TEST(error_of_the_child_sticks)
{
    struct writes writes = {0};
    struct iter *child;
    struct iter *live;
    struct rng rng;
    byron_status status;

    rng_init(&rng, test_seed());
    write_and_roll_back(&writes, &rng, 100, 10);
    child = entry_list_iter(&writes.list);
    entry_list_iter_fail_after(child, (size_t)_i);
    live = live_of(child, &writes, writes.position);
    status = iter_first(live);
    while (status == BYRON_OK) {
        if (!live->valid)
            status = rng_one_in(&rng, 2) ? iter_first(live) : iter_last(live);
        else
            status = rng_one_in(&rng, 2) ? iter_next(live) : iter_prev(live);
    }
    ck_assert_int_eq(status, BYRON_IO);
    ck_assert_int_eq(iter_first(live), BYRON_IO);
    must(!live->valid);
    iter_free(live);
    writes_deinit(&writes);
}
END_TEST

Suite *test_live_iter_suite(void)
{
    Suite *suite = suite_create("live_iter");
    TCase *cases = tcase_create("live_iter");

    tcase_add_loop_test(cases, random_rollbacks_match_the_model, 0, 8);
    tcase_add_loop_test(cases, merge_with_committed_entries_matches_the_model,
                        0, 4);
    tcase_add_test(cases, long_dead_span_is_sought_past);
    tcase_add_loop_test(cases, later_rollbacks_and_writes_are_minded, 0, 4);
    tcase_add_loop_test(cases, error_of_the_child_sticks, 1, 20);
    suite_add_tcase(suite, cases);
    return suite;
}
