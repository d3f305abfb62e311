/*
 * A salvage that is told which store it is to read takes nothing of another.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "byron_inspect.h"
#include "support/memfs_inspect.h"
#include "support/plain_store.h"

Suite *test_salvage_foreign_suite(void);

static void count_damage(void *context, const struct byron_error *error,
                         uint64_t bytes)
{
    (void)error;
    (void)bytes;
    ++*(uint64_t *)context;
}

static byron_status drain(const struct byron_salvage_options *options,
                          uint64_t *rows)
{
    struct byron_salvage *salvage = NULL;
    struct byron_salvaged_row row;
    bool found = true;
    byron_status status = byron_salvage_open("store", options, &salvage);

    *rows = 0;
    while (status == BYRON_OK && found) {
        status = byron_salvage_next(salvage, &row, &found);
        *rows += status == BYRON_OK && found;
    }
    byron_salvage_close(salvage);
    return status;
}

struct paths {
    char kind;
    size_t count;
    char paths[8][96];
};

static void note_path(void *context, const char *path)
{
    struct paths *list = context;

    if (list->count < 8 && strrchr(path, '/')[1] == list->kind)
        snprintf(list->paths[list->count++], sizeof *list->paths, "%s", path);
}

static void plant(struct memfs *from, struct memfs *to, char kind)
{
    struct paths list = {.kind = kind};
    struct buf bytes = {0};

    memfs_list(from, note_path, &list);
    ck_assert_uint_gt(list.count, 0);
    for (size_t i = 0; i < list.count; i++) {
        ck_assert(memfs_read_all(from, list.paths[i], &bytes));
        memfs_write_all(to, list.paths[i], buf_slice(&bytes));
    }
    buf_deinit(&bytes);
}

START_TEST(files_of_another_store_are_not_taken)
{
    struct memfs *fs = memfs_new(1), *other = memfs_new(2);
    struct byron_options store = plain_options(fs);
    uint64_t reports = 0;
    uint8_t id[16];
    uint64_t rows;
    byron_db *db = plain_open(&store);

    byron_store_id(db, id);
    plain_put(db, "a", "1");
    CHECK_OK(byron_close(db));
    store = plain_options(other);
    db = plain_open(&store);
    plain_put(db, "b", "2");
    plain_put(db, "c", "3");
    CHECK_OK(byron_close(db));
    struct byron_salvage_options options = {.os = memfs_os(fs),
                                            .expected_id = id,
                                            .report = count_damage,
                                            .context = &reports};
    CHECK_OK(drain(&options, &rows));
    ck_assert_uint_eq(rows, 1);
    ck_assert_uint_eq(reports, 0);
    plant(other, fs, "HMW"[_i]);
    CHECK_OK(drain(&options, &rows));
    ck_assert_uint_le(rows, 1); /* The logs may have the same name. */
    ck_assert(rows == 1 || "HMW"[_i] == 'W');
    ck_assert_uint_gt(reports, 0);
    options.os = memfs_os(other);
    ck_assert_int_eq(drain(&options, &rows), BYRON_FOREIGN);
    options.expected_id = NULL;
    CHECK_OK(drain(&options, &rows));
    ck_assert_uint_eq(rows, 2);
    memfs_free(fs);
    memfs_free(other);
}
END_TEST

Suite *test_salvage_foreign_suite(void)
{
    Suite *suite = suite_create("salvage_foreign");
    TCase *tcase = tcase_create("salvage_foreign");

    tcase_add_loop_test(tcase, files_of_another_store_are_not_taken, 0, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}
