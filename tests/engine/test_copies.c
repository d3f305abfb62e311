/*
 * byron_copy, case by case: what it refuses, whose name the copy has, and what
 * it knows of its host.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"
#include "support/played_host.h"

Suite *test_copies_suite(void);

static void put(byron_db *db, const char *key, const char *value)
{
    CHECK_OK(byron_put(db, plain_text(key), plain_text(value), true));
}

static byron_status copy_newest(byron_db *db, const char *path,
                                const struct byron_copy_options *options)
{
    byron_snapshot *snapshot;
    CHECK_OK(byron_snapshot_open(db, &snapshot));
    byron_status status = byron_copy(snapshot, path, options, NULL);
    byron_snapshot_close(snapshot);
    return status;
}

static byron_db *open_at(struct memfs *fs, const char *path)
{
    struct byron_options options = plain_options(fs);
    byron_db *db;
    options.create = false;
    CHECK_OK(byron_open(path, &options, &db));
    return db;
}

static void expect_words(const char *words)
{
    struct byron_error error;
    byron_last_error(&error);
    ck_assert_msg(strstr(error.words, words), "%s", error.words);
}

START_TEST(what_is_there_already_is_not_touched)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct os_dir *dir;
    byron_db *db = plain_open(&options);
    put(db, "a", "1");
    ck_assert_int_eq(copy_newest(db, "store", NULL), BYRON_MISUSE);
    memfs_write_all(fs, "other/letter.txt", slice_of("dear", 4));
    ck_assert_int_eq(copy_newest(db, "other", NULL), BYRON_MISUSE);
    expect_words("exists already");
    CHECK_OK(options.os->dir_open(options.os, "empty", true, &dir));
    ck_assert_int_eq(copy_newest(db, "empty", NULL), BYRON_MISUSE);
    options.os->dir_close(dir);
    CHECK_OK(copy_newest(db, "copy", NULL));
    ck_assert_int_eq(copy_newest(db, "copy", NULL), BYRON_MISUSE);
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    db = open_at(fs, "copy");
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(a_copy_has_a_name_of_its_own)
{
    static const uint8_t wanted[16] = "0123456789abcdef";
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct byron_copy_options named = {.id = wanted};
    uint8_t id[16];
    uint8_t other[16];
    byron_db *db = plain_open(&options);
    put(db, "a", "1");
    byron_store_id(db, id);
    CHECK_OK(copy_newest(db, "random", NULL));
    CHECK_OK(copy_newest(db, "named", &named));
    CHECK_OK(byron_close(db));
    db = open_at(fs, "random");
    byron_store_id(db, other);
    ck_assert_mem_ne(id, other, sizeof id);
    CHECK_OK(byron_close(db));
    db = open_at(fs, "named");
    byron_store_id(db, other);
    ck_assert_mem_eq(wanted, other, sizeof other);
    CHECK_OK(byron_close(db));
    options.expected_id = id;
    ck_assert_int_eq(byron_open("named", &options, &db), BYRON_FOREIGN);
    memfs_free(fs);
}
END_TEST

START_TEST(a_copy_of_a_copy_and_of_nothing_are_stores)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db = plain_open(&options);
    CHECK_OK(copy_newest(db, "nothing", NULL));
    put(db, "a", "1");
    CHECK_OK(copy_newest(db, "one", NULL));
    CHECK_OK(byron_close(db));
    db = open_at(fs, "nothing");
    plain_expect_get(db, "a", NULL);
    put(db, "b", "2");
    CHECK_OK(byron_close(db));
    db = open_at(fs, "one");
    CHECK_OK(copy_newest(db, "two", NULL));
    put(db, "a", "2");
    CHECK_OK(byron_close(db));
    db = open_at(fs, "two");
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(a_store_that_may_only_be_read_is_copied)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db = plain_open(&options);
    put(db, "a", "1");
    CHECK_OK(byron_close(db));
    options.read_only = true;
    db = plain_open(&options);
    CHECK_OK(copy_newest(db, "copy", NULL));
    CHECK_OK(byron_close(db));
    db = open_at(fs, "copy");
    put(db, "b", "2");
    plain_expect_get(db, "a", "1");
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

static char table_path[64];

static void note_table(void *context, const char *path)
{
    (void)context;
    if (strstr(path, "store/S-"))
        snprintf(table_path, sizeof table_path, "%s", path);
}

START_TEST(bytes_that_have_changed_are_not_copied)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct os_dir *dir;
    byron_db *db = plain_open(&options);
    put(db, "a", "1");
    CHECK_OK(byron_flush(db));
    memfs_list(fs, note_table, NULL);
    ck_assert(memfs_corrupt(fs, table_path, 70, 1));
    memfs_fail_nth(fs, MEMFS_LINK, 1, BYRON_NOT_FOUND, true);
    ck_assert_int_eq(copy_newest(db, "copy", NULL), BYRON_CORRUPT);
    expect_words("is damaged");
    ck_assert_int_eq(options.os->dir_open(options.os, "copy", false, &dir),
                     BYRON_MISSING);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

/* --- with a host ------------------------------------------------------------
 */

