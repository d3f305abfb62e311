/*
 * A table that is mapped: how long the map lives, what is read from it, and
 * what becomes of bytes that change after they were checked.
 */
#include <check.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_map_suite(void);

#define ROWS 400

/* Short keys, many that tie, values in place and apart, in small blocks. */
static void make_table(struct table_fixture *fixture, struct table_model *model,
                       bool hash_index)
{
    struct table_options options = {
        .block_size = 400, .bloom_bits = 10, .hash_index = hash_index};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, ROWS, MODEL_KEYS_TRICKY, MODEL_VALUES_MIXED,
                     3);
    table_fixture_init(fixture, 1 << 20);
    file_pool_set_mapping(fixture->pool, true);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
}

static void open_table(struct table_fixture *fixture, struct table_model *model,
                       bool hash_index)
{
    make_table(fixture, model, hash_index);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    ck_assert_ptr_nonnull(fixture->reader->source.map);
}

static byron_status get(struct table_fixture *fixture,
                        const struct entry *entry, struct table_found *out)
{
    *out = (struct table_found){0};
    return table_reader_get(fixture->reader, entry->key,
                            table_key_hash(entry->key), entry->sequence, out);
}

static void get_all(struct table_fixture *fixture,
                    const struct table_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        struct table_found found;
        ck_assert_int_eq(get(fixture, &model->entries[i], &found), BYRON_OK);
        ck_assert(slice_equal(found.value.bytes, model->entries[i].value));
        pin_release(&found.value);
    }
}

START_TEST(gets_ask_neither_file_nor_cache_for_data)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct block_cache_stats before, after;
    uint64_t reads;

    open_table(&fixture, &model, _i);
    get_all(&fixture, &model);
    reads = memfs_calls(fixture.fs, MEMFS_READ);
    block_cache_stats(fixture.cache, &before);
    ck_assert_uint_lt(before.bytes, fixture.facts.size / 4);
    get_all(&fixture, &model);
    block_cache_stats(fixture.cache, &after);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_READ), reads);
    ck_assert_uint_eq(after.bytes, before.bytes);
    ck_assert_uint_eq(file_pool_mapped(fixture.pool), fixture.facts.size);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_value_outlives_table_and_file)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found[2 * ROWS];

    open_table(&fixture, &model, _i);
    ck_assert_uint_le(model.count, 2 * ROWS);
    for (size_t i = 0; i < model.count; i++)
        ck_assert_int_eq(get(&fixture, &model.entries[i], &found[i]), BYRON_OK);
    table_reader_unref(fixture.reader);
    fixture.reader = NULL;
    ck_assert_int_eq(fixture.os->file_remove(fixture.dir, "S-000000000000002a"),
                     BYRON_OK);
    for (size_t i = 0; i < model.count; i++) {
        ck_assert_uint_gt(file_pool_mapped(fixture.pool), 0);
        ck_assert(slice_equal(found[i].value.bytes, model.entries[i].value));
        pin_release(&found[i].value);
    }
    ck_assert_uint_eq(file_pool_mapped(fixture.pool), 0);
    ck_assert_uint_eq(memfs_open_count(fixture.fs), 1); /* The directory. */
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static const uint8_t *map_nothing(struct os_file *file, size_t size)
{
    (void)file;
    (void)size;
    return NULL;
}

START_TEST(what_cannot_be_mapped_is_read)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, &model, false);
    if (_i == 0)
        fixture.os->file_map = NULL;
    else if (_i == 1)
        fixture.os->file_map = map_nothing;
    else
        file_pool_set_mapping(fixture.pool, false);
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
    ck_assert_ptr_null(fixture.reader->source.map);
    ck_assert_uint_eq(file_pool_mapped(fixture.pool), 0);
    get_all(&fixture, &model);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* Where the first data block is. */
static struct block_handle first_block(const struct table_fixture *fixture)
{
    struct index_cursor cursor;
    struct index_value value;

