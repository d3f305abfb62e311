/*
 * Every file of a store is damaged, one way at a time: what can be read is
 * right, all else is told as damage. Never wrong data, a crash or a hang.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs_inspect.h"
#include "support/rot_rounds.h"

Suite *test_rot_suite(void);

#define EVERY 97

/* Positions to damage; in the zeros beyond a log only a few. */
static uint64_t next_position(const struct rot_file *file, uint64_t position)
{
    return position + (position > file->used ? 300 * EVERY : EVERY);
}

static bool is_table(const struct rot_file *file)
{
    return strncmp(strrchr(file->path, '/'), "/S-", 3) == 0;
}

static struct slice part(const struct buf *bytes, uint64_t size)
{
    return slice_of(bytes->data, (size_t)size);
}

/* Keys that can be read without this file do not suffer from it. */
static void find_healthy(struct rot_store *rot, const struct rot_file *file,
                         bool healthy[MODEL_KEYS])
{
    struct rot_findings findings;
    memset(healthy, 0, MODEL_KEYS * sizeof *healthy);
    if (!is_table(file))
        return;
    rot_store_remove(rot->fs, file->path);
    rot_store_read(rot, rot->fs, file->path, &findings);
    rot_store_restore(rot, file);
    if (findings.open_status == BYRON_OK)
        memcpy(healthy, findings.is_readable, MODEL_KEYS * sizeof *healthy);
}

static void check_healthy(const bool healthy[MODEL_KEYS], const char *what,
                          const struct rot_findings *findings)
{
    for (size_t i = 0; i < MODEL_KEYS; i++)
        if (healthy[i] && !findings->is_readable[i])
            ck_abort_msg("%s: key %zu cannot be read, yet lies elsewhere", what,
                         i);
}

static void flip_bits(struct rot_store *rot, const struct rot_file *file,
                      struct rot_tally *tally)
{
    bool healthy[MODEL_KEYS];
    struct rot_findings findings;
    char what[160];
    find_healthy(rot, file, healthy);
    for (uint64_t at = 0; at < file->bytes.size; at = next_position(file, at)) {
        uint8_t mask = (uint8_t)(1u << (at % 8));
        snprintf(what, sizeof what, "bit flipped at %llu of %s",
                 (unsigned long long)at, file->path);
        memfs_corrupt(rot->fs, file->path, at, mask);
        rot_store_read(rot, rot->fs, what, &findings);
        memfs_corrupt(rot->fs, file->path, at, mask);
        check_healthy(healthy, what, &findings);
        rot_tally_count(tally, &findings);
    }
}

static void truncate_everywhere(struct rot_store *rot,
                                const struct rot_file *file,
                                struct rot_tally *tally)
{
    bool healthy[MODEL_KEYS];
    struct rot_findings findings;
    char what[160];
    find_healthy(rot, file, healthy);
    for (uint64_t size = 0; size < file->bytes.size;
         size = next_position(file, size + (is_table(file) ? 4 * EVERY : 0))) {
        snprintf(what, sizeof what, "%s cut to %llu bytes", file->path,
                 (unsigned long long)size);
        memfs_write_all(rot->fs, file->path, part(&file->bytes, size));
        rot_store_read(rot, rot->fs, what, &findings);
        check_healthy(healthy, what, &findings);
        rot_tally_count(tally, &findings);
    }
    rot_store_restore(rot, file);
}

static void zero_sectors(struct rot_store *rot, const struct rot_file *file,
                         struct rot_tally *tally)
{
    struct rot_findings findings;
    struct buf bytes = {0};
    char what[160];
    for (uint64_t at = 0; at < file->used; at += 512) {
        uint64_t end =
            at + 512 < file->bytes.size ? at + 512 : file->bytes.size;
        snprintf(what, sizeof what, "sector at %llu of %s zeroed",
                 (unsigned long long)at, file->path);
        buf_clear(&bytes);
        ck_assert_int_eq(buf_add(&bytes, file->bytes.data, file->bytes.size),
                         BYRON_OK);
        memset(bytes.data + at, 0, (size_t)(end - at));
        memfs_write_all(rot->fs, file->path, buf_slice(&bytes));
        rot_store_read(rot, rot->fs, what, &findings);
        rot_tally_count(tally, &findings);
    }
    rot_store_restore(rot, file);
    buf_deinit(&bytes);
}

static void remove_file(struct rot_store *rot, const struct rot_file *file,
                        struct rot_tally *tally)
{
    struct rot_findings findings;
    char what[160];
    snprintf(what, sizeof what, "%s gone", file->path);
    rot_store_remove(rot->fs, file->path);
    rot_store_read(rot, rot->fs, what, &findings);
    rot_tally_count(tally, &findings);
    rot_store_restore(rot, file);
}