/* Opens the copy as the host's copy would. */
static byron_status open_hosted(struct played_host *host, const char *path,
                                const struct byron_commit_point *row,
                                byron_db **out)
{
    struct byron_options options = host->options;
    options.commit_point = row;
    options.barrier = NULL;
    options.create = false;
    return byron_open(path, &options, out);
}

START_TEST(a_copy_answers_to_the_name_that_its_host_has)
{
    struct played_host host;
    struct byron_copy_options options = {0};
    byron_db *db;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    /* The host does not hear of these. */
    played_host_commit(&host, "b", 2, BYRON_PREPARE_OWN);
    played_host_commit(&host, "c", 3, BYRON_PREPARE_OWN);
    struct byron_commit_point row = host.row;
    options.commit_point = &row;
    CHECK_OK(copy_newest(host.db, "copy", &options));
    played_host_commit(&host, "a", 4, 0);
    CHECK_OK(open_hosted(&host, "copy", &row, &db));
    ck_assert_int_eq(played_host_get_at(db, NULL, "a"), 1);
    ck_assert_int_eq(played_host_get_at(db, NULL, "c"), 3);
    CHECK_OK(byron_close(db));
    /* Nor to any other. */
    ck_assert_int_eq(open_hosted(&host, "copy", &host.row, &db), BYRON_FOREIGN);
    played_host_deinit(&host);
}
END_TEST

START_TEST(a_host_that_never_committed_is_known_as_such)
{
    struct played_host host;
    struct byron_commit_point row = {0};
    struct byron_copy_options options = {.commit_point = &row};
    byron_db *db;
    played_host_init(&host);
    played_host_commit(&host, "b", 2, BYRON_PREPARE_OWN);
    CHECK_OK(copy_newest(host.db, "copy", &options));
    CHECK_OK(open_hosted(&host, "copy", &row, &db));
    ck_assert_int_eq(played_host_get_at(db, NULL, "b"), 2);
    CHECK_OK(byron_close(db));
    played_host_deinit(&host);
}
END_TEST

START_TEST(a_state_that_is_mixed_with_newer_ones_is_refused)
{
    struct played_host host;
    struct byron_copy_options options = {0};
    byron_snapshot *snapshot;
    struct os_dir *dir;
    byron_db *db;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    struct byron_commit_point row = host.row;
    options.commit_point = &row;
    played_host_commit(&host, "a", 2, 0);
    /* Still apart: the newer one is in memory only. */
    CHECK_OK(byron_snapshot_at(host.db, row.recent[0], 0, &snapshot));
    CHECK_OK(byron_copy(snapshot, "early", &options, NULL));
    byron_snapshot_close(snapshot);
    CHECK_OK(byron_flush(host.db));
    CHECK_OK(byron_snapshot_at(host.db, row.recent[0], 0, &snapshot));
    ck_assert_int_eq(byron_copy(snapshot, "late", &options, NULL),
                     BYRON_BUSY_SNAPSHOT);
    expect_words("copy a newer state");
    byron_snapshot_close(snapshot);
    ck_assert_int_eq(
        host.options.os->dir_open(host.options.os, "late", false, &dir),
        BYRON_MISSING);
    CHECK_OK(open_hosted(&host, "early", &row, &db));
    ck_assert_int_eq(played_host_get_at(db, NULL, "a"), 1);
    CHECK_OK(byron_close(db));
    played_host_deinit(&host);
}
END_TEST

/* A commit larger than memory comes as tables of its own: newer than the
 * snapshot as a whole, they are left out. */
START_TEST(newer_files_are_left_out)
{
    struct played_host host;
    struct byron_copy_options options = {0};
    struct byron_commit_point point;
    byron_snapshot *snapshot;
    byron_db *db;
    played_host_init(&host);
    played_host_commit(&host, "a", 1, 0);
    CHECK_OK(byron_flush(host.db));
    struct byron_commit_point row = host.row;
    options.commit_point = &row;
    byron_txn *txn = played_host_begin(&host);
    played_host_put_many(txn, 5);
    CHECK_OK(byron_txn_prepare(txn, 0, &point));
    host.row = point;
    byron_txn_publish(txn);
    CHECK_OK(byron_snapshot_at(host.db, row.recent[0], 0, &snapshot));
    CHECK_OK(byron_copy(snapshot, "copy", &options, NULL));
    byron_snapshot_close(snapshot);
    CHECK_OK(open_hosted(&host, "copy", &row, &db));
    ck_assert_int_eq(played_host_get_at(db, NULL, "a"), 1);
    ck_assert_int_eq(played_host_get_at(db, NULL, "many000"), -1);
    CHECK_OK(byron_close(db));
    played_host_deinit(&host);
}
END_TEST

static void drop(byron_db *db, const char *lower, const char *upper)
{
    struct byron_range range = {plain_text(lower), plain_text(upper)};
    CHECK_OK(byron_drop(db, &range));
}

/* What was given up before is given up in the copy; what was given up since
 * the snapshot is there in full. */
