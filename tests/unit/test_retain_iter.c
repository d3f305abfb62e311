#include <stdio.h>

#include "base/alloc.h"
#include "merge/retain_iter.h"
#include "support/entry_list.h"

Suite *test_retain_iter_suite(void);

#define KEYS   12
#define POINTS 6
/* What expires is between it and twice as much. */
#define EXPIRED_MS 1000

/* Key i is "key" and the letter i. What deeper levels may hold and what was
 * dropped are flags by letter. */
struct world {
    struct entry_list list;
    uint64_t points[POINTS];
    size_t point_count;
    bool deeper[KEYS];
    bool dropped[KEYS];
    struct range_deletes deletes;
    struct range_list ranges, none;
    bool are_kept;
    struct slice last_key; /* That either was asked for. */
    uint8_t last[4];
};

static void check_ascends(struct world *world, struct slice key)
{
    must(key.size == 4);
    must(slice_compare(world->last_key, key) <= 0);
    memcpy(world->last, key.data, 4);
    world->last_key = slice_of(world->last, 4);
}

static bool deeper_may_hold(void *context, struct slice key)
{
    struct world *world = context;
    check_ascends(world, key);
    return world->deeper[key.data[3] - 'a'];
}

static bool is_dropped(void *context, struct slice key)
{
    struct world *world = context;
    check_ascends(world, key);
    return world->dropped[key.data[3] - 'a'];
}

static struct retain_rules rules_of(struct world *world)
{
    struct retain_rules rules = {.points = world->points,
                                 .point_count = world->point_count,
                                 .expired_ms = EXPIRED_MS,
                                 .ranges = &world->ranges,
                                 .kept = world->are_kept ? &world->ranges
                                                         : &world->none,
                                 .deeper_may_hold = deeper_may_hold,
                                 .is_dropped = is_dropped,
                                 .context = world};
    return rules;
}

/* Up to three range deletes, one of them perhaps newer than all points. */
static void add_ranges(struct world *world, struct rng *rng)
{
    static const char bounds[] = "keyakeybkeyckeydkeyekeyfkeygkeyhkeyikeyjkeyk"
                                 "keylkeym";
    for (uint64_t count = rng_below(rng, 4); count > 0; count--) {
        size_t lower = (size_t)rng_below(rng, KEYS);
        size_t upper = lower + 1 + (size_t)rng_below(rng, KEYS - lower);
        struct range_delete delete = {slice_of(bounds + 4 * lower, 4),
                                      slice_of(bounds + 4 * upper, 4),
                                      1 + rng_below(rng, 60)};
        must(range_deletes_add(&world->deletes, &delete) == BYRON_OK);
    }
    must(range_list_build(&world->ranges, &world->deletes) == BYRON_OK);
    world->are_kept = rng_one_in(rng, 2);
}

static void world_deinit(struct world *world)
{
    range_list_deinit(&world->ranges);
    range_deletes_deinit(&world->deletes);
    entry_list_deinit(&world->list);
}

static void world_init(struct world *world, struct rng *rng)
{
    memset(world, 0, sizeof *world);
    add_ranges(world, rng);
    world->point_count = 1 + rng_below(rng, POINTS);
    for (size_t i = 0; i < world->point_count; i++)
        world->points[i] = (i ? world->points[i - 1] : 0) + rng_below(rng, 12);
    for (size_t i = 0; i < KEYS; i++) {
        world->deeper[i] = rng_one_in(rng, 2);
        world->dropped[i] = rng_one_in(rng, 5);
    }
    for (size_t i = 0; i < 80; i++) {
        uint64_t word = rng_next(rng);
        char key[8];
        struct entry entry;
        snprintf(key, sizeof key, "key%c", (char)('a' + rng_below(rng, KEYS)));
        entry = (struct entry){slice_of(key, 4), slice_of(&word, sizeof word),
                               rng_below(rng, 60), ENTRY_PUT};
        if (rng_one_in(rng, 3)) {
            entry.kind = ENTRY_DELETE;
            entry.value.size = 0;
        } else if (rng_one_in(rng, 2)) {
            entry.kind = ENTRY_TIMED;
            word = EXPIRED_MS - 1 + rng_below(rng, 3);
        }
        entry_list_add(&world->list, &entry);
    }
}

