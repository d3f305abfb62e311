/*
 * golden_store: whole stores as earlier releases left them, HEAD, manifest, log
 * and tables, are opened, read and written on.
 *
 * tests/golden/store-N holds the files. A release that changes one of these
 * formats adds a folder: BYRON_GOLDEN=tests/golden/store-2 makes it, together
 * with `make unit T=golden_store`.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/memfs_inspect.h"
#include "support/plain_store.h"

Suite *test_golden_store_suite(void);

#define STORES 1
#define KEYS   200

/* --- what the store holds ------------------------------------------------ */

static const char *key_of(int number)
{
    static char text[4][16];
    static unsigned next;

    snprintf(text[++next % 4], sizeof text[0], "key %03d", number);
    return text[next % 4];
}

/* The value that is there in the end; NULL: none. */
static const char *wanted(int number)
{
    static char text[40];

    if (number % 7 == 3 || (number >= 50 && number < 60) || number >= 190)
        return NULL;
    snprintf(text, sizeof text, "%s %d",
             number % 5 == 0 ? "in the log" : "in a table", number);
    return text;
}

static void put(byron_db *db, int number, const char *words)
{
    char text[40];

    snprintf(text, sizeof text, "%s %d", words, number);
    plain_put(db, key_of(number), text);
}

/* Tables with puts and tombstones, an edit or two of the manifest, and a log
 * with commits, a range delete, a batch and one that was given up. */
static void fill(byron_db *db)
{
    struct byron_range range = {plain_text("key 050"), plain_text("key 060")};
    struct byron_commit_point point;
    byron_txn *txn;

    for (int i = 0; i < KEYS; i++)
        put(db, i, i % 3 ? "in a table" : "soon replaced");
    CHECK_OK(byron_flush(db));
    for (int i = 0; i < KEYS; i += 3)
        put(db, i, "in a table");
    CHECK_OK(byron_flush(db));
    for (int i = 3; i < KEYS; i += 7)
        CHECK_OK(byron_delete(db, plain_text(key_of(i)), false));
    CHECK_OK(byron_delete_range(db, &range, false));
    CHECK_OK(byron_begin(db, 0, &txn));
    CHECK_OK(byron_txn_put(txn, plain_text("key given up"), plain_text("x")));
    CHECK_OK(byron_txn_prepare(txn, BYRON_PREPARE_OWN, &point));
    byron_txn_abort(txn);
    CHECK_OK(byron_begin(db, 0, &txn));
    for (int i = 190; i < KEYS; i++)
        CHECK_OK(byron_txn_delete(txn, plain_text(key_of(i))));
    CHECK_OK(byron_txn_commit(txn, false));
    for (int i = 0; i < 190; i += 5)
        if (wanted(i))
            put(db, i, "in the log");
    CHECK_OK(byron_write(db, NULL, 0, true));
}

static void expect_all(byron_db *db)
{
    uint64_t damages = 0;

    for (int i = 0; i < KEYS; i++)
        plain_expect_get(db, key_of(i), wanted(i));
    plain_expect_get(db, "key given up", NULL);
    CHECK_OK(byron_verify(db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
}

/* --- its files ----------------------------------------------------------- */

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    buf_clear(out);
    ck_assert_int_eq(buf_reserve(out, 1 << 20), BYRON_OK);
    out->size = fread(out->data, 1, 1 << 20, file);
    fclose(file);
}

static void load(const char *folder, struct memfs *fs)
{
    DIR *stream = opendir(folder);
    struct buf bytes = {0};
    struct dirent *item;

    ck_assert_msg(stream != NULL, "run the tests in the root of the tree");
    while ((item = readdir(stream))) {
        char from[400], to[300];
        if (item->d_name[0] == '.')
            continue;
        snprintf(from, sizeof from, "%s/%s", folder, item->d_name);
        snprintf(to, sizeof to, "store/%s", item->d_name);
        read_file(from, &bytes);
        memfs_write_all(fs, to, buf_slice(&bytes));
    }
    closedir(stream);
    buf_deinit(&bytes);
}

struct saving {
    struct memfs *fs;
    const char *folder;
};

static void save_one(void *context, const char *path)
{
    struct saving *saving = context;
    struct buf bytes = {0};
    char to[300];
    FILE *file;

    ck_assert(memfs_read_all(saving->fs, path, &bytes));
    snprintf(to, sizeof to, "%s/%s", saving->folder, strchr(path, '/') + 1);
    file = fopen(to, "wb");
    ck_assert_ptr_nonnull(file);
    /* What a log has before its end is as good without the zeros behind. */
    while (strchr(path, '/')[1] == 'W' && bytes.size > 0 &&
           bytes.data[bytes.size - 1] == 0)
        bytes.size--;
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
    buf_deinit(&bytes);
}

static struct memfs *make(void)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    byron_db *db;
    struct memfs *image;

    options.compression = BYRON_COMPRESSION_NONE;
    options.block_size = 512;
    db = plain_open(&options);
    fill(db);
    expect_all(db);
    /* As the power left it: a log that was closed has another end. */
    image = memfs_crash_clone(fs, MEMFS_DROP_UNSYNCED, 1);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
    return image;
}

/* --- the tests ----------------------------------------------------------- */

static void read_and_go_on(struct memfs *fs)
{
    struct byron_options options = plain_options(fs);
    struct byron_stats stats;
    byron_db *db;

    options.create = false;
    options.read_only = true;
    db = plain_open(&options);
    expect_all(db);
    CHECK_OK(byron_close(db));
    options.read_only = false;
    for (int i = 0; i < 3; i++) {
        db = plain_open(&options);
        expect_all(db);
        byron_stats(db, &stats);
        ck_assert(i > 0 || (stats.level[0].files == 2 &&
                            stats.memtable_entries + stats.frozen_count > 0));
        plain_put(db, "newer", "of this release");
        if (i == 1)
            CHECK_OK(byron_compact(db, NULL));
        expect_all(db);
        plain_expect_get(db, "newer", "of this release");
        CHECK_OK(byron_close(db));
    }
    memfs_free(fs);
}

START_TEST(a_store_of_an_earlier_release_is_read_and_written_on)
{
    struct memfs *fs = memfs_new(1);
    char folder[64];

    snprintf(folder, sizeof folder, "tests/golden/store-%d", _i + 1);
    load(folder, fs);
    read_and_go_on(fs);
}
END_TEST

START_TEST(a_store_of_this_release_holds_the_same)
{
    struct saving saving = {make(), getenv("BYRON_GOLDEN")};

    if (saving.folder) {
        mkdir(saving.folder, 0777);
        memfs_list(saving.fs, save_one, &saving);
    }
    read_and_go_on(saving.fs);
}
END_TEST

Suite *test_golden_store_suite(void)
{
    Suite *suite = suite_create("golden_store");
    TCase *cases = tcase_create("golden_store");

    tcase_add_test(cases, a_store_of_this_release_holds_the_same);
    tcase_add_loop_test(
        cases, a_store_of_an_earlier_release_is_read_and_written_on, 0, STORES);
    suite_add_tcase(suite, cases);
    return suite;
}
