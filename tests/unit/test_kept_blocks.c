#include <check.h>

#include "sstable/table_parts.h"
#include "support/table_fixture.h"

Suite *test_kept_blocks_suite(void);

/* A table with a cache of that size, and the handle of its first block. */
static struct block_handle make_table(struct table_fixture *fixture,
                                      size_t cache_size)
{
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = CODEC_NONE};
    struct index_value value;
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 100, MODEL_KEYS_COUNTED, MODEL_VALUES_FIXED,
                     1);
    table_fixture_init(fixture, cache_size);
    ck_assert_int_eq(table_fixture_write(fixture, &model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    table_model_deinit(&model);
    index_value_decode(block_value(&fixture->reader->index.top, 0).data,
                       &value);
    return value.block;
}

START_TEST(kept_block_needs_no_pin)
{
    struct table_fixture fixture;
    struct block_handle handle = make_table(&fixture, 1 << 20);
    const struct table_source *source = &fixture.reader->source;
    struct kept_blocks kept = {0};
    struct slice first, second;
    struct cached_block *pin;

    ck_assert_int_eq(kept_blocks_init(&kept, 3), BYRON_OK);
    ck_assert_ptr_null(kept_blocks_at(&kept, 2).data);
    ck_assert_int_eq(
        kept_blocks_load(&kept, 2, source, &handle, BLOCK_DATA, &first, &pin),
        BYRON_OK);
    ck_assert_ptr_null(pin);
    ck_assert_ptr_nonnull(kept_blocks_at(&kept, 2).data);
    ck_assert_ptr_null(kept_blocks_at(&kept, 1).data);
    /* Whatever else the cache has to hold, it stays where it is. */
    block_cache_set_capacity(fixture.cache, 0);
    ck_assert_int_eq(
        kept_blocks_load(&kept, 2, source, &handle, BLOCK_DATA, &second, &pin),
        BYRON_OK);
    ck_assert_ptr_null(pin);
    ck_assert_ptr_eq(first.data, second.data);
    kept_blocks_deinit(&kept, source);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(small_cache_lends_a_pin_instead)
{
    struct table_fixture fixture;
    struct block_handle handle = make_table(&fixture, 256);
    const struct table_source *source = &fixture.reader->source;
    struct kept_blocks kept = {0};
    struct slice body;
    struct cached_block *pin;

    ck_assert_int_eq(kept_blocks_init(&kept, 1), BYRON_OK);
    ck_assert_int_eq(
        kept_blocks_load(&kept, 0, source, &handle, BLOCK_DATA, &body, &pin),
        BYRON_OK);
    ck_assert_ptr_nonnull(pin);
    ck_assert_ptr_null(kept_blocks_at(&kept, 0).data);
    cached_block_unpin(pin);
    kept_blocks_deinit(&kept, source);
    table_fixture_deinit(&fixture);
}
END_TEST

Suite *test_kept_blocks_suite(void)
{
    Suite *suite = suite_create("kept_blocks");
    TCase *cases = tcase_create("kept_blocks");

    tcase_add_test(cases, kept_block_needs_no_pin);
    tcase_add_test(cases, small_cache_lends_a_pin_instead);
    suite_add_tcase(suite, cases);
    return suite;
}
