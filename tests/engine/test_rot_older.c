/*
 * Files of a store, and pieces of them, are replaced by what they held before,
 * or by pieces of other files: what can be read is right, all else is told as
 * damage. Never wrong data, a crash or a hang.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/integer.h"
#include "support/memfs_inspect.h"
#include "support/rot_rounds.h"

Suite *test_rot_older_suite(void);

#define BLOCKS 64

static bool is_kind(const char *path, char kind)
{
    return strrchr(path, '/')[1] == kind;
}

/* Reads the store with the file's bytes changed, and puts them back. */
static void with_bytes(struct rot_store *rot, const struct rot_file *file,
                       const char *what, struct slice bytes,
                       struct rot_tally *tally)
{
    struct rot_findings findings;

    memfs_write_all(rot->fs, file->path, bytes);
    rot_store_read(rot, rot->fs, what, &findings);
    rot_tally_count(tally, &findings);
    rot_store_restore(rot, file);
}

static void age_file(struct rot_store *rot, const struct rot_file *file,
                     struct rot_tally *tally)
{
    const struct rot_version *older;
    char what[160];

    for (size_t nth = 0; (older = rot_store_older(rot, file, nth)); nth++) {
        snprintf(what, sizeof what, "%s as it was %zu changes before",
                 file->path, nth + 1);
        with_bytes(rot, file, what, buf_slice(&older->bytes), tally);
    }
}

/* Bytes of the pieces at that place in older; false: they are what they were.
 * Where older has no bytes, what is there now stays. */
static bool age_piece(struct buf *bytes, const struct buf *older, size_t at,
                      size_t size)
{
    size_t end = at + size;

    if (end > bytes->size)
        end = bytes->size;
    if (end > older->size)
        end = older->size;
    if (at >= end || memcmp(bytes->data + at, older->data + at, end - at) == 0)
        return false;
    memcpy(bytes->data + at, older->data + at, end - at);
    return true;
}

static void age_pieces_of(struct rot_store *rot, const struct rot_file *file,
                          struct rot_tally *tally, size_t size)
{
    const struct rot_version *older;
    char what[200];

    for (size_t nth = 0; (older = rot_store_older(rot, file, nth)); nth++)
        for (size_t at = 0; at < file->bytes.size; at += size) {
            struct buf bytes = {0};

            ck_assert_int_eq(
                buf_add(&bytes, file->bytes.data, file->bytes.size), BYRON_OK);
            snprintf(what, sizeof what,
                     "%zu bytes at %zu of %s as they were %zu changes before",
                     size, at, file->path, nth + 1);
            if (age_piece(&bytes, &older->bytes, at, size))
                with_bytes(rot, file, what, buf_slice(&bytes), tally);
            buf_deinit(&bytes);
        }
}

static void age_sectors(struct rot_store *rot, const struct rot_file *file,
                        struct rot_tally *tally)
{
    age_pieces_of(rot, file, tally, 512);
}

static void age_pages(struct rot_store *rot, const struct rot_file *file,
                      struct rot_tally *tally)
{
    age_pieces_of(rot, file, tally, 4096);
}

/* Of the store as it was made, and after more commits and flushes: then each
 * older version of HEAD, manifest or log lacks what was safe. */
static uint64_t age_all(const char *name, int i,
                        void (*damage)(struct rot_store *rot,
                                       const struct rot_file *file,
                                       struct rot_tally *tally))
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    uint64_t noticed;

    rot_store_init(rot, i % 2 != 0);
    if (i / 2 != 0)
        rot_store_write_on(rot);
    rot->state_count = rot->state_count_cut;
    noticed = rot_damage_all(rot, name, damage);
    rot_store_deinit(rot);
    free(rot);
    return noticed;
}

START_TEST(older_file_is_noticed)
{
    ck_assert_uint_gt(age_all("older files", _i, age_file), 0);
}
END_TEST

START_TEST(older_sector_is_noticed_or_harmless)
{
    /* HEAD has a copy of each, and a log more than one at its end. */
    (void)age_all("older sectors", _i + 2, age_sectors);
}
END_TEST

START_TEST(older_page_is_noticed_or_harmless)
{
    ck_assert_uint_gt(age_all("older pages", _i, age_pages), 0);
}
END_TEST

static void expect_no_damage(struct rot_store *rot, const char *what)
{
    struct rot_findings findings;

    rot_store_read(rot, rot->fs, what, &findings);
    ck_assert_msg(findings.open_status == BYRON_OK &&
                      findings.errors + findings.damages == 0,
                  "%s: it counts", what);
}

