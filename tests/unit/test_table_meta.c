#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/edit_fixture.h"
#include "support/memfs_inspect.h"
#include "support/run_fixture.h"

Suite *test_table_meta_suite(void);

START_TEST(last_reference_of_an_obsolete_table_makes_it_dead)
{
    struct table_env env;
    struct table_meta *meta;
    uint64_t dead[2];

    table_env_init(&env, NULL, NULL);
    meta = fixture_meta(&env, 7, "a", "b");
    atomic_store(&meta->is_obsolete, true);
    table_meta_ref(meta);
    table_meta_unref(meta);
    ck_assert_uint_eq(table_env_bury(&env, dead, 2), 0);
    table_meta_unref(meta);
    ck_assert_uint_eq(table_env_bury(&env, dead, 2), 1);
    ck_assert_uint_eq(dead[0], 7);
    ck_assert_uint_eq(table_env_bury(&env, dead, 2), 0);
    table_env_deinit(&env);
}
END_TEST

START_TEST(live_and_corrupt_tables_are_never_dead)
{
    struct table_env env;
    struct table_meta *live;
    struct table_meta *corrupt;
    uint64_t dead[2];

    table_env_init(&env, NULL, NULL);
    live = fixture_meta(&env, 7, "a", "b");
    corrupt = fixture_meta(&env, 8, "a", "b");
    atomic_store(&corrupt->is_obsolete, true);
    ck_assert_int_eq(table_meta_judge(corrupt, BYRON_IO), BYRON_IO);
    ck_assert(!atomic_load(&corrupt->is_corrupt));
    ck_assert_int_eq(table_meta_judge(corrupt, BYRON_CORRUPT), BYRON_CORRUPT);
    table_meta_unref(live);
    table_meta_unref(corrupt);
    ck_assert_uint_eq(table_env_bury(&env, dead, 2), 0);
    table_env_deinit(&env);
}
END_TEST

START_TEST(burying_goes_on_where_it_stopped)
{
    struct table_env env;
    uint64_t dead[3];
    uint64_t sum = 0;
    size_t count;

    table_env_init(&env, NULL, NULL);
    for (uint64_t number = 1; number <= 100; number++) {
        struct table_meta *meta = fixture_meta(&env, number, "a", "b");
        atomic_store(&meta->is_obsolete, true);
        table_meta_unref(meta);
    }
    while ((count = table_env_bury(&env, dead, 3)) > 0)
        for (size_t i = 0; i < count; i++)
            sum += dead[i];
    ck_assert_uint_eq(sum, 5050);
    table_env_deinit(&env);
}
END_TEST

START_TEST(dying_needs_no_memory)
{
    enum { COUNT = 200 };
    struct table_env env;
    struct table_meta *metas[COUNT];
    uint64_t dead[COUNT];

    table_env_init(&env, NULL, NULL);
    for (uint64_t i = 0; i < COUNT; i++)
        metas[i] = fixture_meta(&env, i + 1, "a", "b");
    alloc_fail_after(1);
    for (size_t i = 0; i < COUNT; i++) {
        atomic_store(&metas[i]->is_obsolete, true);
        table_meta_unref(metas[i]);
    }
    alloc_fail_after(0);
    ck_assert_uint_eq(table_env_bury(&env, dead, COUNT), COUNT);
    table_env_deinit(&env);
}
END_TEST

/* A table of a few entries. */
static struct table_meta *small_table(struct run_fixture *fixture)
{
    struct entry_list list = {0};
    struct rng rng;
    struct table_meta *meta;

    rng_init(&rng, 5);
    run_fixture_fill(&list, &rng, 30, 1, 9);
    meta = run_fixture_table(fixture, &list, 0, list.count);
    entry_list_deinit(&list);
    return meta;
}

START_TEST(reader_is_opened_once_and_only_when_asked_for)
{
    struct run_fixture fixture;
    struct table_meta *meta;
    struct table_reader *first;
    struct table_reader *second;
    uint64_t reads;

    run_fixture_init(&fixture);
    meta = small_table(&fixture);
    ck_assert_ptr_null(atomic_load(&meta->reader));
    reads = memfs_calls(fixture.fs, MEMFS_READ);
    ck_assert_int_eq(table_meta_reader(meta, &first), BYRON_OK);
    ck_assert_uint_gt(memfs_calls(fixture.fs, MEMFS_READ), reads);
    reads = memfs_calls(fixture.fs, MEMFS_ALL);
    ck_assert_int_eq(table_meta_reader(meta, &second), BYRON_OK);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_ALL), reads);
    table_meta_unref(meta);
    run_fixture_deinit(&fixture);
}
END_TEST

