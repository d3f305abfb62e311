#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/memfs_inspect.h"
#include "support/run_fixture.h"
#include "version/run_iter.h"

Suite *test_run_iter_suite(void);

#define MOST 40

/* A run of tables over one list of entries. */
struct fixture {
    struct run_fixture run;
    struct entry_list list;
    struct table_meta *tables[MOST];
    size_t count;
};

static void init(struct fixture *fixture, struct rng *rng, size_t entries,
                 size_t per_table)
{
    struct version_edit edit = {0};

    memset(fixture, 0, sizeof *fixture);
    run_fixture_init(&fixture->run);
    run_fixture_fill(&fixture->list, rng, entries, 1, 20);
    run_fixture_add(&fixture->run, &fixture->list, per_table, 1, 0, &edit);
    ck_assert_uint_le(edit.add_count, MOST);
    for (; fixture->count < edit.add_count; fixture->count++) {
        struct edit_add *add = &edit.adds[fixture->count];
        ck_assert_int_eq(table_meta_new(&fixture->run.env, add->number,
                                        &add->facts, 0,
                                        &fixture->tables[fixture->count]),
                         BYRON_OK);
    }
    version_edit_deinit(&edit);
}

static void deinit(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->count; i++)
        table_meta_unref(fixture->tables[i]);
    entry_list_deinit(&fixture->list);
    run_fixture_deinit(&fixture->run);
}

static struct iter *open_iter(struct fixture *fixture)
{
    struct iter *iter;
    ck_assert_int_eq(run_iter_new(fixture->tables, fixture->count, 0, &iter),
                     BYRON_OK);
    return iter;
}

START_TEST(any_moves_agree_with_a_sorted_array)
{
    static const size_t per_table[] = {1, 3, 10, 1000};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (size_t i = 0; i < 4; i++) {
        struct fixture fixture;
        struct iter *iter;
        init(&fixture, &rng, per_table[i] < 3 ? 20 : 100, per_table[i]);
        iter = open_iter(&fixture);
        ck_assert(!iter->valid);
        check_moves(iter, &fixture.list, &rng, 1500);
        iter_free(iter);
        deinit(&fixture);
    }
}
END_TEST

START_TEST(run_of_nothing_is_empty)
{
    struct iter *iter;
    struct slice key = slice_of("k", 1);

    ck_assert_int_eq(run_iter_new(NULL, 0, 0, &iter), BYRON_OK);
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    ck_assert(!iter->valid);
    ck_assert_int_eq(iter_last(iter), BYRON_OK);
    ck_assert(!iter->valid);
    ck_assert_int_eq(iter_seek(iter, key, SEQUENCE_MAX), BYRON_OK);
    ck_assert(!iter->valid);
    ck_assert_int_eq(iter_seek_before(iter, key), BYRON_OK);
    ck_assert(!iter->valid);
    iter_free(iter);
}
END_TEST

START_TEST(seek_opens_no_table_but_its_own)
{
    struct fixture fixture;
    struct rng rng;
    struct iter *iter;

    rng_init(&rng, test_seed());
    init(&fixture, &rng, 60, 5);
    iter = open_iter(&fixture);
    ck_assert_int_eq(
        iter_seek(iter, table_meta_smallest(fixture.tables[3]), SEQUENCE_MAX),
        BYRON_OK);
    ck_assert(iter->valid);
    for (size_t i = 0; i < fixture.count; i++)
        ck_assert_int_eq(atomic_load(&fixture.tables[i]->reader) != NULL,
                         i == 3);
    iter_free(iter);
    deinit(&fixture);
}
END_TEST