    index_cursor_init(&cursor, &fixture->reader->index, false);
    ck_assert_int_eq(index_cursor_first(&cursor), BYRON_OK);
    index_cursor_value(&cursor, &value);
    index_cursor_deinit(&cursor);
    return value.block;
}

START_TEST(damage_names_file_and_block)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found;
    struct iter *iter;
    struct block_handle handle;

    open_table(&fixture, &model, _i);
    handle = first_block(&fixture);
    ck_assert(
        memfs_corrupt(fixture.fs, table_fixture_path(), handle.offset + 40, 4));
    ck_assert_int_eq(get(&fixture, &model.entries[0], &found), BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, handle.offset);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    ck_assert_int_eq(table_reader_iter_new(fixture.reader, 0, &iter), BYRON_OK);
    ck_assert_int_eq(iter_first(iter), BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, handle.offset);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static void touch(struct slice bytes)
{
    static volatile uint8_t sum;

    for (size_t i = 0; i < bytes.size; i++)
        sum ^= bytes.data[i];
}

/* Walks both ways, some entries at a time, as far as it goes. */
static void walk(struct table_fixture *fixture, bool is_backward)
{
    struct byron_pair pairs[8];
    struct skip_limits limits = {
        .most = 8, .sequence = UINT64_MAX, .pairs = pairs};
    struct slice value;
    struct iter *iter;
    size_t steps = 0;
    byron_status status;

    ck_assert_int_eq(table_reader_iter_new(fixture->reader, 0, &iter),
                     BYRON_OK);
    status = is_backward ? iter_last(iter) : iter_first(iter);
    while (status == BYRON_OK && iter->valid && steps++ < 4 * (size_t)ROWS) {
        uint64_t skipped;

        touch(iter->key);
        if (iter_value(iter, &value) == BYRON_OK)
            touch(value);
        skipped = is_backward ? 0 : iter_skip(iter, &limits);
        for (uint64_t i = 0; i < skipped; i++) {
            touch(slice_from(pairs[i].key));
            touch(slice_from(pairs[i].value));
        }
        status = is_backward ? iter_prev(iter) : iter_next(iter);
    }
    iter_free(iter);
}

static void read_all(struct table_fixture *fixture,
                     const struct table_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        struct table_found found;
        if (get(fixture, &model->entries[i], &found) != BYRON_OK)
            continue;
        touch(found.value.bytes);
        pin_release(&found.value);
    }
    walk(fixture, false);
    walk(fixture, true);
}

/* What is read may be wrong then. That nothing outside of the file is read, a
 * sanitizer sees. */
