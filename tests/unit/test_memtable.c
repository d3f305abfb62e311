#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "memtable/memtable_get.h"
#include "memtable/memtable_iter.h"
#include "support/entry_list.h"

Suite *test_memtable_suite(void);

static bool find(const struct memtable *memtable, struct slice key,
                 uint64_t sequence, struct entry *out)
{
    return memtable_get(memtable, key, hash_bytes(key, 0), sequence, out);
}

static struct memtable *new_memtable(void)
{
    struct memtable *memtable = NULL;
    must(memtable_new(false, &memtable) == BYRON_OK);
    return memtable;
}

static struct slice text(const char *words)
{
    return slice_of(words, strlen(words));
}

static void put(struct memtable *memtable, struct slice key, uint64_t sequence,
                struct slice value)
{
    struct entry entry = {key, value, sequence, ENTRY_PUT};
    must(memtable_add(memtable, &entry) == BYRON_OK);
}

static void check_get(struct memtable *memtable, const struct entry_list *model,
                      struct slice key, uint64_t sequence)
{
    size_t at = entry_list_find(model, key, sequence);
    bool is_there =
        at < model->count && slice_equal(model->entries[at].key, key);
    struct entry found;

    must(find(memtable, key, sequence, &found) == is_there);
    if (!is_there)
        return;
    must(slice_equal(found.key, key));
    must(slice_equal(found.value, model->entries[at].value));
    must(found.sequence == model->entries[at].sequence);
    must(found.kind == model->entries[at].kind);
}

/* One more entry in both, with a sequence above all before. */
static void add_both(struct memtable *memtable, struct entry_list *model,
                     struct slice key, uint64_t sequence, struct rng *rng)
{
    uint8_t value[40];
    size_t size = rng_below(rng, sizeof value + 1);
    struct entry entry = {key, slice_of(value, size), sequence, ENTRY_PUT};

    rng_bytes(rng, value, size);
    if (rng_one_in(rng, 8)) {
        entry.kind = ENTRY_DELETE;
        entry.value.size = 0;
    }
    must(memtable_add(memtable, &entry) == BYRON_OK);
    must(entry_list_add(model, &entry));
}

/* As a writer does that looks first; sometimes it adds another key then. */
static void look_before_add(struct memtable *memtable,
                            const struct entry_list *model, struct slice key,
                            uint64_t sequence, struct rng *rng)
{
    uint8_t space[24];
    struct entry found;
    size_t at;

    if (rng_one_in(rng, 4))
        return;
    if (rng_one_in(rng, 4))
        key = any_key(rng, space, sizeof space);
    at = entry_list_find(model, key, sequence);
    must(memtable_get_before_add(memtable, key, sequence - 1, &found) ==
         (at < model->count && slice_equal(model->entries[at].key, key)));
}

static void check_all(struct memtable *memtable, const struct entry_list *model,
                      struct rng *rng, size_t moves)
{
    struct iter *iter = NULL;

    must(memtable_iter_new(memtable, &iter) == BYRON_OK);
    check_moves(iter, model, rng, moves);
    iter_free(iter);
}

START_TEST(get_finds_newest_at_or_below_the_sequence)
{
    struct memtable *memtable = new_memtable();
    struct entry found;

    put(memtable, text("k"), 3, text("three"));
    put(memtable, text("k"), 7, text("seven"));

    must(!find(memtable, text("k"), 2, &found));
    must(find(memtable, text("k"), 6, &found));
    ck_assert_uint_eq(found.sequence, 3);
    must(find(memtable, text("k"), SEQUENCE_MAX, &found));
    must(slice_equal(found.value, text("seven")));
    must(!find(memtable, text("kk"), 9, &found));
    must(!find(memtable, text(""), 9, &found));
    memtable_unref(memtable);
}
END_TEST

START_TEST(empty_memtable_has_nothing)
{
    struct memtable *memtable = new_memtable();
    struct entry_list nothing = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    check_get(memtable, &nothing, text("a"), SEQUENCE_MAX);
    check_all(memtable, &nothing, &rng, 20);
    ck_assert_uint_eq(memtable_count(memtable), 0);
    memtable_unref(memtable);
}
END_TEST

