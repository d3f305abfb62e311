/*
 * A batch that was prepared and taken back is none of what a salvage hands out,
 * though its record is in the log as whole as any.
 */
#include <check.h>
#include <string.h>

#include "byron_inspect.h"
#include "support/plain_store.h"

Suite *test_salvage_aborted_suite(void);

static void take_back(byron_db *db, const char *key)
{
    byron_txn *txn;
    CHECK_OK(byron_begin(db, 0, &txn));
    CHECK_OK(byron_txn_put(txn, plain_text(key), plain_text("taken back")));
    CHECK_OK(
        byron_txn_prepare(txn, BYRON_PREPARE_OWN | BYRON_PREPARE_SYNC, NULL));
    byron_txn_abort(txn);
}

START_TEST(what_was_taken_back_is_not_handed_out)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_salvage_options salvaging = {.os = memfs_os(fs)};
    struct byron_salvage *salvage;
    struct byron_salvaged_row row;
    char keys[16] = "";
    bool found = true;
    byron_db *db = plain_open(&options);
    plain_put(db, "a", "1");
    take_back(db, "b");
    plain_put(db, "c", "3");
    take_back(db, "d");
    CHECK_OK(byron_close(db));
    CHECK_OK(byron_salvage_open("store", &salvaging, &salvage));
    while (found) {
        CHECK_OK(byron_salvage_next(salvage, &row, &found));
        if (found)
            strncat(keys, row.key.data, row.key.size);
    }
    ck_assert_str_eq(keys, "ac");
    byron_salvage_close(salvage);
    memfs_free(fs);
}
END_TEST

Suite *test_salvage_aborted_suite(void)
{
    Suite *suite = suite_create("salvage_aborted");
    TCase *cases = tcase_create("salvage_aborted");
    tcase_add_test(cases, what_was_taken_back_is_not_handed_out);
    suite_add_tcase(suite, cases);
    return suite;
}
