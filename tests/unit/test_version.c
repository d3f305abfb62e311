#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/memfs_inspect.h"
#include "support/run_fixture.h"
#include "version/run_iter.h"
#include "version/version.h"

Suite *test_version_suite(void);

#define RUNS 4

/* Four runs at levels 0, 0, 3 and 6; the older entries lie deeper. */
struct fixture {
    struct run_fixture run;
    struct entry_list runs[RUNS]; /* Newest first. */
    struct entry_list all;
    struct version *version;
};

static const uint32_t run_levels[RUNS] = {0, 0, 3, 6};
static const uint64_t run_ids[RUNS] = {9, 8, 0, 0};

static void init(struct fixture *fixture, struct rng *rng)
{
    struct version_edit edit = {0};
    struct version *empty;

    memset(fixture, 0, sizeof *fixture);
    run_fixture_init(&fixture->run);
    for (size_t r = RUNS; r-- > 0;) {
        struct entry_list *list = &fixture->runs[r];
        uint64_t low = 1 + 10 * (RUNS - 1 - r);
        run_fixture_fill(list, rng, 40 + 30 * r, low, low + 9);
        run_fixture_add(&fixture->run, list, r < 2 ? 1000 : 12, run_levels[r],
                        run_ids[r], &edit);
        for (size_t i = 0; i < list->count; i++)
            ck_assert(entry_list_add(&fixture->all, &list->entries[i]));
    }
    ck_assert_int_eq(version_new_empty(&empty), BYRON_OK);
    ck_assert_int_eq(
        version_apply(empty, &edit, &fixture->run.env, &fixture->version),
        BYRON_OK);
    version_unref(empty);
    version_edit_deinit(&edit);
}

static void deinit(struct fixture *fixture)
{
    version_unref(fixture->version);
    for (size_t r = 0; r < RUNS; r++)
        entry_list_deinit(&fixture->runs[r]);
    entry_list_deinit(&fixture->all);
    run_fixture_deinit(&fixture->run);
}

/* The newest entry of key at sequence, or NULL. */
static const struct entry *wanted_of(const struct fixture *fixture,
                                     struct slice key, uint64_t sequence)
{
    size_t at = entry_list_find(&fixture->all, key, sequence);

    if (at == fixture->all.count ||
        !slice_equal(fixture->all.entries[at].key, key))
        return NULL;
    return &fixture->all.entries[at];
}

/* Takes found. */
static void check_found(const struct entry *wanted, byron_status status,
                        struct table_found *found)
{
    ck_assert_int_eq(status, wanted ? BYRON_OK : BYRON_NOT_FOUND);
    if (!wanted)
        return;
    ck_assert_uint_eq(found->sequence, wanted->sequence);
    ck_assert_int_eq(found->kind, wanted->kind);
    if (wanted->kind == ENTRY_PUT)
        ck_assert(slice_equal(found->value.bytes, wanted->value));
    pin_release(&found->value);
}

static void check_get(struct fixture *fixture, struct slice key,
                      uint64_t sequence)
{
    const struct entry *wanted = wanted_of(fixture, key, sequence);
    struct table_found found = {0};
    struct version_ahead ahead;

    version_look_ahead(fixture->version, key, table_key_hash(key), &ahead);
    check_found(wanted,
                version_get(fixture->version, key, sequence, NULL, &found),
                &found);
    found = (struct table_found){0};
    check_found(wanted,
                version_get(fixture->version, key, sequence, &ahead, &found),
                &found);
}

START_TEST(get_finds_the_newest_that_is_visible)
{
    struct fixture fixture;
    struct rng rng;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    for (size_t i = 0; i < fixture.all.count; i++)
        for (int k = 0; k < 4; k++)
            check_get(&fixture, fixture.all.entries[i].key,
                      k ? rng_below(&rng, 45) : SEQUENCE_MAX);
    deinit(&fixture);
}
END_TEST

START_TEST(get_of_absent_keys_finds_nothing)
{
    struct fixture fixture;
    struct rng rng;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    for (int i = 0; i < 2000; i++) {
        uint8_t space[33];
        struct slice key = any_key(&rng, space, 32);
        space[key.size] = (uint8_t)rng_next(&rng);
        key.size += rng_one_in(&rng, 2);
        check_get(&fixture, key, SEQUENCE_MAX);
    }
    deinit(&fixture);
}
END_TEST

