/*
 * Commits that the host's row carries: the log is not synced for them, and
 * nothing of them is lost.
 *
 * Covers: carry.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/carry.h"
#include "support/memfs.h"
#include "support/played_row.h"
#include "support/seed.h"

Suite *test_carry_suite(void);

#define ROOM 3000

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

struct scene {
    struct memfs *fs;
    struct byron_options options;
    struct played_row row; /* As the host has it. */
    byron_db *db;
};

static byron_status open_row(struct scene *scene, const struct played_row *row)
{
    scene->options.os = memfs_os(scene->fs);
    played_row_tell(row, &scene->options);
    return byron_open("store", &scene->options, &scene->db);
}

static void scene_init(struct scene *scene, size_t room)
{
    memset(scene, 0, sizeof *scene);
    scene->fs = memfs_new(5);
    scene->row.room = room;
    scene->options.inline_work = true;
    scene->options.create = true;
    CHECK_OK(open_row(scene, &scene->row));
    scene->options.create = false;
}

static void scene_deinit(struct scene *scene)
{
    if (scene->db)
        CHECK_OK(byron_close(scene->db));
    memfs_free(scene->fs);
}

static void reopen(struct scene *scene)
{
    CHECK_OK(byron_close(scene->db));
    CHECK_OK(open_row(scene, &scene->row));
}

/* All that has no sync is gone. The store is closed. */
static void cut_power(struct scene *scene)
{
    struct memfs *image = memfs_crash_clone(scene->fs, MEMFS_DROP_UNSYNCED, 7);
    CHECK_OK(byron_close(scene->db));
    memfs_free(scene->fs);
    scene->fs = image;
    scene->db = NULL;
}

static byron_txn *begin(struct scene *scene, const char *key, size_t size)
{
    static const char value[8192];
    byron_txn *txn;
    CHECK_OK(byron_begin(scene->db, 0, &txn));
    CHECK_OK(byron_txn_put(txn, (struct byron_bytes){key, strlen(key)},
                           (struct byron_bytes){value, size}));
    return txn;
}

static void commit_sized(struct scene *scene, const char *key, unsigned flags,
                         size_t size)
{
    byron_txn *txn = begin(scene, key, size);
    if (flags & BYRON_PREPARE_OWN)
        CHECK_OK(byron_txn_prepare(txn, flags, NULL));
    else
        CHECK_OK(played_row_prepare(txn, flags, &scene->row, &scene->row));
    byron_txn_publish(txn);
}

static void commit(struct scene *scene, const char *key, unsigned flags)
{
    commit_sized(scene, key, flags, 10);
}

static bool has(struct scene *scene, const char *key)
{
    byron_status status = byron_get(
        scene->db, NULL, (struct byron_bytes){key, strlen(key)}, NULL);
    ck_assert(status == BYRON_OK || status == BYRON_NOT_FOUND);
    return status == BYRON_OK;
}

/* Every letter of keys is a key that is there. */
static void expect(struct scene *scene, const char *keys)
{
    for (; *keys; keys++) {
        char key[2] = {*keys, 0};
        ck_assert_msg(has(scene, key), "%s is lost", key);
    }
}

static uint64_t syncs(struct scene *scene)
{
    return memfs_calls(scene->fs, MEMFS_SYNCS);
}

/* "a" is in the log for sure; "bcd" are carried, and no longer in the log. */
static void lose_three(struct scene *scene)
{
    scene_init(scene, ROOM);
    commit_sized(scene, "a", BYRON_PREPARE_SYNC, ROOM);
    commit(scene, "b", BYRON_PREPARE_SYNC);
    commit(scene, "c", BYRON_PREPARE_SYNC);
    commit(scene, "d", BYRON_PREPARE_SYNC);
    cut_power(scene);
}

START_TEST(small_commits_need_no_sync)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    uint64_t before = syncs(&scene);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    commit(&scene, "c", BYRON_PREPARE_SYNC);
    ck_assert_uint_eq(syncs(&scene), before);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abc");
    reopen(&scene);
    expect(&scene, "abc");
    scene_deinit(&scene);
}
END_TEST

