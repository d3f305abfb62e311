#include <stdatomic.h>

#include "base/thread.h"
#include "base/hash.h"
#include "memtable/memtable_get.h"
#include "memtable/memtable_iter.h"
#include "support/entry_list.h"

Suite *test_memtable_iter_suite(void);

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

static struct iter *iter_of(struct memtable *memtable)
{
    struct iter *iter = NULL;
    must(memtable_iter_new(memtable, &iter) == BYRON_OK);
    return iter;
}

/* --- One thread that reads and writes by turns ---------------------------- */

static void add_some(struct memtable *memtable, struct entry_list *model,
                     struct rng *rng, uint64_t *sequence)
{
    for (uint64_t i = rng_below(rng, 12); i > 0; i--) {
        uint8_t space[12];
        struct slice key = any_key(rng, space, sizeof space);
        struct entry entry = {key, slice_of("v", 1), ++*sequence, ENTRY_PUT};
        must(memtable_add(memtable, &entry) == BYRON_OK);
        must(entry_list_add(model, &entry));
    }
}

START_TEST(every_move_sees_what_was_added_before_it)
{
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct iter *iter = iter_of(memtable);
    struct rng rng;
    uint64_t sequence = 0;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (size_t step = 0; step < 2000; step++) {
        bool is_forth = step / 50 % 2 == 0;
        size_t at;
        if (iter->valid) {
            struct slice key = iter->key;
            uint64_t shown = iter->sequence;
            add_some(memtable, &model, &rng, &sequence);
            at = entry_list_find(&model, key, shown);
            at = is_forth ? at + 1 : at - 1;
            must((is_forth ? iter_next(iter) : iter_prev(iter)) == BYRON_OK);
        } else {
            add_some(memtable, &model, &rng, &sequence);
            at = is_forth ? 0 : model.count - 1;
            must((is_forth ? iter_first(iter) : iter_last(iter)) == BYRON_OK);
        }
        check_shows(iter, at < model.count ? &model.entries[at] : NULL);
    }
    iter_free(iter);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

/* Whether entry at may be passed to: a put of a key of its own, in limits. */
static bool is_plain(const struct entry_list *model, size_t at,
                     const struct skip_limits *limits)
{
    const struct entry *entry = &model->entries[at];

    return entry->kind == ENTRY_PUT && entry->sequence <= limits->sequence &&
           !slice_equal(entry->key, entry[-1].key) &&
           (!limits->key.data || slice_compare(entry->key, limits->key) < 0);
}

/* Skips from entry at; returns how many. */
static size_t check_passed(struct iter *iter, const struct entry_list *model,
                           size_t at, const struct skip_limits *limits)
{
    size_t passed = (size_t)iter_skip(iter, limits);

    must(passed <= limits->most);
    must(passed == 0 || model->entries[at].kind == ENTRY_PUT);
    for (size_t i = 0; i < passed; i++) {
        const struct entry *entry = &model->entries[at + 1 + i];
        must(is_plain(model, at + 1 + i, limits));
        must(slice_equal(slice_from(limits->pairs[i].key), entry->key));
        must(slice_equal(slice_from(limits->pairs[i].value), entry->value));
    }
    check_shows(iter, &model->entries[at + passed]);
    return passed;
}

static void add_any(struct memtable *memtable, struct entry_list *model,
                    struct rng *rng, uint64_t sequence)
{
    uint8_t space[12];
    struct slice key = any_key(rng, space, sizeof space);
    bool is_put = !rng_one_in(rng, 6);
    struct entry entry = {key, slice_of(space, is_put ? key.size / 2 : 0),
                          sequence, is_put ? ENTRY_PUT : ENTRY_DELETE};

    must(memtable_add(memtable, &entry) == BYRON_OK);
    must(entry_list_add(model, &entry));
}

START_TEST(what_is_skipped_needs_no_look)
{
    struct memtable *memtable = new_memtable();
    struct entry_list model = {0};
    struct iter *iter = iter_of(memtable);
    struct byron_pair pairs[20];
    struct rng rng;
    size_t passed = 0;

    rng_init(&rng, test_seed());
    for (uint64_t sequence = 1; sequence <= 600; sequence++) {
        add_any(memtable, &model, &rng, sequence);
        for (int round = 0; round < 10; round++) {
            size_t at = (size_t)rng_below(&rng, model.count);
            size_t limit = (size_t)rng_below(&rng, model.count);
            struct skip_limits limits = {.most = 1 + rng_below(&rng, 20),
                                         .sequence =
                                             rng_below(&rng, 2 * sequence),
                                         .pairs = pairs};
            const struct entry *entry = &model.entries[at];

            if (rng_one_in(&rng, 2))
                limits.key = model.entries[limit].key;
            must(iter_seek(iter, entry->key, entry->sequence) == BYRON_OK);
            passed += check_passed(iter, &model, at, &limits);
        }
    }
    ck_assert_uint_gt(passed, 1000);
    iter_free(iter);
    memtable_unref(memtable);
    entry_list_deinit(&model);
}
END_TEST

/* --- One writer, readers beside it ---------------------------------------- */

/*
 * The entry of sequence s has key (s * STRIDE) mod KEYS, so that the newest
 * version of a key at any sequence can be told.
 */
#define KEYS    499
#define ENTRIES 20000
#define READERS 2

struct race {
    struct memtable *memtable;
    uint64_t stride;
    _Atomic uint64_t published;
    atomic_bool has_failed;
    atomic_uint next_seed;
};

static struct slice race_key(uint8_t space[16], uint64_t number)
{
    memset(space, 'r', 12);
    space[12] = (uint8_t)(number >> 8);
    space[13] = (uint8_t)number;
    memset(space + 14, 0, 2);
    return slice_of(space, 16);
}

static uint64_t number_of(struct slice key)
{
    return (uint64_t)key.data[12] << 8 | key.data[13];
}

/* The newest sequence of a key at or below limit; 0 if there is none. */
static uint64_t newest_of(const struct race *race, uint64_t number,
                          uint64_t limit)
{
    uint64_t lowest = limit > KEYS ? limit - KEYS : 0;

    for (uint64_t s = limit; s > lowest; s--) {
        if (s * race->stride % KEYS == number)
            return s;
    }
    return 0;
}

static void expect(struct race *race, bool is_right)
{
    if (!is_right)
        atomic_store(&race->has_failed, true);
}

static void write_all(void *context)
{
    struct race *race = context;

    for (uint64_t s = 1; s <= ENTRIES; s++) {
        uint8_t space[16];
        struct entry entry = {race_key(space, s * race->stride % KEYS),
                              slice_of(&s, sizeof s), s, ENTRY_PUT};
        expect(race, memtable_add(race->memtable, &entry) == BYRON_OK);
        atomic_store_explicit(&race->published, s, memory_order_release);
    }
}

/* The same, as many at once as ascend. */
static void write_groups(void *context)
{
    struct race *race = context;

    for (uint64_t s = 1; s <= ENTRIES; s++) {
        uint64_t number = s * race->stride % KEYS;
        uint8_t space[16];
        struct entry entry = {race_key(space, number), slice_of(&s, sizeof s),
                              s, ENTRY_PUT};
        expect(race, memtable_add_later(race->memtable, &entry) == BYRON_OK);
        if (s < ENTRIES && (s + 1) * race->stride % KEYS > number)
            continue;
        memtable_settle(race->memtable);
        atomic_store_explicit(&race->published, s, memory_order_release);
    }
}

static void check_one(struct race *race, struct rng *rng, uint64_t limit)
{
    uint64_t number = rng_below(rng, KEYS);
    uint64_t newest = newest_of(race, number, limit);
    uint8_t space[16];
    struct entry found;
    bool is_there =
        find(race->memtable, race_key(space, number), limit, &found);

    expect(race, is_there == (newest > 0));
    if (is_there) {
        expect(race, found.sequence == newest);
        expect(race, memcmp(found.value.data, &newest, sizeof newest) == 0);
    }
}

/* A version of a key, and how it goes on among those up to limit. */
struct version {
    uint64_t number;
    uint64_t sequence;
};

static bool step_forth(const struct race *race, uint64_t limit,
                       struct version *at)
{
    if (at->sequence > KEYS) {
        at->sequence -= KEYS;
        return true;
    }
    while (++at->number < KEYS) {
        at->sequence = newest_of(race, at->number, limit);
        if (at->sequence > 0)
            return true;
    }
    return false;
}

static bool step_back(const struct race *race, uint64_t limit,
                      struct version *at)
{
    if (at->sequence + KEYS <= limit) {
        at->sequence += KEYS;
        return true;
    }
    while (at->number-- > 0) {
        at->sequence = newest_of(race, at->number, limit < KEYS ? limit : KEYS);
        if (at->sequence > 0)
            return true;
    }
    return false;
}

/* A stretch of a scan: everything published is met, once and in order. */
static void check_stretch(struct race *race, struct rng *rng, uint64_t limit,
                          struct iter *iter)
{
    struct version at = {rng_below(rng, KEYS), 0};
    bool is_forth = rng_one_in(rng, 2);
    bool has_more = true;
    uint8_t space[16];
    struct slice key = race_key(space, at.number);

    if (is_forth) {
        at.sequence = newest_of(race, at.number, limit);
        has_more = at.sequence > 0 || step_forth(race, limit, &at);
        expect(race, iter_seek(iter, key, limit) == BYRON_OK);
    } else {
        at.sequence = limit;
        has_more = step_back(race, limit, &at);
        expect(race, iter_seek_before(iter, key) == BYRON_OK);
    }
    for (size_t i = 0; i < 300 && iter->valid; i++) {
        if (iter->sequence <= limit) {
            expect(race, has_more && iter->sequence == at.sequence &&
                             number_of(iter->key) == at.number);
            has_more = is_forth ? step_forth(race, limit, &at)
                                : step_back(race, limit, &at);
        }
        expect(race,
               (is_forth ? iter_next(iter) : iter_prev(iter)) == BYRON_OK);
    }
    expect(race, iter->valid || !has_more);
}

static void read_all(void *context)
{
    struct race *race = context;
    struct iter *iter = NULL;
    struct rng rng;
    uint64_t limit;

    rng_init(&rng, test_seed() + atomic_fetch_add(&race->next_seed, 1));
    if (memtable_iter_new(race->memtable, &iter) != BYRON_OK) {
        expect(race, false);
        return;
    }
    do {
        limit = atomic_load_explicit(&race->published, memory_order_acquire);
        if (limit == 0)
            continue;
        for (size_t i = 0; i < 20; i++)
            check_one(race, &rng, limit - rng_below(&rng, limit) / 8);
        check_stretch(race, &rng, limit, iter);
    } while (limit < ENTRIES && !atomic_load(&race->has_failed));
    iter_free(iter);
}

START_TEST(readers_find_all_that_is_published)
{
    static const uint64_t strides[] = {1, KEYS - 1, 7, 200};
    struct race race = {.memtable = new_memtable(), .stride = strides[_i / 2]};
    struct thread writer;
    struct thread readers[READERS];

    must(thread_start(&writer, _i % 2 ? write_groups : write_all, &race) ==
         BYRON_OK);
    for (size_t i = 0; i < READERS; i++)
        must(thread_start(&readers[i], read_all, &race) == BYRON_OK);
    thread_join(&writer);
    for (size_t i = 0; i < READERS; i++)
        thread_join(&readers[i]);

    must(!atomic_load(&race.has_failed));
    ck_assert_uint_eq(memtable_count(race.memtable), ENTRIES);
    memtable_unref(race.memtable);
}
END_TEST

/* --- What is left ------------------------------------------------------- */

enum { LEFT_ENTRIES = 5000 };

static struct slice numbered(uint32_t number, uint8_t space[4])
{
    number = __builtin_bswap32(number);
    memcpy(space, &number, 4);
    return slice_of(space, 4);
}

/* In ascending, descending and random order of insertion. */
START_TEST(what_is_left_is_told_within_a_factor_of_three)
{
    struct memtable *memtable = new_memtable();
    uint8_t space[4];
    struct rng rng;
    struct iter *iter;

    rng_init(&rng, test_seed());
    for (uint32_t i = 0; i < LEFT_ENTRIES; i++) {
        /* 2741 and 5000 have no divisor in common. */
        uint32_t number = _i == 0   ? i
                          : _i == 1 ? LEFT_ENTRIES - 1 - i
                                    : i * 2741 % LEFT_ENTRIES;
        struct entry entry = {numbered(number, space), slice_of("v", 1), i + 1,
                              ENTRY_PUT};
        must(memtable_reserve(memtable, 1, 5) == BYRON_OK);
        must(memtable_add(memtable, &entry) == BYRON_OK);
    }
    iter = iter_of(memtable);
    for (int round = 0; round < 200; round++) {
        uint32_t from = (uint32_t)rng_below(&rng, LEFT_ENTRIES);
        uint32_t to = from + (uint32_t)rng_below(&rng, LEFT_ENTRIES - from);
        double left;
        must(iter_seek(iter, numbered(from, space), SEQUENCE_MAX) == BYRON_OK);
        left = (double)memtable_iter_left(iter, numbered(to, space));
        ck_assert_double_ge(left, (to - from) / 3.0 - 200);
        ck_assert_double_le(left, (to - from) * 3.0 + 200);
        left = (double)memtable_iter_left(iter, (struct slice){NULL, 0});
        ck_assert_double_ge(left, (LEFT_ENTRIES - from) / 3.0 - 200);
        ck_assert_double_le(left, (LEFT_ENTRIES - from) * 3.0 + 200);
    }
    must(iter_seek(iter, numbered(9, space), SEQUENCE_MAX) == BYRON_OK);
    ck_assert_uint_eq(memtable_iter_left(iter, numbered(3, space)), 0);
    iter_free(iter);
    memtable_unref(memtable);
}
END_TEST

/* Entries of these keys, from 'a' on, one after the other or in one group. */
static bool is_as_written(const char *keys, bool is_group)
{
    struct memtable *memtable = new_memtable();
    struct iter *iter = iter_of(memtable);
    bool answer;
    for (uint64_t i = 0; keys[i]; i++) {
        struct entry entry = {slice_of(&keys[i], 1), slice_of("v", 1), i + 1,
                              ENTRY_PUT};
        must((is_group && i > 2 ? memtable_add_later(memtable, &entry)
                                : memtable_add(memtable, &entry)) == BYRON_OK);
    }
    memtable_settle(memtable);
    answer = memtable_iter_is_as_written(iter);
    iter_free(iter);
    memtable_unref(memtable);
    return answer;
}

START_TEST(it_knows_whether_entries_came_in_their_order)
{
    bool is_group = _i != 0;
    ck_assert(is_as_written("", is_group));
    ck_assert(is_as_written("abcdefghijklmnopqrstuvwxyz", is_group));
    ck_assert(is_as_written("bdfhj", is_group));
    ck_assert(!is_as_written("bdfehz", is_group));
    ck_assert(!is_as_written("bdfabcefghz", is_group));
    ck_assert(!is_as_written("bdfhjlnpa", false));
    /* The newer version comes first. */
    ck_assert(!is_as_written("bdffhjln", is_group));
    ck_assert(!is_as_written("bb", is_group));
}
END_TEST

Suite *test_memtable_iter_suite(void)
{
    Suite *suite = suite_create("memtable_iter");
    TCase *cases = tcase_create("memtable_iter");

    tcase_add_loop_test(cases, every_move_sees_what_was_added_before_it, 0, 6);
    tcase_add_test(cases, what_is_skipped_needs_no_look);
    tcase_add_loop_test(cases, it_knows_whether_entries_came_in_their_order, 0,
                        2);
    tcase_add_loop_test(cases, readers_find_all_that_is_published, 0, 8);
    tcase_add_loop_test(cases, what_is_left_is_told_within_a_factor_of_three, 0,
                        3);
    suite_add_tcase(suite, cases);
    return suite;
}