START_TEST(bytes_that_change_after_their_check_lead_nowhere)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct rng rng;

    rng_init(&rng, test_seed() + (unsigned)_i);
    open_table(&fixture, &model, _i % 2);
    get_all(&fixture, &model);
    for (int round = 0; round < 60; round++) {
        uint64_t at[20];
        uint8_t masks[20];

        for (size_t i = 0; i < 20; i++) {
            at[i] =
                TABLE_HEADER_SIZE +
                rng_below(&rng, fixture.reader->data_end - TABLE_HEADER_SIZE);
            masks[i] = (uint8_t)(1u << rng_below(&rng, 8));
            ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at[i],
                                    masks[i]));
        }
        read_all(&fixture, &model);
        ck_assert_int_eq(table_reader_verify(fixture.reader, NULL),
                         BYRON_CORRUPT);
        for (size_t i = 0; i < 20; i++)
            ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at[i],
                                    masks[i]));
    }
    get_all(&fixture, &model);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_header_that_changes_is_corrupt)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found;
    struct block_handle handle;

    open_table(&fixture, &model, _i);
    get_all(&fixture, &model);
    handle = first_block(&fixture);
    ck_assert(
        memfs_corrupt(fixture.fs, table_fixture_path(), handle.offset, 1));
    ck_assert_int_eq(get(&fixture, &model.entries[0], &found), BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, handle.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_failed_open_leaks_no_map)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    size_t nth = 0;
    byron_status status;

    make_table(&fixture, &model, true);
    do {
        alloc_fail_after(++nth);
        status = table_fixture_open(&fixture);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || file_pool_mapped(fixture.pool) == 0);
    } while (status == BYRON_NO_MEMORY);
    ck_assert_int_eq(status, BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(only_blocks_that_are_large_enough_are_noted)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_map *map;

    make_table(&fixture, &model, false);
    ck_assert_int_eq(table_map_open(fixture.pool, TABLE_FIXTURE_NUMBER,
                                    fixture.facts.size, &map),
                     BYRON_OK);
    table_map_note_checked(map, 5000, 500);
    table_map_note_checked(map, 6000, TABLE_MAP_BLOCK_MIN - 1);
    ck_assert(table_map_is_checked(map, 5000, 500));
    ck_assert(!table_map_is_checked(map, 5000 + TABLE_MAP_BLOCK_MIN, 500));
    ck_assert(!table_map_is_checked(map, 5000 - TABLE_MAP_BLOCK_MIN, 500));
    ck_assert(!table_map_is_checked(map, 6000, 500));
    /* One so small, in front of a large one that begins in its 64 bytes. */
    table_map_note_checked(map, 64 * 100 + 60, 500);
    ck_assert(!table_map_is_checked(map, 64 * 100, 60));
    ck_assert(table_map_has(map, map->bytes));
    ck_assert(!table_map_has(map, map->bytes + map->size));
    ck_assert(!table_map_has(NULL, map->bytes));
    table_map_close(map);
    table_map_close(NULL);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* An empty key, alone in a block of less than 64 bytes, and one behind it. */
START_TEST(a_small_block_is_checked_each_time)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {.block_size = 400, .bloom_bits = 10};
    struct table_found found;
    struct block_handle handle;
    char bytes[190];

    memset(bytes, 'x', sizeof bytes);
    table_model_add(&model, slice_of("", 0), slice_of("v", 1), 1, ENTRY_PUT);
    table_model_add(&model, slice_of(bytes, sizeof bytes),
                    slice_of(bytes, sizeof bytes), 1, ENTRY_PUT);
    table_fixture_init(&fixture, 1 << 20);
    file_pool_set_mapping(fixture.pool, true);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
    handle = first_block(&fixture);
    ck_assert_uint_lt(handle.disk_size, TABLE_MAP_BLOCK_MIN);
    get_all(&fixture, &model);
    ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(),
                            handle.offset + handle.raw_size - 1, 1));
    ck_assert_int_eq(get(&fixture, &model.entries[0], &found), BYRON_CORRUPT);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

struct crowd {
    struct table_fixture fixture;
    struct table_model model;
};

static void *read_often(void *context)
{
    struct crowd *crowd = context;

    for (int i = 0; i < 20; i++)
        get_all(&crowd->fixture, &crowd->model);
    return NULL;
}

START_TEST(many_threads_read_one_map)
{
    struct crowd crowd = {0};
    pthread_t threads[4];

    open_table(&crowd.fixture, &crowd.model, _i);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, &crowd),
                         0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    table_model_deinit(&crowd.model);
    table_fixture_deinit(&crowd.fixture);
}
END_TEST

Suite *test_table_map_suite(void)
{
    Suite *suite = suite_create("table_map");
    TCase *cases = tcase_create("table_map");

    tcase_add_loop_test(cases, gets_ask_neither_file_nor_cache_for_data, 0, 2);
    tcase_add_loop_test(cases, a_value_outlives_table_and_file, 0, 2);
    tcase_add_loop_test(cases, what_cannot_be_mapped_is_read, 0, 3);
    tcase_add_loop_test(cases, damage_names_file_and_block, 0, 2);
    tcase_add_loop_test(cases, bytes_that_change_after_their_check_lead_nowhere,
                        0, 6);
    tcase_add_loop_test(cases, a_header_that_changes_is_corrupt, 0, 2);
    tcase_add_test(cases, a_failed_open_leaks_no_map);
    tcase_add_test(cases, only_blocks_that_are_large_enough_are_noted);
    tcase_add_test(cases, a_small_block_is_checked_each_time);
    tcase_add_loop_test(cases, many_threads_read_one_map, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