START_TEST(a_full_room_costs_one_sync_and_is_empty_again)
{
    struct scene scene;
    char key[16];
    scene_init(&scene, 600);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    uint64_t before = syncs(&scene);
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%d", i);
        commit(&scene, key, BYRON_PREPARE_SYNC);
        if (i == 57) {
            cut_power(&scene);
            CHECK_OK(open_row(&scene, &scene.row));
            before = 0;
        }
        for (int k = 0; k <= i; k++) {
            snprintf(key, sizeof key, "k%d", k);
            ck_assert(has(&scene, key));
        }
    }
    /* Some ten fit; the first after the cut is flushed. */
    ck_assert_uint_lt(syncs(&scene) - before, 25);
    scene_deinit(&scene);
}
END_TEST

START_TEST(a_large_commit_is_synced)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit_sized(&scene, "b", BYRON_PREPARE_SYNC, ROOM);
    cut_power(&scene);
    /* The row has nothing that counts: what lies there is older. */
    memset(scene.row.carried, 0, sizeof scene.row.carried);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "ab");
    scene_deinit(&scene);
}
END_TEST

/* Where the store cannot be written to, the rows are there all the same. */
START_TEST(a_reader_that_writes_nothing_sees_them)
{
    struct scene scene;
    lose_three(&scene);
    uint64_t writes = memfs_calls(scene.fs, MEMFS_WRITES);
    scene.options.read_only = _i;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(open_row(&scene, &scene.row));
        expect(&scene, "abcd");
        CHECK_OK(byron_close(scene.db));
    }
    scene.db = NULL;
    ck_assert_uint_eq(memfs_calls(scene.fs, MEMFS_WRITES), writes);
    scene_deinit(&scene);
}
END_TEST

/* The next commit takes their place in the row; they are in tables then. */
START_TEST(they_are_safe_before_the_row_changes)
{
    struct scene scene;
    lose_three(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    commit(&scene, "e", _i ? BYRON_PREPARE_SYNC : 0);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, _i ? "abcde" : "abcd");
    scene_deinit(&scene);
}
END_TEST

struct cutter {
    struct scene *scene;
    struct played_row old; /* Before the commit that is under way. */
    int images;
};

/* Power goes before each call of the first commit after a power cut. */
static void before_call(void *context, const struct memfs_call *call)
{
    struct cutter *cutter = context;
    (void)call;
    for (int mode = 0; mode < MEMFS_CRASH_COUNT; mode++) {
        struct scene image = {.options = cutter->scene->options};
        image.fs = memfs_crash_clone(cutter->scene->fs, (enum memfs_crash)mode,
                                     (uint64_t)cutter->images++);
        CHECK_OK(open_row(&image, &cutter->old));
        expect(&image, "abcd");
        ck_assert(!has(&image, "e"));
        image.row = cutter->old;
        commit(&image, "f", BYRON_PREPARE_SYNC);
        cut_power(&image);
        CHECK_OK(open_row(&image, &image.row));
        expect(&image, "abcdf");
        scene_deinit(&image);
    }
}

START_TEST(power_may_go_again_at_every_step)
{
    struct scene scene;
    lose_three(&scene);
    struct cutter cutter = {.scene = &scene, .old = scene.row};
    CHECK_OK(open_row(&scene, &scene.row));
    memfs_set_hook(scene.fs, before_call, &cutter);
    byron_txn *txn = begin(&scene, "e", 10);
    CHECK_OK(
        played_row_prepare(txn, BYRON_PREPARE_SYNC, &scene.row, &scene.row));
    memfs_set_hook(scene.fs, NULL, NULL);
    byron_txn_publish(txn);
    ck_assert_int_gt(cutter.images, 20);
    scene_deinit(&scene);
}
END_TEST