/* One at a time, then all of them. */
START_TEST(files_that_were_removed_change_nothing_when_they_are_back)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    size_t count = 0;

    rot_store_init(rot, _i != 0);
    for (int all = 0; all < 2; all++)
        for (size_t i = 0; i < rot->version_count; i++) {
            const struct rot_version *old = &rot->versions[i];

            if (rot_store_find(rot, old->path))
                continue;
            memfs_write_all(rot->fs, old->path, buf_slice(&old->bytes));
            if (all)
                continue;
            expect_no_damage(rot, old->path);
            rot_store_remove(rot->fs, old->path);
            count++;
        }
    expect_no_damage(rot, "all that were removed");
    ck_assert_uint_gt(count, 20);
    printf("rot: files that are back: %zu\n", count);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

/* The newest version of each file that is gone. */
static void bring_back(struct rot_store *rot, char kind)
{
    for (size_t i = 0; i < rot->version_count; i++) {
        const struct rot_version *old = &rot->versions[i];

        if (is_kind(old->path, kind) && !rot_store_find(rot, old->path))
            memfs_write_all(rot->fs, old->path, buf_slice(&old->bytes));
    }
}

/* HEAD then names manifests that are there, and say what once was. */
START_TEST(older_head_with_its_manifest_is_noticed)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct rot_tally tally = {0};

    rot_store_init(rot, _i != 0);
    rot_store_write_on(rot);
    bring_back(rot, 'M');
    age_file(rot, rot_store_find(rot, "store/HEAD"), &tally);
    rot_tally_print("older HEADs", &tally);
    ck_assert_uint_eq(tally.noticed, tally.rounds);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

/* --- Pieces of other files --- */

static void swap_pieces(struct rot_store *rot, const struct rot_file *left,
                        const struct rot_file *right, uint64_t at,
                        struct rot_tally *tally)
{
    struct rot_findings findings;
    struct buf bytes[2] = {{0}};
    char what[240];

    ck_assert_int_eq(buf_add(&bytes[0], left->bytes.data, left->bytes.size),
                     BYRON_OK);
    ck_assert_int_eq(buf_add(&bytes[1], right->bytes.data, right->bytes.size),
                     BYRON_OK);
    memcpy(bytes[0].data + at, right->bytes.data + at, 512);
    memcpy(bytes[1].data + at, left->bytes.data + at, 512);
    memfs_write_all(rot->fs, left->path, buf_slice(&bytes[0]));
    memfs_write_all(rot->fs, right->path, buf_slice(&bytes[1]));
    snprintf(what, sizeof what, "512 bytes at %llu of %s and %s swapped",
             (unsigned long long)at, left->path, right->path);
    rot_store_read(rot, rot->fs, what, &findings);
    rot_tally_count(tally, &findings);
    rot_store_restore(rot, left);
    rot_store_restore(rot, right);
    buf_deinit(&bytes[0]);
    buf_deinit(&bytes[1]);
}

/* With its neighbour, and with one that is far. */
static void swap_with_others(struct rot_store *rot, const struct rot_file *file,
                             struct rot_tally *tally)
{
    size_t index = (size_t)(file - rot->files);
    size_t steps[] = {1, rot->file_count / 2};

    for (int i = 0; i < 2; i++) {
        const struct rot_file *other =
            &rot->files[(index + steps[i]) % rot->file_count];

        for (uint64_t at = 0; at + 512 <= file->used; at += 512)
            if (at + 512 <= other->bytes.size)
                swap_pieces(rot, file, other, at, tally);
    }
}

START_TEST(swapped_sectors_are_noticed_or_harmless)
{
    rot_rounds("swapped sectors", _i != 0, true, swap_with_others);
}
END_TEST

struct place {
    size_t offset;
    size_t size;
};

/* The size of the block that begins there, 0: none does. A block ends with the
 * checksum of all before, which is of this file and place alone. */
static size_t block_size_at(const struct buf *bytes, size_t offset)
{
    uint64_t seed = load_u64(bytes->data + 16) ^ offset;

    for (size_t size = 17; size <= bytes->size - offset; size++)
        if (load_u64(bytes->data + offset + size - 8) ==
            hash_bytes(slice_of(bytes->data + offset, size - 8), seed))
            return size;
    return 0;
}

static size_t find_blocks(const struct buf *bytes, struct place out[BLOCKS])
{
    size_t count = 0;
    size_t at = 64; /* Behind the header. */
    size_t size;

    while (count < BLOCKS && (size = block_size_at(bytes, at)) > 0) {
        out[count++] = (struct place){at, size};
        at += size;
    }
    ck_assert_uint_gt(count, 1);
    return count;
}