START_TEST(get_opens_only_tables_that_may_hold_the_key)
{
    struct fixture fixture;
    struct rng rng;
    struct table_found found = {0};

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    ck_assert_int_eq(version_get(fixture.version,
                                 slice_of("\xff\xff\xff\xff\xff\xff", 6),
                                 SEQUENCE_MAX, NULL, &found),
                     BYRON_NOT_FOUND);
    /* Nor those whose oldest entry is too new. */
    ck_assert_int_eq(version_get(fixture.version, fixture.all.entries[5].key, 0,
                                 NULL, &found),
                     BYRON_NOT_FOUND);
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < fixture.version->levels[l].count; r++) {
            const struct run *run = &fixture.version->levels[l].runs[r];
            for (size_t t = 0; t < run->count; t++)
                ck_assert_ptr_null(atomic_load(&run->tables[t]->reader));
        }
    deinit(&fixture);
}
END_TEST

START_TEST(a_look_ahead_opens_no_table_and_changes_no_answer)
{
    struct version_ahead ahead;
    struct fixture fixture;
    struct rng rng;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < fixture.all.count; i++) {
            struct slice key = fixture.all.entries[i].key;
            version_look_ahead(fixture.version, key, table_key_hash(key),
                               &ahead);
            version_ahead_prefetch(&ahead, TABLE_AHEAD_WHERE);
            version_ahead_prefetch(&ahead, TABLE_AHEAD_ENTRY);
            if (round > 0 || i + 1 == fixture.all.count)
                check_get(&fixture, key, SEQUENCE_MAX);
        }
    version_look_ahead(fixture.version, slice_of(NULL, 0),
                       table_key_hash(slice_of(NULL, 0)), &ahead);
    deinit(&fixture);
}
END_TEST

/* Entries that the iterators show in [lower, upper). */
static size_t count_range(struct fixture *fixture, struct iter **made,
                          struct slice lower, struct slice upper)
{
    struct iter *iters[RUNS];
    size_t count = 0;
    size_t seen = 0;

    ck_assert_int_eq(version_add_iters(fixture->version, lower, upper, NULL,
                                       made, iters, &count),
                     BYRON_OK);
    ck_assert_uint_le(count, version_run_count(fixture->version));
    for (size_t i = 0; i < count; i++) {
        struct iter *iter = iters[i];
        ck_assert(!iter->valid);
        ck_assert_int_eq(lower.data ? iter_seek(iter, lower, SEQUENCE_MAX)
                                    : iter_first(iter),
                         BYRON_OK);
        while (iter->valid &&
               (!upper.data || slice_compare(iter->key, upper) < 0)) {
            seen++;
            ck_assert_int_eq(iter_next(iter), BYRON_OK);
        }
    }
    return seen;
}

/* The same from the other end. */
static size_t count_back(struct fixture *fixture, struct iter **made,
                         struct slice lower, struct slice upper)
{
    struct iter *iters[RUNS];
    size_t count = 0;
    size_t seen = 0;

    ck_assert_int_eq(version_add_iters(fixture->version, lower, upper, NULL,
                                       made, iters, &count),
                     BYRON_OK);
    for (size_t i = 0; i < count; i++) {
        struct iter *iter = iters[i];
        ck_assert_int_eq(upper.data ? iter_seek_before(iter, upper)
                                    : iter_last(iter),
                         BYRON_OK);
        while (iter->valid &&
               (!lower.data || slice_compare(iter->key, lower) >= 0)) {
            seen++;
            ck_assert_int_eq(iter_prev(iter), BYRON_OK);
        }
    }
    return seen;
}

static void free_iters(struct iter **made)
{
    for (size_t i = 0; i < RUNS; i++)
        iter_free(made[i]);
}

static size_t model_count(const struct fixture *fixture, struct slice lower,
                          struct slice upper)
{
    size_t begin =
        lower.data ? entry_list_find(&fixture->all, lower, SEQUENCE_MAX) : 0;
    size_t end = upper.data
                     ? entry_list_find(&fixture->all, upper, SEQUENCE_MAX)
                     : fixture->all.count;
    return end > begin ? end - begin : 0;
}