/* What is given up while only memory has it does not get into tables. */
START_TEST(a_range_that_is_dropped_stays_away)
{
    struct scene scene;
    struct byron_range range = {{"b", 1}, {"c", 1}};
    scene_init(&scene, ROOM);
    commit(&scene, "z", BYRON_PREPARE_SYNC);
    CHECK_OK(byron_flush(scene.db));
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "ab");
    CHECK_OK(byron_drop(scene.db, &range));
    CHECK_OK(byron_settle(scene.db));
    commit(&scene, "d", BYRON_PREPARE_SYNC);
    CHECK_OK(byron_settle(scene.db));
    expect(&scene, "ad");
    ck_assert(!has(&scene, "b"));
    scene_deinit(&scene);
}
END_TEST

/* A commit with no sync neither travels in the row nor throws out what does,
 * even if more of them are lost than the row has names for. */
START_TEST(commits_without_a_sync_leave_them_there)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit_sized(&scene, "a", BYRON_PREPARE_SYNC, ROOM);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    commit(&scene, "c", BYRON_PREPARE_SYNC);
    for (int i = 0; i < _i; i++)
        commit(&scene, "x", 0);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abc");
    ck_assert(_i == 0 || !has(&scene, "x"));
    commit(&scene, "d", BYRON_PREPARE_OWN);
    reopen(&scene);
    expect(&scene, "abcd");
    commit(&scene, "e", BYRON_PREPARE_SYNC);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abcde");
    scene_deinit(&scene);
}
END_TEST

/* Once the log has them for sure it says so, without the row. */
START_TEST(what_the_log_has_by_now_outlasts_many_lost_commits)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    reopen(&scene);
    for (int i = 0; i < 12; i++)
        commit(&scene, "x", 0);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "ab");
    scene_deinit(&scene);
}
END_TEST

/* A commit that follows one which neither the disk nor the row has. */
START_TEST(a_gap_is_closed_by_a_sync)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", _i ? BYRON_PREPARE_OWN : 0);
    uint64_t before = syncs(&scene);
    commit(&scene, "c", BYRON_PREPARE_SYNC);
    ck_assert_uint_eq(syncs(&scene), before + 1);
    commit(&scene, "d", BYRON_PREPARE_SYNC);
    ck_assert_uint_eq(syncs(&scene), before + 1);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abcd");
    scene_deinit(&scene);
}
END_TEST

/* What the host gave up does not come back, unless the host brings it back. */
START_TEST(a_commit_that_was_given_up_stays_away)
{
    struct scene scene;
    struct played_row given_up;
    bool is_revived = _i & 1;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    byron_txn *txn = begin(&scene, "x", 10);
    CHECK_OK(
        played_row_prepare(txn, BYRON_PREPARE_SYNC, &scene.row, &given_up));
    if (_i & 2) /* A second try, with more in it. */
        CHECK_OK(byron_txn_put(txn, (struct byron_bytes){"y", 1},
                               (struct byron_bytes){"", 0}));
    CHECK_OK(
        played_row_prepare(txn, BYRON_PREPARE_SYNC, &scene.row, &given_up));
    byron_txn_abort(txn);
    if (!is_revived)
        commit(&scene, "c", BYRON_PREPARE_SYNC);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, is_revived ? &given_up : &scene.row));
    expect(&scene, is_revived ? "abx" : "abc");
    ck_assert_int_eq(has(&scene, "x"), is_revived);
    ck_assert_int_eq(has(&scene, "y"), is_revived && (_i & 2));
    scene_deinit(&scene);
}
END_TEST

/* A host whose own log lost its end shows an older row, with fewer of them. */
START_TEST(an_older_row_is_an_older_state)
{
    struct scene scene;
    struct played_row older;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    older = scene.row;
    commit(&scene, "c", BYRON_PREPARE_SYNC);
    if (_i)
        cut_power(&scene);
    else
        CHECK_OK(byron_close(scene.db));
    scene.row = older;
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "ab");
    ck_assert(!has(&scene, "c"));
    commit(&scene, "d", BYRON_PREPARE_SYNC);
    cut_power(&scene);
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abd");
    ck_assert(!has(&scene, "c"));
    scene_deinit(&scene);
}
END_TEST