START_TEST(damaged_or_lost_file_marks_the_table)
{
    for (int is_lost = 0; is_lost < 2; is_lost++) {
        struct run_fixture fixture;
        struct table_meta *meta;
        struct table_reader *reader;
        byron_status status;

        run_fixture_init(&fixture);
        meta = small_table(&fixture);
        if (is_lost)
            ck_assert_int_eq(
                fixture.os->file_remove(fixture.dir, "S-0000000000000001"),
                BYRON_OK);
        else
            ck_assert(memfs_corrupt(fixture.fs, run_fixture_path(1), 0, 1));
        status = table_meta_reader(meta, &reader);
        ck_assert_int_eq(status, BYRON_CORRUPT);
        ck_assert(atomic_load(&meta->is_corrupt));
        table_meta_unref(meta);
        run_fixture_deinit(&fixture);
    }
}
END_TEST

START_TEST(failed_read_does_not_mark_the_table)
{
    struct run_fixture fixture;
    struct table_meta *meta;
    struct table_reader *reader;

    run_fixture_init(&fixture);
    meta = small_table(&fixture);
    memfs_fail_nth(fixture.fs, MEMFS_OPEN, 1, BYRON_IO, false);
    ck_assert_int_eq(table_meta_reader(meta, &reader), BYRON_IO);
    ck_assert(!atomic_load(&meta->is_corrupt));
    ck_assert_int_eq(table_meta_reader(meta, &reader), BYRON_OK);
    table_meta_unref(meta);
    run_fixture_deinit(&fixture);
}
END_TEST

/* Many threads want the reader, and hold and drop references. */
struct crowd {
    struct table_meta *meta;
    _Atomic(struct table_reader *) seen;
    atomic_bool has_failed;
};

static void join_crowd(void *context)
{
    struct crowd *crowd = context;

    for (int i = 0; i < 200; i++) {
        struct table_meta *meta = table_meta_ref(crowd->meta);
        struct table_reader *reader;
        struct table_reader *none = NULL;
        if (table_meta_reader(meta, &reader) != BYRON_OK ||
            (!atomic_compare_exchange_strong(&crowd->seen, &none, reader) &&
             none != reader))
            atomic_store(&crowd->has_failed, true);
        table_meta_unref(meta);
    }
}

START_TEST(threads_share_one_reader)
{
    struct run_fixture fixture;
    struct crowd crowd = {0};
    struct thread threads[4];

    run_fixture_init(&fixture);
    crowd.meta = small_table(&fixture);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(thread_start(&threads[i], join_crowd, &crowd),
                         BYRON_OK);
    for (size_t i = 0; i < 4; i++)
        thread_join(&threads[i]);
    ck_assert(!atomic_load(&crowd.has_failed));
    table_meta_unref(crowd.meta);
    run_fixture_deinit(&fixture);
}
END_TEST

START_TEST(survives_any_failed_allocation)
{
    struct table_env env;
    size_t live = alloc_live();
    byron_status status = BYRON_NO_MEMORY;

    for (size_t nth = 1; status != BYRON_OK; nth++) {
        struct table_facts facts = fixture_facts(1, "a", "b");
        struct table_meta *meta = NULL;
        table_env_init(&env, NULL, NULL);
        alloc_fail_after(nth);
        status = table_meta_new(&env, 1, &facts, 0, &meta);
        alloc_fail_after(0);
        ck_assert_ptr_null(facts.smallest.data);
        ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
        table_meta_unref(meta);
        table_env_deinit(&env);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

Suite *test_table_meta_suite(void)
{
    Suite *suite = suite_create("table_meta");
    TCase *cases = tcase_create("table_meta");

    tcase_add_test(cases, last_reference_of_an_obsolete_table_makes_it_dead);
    tcase_add_test(cases, live_and_corrupt_tables_are_never_dead);
    tcase_add_test(cases, burying_goes_on_where_it_stopped);
    tcase_add_test(cases, dying_needs_no_memory);
    tcase_add_test(cases, reader_is_opened_once_and_only_when_asked_for);
    tcase_add_test(cases, damaged_or_lost_file_marks_the_table);
    tcase_add_test(cases, failed_read_does_not_mark_the_table);
    tcase_add_test(cases, threads_share_one_reader);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
