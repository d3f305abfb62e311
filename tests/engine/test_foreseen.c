/*
 * What will be carried by the host's row is known before it is prepared:
 * played_row_prepare looks whether it was.
 */
#include <check.h>
#include <string.h>

#include "byron_inspect.h"
#include "support/memfs.h"
#include "support/played_row.h"

Suite *test_foreseen_suite(void);

#define ROOM 3000

static struct memfs *fs;
static struct played_row row;
static byron_db *db;

static void open_store(void)
{
    struct byron_options options = {.create = true, .inline_work = true};

    fs = memfs_new(5);
    memset(&row, 0, sizeof row);
    row.room = ROOM;
    options.os = memfs_os(fs);
    played_row_tell(&row, &options);
    ck_assert_int_eq(byron_open("store", &options, &db), BYRON_OK);
}

static void close_store(void)
{
    ck_assert_int_eq(byron_close(db), BYRON_OK);
    memfs_free(fs);
}

static byron_txn *begin(size_t size)
{
    static const char value[ROOM];
    byron_txn *txn;

    ck_assert_int_eq(byron_begin(db, 0, &txn), BYRON_OK);
    ck_assert_int_eq(byron_txn_put(txn, (struct byron_bytes){"k", 1},
                                   (struct byron_bytes){value, size}),
                     BYRON_OK);
    return txn;
}

static void commit(size_t size)
{
    byron_txn *txn = begin(size);

    ck_assert_int_eq(played_row_prepare(txn, BYRON_PREPARE_SYNC, &row, &row),
                     BYRON_OK);
    byron_txn_publish(txn);
}

static bool is_foreseen(size_t size, size_t room)
{
    byron_txn *txn = begin(size);
    bool answer = byron_txn_is_carried(txn, room);

    byron_txn_abort(txn);
    return answer;
}

START_TEST(what_follows_a_carried_one_is_carried_if_it_is_small)
{
    bool last = true;

    open_store();
    commit(ROOM); /* Synced. */
    ck_assert(!is_foreseen(10, ROOM));
    commit(10);
    ck_assert(is_foreseen(10, ROOM));
    ck_assert(!is_foreseen(10, 0));
    for (size_t size = ROOM - 300; size <= ROOM; size++) {
        byron_txn *txn = begin(size);
        struct played_row next;
        bool is_carried = byron_txn_is_carried(txn, ROOM);

        ck_assert(last || !is_carried);
        last = is_carried;
        ck_assert_int_eq(
            played_row_prepare(txn, BYRON_PREPARE_SYNC, &row, &next), BYRON_OK);
        byron_txn_abort(txn);
    }
    ck_assert(!last);
    close_store();
}
END_TEST

START_TEST(a_range_or_a_gap_is_not_foreseen)
{
    struct byron_range range = {{"c", 1}, {"d", 1}};

    open_store();
    commit(ROOM);
    commit(10);
    byron_txn *txn = begin(10);
    ck_assert_int_eq(byron_txn_delete_range(txn, &range), BYRON_OK);
    ck_assert(!byron_txn_is_carried(txn, ROOM));
    byron_txn_abort(txn);
    /* One that the row does not name. */
    ck_assert_int_eq(byron_txn_commit(begin(10), false), BYRON_OK);
    ck_assert(!is_foreseen(10, ROOM));
    close_store();
}
END_TEST

Suite *test_foreseen_suite(void)
{
    Suite *suite = suite_create("foreseen");
    TCase *cases = tcase_create("foreseen");

    tcase_add_test(cases, what_follows_a_carried_one_is_carried_if_it_is_small);
    tcase_add_test(cases, a_range_or_a_gap_is_not_foreseen);
    suite_add_tcase(suite, cases);
    return suite;
}