/* --- damage ----------------------------------------------------------------
 */

static size_t carried_size(const struct played_row *row)
{
    uint32_t size;
    memcpy(&size, row->carried + 16, sizeof size);
    return CARRY_HEAD + size;
}

static void refuse(struct scene *scene, const struct played_row *row,
                   byron_status code, const char *words)
{
    struct byron_error error;
    byron_status status = open_row(scene, row);
    byron_last_error(&error);
    ck_assert_msg(status == code, "%d: %s", (int)status, error.words);
    ck_assert_msg(strstr(error.words, words) != NULL, "%s", error.words);
    scene->db = NULL;
}

START_TEST(each_damaged_byte_is_told)
{
    struct scene scene;
    lose_three(&scene);
    size_t size = carried_size(&scene.row);
    ck_assert_uint_lt(size, 400);
    for (size_t i = 0; i < size; i++) {
        struct played_row row = scene.row;
        row.carried[i] ^= (uint8_t)(1 << i % 8);
        refuse(&scene, &row, BYRON_CORRUPT, "byron_store are damaged");
    }
    for (size_t room = CARRY_HEAD; room < size; room++) {
        struct played_row row = scene.row;
        row.room = room;
        refuse(&scene, &row, BYRON_CORRUPT, "byron_store are damaged");
    }
    CHECK_OK(open_row(&scene, &scene.row));
    expect(&scene, "abcd");
    scene_deinit(&scene);
}
END_TEST

START_TEST(damage_does_no_harm_where_the_log_is_whole)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit(&scene, "a", BYRON_PREPARE_SYNC);
    commit(&scene, "b", BYRON_PREPARE_SYNC);
    memset(scene.row.carried, 0x5a, sizeof scene.row.carried);
    reopen(&scene);
    expect(&scene, "ab");
    scene_deinit(&scene);
}
END_TEST

/* What they follow is not there: that was no power cut. */
START_TEST(a_store_of_an_older_backup_is_told)
{
    struct scene scene;
    scene_init(&scene, ROOM);
    commit_sized(&scene, "a", BYRON_PREPARE_SYNC, ROOM);
    struct memfs *backup = memfs_crash_clone(scene.fs, MEMFS_KEEP_ALL, 1);
    commit_sized(&scene, "b", BYRON_PREPARE_SYNC, ROOM);
    commit(&scene, "c", BYRON_PREPARE_SYNC);
    if (_i)
        commit(&scene, "d", 0);
    CHECK_OK(byron_close(scene.db));
    memfs_free(scene.fs);
    scene.fs = backup;
    refuse(&scene, &scene.row, BYRON_CORRUPT,
           "a synced commit is missing from the log");
    scene_deinit(&scene);
}
END_TEST

/* Bytes with a right checksum that no engine wrote. */
static void refuse_records(struct scene *scene, struct carry *carry,
                           const char *words)
{
    uint8_t id[16];
    struct played_row row = scene->row;
    CHECK_OK(open_row(scene, &scene->row));
    byron_store_id(scene->db, id);
    CHECK_OK(byron_close(scene->db));
    carry_seal(carry, id, row.point.recent[0]);
    ck_assert_uint_le(carry->bytes.size, row.room);
    memcpy(row.carried, carry->bytes.data, carry->bytes.size);
    refuse(scene, &row, BYRON_CORRUPT, words);
    carry_deinit(carry);
}

static void add(struct carry *carry, uint64_t id, uint64_t previous,
                uint64_t sequence, uint8_t flags)
{
    uint8_t payload[17];
    memcpy(payload, &id, 8);
    memcpy(payload + 8, &previous, 8);
    payload[16] = flags;
    CHECK_OK(carry_add(carry, id, sequence,
                       (struct slice){payload, sizeof payload}));
}