/* What is to become of it: nothing but a tombstone, if it has expired. */
static void let_expire(struct entry *entry)
{
    uint64_t expires_ms;
    if (entry->kind != ENTRY_TIMED)
        return;
    memcpy(&expires_ms, entry->value.data, sizeof expires_ms);
    if (expires_ms > EXPIRED_MS)
        return;
    entry->kind = ENTRY_DELETE;
    entry->value.size = 0;
}

static const struct entry *visible(const struct entry_list *list,
                                   struct slice key, uint64_t sequence)
{
    size_t at = entry_list_find(list, key, sequence);
    if (at == list->count || !slice_equal(list->entries[at].key, key))
        return NULL;
    return &list->entries[at];
}

static bool is_in_range(const struct world *world, struct slice key)
{
    return range_list_find(&world->ranges, key) != NULL;
}

/* Whether a reader at that sequence sees a range delete in place of entry. */
static bool is_deleted(const struct world *world, const struct entry *entry,
                       uint64_t sequence)
{
    const struct range_piece *piece =
        range_list_find(&world->ranges, entry->key);
    return piece && range_piece_newest(piece, sequence) > entry->sequence;
}

/* By the definition: newer than the window, or what some point sees. */
static bool stays(const struct world *world, const struct entry *entry)
{
    if (entry->sequence > world->points[world->point_count - 1])
        return true;
    for (size_t i = 0; i < world->point_count; i++) {
        if (visible(&world->list, entry->key, world->points[i]) == entry &&
            !is_deleted(world, entry, world->points[i]))
            return true;
    }
    return false;
}

static void model_of(const struct world *world, struct entry_list *out)
{
    for (size_t i = 0; i < world->list.count; i++) {
        struct entry entry = world->list.entries[i];
        size_t letter = (size_t)(entry.key.data[3] - 'a');
        if (world->dropped[letter] || !stays(world, &world->list.entries[i]))
            continue;
        let_expire(&entry);
        if (entry.sequence <= world->points[0] &&
            !(world->are_kept && is_in_range(world, entry.key)) &&
            !world->deeper[letter]) {
            if (entry.kind == ENTRY_DELETE)
                continue;
            entry.sequence = 0;
        }
        entry_list_append(out, &entry);
    }
}

static void collect(struct iter *iter, struct entry_list *out)
{
    struct entry entry;

    must(iter_first(iter) == BYRON_OK);
    while (iter->valid) {
        entry = (struct entry){iter->key, {0}, iter->sequence, iter->kind};
        if (iter->kind != ENTRY_DELETE)
            must(iter_value(iter, &entry.value) == BYRON_OK);
        entry_list_append(out, &entry);
        must(iter_next(iter) == BYRON_OK);
    }
}

static struct iter *retain_of(struct world *world)
{
    struct retain_rules rules = rules_of(world);
    struct iter *retain = NULL;

    must(retain_iter_new(entry_list_iter(&world->list), &rules, &retain) ==
         BYRON_OK);
    return retain;
}

static void check_same(const struct entry_list *a, const struct entry_list *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        must(slice_equal(a->entries[i].key, b->entries[i].key));
        must(slice_equal(a->entries[i].value, b->entries[i].value));
        must(a->entries[i].sequence == b->entries[i].sequence);
        must(a->entries[i].kind == b->entries[i].kind);
    }
}

START_TEST(random_versions_match_the_model)
{
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (size_t round = 0; round < 50; round++) {
        struct world world;
        struct entry_list model = {0};
        struct entry_list kept = {0};
        struct retain_counts counts;
        struct iter *retain;

        world_init(&world, &rng);
        model_of(&world, &model);
        retain = retain_of(&world);
        collect(retain, &kept);
        check_same(&kept, &model);
        retain_iter_counts(retain, &counts);
        ck_assert_uint_eq(counts.in, world.list.count);
        ck_assert_uint_eq(counts.out, model.count);
        ck_assert_uint_eq(counts.dropped, counts.in - counts.out);
        iter_free(retain);
        entry_list_deinit(&kept);
        entry_list_deinit(&model);
        world_deinit(&world);
    }
}
END_TEST

