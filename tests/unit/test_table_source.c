#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_source_suite(void);

/* A table of some blocks, open. */
static void make_table_cached(struct table_fixture *fixture, enum codec codec,
                              size_t cache_size)
{
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = codec};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 100, MODEL_KEYS_COUNTED, MODEL_VALUES_FIXED,
                     1);
    table_fixture_init(fixture, cache_size);
    ck_assert_int_eq(table_fixture_write(fixture, &model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    table_model_deinit(&model);
}

static void make_table(struct table_fixture *fixture, enum codec codec)
{
    make_table_cached(fixture, codec, 1 << 20);
}

static struct block_handle first_block(const struct table_fixture *fixture)
{
    struct index_value value;

    index_value_decode(block_value(&fixture->reader->index.top, 0).data,
                       &value);
    return value.block;
}

START_TEST(cached_and_direct_reads_give_the_same_bytes)
{
    struct table_fixture fixture;
    struct cached_block *pin;
    struct buf disk = {0}, room = {0};
    struct slice body;

    if (!codec_is_built_in((enum codec)_i))
        return;
    make_table(&fixture, (enum codec)_i);
    const struct table_source *source = &fixture.reader->source;
    struct block_handle handle = first_block(&fixture);
    ck_assert_int_eq(table_source_load(source, &handle, BLOCK_DATA, &pin),
                     BYRON_OK);
    ck_assert_int_eq(
        table_source_read(source, &handle, BLOCK_DATA, &disk, &room, &body),
        BYRON_OK);

    ck_assert(slice_equal(cached_block_bytes(pin), body));
    ck_assert_uint_eq(body.size, handle.raw_size);
    cached_block_unpin(pin);
    buf_deinit(&disk);
    buf_deinit(&room);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_block_is_found_only_as_the_kind_it_was_loaded_as)
{
    struct table_fixture fixture;
    struct cached_block *pin, *other;

    make_table(&fixture, CODEC_NONE);
    const struct table_source *source = &fixture.reader->source;
    struct block_handle handle = first_block(&fixture);
    ck_assert_ptr_null(table_source_find(source, handle.offset, BLOCK_DATA));
    ck_assert_int_eq(table_source_load(source, &handle, BLOCK_DATA, &pin),
                     BYRON_OK);
    other = table_source_find(source, handle.offset, BLOCK_DATA);
    ck_assert_ptr_eq(other, pin);
    ck_assert_ptr_null(table_source_find(source, handle.offset, BLOCK_VALUE));
    ck_assert_int_eq(table_source_load(source, &handle, BLOCK_VALUE, &other),
                     BYRON_CORRUPT);
    cached_block_unpin(pin);
    cached_block_unpin(pin);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(handles_out_of_the_file_are_refused)
{
    struct table_fixture fixture;

    make_table(&fixture, CODEC_NONE);
    const struct table_source *source = &fixture.reader->source;
    uint64_t end = source->blocks_end;
    const struct block_handle wrong[] = {
        {0, 100, 84},
        {63, 100, 84},
        {end, 100, 84},
        {end - 99, 100, 84},
        {64, 16, 0},
        {64, 0, 0},
        {UINT64_MAX, 100, 84},
        {64, 100, (1u << 30) + 1},
        {64, UINT32_MAX, 1000},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(table_source_check_handle(source, &wrong[i]),
                         BYRON_CORRUPT);
    const struct block_handle right = {end - 100, 100, 84};
    ck_assert_int_eq(table_source_check_handle(source, &right), BYRON_OK);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_wrong_raw_size_is_refused)
{
    struct table_fixture fixture;
    struct cached_block *pin;

    make_table(&fixture, CODEC_NONE);
    struct block_handle handle = first_block(&fixture);
    handle.raw_size++;
    ck_assert_int_eq(
        table_source_load(&fixture.reader->source, &handle, BLOCK_DATA, &pin),
        BYRON_CORRUPT);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(damage_names_the_block)
{
    struct table_fixture fixture;
    struct cached_block *pin;

    make_table(&fixture, CODEC_NONE);
    struct block_handle handle = first_block(&fixture);
    ck_assert(
        memfs_corrupt(fixture.fs, table_fixture_path(), handle.offset + 50, 4));
    ck_assert_int_eq(
        table_source_load(&fixture.reader->source, &handle, BLOCK_DATA, &pin),
        BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, handle.offset);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_failed_load_leaks_nothing)
{
    struct table_fixture fixture;
    struct cached_block *pin;
    size_t nth = 0, live;
    byron_status status;

    make_table(&fixture, CODEC_LZ4);
    struct block_handle handle = first_block(&fixture);
    live = alloc_live();
    do {
        alloc_fail_after(++nth);
        status = table_source_load(&fixture.reader->source, &handle, BLOCK_DATA,
                                   &pin);
        alloc_fail_after(0);
        /* The cache may keep a longer list of slots. */
        ck_assert(status == BYRON_OK || alloc_live() <= live + 1);
    } while (status == BYRON_NO_MEMORY);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_ge(nth, 2);
    cached_block_unpin(pin);
    table_fixture_deinit(&fixture);
}
END_TEST

/* From now on the cache has no room. */
static void fill_cache(struct block_cache *cache)
{
    for (uint64_t i = 0; i < 1000; i++) {
        struct cached_block *block;
        uint8_t *bytes = block_cache_room(cache, 1, i, 8192);

        ck_assert_ptr_nonnull(bytes);
        ck_assert_int_eq(block_cache_add(cache, 1, i, bytes, 8192, &block),
                         BYRON_OK);
        cached_block_unpin(block);
    }
}

START_TEST(what_passes_a_full_cache_is_read_as_well)
{
    struct table_fixture fixture;
    struct cached_block *pin;
    struct buf disk = {0}, room = {0};
    struct slice body;
    byron_status status;

    if (!codec_is_built_in((enum codec)_i))
        return;
    make_table_cached(&fixture, (enum codec)_i, 4 << 20);
    const struct table_source *source = &fixture.reader->source;
    struct block_handle handle = first_block(&fixture);
    fill_cache(fixture.cache);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(table_source_load(source, &handle, BLOCK_DATA, &pin),
                         BYRON_OK);
        status =
            table_source_read(source, &handle, BLOCK_DATA, &disk, &room, &body);
        ck_assert_int_eq(status, BYRON_OK);
        ck_assert(slice_equal(cached_block_bytes(pin), body));
        cached_block_unpin(pin);
        /* The first time it passes, the second time it is taken in. */
        pin = table_source_find(source, handle.offset, BLOCK_DATA);
        ck_assert((pin != NULL) == (round == 1));
        cached_block_unpin(pin);
    }
    buf_deinit(&disk);
    buf_deinit(&room);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(damage_of_a_block_that_passes_is_found)
{
    struct table_fixture fixture;
    struct cached_block *pin;

    if (!codec_is_built_in((enum codec)_i))
        return;
    make_table_cached(&fixture, (enum codec)_i, 4 << 20);
    struct block_handle handle = first_block(&fixture);
    fill_cache(fixture.cache);
    ck_assert(
        memfs_corrupt(fixture.fs, table_fixture_path(), handle.offset + 50, 4));
    /* More often than there are places for blocks that pass. */
    for (int i = 0; i < 40; i++) {
        ck_assert_int_eq(table_source_load(&fixture.reader->source, &handle,
                                           BLOCK_DATA, &pin),
                         BYRON_CORRUPT);
        ck_assert_uint_eq(error_last()->offset, handle.offset);
    }
    table_fixture_deinit(&fixture);
}
END_TEST

Suite *test_table_source_suite(void)
{
    Suite *suite = suite_create("table_source");
    TCase *cases = tcase_create("table_source");

    tcase_add_loop_test(cases, cached_and_direct_reads_give_the_same_bytes, 0,
                        3);
    tcase_add_test(cases, a_block_is_found_only_as_the_kind_it_was_loaded_as);
    tcase_add_test(cases, handles_out_of_the_file_are_refused);
    tcase_add_test(cases, a_wrong_raw_size_is_refused);
    tcase_add_test(cases, damage_names_the_block);
    tcase_add_test(cases, a_failed_load_leaks_nothing);
    tcase_add_loop_test(cases, what_passes_a_full_cache_is_read_as_well, 0, 3);
    tcase_add_loop_test(cases, damage_of_a_block_that_passes_is_found, 0, 3);
    suite_add_tcase(suite, cases);
    return suite;
}