START_TEST(random_keys_match_the_model)
{
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct rng rng;
    uint8_t space[24];

    rng_init(&rng, test_seed() + (uint64_t)_i);
    /* A filter that is too small lets more through, and hides nothing. */
    if (_i > 0)
        must(memtable_add_filter(memtable, (size_t)1 << (4 * _i)) == BYRON_OK);
    for (uint64_t sequence = 1; sequence <= 3000; sequence++) {
        struct slice key = any_key(&rng, space, sizeof space);
        if (_i == 0)
            look_before_add(memtable, &model, key, sequence, &rng);
        add_both(memtable, &model, key, sequence, &rng);
        key = any_key(&rng, space, sizeof space);
        check_get(memtable, &model, key, rng_below(&rng, sequence + 2));
        if (sequence % 300 == 0)
            check_all(memtable, &model, &rng, 200);
    }
    check_all(memtable, &model, &rng, 3000);
    ck_assert_uint_eq(memtable_count(memtable), 3000);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

/* Big-endian numbers behind a common beginning. */
static struct slice number_key(uint8_t space[64], size_t prefix,
                               uint64_t number)
{
    memset(space, 'p', prefix);
    for (size_t i = 0; i < 8; i++)
        space[prefix + i] = (uint8_t)(number >> (56 - 8 * i));
    return slice_of(space, prefix + 8);
}

enum pattern { ASCENDING, DESCENDING, RUNS, OUTWARD, PATTERNS };

static uint64_t pattern_number(enum pattern pattern, uint64_t i)
{
    uint64_t middle = UINT64_C(1) << 40;

    switch (pattern) {
    case ASCENDING:
        return i;
    case DESCENDING:
        return middle - i;
    case RUNS: /* Seven at once, every other one going down. */
        return (i % 7 << 32) + (i % 2 ? middle - i : i);
    default:
        return i % 2 ? middle + i : middle - i;
    }
}

START_TEST(sorted_keys_match_the_model)
{
    static const size_t prefixes[] = {0, 3, 40};
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct rng rng;
    uint8_t space[64];
    size_t prefix = prefixes[_i / PATTERNS];

    rng_init(&rng, test_seed());
    for (uint64_t i = 1; i <= 2500; i++) {
        uint64_t number = pattern_number((enum pattern)(_i % PATTERNS), i);
        struct slice key = number_key(space, prefix, number);
        add_both(memtable, &model, key, i, &rng);
        check_get(memtable, &model, key, i);
    }
    for (size_t i = 0; i < model.count; i++)
        check_get(memtable, &model, model.entries[i].key, SEQUENCE_MAX);
    check_all(memtable, &model, &rng, 5000);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

/* What adds up to a batch, in order and each key once. */
static void fill_batch(struct entry_list *batch, enum pattern pattern,
                       uint64_t sequence, struct rng *rng)
{
    size_t count = 1 + rng_below(rng, 40);
    uint64_t from = rng_below(rng, 3000);

    for (size_t i = 0; i < count; i++) {
        uint8_t space[64];
        uint64_t number = pattern == PATTERNS ? rng_below(rng, 3000) : from + i;
        struct entry entry = {number_key(space, 20, number),
                              slice_of(&sequence, sizeof sequence), sequence,
                              ENTRY_PUT};
        if (rng_one_in(rng, 30)) /* Out of the way, and longer. */
            entry.key = slice_of(space, 30 + rng_below(rng, 9));
        else if (rng_one_in(rng, 30))
            entry.key = any_key(rng, space, 24);
        (void)entry_list_add(batch, &entry);
    }
}

START_TEST(batches_match_the_model)
{
    static const enum pattern patterns[] = {PATTERNS, ASCENDING};
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    must(memtable_add_filter(memtable, 4096) == BYRON_OK);
    for (uint64_t sequence = 1; sequence <= 300; sequence++) {
        struct entry_list batch = {0};
        fill_batch(&batch, patterns[_i], sequence, &rng);
        for (size_t i = 0; i < batch.count; i++) {
            must(memtable_add_later(memtable, &batch.entries[i]) == BYRON_OK);
            must(entry_list_add(&model, &batch.entries[i]));
        }
        memtable_settle(memtable);
        ck_assert_uint_eq(memtable_count(memtable), model.count);
        for (size_t i = 0; i < batch.count; i++)
            check_get(memtable, &model, batch.entries[i].key, sequence);
        if (sequence % 30 == 0)
            check_all(memtable, &model, &rng, 300);
        entry_list_deinit(&batch);
    }
    check_all(memtable, &model, &rng, 3000);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

START_TEST(many_versions_of_one_key_match_the_model)
{
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (uint64_t i = 1; i <= 2000; i++) {
        struct slice key = text(i % 50 == 0 ? "kej" : "key");
        add_both(memtable, &model, key, i, &rng);
        check_get(memtable, &model, text("key"), rng_below(&rng, i));
    }
    check_all(memtable, &model, &rng, 5000);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

START_TEST(long_and_empty_keys_match_the_model)
{
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    uint8_t *space = calloc(1, 65536);
    struct rng rng;

    rng_init(&rng, test_seed());
    for (uint64_t i = 1; i <= 100; i++) {
        size_t size = rng_one_in(&rng, 4) ? rng_below(&rng, 4) : 65536;
        space[65535 - rng_below(&rng, 3)] = (uint8_t)rng_below(&rng, 256);
        add_both(memtable, &model, slice_of(space, size), i, &rng);
    }
    check_all(memtable, &model, &rng, 500);
    memtable_unref(memtable);
    entry_list_deinit(&model);
    free(space);
}
END_TEST

static void delete_range(struct memtable *memtable, const char *lower,
                         const char *upper, uint64_t sequence)
{
    struct range_delete delete = {text(lower), text(upper), sequence};
    struct range_deletes deletes = {&delete, 1, 0};
    ck_assert_int_eq(range_set_stage(memtable_ranges(memtable), &deletes),
                     BYRON_OK);
    range_set_publish(memtable_ranges(memtable));
}

START_TEST(a_get_minds_range_deletes)
{
    struct memtable *memtable;
    struct entry entry = {text("k"), text("v"), 5, ENTRY_PUT};
    struct entry found;
    ck_assert_int_eq(memtable_new(false, &memtable), BYRON_OK);
    ck_assert_int_eq(memtable_add_filter(memtable, 1000), BYRON_OK);
    ck_assert_int_eq(memtable_add(memtable, &entry), BYRON_OK);
    delete_range(memtable, "a", "m", 7);
    ck_assert_uint_eq(memtable_count(memtable), 2);
    ck_assert(find(memtable, text("k"), 9, &found));
    ck_assert_int_eq(found.kind, ENTRY_DELETE);
    ck_assert_uint_eq(found.sequence, 7);
    ck_assert(find(memtable, text("k"), 6, &found));
    ck_assert_int_eq(found.kind, ENTRY_PUT);
    ck_assert(find(memtable, text("b"), 7, &found));
    ck_assert_int_eq(found.kind, ENTRY_DELETE);
    ck_assert(!find(memtable, text("b"), 6, &found));
    ck_assert(!find(memtable, text("m"), 9, &found));
    /* Of the same commit the entry lives. */
    entry.sequence = 7;
    ck_assert_int_eq(memtable_add(memtable, &entry), BYRON_OK);
    ck_assert(find(memtable, text("k"), 9, &found));
    ck_assert_int_eq(found.kind, ENTRY_PUT);
    memtable_unref(memtable);
}
END_TEST

START_TEST(iterator_outlives_the_last_reference)
{
    struct memtable *memtable = new_memtable();
    struct iter *iter = NULL;

    put(memtable, text("a"), 1, text("1"));
    must(memtable_iter_new(memtable, &iter) == BYRON_OK);
    memtable_unref(memtable);

    must(iter_first(iter) == BYRON_OK);
    must(iter->valid && slice_equal(iter->key, text("a")));
    iter_free(iter);
}
END_TEST

START_TEST(what_is_reserved_cannot_fail)
{
    struct memtable *memtable = new_memtable();
    uint8_t space[64];
    uint8_t value[100] = {0};
    struct rng rng;
    uint64_t sequence = 0;

    rng_init(&rng, test_seed());
    for (size_t round = 0; round < 60; round++) {
        size_t count = 1 + rng_below(&rng, 400);
        size_t size = sizeof value - rng_below(&rng, 90);
        uint64_t from = rng_next(&rng);
        must(memtable_reserve(memtable, count, count * (size + 24)) ==
             BYRON_OK);
        alloc_fail_after(1);
        for (size_t i = 0; i < count; i++) {
            uint64_t number = _i == 0 ? rng_next(&rng) : from + i;
            put(memtable, number_key(space, 16, number), ++sequence,
                slice_of(value, size));
        }
        alloc_fail_after(0);
    }
    ck_assert_uint_eq(memtable_count(memtable), sequence);
    memtable_unref(memtable);
}
END_TEST

START_TEST(failed_allocation_changes_nothing)
{
    size_t live = alloc_live();
    struct memtable *memtable = NULL;
    struct iter *iter = NULL;
    struct slice value = slice_of(calloc(1, 30000), 30000);
    uint64_t count = 0;

    for (size_t nth = 1; memtable == NULL; nth++) {
        alloc_fail_after(nth);
        if (memtable_new(false, &memtable) == BYRON_OK)
            break;
        ck_assert_ptr_null(memtable);
        ck_assert_uint_eq(alloc_live(), live);
    }
    alloc_fail_after(1);
    ck_assert_int_eq(memtable_iter_new(memtable, &iter), BYRON_NO_MEMORY);
    for (uint64_t i = 1; i < 50; i++) {
        struct entry entry = {text("k"), value, i, ENTRY_PUT};
        alloc_fail_after(1);
        if (memtable_add(memtable, &entry) == BYRON_OK)
            count++;
        ck_assert_uint_eq(memtable_count(memtable), count);
        alloc_fail_after(0);
        if (i % 5 == 0)
            must(memtable_reserve(memtable, 1, 40000) == BYRON_OK);
    }
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(count, 49);
    memtable_unref(memtable);
    free((void *)(uintptr_t)value.data);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(counters_count_what_was_added)
{
    struct memtable *memtable = new_memtable();
    size_t empty = memtable_footprint(memtable);

    put(memtable, text("abc"), 1, text("12345"));
    put(memtable, text("abc"), 2, text(""));

    ck_assert_uint_eq(memtable_count(memtable), 2);
    ck_assert_uint_eq(memtable_data_bytes(memtable), 11);
    ck_assert_uint_ge(memtable_footprint(memtable), empty + 11);
    /* Bounds fill it as keys do. */
    delete_range(memtable, "abc", "defgh", 9);
    ck_assert_uint_eq(memtable_data_bytes(memtable), 19);
    ck_assert_uint_ge(memtable_footprint(memtable), empty + 19);
    memtable_unref(memtable);
}
END_TEST

Suite *test_memtable_suite(void)
{
    Suite *suite = suite_create("memtable");
    TCase *cases = tcase_create("memtable");

    tcase_add_test(cases, get_finds_newest_at_or_below_the_sequence);
    tcase_add_test(cases, empty_memtable_has_nothing);
    tcase_add_loop_test(cases, random_keys_match_the_model, 0, 4);
    tcase_add_loop_test(cases, sorted_keys_match_the_model, 0, 3 * PATTERNS);
    tcase_add_loop_test(cases, batches_match_the_model, 0, 2);
    tcase_add_test(cases, many_versions_of_one_key_match_the_model);
    tcase_add_test(cases, long_and_empty_keys_match_the_model);
    tcase_add_test(cases, a_get_minds_range_deletes);
    tcase_add_test(cases, iterator_outlives_the_last_reference);
    tcase_add_loop_test(cases, what_is_reserved_cannot_fail, 0, 2);
    tcase_add_test(cases, failed_allocation_changes_nothing);
    tcase_add_test(cases, counters_count_what_was_added);
    suite_add_tcase(suite, cases);
    return suite;
}