/* Nobody at a point, or above the last, can tell a rewrite happened. */
START_TEST(every_reader_sees_what_it_saw)
{
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (size_t round = 0; round < 50; round++) {
        struct world world;
        struct entry_list kept = {0};
        struct iter *retain;

        world_init(&world, &rng);
        memset(world.dropped, 0, sizeof world.dropped);
        world.are_kept = true;
        retain = retain_of(&world);
        collect(retain, &kept);
        for (size_t i = 0; i < world.list.count; i++) {
            struct slice key = world.list.entries[i].key;
            for (size_t p = 0; p <= world.point_count; p++) {
                uint64_t at = p == world.point_count ? 1000 : world.points[p];
                const struct entry *found = visible(&world.list, key, at);
                const struct entry *after = visible(&kept, key, at);
                struct entry before = {.kind = ENTRY_DELETE};
                if (found && !is_deleted(&world, found, at)) {
                    before = *found;
                    let_expire(&before);
                }
                /* The range deletes are looked at beside what is kept. */
                if (after && is_deleted(&world, after, at))
                    after = NULL;
                if (!after) {
                    must(before.kind == ENTRY_DELETE);
                    must(!found || !world.deeper[key.data[3] - 'a'] ||
                         is_deleted(&world, found, at));
                    continue;
                }
                must(found != NULL);
                must(before.kind == after->kind);
                must(slice_equal(before.value, after->value));
            }
        }
        iter_free(retain);
        entry_list_deinit(&kept);
        world_deinit(&world);
    }
}
END_TEST

START_TEST(any_other_move_is_misuse)
{
    struct world world;
    struct rng rng;
    struct iter *retain;

    rng_init(&rng, test_seed());
    world_init(&world, &rng);
    retain = retain_of(&world);
    if (_i == 0)
        ck_assert_int_eq(iter_seek(retain, slice_of("k", 1), 1), BYRON_MISUSE);
    else if (_i == 1)
        ck_assert_int_eq(iter_seek_before(retain, slice_of("k", 1)),
                         BYRON_MISUSE);
    else if (_i == 2)
        ck_assert_int_eq(iter_last(retain), BYRON_MISUSE);
    else
        ck_assert_int_eq(iter_prev(retain), BYRON_MISUSE);
    must(!retain->valid);
    ck_assert_int_eq(iter_first(retain), BYRON_MISUSE);
    iter_free(retain);
    world_deinit(&world);
}
END_TEST

START_TEST(error_of_the_child_sticks)
{
    struct world world;
    struct retain_rules rules;
    struct rng rng;
    struct iter *child;
    struct iter *retain = NULL;
    byron_status status;

    rng_init(&rng, test_seed());
    world_init(&world, &rng);
    child = entry_list_iter(&world.list);
    entry_list_iter_fail_after(child, (size_t)_i);
    rules = rules_of(&world);
    must(retain_iter_new(child, &rules, &retain) == BYRON_OK);
    status = iter_first(retain);
    while (status == BYRON_OK && retain->valid)
        status = iter_next(retain);
    ck_assert_int_eq(status, BYRON_IO);
    must(!retain->valid);
    ck_assert_int_eq(iter_first(retain), BYRON_IO);
    iter_free(retain);
    world_deinit(&world);
}
END_TEST

/* Everything a rewrite does, with the nth allocation failing. */
static byron_status rewrite(struct world *world, size_t nth)
{
    struct retain_rules rules = rules_of(world);
    struct iter *retain = NULL;
    byron_status status;

    world->last_key = slice_of(NULL, 0);
    alloc_fail_after(nth);
    status = retain_iter_new(entry_list_iter(&world->list), &rules, &retain);
    if (status == BYRON_OK)
        status = iter_first(retain);
    while (status == BYRON_OK && retain->valid)
        status = iter_next(retain);
    iter_free(retain);
    alloc_fail_after(0);
    return status;
}

START_TEST(failed_allocation_leaks_nothing)
{
    size_t live;
    struct world world;
    struct rng rng;
    size_t nth = 1;

    rng_init(&rng, test_seed());
    world_init(&world, &rng);
    live = alloc_live();
    while (rewrite(&world, nth) == BYRON_NO_MEMORY) {
        ck_assert_uint_eq(alloc_live(), live);
        nth++;
    }
    ck_assert_uint_ge(nth, 3);
    must(rewrite(&world, nth) == BYRON_OK);
    world_deinit(&world);
}
END_TEST

Suite *test_retain_iter_suite(void)
{
    Suite *suite = suite_create("retain_iter");
    TCase *cases = tcase_create("retain_iter");

    tcase_add_loop_test(cases, random_versions_match_the_model, 0, 6);
    tcase_add_loop_test(cases, every_reader_sees_what_it_saw, 0, 6);
    tcase_add_loop_test(cases, any_other_move_is_misuse, 0, 4);
    tcase_add_loop_test(cases, error_of_the_child_sticks, 1, 30);
    tcase_add_test(cases, failed_allocation_leaks_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
