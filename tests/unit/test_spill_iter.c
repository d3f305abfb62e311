#include <check.h>
#include <stdio.h>

#include "db/spill_iter.h"
#include "support/run_fixture.h"

Suite *test_spill_iter_suite(void);

#define ENTRIES 300
#define AFTER   1000

/* What the table has, and as it is to be shown. */
static void fill(struct rng *rng, struct entry_list *stored,
                 struct entry_list *shown)
{
    char key[16];
    for (unsigned i = 0; i < ENTRIES; i++) {
        bool is_delete = rng_one_in(rng, 5);
        snprintf(key, sizeof key, "k%05u", 3 * i);
        struct entry entry = {
            .key = slice_of(key, 6),
            .value = slice_of(key, is_delete ? 0 : 1 + i % 6),
            .sequence = 7,
            .kind = is_delete ? ENTRY_DELETE : ENTRY_PUT,
        };
        must(entry_list_add(stored, &entry));
        entry.sequence = AFTER + 1 + i;
        must(entry_list_add(shown, &entry));
    }
}

START_TEST(entries_have_their_positions)
{
    struct run_fixture run;
    struct entry_list stored = {0}, shown = {0};
    struct rng rng;
    struct iter *iter;
    rng_init(&rng, test_seed());
    run_fixture_init(&run);
    fill(&rng, &stored, &shown);
    struct table_meta *meta = run_fixture_table(&run, &stored, 0, ENTRIES);
    ck_assert_int_eq(spill_iter_new(meta, AFTER, &iter), BYRON_OK);
    ck_assert(!iter->valid);
    check_moves(iter, &shown, &rng, 5000);
    /* It keeps its table. */
    table_meta_unref(meta);
    check_moves(iter, &shown, &rng, 100);
    iter_free(iter);
    entry_list_deinit(&stored);
    entry_list_deinit(&shown);
    run_fixture_deinit(&run);
}
END_TEST

Suite *test_spill_iter_suite(void)
{
    Suite *suite = suite_create("spill_iter");
    TCase *tcase = tcase_create("spill_iter");
    tcase_add_test(tcase, entries_have_their_positions);
    suite_add_tcase(suite, tcase);
    return suite;
}
