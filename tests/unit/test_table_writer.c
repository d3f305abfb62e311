#include <check.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "sstable/sstable_format.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_writer_suite(void);

static void fill(struct table_model *model, size_t count, unsigned versions)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_COUNTED, MODEL_VALUES_MIXED,
                     versions);
}

START_TEST(facts_tell_what_was_added)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_LZ4};
    uint64_t tombstones = 0, bytes = 0, low = UINT64_MAX, high = 0;
    uint64_t timed = 0, earliest = UINT64_MAX, latest = 0, superseded = 0;
    struct buf file = {0};

    if (!codec_is_built_in(CODEC_LZ4))
        options.codec = CODEC_NONE;
    fill(&model, 800, 4);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    ck_assert(memfs_read_all(fixture.fs, table_fixture_path(), &file));
    for (size_t i = 0; i < model.count; i++) {
        const struct entry *entry = &model.entries[i];
        tombstones += entry->kind == ENTRY_DELETE;
        superseded += i > 0 && slice_equal(entry->key, entry[-1].key);
        if (entry->kind == ENTRY_TIMED) {
            uint64_t expires_ms = load_u64(entry->value.data);
            timed++;
            earliest = expires_ms < earliest ? expires_ms : earliest;
            latest = expires_ms > latest ? expires_ms : latest;
        }
        bytes += entry->key.size + entry->value.size;
        low = entry->sequence < low ? entry->sequence : low;
        high = entry->sequence > high ? entry->sequence : high;
    }

    const struct table_facts *facts = &fixture.facts;
    ck_assert_uint_eq(facts->entries, model.count);
    ck_assert_uint_eq(facts->tombstones, tombstones);
    ck_assert_uint_gt(superseded, 0);
    ck_assert_uint_eq(facts->superseded, superseded);
    ck_assert_uint_eq(facts->raw_bytes, bytes);
    ck_assert_uint_gt(timed, 0);
    ck_assert_uint_eq(facts->timed, timed);
    ck_assert_uint_eq(facts->earliest_ms, earliest);
    ck_assert_uint_eq(facts->latest_ms, latest);
    ck_assert_uint_eq(facts->min_sequence, low);
    ck_assert_uint_eq(facts->max_sequence, high);
    ck_assert_uint_eq(facts->size, file.size);
    ck_assert_uint_eq(facts->file_hash,
                      hash_bytes(buf_slice(&file), facts->uid));
    ck_assert(slice_equal(buf_slice(&facts->smallest), model.entries[0].key));
    ck_assert(slice_equal(buf_slice(&facts->largest),
                          model.entries[model.count - 1].key));
    buf_deinit(&file);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(size_foretells_the_file)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_writer *writer;
    struct table_facts facts;

    fill(&model, 3000, 1);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(
        table_writer_new(fixture.os, fixture.dir, 7, &options, &writer),
        BYRON_OK);
    for (size_t i = 0; i < model.count; i++)
        ck_assert_int_eq(table_writer_add(writer, &model.entries[i]), BYRON_OK);
    uint64_t foretold = table_writer_size(writer);
    ck_assert_int_eq(table_writer_finish(writer, &facts), BYRON_OK);

    ck_assert_uint_lt(foretold, facts.size + facts.size / 10);
    ck_assert_uint_gt(foretold, facts.size - facts.size / 10);
    table_facts_deinit(&facts);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_finished_file_is_synced_an_abandoned_one_gone)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_writer *writer;

    fill(&model, 100, 1);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_SYNC), 1);
    uint64_t used = memfs_used(fixture.fs);
    ck_assert_int_eq(
        table_writer_new(fixture.os, fixture.dir, 7, &options, &writer),
        BYRON_OK);
    for (size_t i = 0; i < model.count; i++)
        ck_assert_int_eq(table_writer_add(writer, &model.entries[i]), BYRON_OK);
    table_writer_abandon(writer);

    ck_assert_uint_eq(memfs_used(fixture.fs), used);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_passing_file_is_not_synced)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {.block_size = 2048,
                                    .bloom_bits = 10,
                                    .codec = CODEC_NONE,
                                    .is_passing = true};

    fill(&model, 100, 1);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_SYNC), 0);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_number_in_use_is_refused_and_kept)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_NONE};

    fill(&model, 100, 1);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    table_facts_deinit(&fixture.facts);
    uint64_t used = memfs_used(fixture.fs);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options),
                     BYRON_MISUSE);
    ck_assert_uint_eq(memfs_used(fixture.fs), used);
    table_model_deinit(&model);
    memset(&fixture.facts, 0, sizeof fixture.facts);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(versions_of_a_key_take_one_place_in_the_filter)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_NONE};

    for (uint64_t i = 0; i < 1000; i++)
        table_model_add(&model, slice_of("key", 3), slice_of("v", 1), i,
                        ENTRY_PUT);
    table_model_sort(&model);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    /* Heads and values, and next to nothing of a filter. */
    ck_assert_uint_lt(fixture.facts.size, 1000 * 13 + 1000);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(every_failed_write_is_reported_and_cleaned_up)
{
    static const unsigned kinds =
        MEMFS_CREATE | MEMFS_APPEND | MEMFS_SYNC | MEMFS_REMOVE;
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 2048, .bloom_bits = 10, .codec = CODEC_NONE};
    byron_status status;
    uint64_t nth = 0;

    fill(&model, 1200, 1);
    table_fixture_init(&fixture, 1 << 20);
    do {
        memfs_fail_nth(fixture.fs, kinds, ++nth, BYRON_FULL, false);
        status = table_fixture_write(&fixture, &model, &options);
        ck_assert(status == BYRON_OK || memfs_used(fixture.fs) == 0);
    } while (status == BYRON_FULL);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 4);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(every_failed_allocation_is_reported_and_cleaned_up)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = CODEC_LZ4};
    byron_status status;
    size_t nth = 0, live;

    if (!codec_is_built_in(CODEC_LZ4))
        options.codec = CODEC_NONE;
    fill(&model, 300, 2);
    table_fixture_init(&fixture, 1 << 20);
    live = alloc_live();
    do {
        alloc_fail_after(++nth);
        status = table_fixture_write(&fixture, &model, &options);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || alloc_live() == live);
        ck_assert(status == BYRON_OK || memfs_used(fixture.fs) == 0);
    } while (status == BYRON_NO_MEMORY);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 15);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

Suite *test_table_writer_suite(void)
{
    Suite *suite = suite_create("table_writer");
    TCase *cases = tcase_create("table_writer");

    tcase_add_test(cases, facts_tell_what_was_added);
    tcase_add_test(cases, size_foretells_the_file);
    tcase_add_test(cases, a_finished_file_is_synced_an_abandoned_one_gone);
    tcase_add_test(cases, a_passing_file_is_not_synced);
    tcase_add_test(cases, a_number_in_use_is_refused_and_kept);
    tcase_add_test(cases, versions_of_a_key_take_one_place_in_the_filter);
    tcase_add_test(cases, every_failed_write_is_reported_and_cleaned_up);
    tcase_add_test(cases, every_failed_allocation_is_reported_and_cleaned_up);
    suite_add_tcase(suite, cases);
    return suite;
}