/* As much of the other file's block as there is room for. */
static void plant_block(struct rot_store *rot, const struct rot_file *file,
                        const struct place *place, const struct rot_file *from,
                        const struct place *other, struct rot_tally *tally)
{
    struct rot_findings findings;
    struct buf bytes = {0};
    char what[240];
    size_t size = other->size < place->size ? other->size : place->size;

    ck_assert_int_eq(buf_add(&bytes, file->bytes.data, file->bytes.size),
                     BYRON_OK);
    memcpy(bytes.data + place->offset, from->bytes.data + other->offset, size);
    snprintf(what, sizeof what, "block at %zu of %s in place of %zu of %s",
             other->offset, from->path, place->offset, file->path);
    memfs_write_all(rot->fs, file->path, buf_slice(&bytes));
    rot_store_read(rot, rot->fs, what, &findings);
    rot_tally_count(tally, &findings);
    /* Whole, it has the wrong checksum; so has what is half of each. */
    ck_assert_msg(findings.damages > 0, "%s: verify finds nothing", what);
    rot_store_restore(rot, file);
    buf_deinit(&bytes);
}

static void plant_blocks(struct rot_store *rot, const struct rot_file *file,
                         struct rot_tally *tally)
{
    struct place own[BLOCKS], others[BLOCKS];
    size_t count;

    if (!is_kind(file->path, 'S'))
        return;
    count = find_blocks(&file->bytes, own);
    for (size_t step = 1; step < rot->file_count; step += 13) {
        size_t index = (size_t)(file - rot->files) + step;
        const struct rot_file *from = &rot->files[index % rot->file_count];
        size_t other_count;

        if (!is_kind(from->path, 'S'))
            continue;
        other_count = find_blocks(&from->bytes, others);
        for (size_t j = 0; j < count && j < other_count; j++)
            plant_block(rot, file, &own[j], from, &others[j], tally);
    }
}

START_TEST(block_of_another_table_is_noticed)
{
    rot_rounds("blocks of other tables", _i != 0, false, plant_blocks);
}
END_TEST

/* --- The same store, twice --- */

/* A copy of the directory that is written on has other tables of the same
 * names: as whole files, and as blocks. */
START_TEST(tables_of_a_copy_that_went_its_own_way_are_noticed)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct rot_tally files = {0}, pieces = {0};
    struct memfs *other;

    rot_store_init(rot, _i != 0);
    other = rot_store_fork(rot);
    for (size_t i = 0; i < rot->file_count; i++) {
        const struct rot_file *file = &rot->files[i];
        struct rot_file theirs = {0};

        if (!is_kind(file->path, 'S') ||
            !memfs_read_all(other, file->path, &theirs.bytes))
            continue;
        snprintf(theirs.path, sizeof theirs.path, "%s", file->path);
        if (slice_compare(buf_slice(&theirs.bytes), buf_slice(&file->bytes))) {
            struct place own[BLOCKS], foreign[BLOCKS];
            size_t count = find_blocks(&file->bytes, own);
            size_t foreign_count = find_blocks(&theirs.bytes, foreign);

            with_bytes(rot, file, "a table of the copy",
                       buf_slice(&theirs.bytes), &files);
            for (size_t j = 0; j < count && j < foreign_count; j += 3)
                plant_block(rot, file, &own[j], &theirs, &foreign[j], &pieces);
        }
        buf_deinit(&theirs.bytes);
    }
    rot_tally_print("tables of a copy", &files);
    rot_tally_print("blocks of a copy", &pieces);
    ck_assert_uint_eq(files.noticed, files.rounds);
    memfs_free(other);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

Suite *test_rot_older_suite(void)
{
    Suite *suite = suite_create("rot_older");
    TCase *tcase = tcase_create("rot_older");

    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, older_file_is_noticed, 0, 4);
    tcase_add_loop_test(tcase, older_sector_is_noticed_or_harmless, 0, 2);
    tcase_add_loop_test(tcase, older_page_is_noticed_or_harmless, 0, 4);
    tcase_add_loop_test(
        tcase, files_that_were_removed_change_nothing_when_they_are_back, 0, 2);
    tcase_add_loop_test(tcase, older_head_with_its_manifest_is_noticed, 0, 2);
    tcase_add_loop_test(tcase, swapped_sectors_are_noticed_or_harmless, 0, 2);
    tcase_add_loop_test(tcase, block_of_another_table_is_noticed, 0, 2);
    tcase_add_loop_test(
        tcase, tables_of_a_copy_that_went_its_own_way_are_noticed, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