START_TEST(iterators_cover_any_range)
{
    struct fixture fixture;
    struct rng rng;
    struct slice open = {NULL, 0};
    struct iter *made[RUNS] = {NULL}; /* The same all along. */

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    ck_assert_uint_eq(version_run_count(fixture.version), RUNS);
    ck_assert_uint_eq(count_range(&fixture, made, open, open),
                      fixture.all.count);
    for (int i = 0; i < 300; i++) {
        uint8_t space[2][32];
        struct slice lower = any_key(&rng, space[0], 32);
        struct slice upper = any_key(&rng, space[1], 32);
        if (rng_one_in(&rng, 8))
            lower = open;
        if (rng_one_in(&rng, 8))
            upper = open;
        ck_assert_uint_eq(count_range(&fixture, made, lower, upper),
                          model_count(&fixture, lower, upper));
        ck_assert_uint_eq(count_back(&fixture, made, lower, upper),
                          model_count(&fixture, lower, upper));
        for (size_t r = 0; rng_one_in(&rng, 4) && r < RUNS; r++)
            if (made[r])
                run_iter_rest(made[r]);
    }
    free_iters(made);
    deinit(&fixture);
}
END_TEST

START_TEST(runs_outside_the_range_get_no_iterator)
{
    struct fixture fixture;
    struct rng rng;
    struct iter *made[RUNS] = {NULL};
    struct iter *iters[RUNS];
    size_t count = 0;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    ck_assert_int_eq(version_add_iters(fixture.version,
                                       slice_of("\xff\xff\xff\xff\xff\xff", 6),
                                       slice_of(NULL, 0), NULL, made, iters,
                                       &count),
                     BYRON_OK);
    ck_assert_uint_eq(count, 0);
    for (size_t i = 0; i < RUNS; i++)
        ck_assert_ptr_null(made[i]);
    deinit(&fixture);
}
END_TEST

START_TEST(estimate_of_everything_is_exact)
{
    struct fixture fixture;
    struct rng rng;
    struct slice open = {NULL, 0};
    uint64_t entries;
    uint64_t bytes;
    uint64_t puts = 0;
    uint64_t size = 0;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    for (size_t i = 0; i < fixture.all.count; i++)
        puts += fixture.all.entries[i].kind == ENTRY_PUT;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        size += fixture.version->levels[l].bytes;
    ck_assert_int_eq(
        version_estimate(fixture.version, open, open, NULL, &entries, &bytes),
        BYRON_OK);
    ck_assert_uint_eq(entries, puts);
    ck_assert_uint_eq(bytes, size);
    deinit(&fixture);
}
END_TEST

START_TEST(estimate_of_a_range_is_near)
{
    struct fixture fixture;
    struct rng rng;
    uint64_t off = 0;
    uint64_t all = 0;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    for (int i = 0; i < 100; i++) {
        uint8_t space[2][32];
        struct slice lower = any_key(&rng, space[0], 32);
        struct slice upper = any_key(&rng, space[1], 32);
        uint64_t entries;
        uint64_t bytes;
        uint64_t wanted;
        if (slice_compare(lower, upper) > 0) {
            struct slice swap = lower;
            lower = upper;
            upper = swap;
        }
        wanted = model_count(&fixture, lower, upper);
        ck_assert_int_eq(version_estimate(fixture.version, lower, upper, NULL,
                                          &entries, &bytes),
                         BYRON_OK);
        off += entries > wanted ? entries - wanted : wanted - entries;
        all += wanted;
    }
    /* Tombstones are a fifth of all, and blocks are counted by halves. */
    ck_assert_uint_le(off, all / 2);
    deinit(&fixture);
}
END_TEST