START_TEST(records_of_nonsense_are_told)
{
    struct scene scene;
    struct carry carry = {0};
    lose_three(&scene);
    const uint64_t *recent = scene.row.point.recent; /* d, c, b, a */
    add(&carry, recent[2], recent[3], 2, 0);
    add(&carry, recent[0], recent[1], 3, 0);
    refuse_records(&scene, &carry, "missing from the log");
    add(&carry, recent[2], recent[3], 2, 0);
    add(&carry, recent[0], recent[3], 3, 0);
    refuse_records(&scene, &carry, "do not follow each other");
    add(&carry, recent[2], recent[3], 2, 0);
    add(&carry, recent[0], recent[2], 2, 0);
    refuse_records(&scene, &carry, "do not follow each other");
    add(&carry, recent[0], recent[3], 2, 1);
    refuse_records(&scene, &carry, "do not follow each other");
    CHECK_OK(carry_add(&carry, 1, 2, (struct slice){(const uint8_t *)"ab", 2}));
    refuse_records(&scene, &carry, "malformed commit record");
    scene_deinit(&scene);
}
END_TEST

START_TEST(records_end_where_they_say)
{
    struct carry carry = {0};
    struct slice records;
    struct log_record record;
    const uint8_t id[16] = {1};
    add(&carry, 7, 6, 9, 0);
    add(&carry, 8, 7, 10, 0);
    ck_assert(!carry_has_room(&carry, 17, carry.bytes.size + 28));
    ck_assert(carry_has_room(&carry, 17, carry.bytes.size + 29));
    ck_assert(!carry_has_room(&carry, SIZE_MAX, SIZE_MAX));
    carry_seal(&carry, id, 8);
    CHECK_OK(carry_open(buf_slice(&carry.bytes), id, 9, "p", &records));
    ck_assert_uint_eq(records.size, 0);
    CHECK_OK(carry_open(buf_slice(&carry.bytes), id, 8, "p", &records));
    CHECK_OK(carry_next(&records, "p", &record));
    ck_assert_uint_eq(record.sequence, 9);
    struct slice rest = records;
    rest.size--;
    ck_assert_int_eq(carry_next(&rest, "p", &record), BYRON_CORRUPT);
    CHECK_OK(carry_next(&records, "p", &record));
    ck_assert_uint_eq(record.sequence, 10);
    ck_assert_uint_eq(records.size, 0);
    carry_deinit(&carry);
}
END_TEST

Suite *test_carry_suite(void)
{
    Suite *suite = suite_create("carry");
    TCase *cases = tcase_create("carry");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, small_commits_need_no_sync);
    tcase_add_test(cases, a_full_room_costs_one_sync_and_is_empty_again);
    tcase_add_test(cases, a_large_commit_is_synced);
    tcase_add_loop_test(cases, a_reader_that_writes_nothing_sees_them, 0, 2);
    tcase_add_loop_test(cases, they_are_safe_before_the_row_changes, 0, 2);
    tcase_add_test(cases, power_may_go_again_at_every_step);
    tcase_add_test(cases, a_range_that_is_dropped_stays_away);
    tcase_add_loop_test(cases, commits_without_a_sync_leave_them_there, 0, 10);
    tcase_add_test(cases, what_the_log_has_by_now_outlasts_many_lost_commits);
    tcase_add_loop_test(cases, a_gap_is_closed_by_a_sync, 0, 2);
    tcase_add_loop_test(cases, a_commit_that_was_given_up_stays_away, 0, 4);
    tcase_add_loop_test(cases, an_older_row_is_an_older_state, 0, 2);
    tcase_add_test(cases, each_damaged_byte_is_told);
    tcase_add_test(cases, damage_does_no_harm_where_the_log_is_whole);
    tcase_add_loop_test(cases, a_store_of_an_older_backup_is_told, 0, 2);
    tcase_add_test(cases, records_of_nonsense_are_told);
    tcase_add_test(cases, records_end_where_they_say);
    suite_add_tcase(suite, cases);
    return suite;
}