START_TEST(tables_live_as_long_as_their_iterator)
{
    struct fixture fixture;
    struct rng rng;
    struct iter *iter;
    size_t seen = 0;
    size_t entries;
    uint64_t dead[MOST];

    rng_init(&rng, test_seed());
    init(&fixture, &rng, 60, 5);
    iter = open_iter(&fixture);
    for (size_t i = 0; i < fixture.count; i++) {
        atomic_store(&fixture.tables[i]->is_obsolete, true);
        table_meta_unref(fixture.tables[i]);
    }
    ck_assert_uint_eq(table_env_bury(&fixture.run.env, dead, MOST), 0);
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    for (; iter->valid; seen++)
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
    entries = fixture.list.count;
    ck_assert_uint_eq(seen, entries);
    iter_free(iter);
    ck_assert_uint_eq(table_env_bury(&fixture.run.env, dead, MOST),
                      fixture.count);
    fixture.count = 0;
    deinit(&fixture);
}
END_TEST

START_TEST(error_stays_and_marks_the_table)
{
    struct fixture fixture;
    struct rng rng;
    struct iter *iter;
    byron_status status;

    rng_init(&rng, test_seed());
    init(&fixture, &rng, 60, 5);
    iter = open_iter(&fixture);
    ck_assert(memfs_corrupt(
        fixture.run.fs, run_fixture_path(fixture.tables[2]->number), 70, 0xff));
    status = iter_first(iter);
    while (status == BYRON_OK && iter->valid)
        status = iter_next(iter);
    ck_assert_int_eq(status, BYRON_CORRUPT);
    ck_assert(!iter->valid);
    ck_assert(atomic_load(&fixture.tables[2]->is_corrupt));
    ck_assert(!atomic_load(&fixture.tables[1]->is_corrupt));
    ck_assert_int_eq(iter_first(iter), BYRON_CORRUPT);
    ck_assert_int_eq(iter_last(iter), BYRON_CORRUPT);
    ck_assert_int_eq(iter_seek(iter, slice_of("", 0), SEQUENCE_MAX),
                     BYRON_CORRUPT);
    ck_assert_int_eq(iter_seek_before(iter, slice_of("z", 1)), BYRON_CORRUPT);
    ck_assert_int_eq(error_last()->code, BYRON_CORRUPT);
    iter_free(iter);
    deinit(&fixture);
}
END_TEST

/* Walks a fresh iterator to the end and back; the first error, or OK. */
static byron_status walk(struct fixture *fixture)
{
    struct iter *iter;
    struct slice value;
    byron_status status =
        run_iter_new(fixture->tables, fixture->count, 0, &iter);

    if (status != BYRON_OK)
        return status;
    for (status = iter_first(iter); status == BYRON_OK && iter->valid;) {
        status = iter_value(iter, &value);
        if (status == BYRON_OK)
            status = iter_next(iter);
    }
    if (status == BYRON_OK)
        status = iter_last(iter);
    while (status == BYRON_OK && iter->valid)
        status = iter_prev(iter);
    iter_free(iter);
    return status;
}

START_TEST(survives_any_failed_call_or_allocation)
{
    struct rng rng;
    byron_status status = BYRON_IO;

    rng_init(&rng, test_seed());
    for (uint64_t nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        init(&fixture, &rng, 20, 5);
        memfs_fail_nth(fixture.run.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = walk(&fixture);
        ck_assert(status == BYRON_OK || status == BYRON_IO);
        deinit(&fixture);
    }
    status = BYRON_NO_MEMORY;
    for (size_t nth = 1; status != BYRON_OK; nth++) {
        struct fixture fixture;
        init(&fixture, &rng, 20, 5);
        alloc_fail_after(nth);
        status = walk(&fixture);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        deinit(&fixture);
    }
}
END_TEST

Suite *test_run_iter_suite(void)
{
    Suite *suite = suite_create("run_iter");
    TCase *cases = tcase_create("run_iter");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, any_moves_agree_with_a_sorted_array);
    tcase_add_test(cases, run_of_nothing_is_empty);
    tcase_add_test(cases, seek_opens_no_table_but_its_own);
    tcase_add_test(cases, tables_live_as_long_as_their_iterator);
    tcase_add_test(cases, error_stays_and_marks_the_table);
    tcase_add_test(cases, survives_any_failed_call_or_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
