#include <check.h>

#include "base/error.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_filter_suite(void);

static void make_table(struct table_fixture *fixture, struct table_model *model,
                       size_t count, uint32_t bits)
{
    struct table_options options = {
        .block_size = 4096, .bloom_bits = bits, .codec = CODEC_NONE};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_RANDOM, MODEL_VALUES_SMALL,
                     3);
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
}

static bool may_have(struct table_fixture *fixture, uint64_t hash)
{
    bool answer;

    ck_assert_int_eq(table_filter_probe(&fixture->reader->filter,
                                        &fixture->reader->source, hash,
                                        &answer),
                     BYRON_OK);
    return answer;
}

START_TEST(every_key_passes_over_many_chunks)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct rng rng;
    size_t passed = 0;

    make_table(&fixture, &model, 40000, 16);
    /* More than two chunks. */
    ck_assert_uint_gt(fixture.reader->filter.shape.lines, 512);
    for (size_t i = 0; i < model.count; i++)
        ck_assert(may_have(&fixture, table_key_hash(model.entries[i].key)));
    rng_init(&rng, test_seed() + 1);
    for (int i = 0; i < 10000; i++)
        passed += may_have(&fixture, rng_next(&rng));
    ck_assert_uint_lt(passed, 100);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(without_a_filter_every_key_passes)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, &model, 100, 0);
    for (uint64_t hash = 1; hash; hash <<= 1)
        ck_assert(may_have(&fixture, hash));
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_damaged_chunk_is_an_error)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    bool answer;

    make_table(&fixture, &model, 100, 10);
    ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(),
                            fixture.reader->filter.offset + 3, 1));
    ck_assert_int_eq(table_filter_probe(&fixture.reader->filter,
                                        &fixture.reader->source, 5, &answer),
                     BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, fixture.reader->filter.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_shape_that_does_not_fit_its_place_is_refused)
{
    struct table_section section = {1000, 300 * 64 + 2 * 16};
    struct table_properties properties = {.filter_lines = 300,
                                          .filter_probes = 6};

    ck_assert_ptr_null(table_filter_flaw(&section, &properties));
    properties.filter_lines = 301;
    ck_assert_ptr_nonnull(table_filter_flaw(&section, &properties));
    properties.filter_lines = UINT32_MAX;
    ck_assert_ptr_nonnull(table_filter_flaw(&section, &properties));
    properties.filter_lines = 300;
    properties.filter_probes = 17;
    ck_assert_ptr_nonnull(table_filter_flaw(&section, &properties));
}
END_TEST

Suite *test_table_filter_suite(void)
{
    Suite *suite = suite_create("table_filter");
    TCase *cases = tcase_create("table_filter");

    tcase_add_test(cases, every_key_passes_over_many_chunks);
    tcase_add_test(cases, without_a_filter_every_key_passes);
    tcase_add_test(cases, a_damaged_chunk_is_an_error);
    tcase_add_test(cases, a_shape_that_does_not_fit_its_place_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
