#include <check.h>

#include "sstable/table_parts.h"
#include "support/table_fixture.h"

Suite *test_table_index_suite(void);

/* Small blocks, so that the index has the levels wanted. */
static void make_table(struct table_fixture *fixture, struct table_model *model,
                       size_t count, uint32_t levels)
{
    struct table_options options = {
        .block_size = 256, .bloom_bits = 0, .codec = CODEC_NONE};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_RANDOM, MODEL_VALUES_FIXED,
                     4);
    table_fixture_init(fixture, 1 << 16);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    ck_assert_uint_eq(fixture->reader->index.levels, levels);
}

START_TEST(find_names_the_block_of_every_entry)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct index_value value;
    uint64_t last = 0;
    bool found;

    make_table(&fixture, &model, _i == 1 ? 40 : 4000, (uint32_t)_i);
    for (size_t i = 0; i < model.count; i++) {
        ck_assert_int_eq(
            table_index_find(&fixture.reader->index, model.entries[i].key,
                             model.entries[i].sequence, &value, &found),
            BYRON_OK);
        ck_assert(found);
        /* The ordinal is of the block's first entry, and blocks are small. */
        ck_assert_uint_le(value.ordinal, i);
        ck_assert_uint_gt(value.ordinal + 15, i);
        ck_assert_uint_ge(value.block.offset, last);
        last = value.block.offset;
    }
    ck_assert_int_eq(
        table_index_find(&fixture.reader->index,
                         slice_of("\377\377\377\377\377\377\377\377\377", 9), 1,
                         &value, &found),
        BYRON_OK);
    ck_assert(!found);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_cursor_walks_all_blocks_both_ways)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct index_cursor cursor;
    struct index_value value;
    uint64_t forward = 0, backward = 0, last = 0;

    make_table(&fixture, &model, _i == 1 ? 40 : 4000, (uint32_t)_i);
    for (int bulk = 0; bulk < 2; bulk++) {
        index_cursor_init(&cursor, &fixture.reader->index, bulk);
        ck_assert_int_eq(index_cursor_first(&cursor), BYRON_OK);
        for (forward = 0, last = 0; cursor.valid; forward++) {
            index_cursor_value(&cursor, &value);
            ck_assert_uint_gt(value.block.offset, last);
            last = value.block.offset;
            ck_assert_int_eq(index_cursor_next(&cursor), BYRON_OK);
        }
        ck_assert_int_eq(index_cursor_last(&cursor), BYRON_OK);
        for (backward = 0, last++; cursor.valid; backward++) {
            index_cursor_value(&cursor, &value);
            ck_assert_uint_lt(value.block.offset, last);
            last = value.block.offset;
            ck_assert_int_eq(index_cursor_prev(&cursor), BYRON_OK);
        }
        ck_assert_uint_eq(forward, fixture.reader->block_count);
        ck_assert_uint_eq(backward, fixture.reader->block_count);
        index_cursor_deinit(&cursor);
    }
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(seek_agrees_with_find)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct index_cursor cursor;
    struct index_value sought, expected;
    struct rng rng;
    struct buf key = {0};
    bool found;

    make_table(&fixture, &model, 4000, 2);
    rng_init(&rng, test_seed() + 1);
    index_cursor_init(&cursor, &fixture.reader->index, false);
    for (int i = 0; i < 1000; i++) {
        table_model_key(&rng, MODEL_KEYS_RANDOM, &key);
        ck_assert_int_eq(table_index_find(&fixture.reader->index,
                                          buf_slice(&key), 7, &expected,
                                          &found),
                         BYRON_OK);
        ck_assert_int_eq(index_cursor_seek(&cursor, buf_slice(&key), 7),
                         BYRON_OK);
        ck_assert_int_eq(cursor.valid, found);
        if (!found)
            continue;
        index_cursor_value(&cursor, &sought);
        ck_assert_uint_eq(sought.block.offset, expected.block.offset);
    }
    index_cursor_deinit(&cursor);
    buf_deinit(&key);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

Suite *test_table_index_suite(void)
{
    Suite *suite = suite_create("table_index");
    TCase *cases = tcase_create("table_index");

    tcase_add_loop_test(cases, find_names_the_block_of_every_entry, 1, 3);
    tcase_add_loop_test(cases, the_cursor_walks_all_blocks_both_ways, 1, 3);
    tcase_add_test(cases, seek_agrees_with_find);
    suite_add_tcase(suite, cases);
    return suite;
}