START_TEST(a_copy_has_what_was_dropped_since_and_not_what_was_before)
{
    struct played_host host;
    struct byron_copy_options options = {0};
    struct byron_stats stats;
    byron_snapshot *snapshot;
    byron_db *db;
    played_host_init(&host);
    played_host_commit(&host, "a1", 1, 0);
    played_host_commit(&host, "b1", 1, 0);
    played_host_commit(&host, "c1", 1, 0);
    CHECK_OK(byron_flush(host.db));
    drop(host.db, "a", "b");
    played_host_commit(&host, "c2", 1, 0);
    CHECK_OK(byron_flush(host.db));
    played_host_commit(&host, "c3", 1, 0);
    struct byron_commit_point row = host.row;
    options.commit_point = &row;
    CHECK_OK(byron_snapshot_open(host.db, &snapshot));
    drop(host.db, "b", "c");
    CHECK_OK(byron_copy(snapshot, "copy", &options, NULL));
    /* There it goes for good. */
    CHECK_OK(byron_compact(host.db, NULL));
    byron_snapshot_close(snapshot);
    CHECK_OK(open_hosted(&host, "copy", &row, &db));
    CHECK_OK(byron_compact(db, NULL));
    ck_assert_int_eq(played_host_get_at(db, NULL, "b1"), 1);
    ck_assert_int_eq(played_host_get_at(db, NULL, "c2"), 1);
    byron_stats(db, &stats);
    ck_assert_uint_eq(stats.level[BYRON_LEVELS - 1].entries +
                          stats.level[1].entries + stats.level[0].entries,
                      4);
    CHECK_OK(byron_close(db));
    played_host_deinit(&host);
}
END_TEST

/* --- beside a writer --------------------------------------------------------
 */

struct writer {
    byron_db *db;
    atomic_bool is_over;
};

/* Each commit gives both keys the same value, and some weight to a third. */
static void *write_pairs(void *context)
{
    struct writer *writer = context;
    static const char weight[3000];
    for (int i = 0; !atomic_load(&writer->is_over); i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        struct byron_op ops[] = {
            {BYRON_OP_PUT, plain_text("left"), plain_text(value), 0},
            {BYRON_OP_PUT, plain_text("right"), plain_text(value), 0},
            {BYRON_OP_PUT, plain_text(value), {weight, sizeof weight}, 0},
        };
        CHECK_OK(byron_write(writer->db, ops, 3, false));
    }
    return NULL;
}

static void expect_pair(struct memfs *fs, const char *path)
{
    byron_db *db = open_at(fs, path);
    struct byron_value left;
    struct byron_value right;
    uint64_t damages;
    CHECK_OK(byron_get(db, NULL, plain_text("left"), &left));
    CHECK_OK(byron_get(db, NULL, plain_text("right"), &right));
    ck_assert_uint_eq(left.size, right.size);
    ck_assert_mem_eq(left.data, right.data, left.size);
    byron_value_release(&left);
    byron_value_release(&right);
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    CHECK_OK(byron_close(db));
}

START_TEST(copies_are_whole_while_a_writer_goes_on)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    options.inline_work = false;
    options.memtable = 64 << 10;
    options.file_size = 64 << 10;
    struct writer writer = {.db = plain_open(&options)};
    pthread_t thread;
    put(writer.db, "left", "-");
    put(writer.db, "right", "-");
    ck_assert_int_eq(pthread_create(&thread, NULL, write_pairs, &writer), 0);
    for (int i = 0; i < 12; i++) {
        char path[16];
        snprintf(path, sizeof path, "copy%d", i);
        CHECK_OK(copy_newest(writer.db, path, NULL));
    }
    atomic_store(&writer.is_over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    CHECK_OK(byron_close(writer.db));
    for (int i = 0; i < 12; i++) {
        char path[16];
        snprintf(path, sizeof path, "copy%d", i);
        expect_pair(fs, path);
    }
    memfs_free(fs);
}
END_TEST

Suite *test_copies_suite(void)
{
    Suite *suite = suite_create("copies");
    TCase *cases = tcase_create("copies");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_is_there_already_is_not_touched);
    tcase_add_test(cases, a_copy_has_a_name_of_its_own);
    tcase_add_test(cases, a_copy_of_a_copy_and_of_nothing_are_stores);
    tcase_add_test(cases, a_store_that_may_only_be_read_is_copied);
    tcase_add_test(cases, bytes_that_have_changed_are_not_copied);
    tcase_add_test(cases, a_copy_answers_to_the_name_that_its_host_has);
    tcase_add_test(cases, a_host_that_never_committed_is_known_as_such);
    tcase_add_test(cases, a_state_that_is_mixed_with_newer_ones_is_refused);
    tcase_add_test(cases, newer_files_are_left_out);
    tcase_add_test(cases,
                   a_copy_has_what_was_dropped_since_and_not_what_was_before);
    tcase_add_test(cases, copies_are_whole_while_a_writer_goes_on);
    suite_add_tcase(suite, cases);
    return suite;
}