START_TEST(flipped_bit_is_noticed_or_harmless)
{
    rot_rounds("bits", _i != 0, false, flip_bits);
}
END_TEST

START_TEST(cut_file_is_noticed_or_harmless)
{
    rot_rounds("cuts", _i != 0, true, truncate_everywhere);
}
END_TEST

START_TEST(zeroed_sector_is_noticed_or_harmless)
{
    rot_rounds("zeroed sectors", _i != 0, false, zero_sectors);
}
END_TEST

START_TEST(lost_file_is_noticed)
{
    rot_rounds("lost files", _i != 0, true, remove_file);
}
END_TEST

START_TEST(swapped_files_are_noticed)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct rot_tally tally = {0};
    struct rot_findings findings;
    char what[240];
    rot_store_init(rot, _i != 0);
    rot->state_count = rot->state_count_cut;
    for (size_t i = 0; i < rot->file_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct rot_file *left = &rot->files[i];
            const struct rot_file *right = &rot->files[j];
            if (left->bytes.size + right->bytes.size == 0)
                continue;
            snprintf(what, sizeof what, "%s and %s swapped", left->path,
                     right->path);
            memfs_write_all(rot->fs, left->path, buf_slice(&right->bytes));
            memfs_write_all(rot->fs, right->path, buf_slice(&left->bytes));
            rot_store_read(rot, rot->fs, what, &findings);
            rot_tally_count(&tally, &findings);
            rot_store_restore(rot, left);
            rot_store_restore(rot, right);
        }
    rot_tally_print("swapped files", &tally);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

/* Writes, flushes and compacts over a damaged table. */
static void go_on(struct rot_store *rot, struct memfs *fs, const char *what,
                  byron_db *db, struct rot_findings *findings)
{
    struct rot_findings before;
    bool known_damage;
    uint64_t damages;
    /* Found before or not: it must make no difference. */
    rot_store_get_all(rot, db, what, &before);
    known_damage = before.errors > 0;
    byron_status ignored = byron_compact(db, NULL);
    ignored = byron_settle(db);
    (void)ignored;
    rot_store_get_all(rot, db, what, findings);
    for (size_t i = 0; i < MODEL_KEYS && known_damage; i++)
        ck_assert_msg(!before.is_readable[i] || findings->is_readable[i],
                      "%s: key %zu was readable before compaction", what, i);
    ck_assert_int_eq(byron_verify(db, NULL, NULL, &damages), BYRON_OK);
    ck_assert_int_eq(byron_close(db), BYRON_OK);
    ck_assert_int_eq(rot_store_open(rot, fs, &db), BYRON_OK);
    rot_store_get_all(rot, db, what, findings);
    ck_assert_int_eq(byron_close(db), BYRON_OK);
}

START_TEST(damaged_table_is_neither_compacted_nor_deleted)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct rot_findings findings;
    char what[160];
    uint64_t rounds = 0;
    rot_store_init(rot, false);
    for (size_t i = 0; i < rot->file_count; i++) {
        const struct rot_file *file = &rot->files[i];
        for (uint64_t at = 61; is_table(file) && at < file->used; at += 1009) {
            struct buf bytes = {0};
            byron_db *db;
            struct memfs *fs = memfs_crash_clone(rot->fs, MEMFS_KEEP_ALL, at);
            memfs_corrupt(fs, file->path, at, 16);
            rot_store_read(rot, fs, file->path, &findings);
            bool is_noticed = findings.errors > 0;
            snprintf(what, sizeof what, "compaction over %llu of %s",
                     (unsigned long long)at, file->path);
            ck_assert_int_eq(rot_store_open(rot, fs, &db), BYRON_OK);
            go_on(rot, fs, what, db, &findings);
            /* It may go only where what was damaged was not needed. */
            ck_assert_msg(!is_noticed || findings.errors == 0 ||
                              memfs_read_all(fs, file->path, &bytes),
                          "%s: the damaged file is gone", what);
            buf_deinit(&bytes);
            memfs_free(fs);
            rounds++;
        }
    }
    printf("rot: compactions: %llu rounds\n", (unsigned long long)rounds);
    ck_assert_uint_gt(rounds, 0);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

Suite *test_rot_suite(void)
{
    Suite *suite = suite_create("rot");
    TCase *tcase = tcase_create("rot");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, flipped_bit_is_noticed_or_harmless, 0, 2);
    tcase_add_loop_test(tcase, cut_file_is_noticed_or_harmless, 0, 2);
    tcase_add_loop_test(tcase, zeroed_sector_is_noticed_or_harmless, 0, 2);
    tcase_add_loop_test(tcase, lost_file_is_noticed, 0, 2);
    tcase_add_loop_test(tcase, swapped_files_are_noticed, 0, 2);
    tcase_add_test(tcase, damaged_table_is_neither_compacted_nor_deleted);
    suite_add_tcase(suite, tcase);
    return suite;
}
