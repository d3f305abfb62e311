/*
 * A table whose blocks are whole, but not in their places.
 */
#include <check.h>
#include <stdio.h>

#include "sstable/sstable_format.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_damage_suite(void);

#define SWAPPED_BLOCKS 6

/* Entries of one size, each in a block of its own. */
static void make_equal_blocks(struct table_fixture *fixture,
                              struct table_model *model, bool hash_index)
{
    struct table_options options = {
        .block_size = 64, .bloom_bits = 10, .hash_index = hash_index};

    for (uint64_t i = 0; i < SWAPPED_BLOCKS; i++) {
        char text[120];
        int size = snprintf(text, sizeof text, "key-%02u and a hundred others",
                            (unsigned)i);
        memset(text + size, 'a' + (int)i, sizeof text - (size_t)size);
        table_model_add(model, slice_of(text, 16), slice_of(text, sizeof text),
                        100 + i, ENTRY_PUT);
    }
    table_model_sort(model);
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
}

/* From one block to the next, all of one size, as their values tell. */
static size_t find_block_size(const struct table_model *model,
                              struct slice file)
{
    size_t step = 0;
    const uint8_t *last = NULL;

    for (size_t i = 0; i < model->count; i++) {
        struct slice value = model->entries[i].value;
        const uint8_t *at =
            memmem(file.data, file.size, value.data, value.size);
        ck_assert_ptr_nonnull(at);
        if (i == 1)
            step = (size_t)(at - last);
        if (i > 1)
            ck_assert_uint_eq((size_t)(at - last), step);
        last = at;
    }
    return step;
}

/* Those of two blocks are damaged, or none; all others are right. */
static void check_entries(struct table_fixture *fixture,
                          const struct table_model *model, size_t left,
                          size_t right, bool is_damaged)
{
    struct table_reader *reader;

    ck_assert_int_eq(table_reader_open(fixture->pool, fixture->cache,
                                       TABLE_FIXTURE_NUMBER, &fixture->facts,
                                       &reader),
                     BYRON_OK);
    for (size_t i = 0; i < model->count; i++) {
        const struct entry *entry = &model->entries[i];
        bool is_lost = is_damaged && (i == left || i == right);
        struct table_found found = {0};
        byron_status status =
            table_reader_get(reader, entry->key, table_key_hash(entry->key),
                             entry->sequence, &found);
        ck_assert_int_eq(status, is_lost ? BYRON_CORRUPT : BYRON_OK);
        if (status == BYRON_OK)
            ck_assert(slice_equal(found.value.bytes, entry->value));
        if (status == BYRON_OK)
            pin_release(&found.value);
    }
    ck_assert_int_eq(table_reader_verify(reader, NULL),
                     is_damaged ? BYRON_CORRUPT : BYRON_OK);
    table_reader_unref(reader);
}

START_TEST(a_block_in_the_place_of_another_is_corrupt)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct buf bytes = {0};
    struct buf damaged = {0};
    size_t size;

    make_equal_blocks(&fixture, &model, _i & 1);
    ck_assert(memfs_read_all(fixture.fs, table_fixture_path(), &bytes));
    size = find_block_size(&model, buf_slice(&bytes));
    for (size_t i = 0; i < SWAPPED_BLOCKS; i++)
        for (size_t j = 0; j < SWAPPED_BLOCKS; j++) {
            size_t left = TABLE_HEADER_SIZE + i * size;
            size_t right = TABLE_HEADER_SIZE + j * size;
            buf_clear(&damaged);
            ck_assert_int_eq(buf_add(&damaged, bytes.data, bytes.size),
                             BYRON_OK);
            memcpy(damaged.data + left, bytes.data + right, size);
            if (_i & 2) /* Swapped; else one lies in both places. */
                memcpy(damaged.data + right, bytes.data + left, size);
            memfs_write_all(fixture.fs, table_fixture_path(),
                            buf_slice(&damaged));
            check_entries(&fixture, &model, i, _i & 2 ? j : i, i != j);
        }
    buf_deinit(&bytes);
    buf_deinit(&damaged);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_add_loop_test(cases, a_block_in_the_place_of_another_is_corrupt, 0,
                        4);
}

Suite *test_table_damage_suite(void)
{
    Suite *suite = suite_create("table_damage");
    TCase *cases = tcase_create("table_damage");

    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