START_TEST(damage_of_one_table_leaves_the_others)
{
    struct fixture fixture;
    struct rng rng;
    struct table_meta *hurt;
    struct table_found found = {0};

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    hurt = fixture.version->levels[6].runs[0].tables[1];
    for (uint64_t at = 64; at < 264; at++)
        ck_assert(memfs_corrupt(fixture.run.fs, run_fixture_path(hurt->number),
                                at, 0xff));
    ck_assert_int_eq(version_get(fixture.version, table_meta_smallest(hurt),
                                 hurt->facts.max_sequence, NULL, &found),
                     BYRON_CORRUPT);
    ck_assert(atomic_load(&hurt->is_corrupt));
    for (size_t i = 0; i < fixture.all.count; i++) {
        struct slice key = fixture.all.entries[i].key;
        if (slice_compare(key, table_meta_smallest(hurt)) < 0 ||
            slice_compare(key, table_meta_largest(hurt)) > 0)
            check_get(&fixture, key, SEQUENCE_MAX);
    }
    deinit(&fixture);
}
END_TEST

START_TEST(check_finds_runs_out_of_order)
{
    struct fixture fixture;
    struct rng rng;
    struct level *level;
    struct run swap;

    rng_init(&rng, test_seed());
    init(&fixture, &rng);
    ck_assert_int_eq(version_check(fixture.version, "dir/M"), BYRON_OK);
    level = &fixture.version->levels[0];
    swap = level->runs[0];
    level->runs[0] = level->runs[1];
    level->runs[1] = swap;
    ck_assert_int_eq(version_check(fixture.version, "dir/M"), BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "dir/M");
    deinit(&fixture);
}
END_TEST

/* One get, one scan, one estimate; the first error that is not absence. */
static byron_status use(struct fixture *fixture)
{
    struct iter *made[RUNS] = {NULL};
    struct iter *iters[RUNS];
    size_t count = 0;
    struct slice key = fixture->all.entries[fixture->all.count / 2].key;
    struct slice open = {NULL, 0};
    struct table_found found = {0};
    uint64_t entries;
    uint64_t bytes;
    byron_status status =
        version_get(fixture->version, key, SEQUENCE_MAX, NULL, &found);

    if (status != BYRON_OK)
        return status;
    pin_release(&found.value);
    status = version_add_iters(fixture->version, key, open, NULL, made, iters,
                               &count);
    for (size_t i = 0; i < count && status == BYRON_OK; i++)
        status = iter_seek(iters[i], key, SEQUENCE_MAX);
    free_iters(made);
    if (status == BYRON_OK)
        status = version_estimate(fixture->version, key, open, NULL, &entries,
                                  &bytes);
    return status;
}

START_TEST(survives_any_failed_call_or_allocation)
{
    struct rng rng;
    byron_status status = BYRON_IO;
    uint64_t nth;

    rng_init(&rng, test_seed());
    for (nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        init(&fixture, &rng);
        memfs_fail_nth(fixture.run.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = use(&fixture);
        ck_assert(status == BYRON_OK || status == BYRON_IO);
        memfs_fail_nth(fixture.run.fs, MEMFS_ALL, 0, BYRON_OK, false);
        ck_assert_int_eq(use(&fixture), BYRON_OK);
        deinit(&fixture);
    }
    status = BYRON_NO_MEMORY;
    for (nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        init(&fixture, &rng);
        alloc_fail_after((size_t)nth);
        status = use(&fixture);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        ck_assert_int_eq(use(&fixture), BYRON_OK);
        deinit(&fixture);
    }
}
END_TEST

Suite *test_version_suite(void)
{
    Suite *suite = suite_create("version");
    TCase *cases = tcase_create("version");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, get_finds_the_newest_that_is_visible);
    tcase_add_test(cases, get_of_absent_keys_finds_nothing);
    tcase_add_test(cases, get_opens_only_tables_that_may_hold_the_key);
    tcase_add_test(cases, a_look_ahead_opens_no_table_and_changes_no_answer);
    tcase_add_test(cases, iterators_cover_any_range);
    tcase_add_test(cases, runs_outside_the_range_get_no_iterator);
    tcase_add_test(cases, estimate_of_everything_is_exact);
    tcase_add_test(cases, estimate_of_a_range_is_near);
    tcase_add_test(cases, damage_of_one_table_leaves_the_others);
    tcase_add_test(cases, check_finds_runs_out_of_order);
    tcase_add_test(cases, survives_any_failed_call_or_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
