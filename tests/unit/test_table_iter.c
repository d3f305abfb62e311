/*
 * table_iter, and how it lends.
 *
 * Covers: lend.
 */
#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/memfs_inspect.h"
#include "sstable/table_iter.h"
#include "sstable/file_pool.h"
#include "support/table_fixture.h"

Suite *test_table_iter_suite(void);

static void make_table(struct table_fixture *fixture,
                       const struct table_model *model,
                       const struct table_options *options, size_t cache)
{
    table_fixture_init(fixture, cache);
    ck_assert_int_eq(table_fixture_write(fixture, model, options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
}

static struct iter *new_iter(struct table_fixture *fixture, unsigned flags)
{
    struct iter *iter;

    ck_assert_int_eq(table_reader_iter_new(fixture->reader, flags, &iter),
                     BYRON_OK);
    return iter;
}

/* The iterator stands on entry at, or nowhere where there is no such. */
static void check_at(struct iter *iter, const struct table_model *model,
                     size_t at)
{
    struct slice value;

    ck_assert_int_eq(iter->valid, at < model->count);
    if (!iter->valid)
        return;
    ck_assert(slice_equal(iter->key, model->entries[at].key));
    ck_assert_uint_eq(iter->sequence, model->entries[at].sequence);
    ck_assert_int_eq(iter->kind, model->entries[at].kind);
    ck_assert_int_eq(iter_value(iter, &value), BYRON_OK);
    ck_assert(slice_equal(value, model->entries[at].value));
}

static void check_forward_and_back(struct iter *iter,
                                   const struct table_model *model)
{
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    for (size_t i = 0; i < model->count; i++) {
        check_at(iter, model, i);
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
    }
    ck_assert(!iter->valid);
    ck_assert_int_eq(iter_last(iter), BYRON_OK);
    for (size_t i = model->count; i-- > 0;) {
        check_at(iter, model, i);
        ck_assert_int_eq(iter_prev(iter), BYRON_OK);
    }
    ck_assert(!iter->valid);
}

static void walk_keys(struct iter *iter)
{
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    while (iter->valid)
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
}

/* A few steps either way from entry at. */
static void check_steps(struct rng *rng, struct iter *iter,
                        const struct table_model *model, size_t at)
{
    check_at(iter, model, at);
    for (int i = 0; i < 5 && iter->valid; i++) {
        if (rng_one_in(rng, 2)) {
            ck_assert_int_eq(iter_next(iter), BYRON_OK);
            at++;
        } else {
            ck_assert_int_eq(iter_prev(iter), BYRON_OK);
            at--; /* Before the first it becomes SIZE_MAX: nowhere. */
        }
        check_at(iter, model, at);
    }
}

static void check_seeks(struct rng *rng, enum model_keys keys,
                        struct iter *iter, const struct table_model *model)
{
    struct buf key = {0};

    for (int i = 0; i < 100; i++) {
        const struct entry *entry =
            &model->entries[rng_below(rng, model->count)];
        uint64_t sequence = entry->sequence + rng_below(rng, 3) - 1;
        struct slice target = entry->key;
        if (rng_one_in(rng, 2)) {
            table_model_key(rng, keys, &key);
            target = buf_slice(&key);
        }
        ck_assert_int_eq(iter_seek(iter, target, sequence), BYRON_OK);
        check_steps(rng, iter, model,
                    table_model_seek(model, target, sequence));
        ck_assert_int_eq(iter_seek_before(iter, target), BYRON_OK);
        check_steps(rng, iter, model,
                    table_model_seek(model, target, SEQUENCE_MAX) - 1);
    }
    buf_deinit(&key);
}

START_TEST(walks_and_seeks_agree_with_the_model)
{
    static const uint32_t sizes[] = {64, 300, 4096, 1 << 20};
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < (_i == MODEL_KEYS_LONG ? 3 : 8); round++) {
        struct table_fixture fixture;
        struct table_model model = {0};
        struct table_options options = {
            .block_size = sizes[rng_below(&rng, 4)],
            .bloom_bits = 0,
            .codec = rng_one_in(&rng, 2) ? CODEC_LZ4 : CODEC_NONE};
        if (!codec_is_built_in(options.codec))
            options.codec = CODEC_NONE;
        size_t count = _i == MODEL_KEYS_LONG ? 40 : 200;
        table_model_fill(&model, &rng, 1 + rng_below(&rng, count),
                         (enum model_keys)_i,
                         (enum model_values)rng_below(&rng, 3),
                         1 + (unsigned)rng_below(&rng, 20));
        make_table(&fixture, &model, &options, 1 + rng_below(&rng, 100000));
        for (unsigned flags = 0; flags <= TABLE_ITER_BULK; flags++) {
            struct iter *iter = new_iter(&fixture, flags);
            check_forward_and_back(iter, &model);
            check_seeks(&rng, (enum model_keys)_i, iter, &model);
            iter_free(iter);
        }
        table_model_deinit(&model);
        table_fixture_deinit(&fixture);
    }
}
END_TEST

#define LENT_MOST 40

/* What lies ahead of entry at is lent; returns how many. */
static size_t check_lent(struct iter *iter, const struct table_model *model,
                         size_t at, const struct skip_limits *limits)
{
    const struct entry *entry = &model->entries[at];
    size_t count = (size_t)iter_skip(iter, limits);

    ck_assert_uint_le(count, limits->most);
    for (size_t i = 0; i < count; i++) {
        entry++;
        ck_assert(slice_equal(slice_from(limits->pairs[i].key), entry->key));
        ck_assert(
            slice_equal(slice_from(limits->pairs[i].value), entry->value));
        ck_assert_uint_eq(limits->sequences[i], entry->sequence);
        ck_assert_int_eq(entry->kind, ENTRY_PUT);
        ck_assert(!slice_equal(entry[-1].key, entry->key));
        ck_assert_uint_le(entry->sequence, limits->sequence);
        ck_assert(!limits->key.data ||
                  slice_compare(entry->key, limits->key) < 0);
    }
    check_at(iter, model, at + count);
    return count;
}

/* Through the table by what it lends. What was lent last must stay where
 * nothing is lent now, and is looked at then. */
static size_t check_lending(struct rng *rng, struct iter *iter,
                            const struct table_model *model)
{
    struct byron_pair pairs[2][LENT_MOST];
    uint64_t sequences[LENT_MOST];
    size_t at = 0, all = 0, before = 0;
    unsigned turn = 0;

    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    while (at < model->count) {
        const struct entry *other =
            &model->entries[rng_below(rng, model->count)];
        struct skip_limits limits = {
            .most = 1 + rng_below(rng, LENT_MOST),
            .sequence = rng_one_in(rng, 8) ? other->sequence : SEQUENCE_MAX,
            .key = rng_one_in(rng, 4) ? other->key : slice_of(NULL, 0),
            .pairs = pairs[turn],
            .sequences = sequences};
        size_t count = check_lent(iter, model, at, &limits);

        for (size_t i = 0; count == 0 && i < before; i++)
            ck_assert(slice_equal(slice_from(pairs[!turn][i].key),
                                  model->entries[at - before + i + 1].key));
        all += count;
        at += count;
        before = count;
        turn = count > 0 ? !turn : turn;
        if (count > 0 && rng_one_in(rng, 2))
            continue;
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
        at++;
        before = 0;
    }
    return all;
}

START_TEST(what_is_lent_agrees_with_the_model)
{
    static const uint32_t sizes[] = {300, 4096, 1 << 20};
    struct rng rng;
    size_t lent = 0;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 6; round++) {
        struct table_fixture fixture;
        struct table_model model = {0};
        struct table_options options = {.block_size = sizes[rng_below(&rng, 3)],
                                        .codec = CODEC_NONE};
        table_model_fill(&model, &rng, 300, (enum model_keys)_i,
                         (enum model_values)rng_below(&rng, 3),
                         1 + (unsigned)rng_below(&rng, 3));
        make_table(&fixture, &model, &options, 1 + rng_below(&rng, 100000));
        for (unsigned flags = 0; flags <= TABLE_ITER_BULK; flags++) {
            struct iter *iter = new_iter(&fixture, flags);
            lent += check_lending(&rng, iter, &model);
            iter_free(iter);
        }
        table_model_deinit(&model);
        table_fixture_deinit(&fixture);
    }
    ck_assert_uint_gt(lent, 20);
}
END_TEST

/* One iterator over one table and the other in turns. */
START_TEST(an_iterator_goes_on_to_another_table)
{
    unsigned flags = _i ? TABLE_ITER_LENT : 0;
    struct table_options options = {
        .block_size = 300, .bloom_bits = 0, .codec = CODEC_NONE};
    struct table_fixture fixtures[2];
    struct table_model models[2] = {{0}, {0}};
    struct iter *iter;
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 2; i++) {
        table_model_fill(&models[i], &rng, i ? 300 : 30, MODEL_KEYS_TRICKY,
                         MODEL_VALUES_MIXED, 3);
        make_table(&fixtures[i], &models[i], &options, i ? 1 : 100000);
    }
    iter = new_iter(&fixtures[0], flags);
    for (int round = 0; round < 40; round++) {
        int i = (int)rng_below(&rng, 2);
        table_iter_switch(iter, fixtures[i].reader);
        ck_assert(!iter->valid);
        if (rng_one_in(&rng, 2))
            check_seeks(&rng, MODEL_KEYS_TRICKY, iter, &models[i]);
        else
            check_forward_and_back(iter, &models[i]);
        if (rng_one_in(&rng, 2)) {
            table_iter_rest(iter);
            ck_assert(!iter->valid);
            check_seeks(&rng, MODEL_KEYS_TRICKY, iter, &models[i]);
        }
    }
    iter_free(iter);
    for (int i = 0; i < 2; i++) {
        table_model_deinit(&models[i]);
        table_fixture_deinit(&fixtures[i]);
    }
}
END_TEST

static void fill_counted(struct table_model *model, size_t count)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_COUNTED, MODEL_VALUES_FIXED,
                     1);
}

START_TEST(a_bulk_walk_leaves_the_cache_alone)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 10, .codec = CODEC_NONE};
    struct block_cache_stats before, after;

    fill_counted(&model, 20000);
    make_table(&fixture, &model, &options, 8 << 20);
    struct iter *iter = new_iter(&fixture, TABLE_ITER_BULK);
    block_cache_stats(fixture.cache, &before);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    check_forward_and_back(iter, &model);
    block_cache_stats(fixture.cache, &after);
    ck_assert_uint_eq(before.bytes, after.bytes);

    reads = memfs_calls(fixture.fs, MEMFS_READ);
    walk_keys(iter);
    /* Windows of 256 KB, and the index blocks. */
    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      fixture.facts.size / (256 << 10) + 60);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* Forth, or back. */
START_TEST(a_walk_past_the_cache_reads_many_blocks_at_once)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 10, .codec = CODEC_NONE};

    fill_counted(&model, 20000);
    make_table(&fixture, &model, &options, 1);
    struct iter *iter = new_iter(&fixture, 0);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    ck_assert_int_eq(_i ? iter_last(iter) : iter_first(iter), BYRON_OK);
    for (size_t i = 0; i < model.count; i++) {
        check_at(iter, &model, _i ? model.count - 1 - i : i);
        ck_assert_int_eq(_i ? iter_prev(iter) : iter_next(iter), BYRON_OK);
    }
    ck_assert(!iter->valid);
    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      fixture.facts.size / (63 << 10) + 60);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_walk_asks_for_what_it_will_read_while_it_reads)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 10, .codec = CODEC_NONE};

    fill_counted(&model, 40000);
    make_table(&fixture, &model, &options, 1 << 20); /* For the index. */
    struct iter *iter = new_iter(&fixture, 0);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    uint64_t unforeseen = memfs_unforeseen(fixture.fs);
    walk_keys(iter);
    ck_assert_uint_ge(memfs_calls(fixture.fs, MEMFS_READ) - reads, 40);
    /* While the walk is young. */
    ck_assert_uint_le(memfs_unforeseen(fixture.fs) - unforeseen, 12);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* What was read ahead is of the first table's file. */
START_TEST(a_walk_past_the_cache_goes_on_to_another_table)
{
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_fixture fixtures[2];
    struct table_model models[2] = {{0}, {0}};

    for (int i = 0; i < 2; i++) {
        fill_counted(&models[i], i ? 1500 : 1000);
        make_table(&fixtures[i], &models[i], &options, 1);
    }
    struct iter *iter = new_iter(&fixtures[0], 0);
    for (int round = 0; round < 8; round++) {
        const struct table_model *model = &models[round % 2];
        size_t end = round < 6 ? 100 : model->count;
        table_iter_switch(iter, fixtures[round % 2].reader);
        ck_assert_int_eq(iter_first(iter), BYRON_OK);
        for (size_t i = 0; i < end; i++) {
            check_at(iter, model, i);
            ck_assert_int_eq(iter_next(iter), BYRON_OK);
        }
    }
    iter_free(iter);
    for (int i = 0; i < 2; i++) {
        table_model_deinit(&models[i]);
        table_fixture_deinit(&fixtures[i]);
    }
}
END_TEST

START_TEST(a_second_walk_reads_nothing)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 10, .codec = CODEC_NONE};

    fill_counted(&model, 2000);
    make_table(&fixture, &model, &options, 8 << 20);
    struct iter *iter = new_iter(&fixture, 0);
    check_forward_and_back(iter, &model);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    check_forward_and_back(iter, &model);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_READ), reads);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(large_values_are_read_only_when_asked_for)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 0, .codec = CODEC_NONE};
    static const uint8_t large[50000];
    struct slice value;

    for (char c = 'a'; c < 'z'; c++)
        table_model_add(&model, slice_of(&c, 1), slice_of(large, sizeof large),
                        1, ENTRY_PUT);
    make_table(&fixture, &model, &options, 8 << 20);
    struct iter *iter = new_iter(&fixture, 0);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    walk_keys(iter);
    bool is_mapped = file_pool_mapped(fixture.pool) > 0;
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      is_mapped ? 0 : 1);
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    ck_assert_int_eq(iter_value(iter, &value), BYRON_OK);
    ck_assert_uint_eq(value.size, sizeof large);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      is_mapped ? 0 : 2);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_bulk_walk_reads_large_values_in_stretches)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 1024, .bloom_bits = 0, .codec = CODEC_NONE};
    static const uint8_t large[5000];

    for (unsigned i = 0; i < 500; i++) {
        uint8_t key[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        table_model_add(&model, slice_of(key, 2), slice_of(large, sizeof large),
                        1, ENTRY_PUT);
    }
    make_table(&fixture, &model, &options, 8 << 20);
    struct iter *iter = new_iter(&fixture, TABLE_ITER_BULK);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    for (size_t i = 0; iter->valid; i++) {
        check_at(iter, &model, i);
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
    }
    ck_assert_uint_lt(memfs_calls(fixture.fs, MEMFS_READ) - reads, 100);
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(an_error_stays)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 0, .codec = CODEC_NONE};

    fill_counted(&model, 500);
    make_table(&fixture, &model, &options, 8 << 20);
    ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), 5000, 1));
    struct iter *iter = new_iter(&fixture, (unsigned)_i);
    byron_status status = iter_first(iter);
    while (status == BYRON_OK && iter->valid)
        status = iter_next(iter);

    ck_assert_int_eq(status, BYRON_CORRUPT);
    ck_assert(!iter->valid);
    ck_assert_int_eq(iter_first(iter), BYRON_CORRUPT);
    ck_assert_int_eq(iter_seek(iter, model.entries[0].key, 1), BYRON_CORRUPT);
    ck_assert_int_eq(iter_last(iter), BYRON_CORRUPT);
    ck_assert(!iter->valid);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    iter_free(iter);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static byron_status walk_all(struct table_fixture *fixture, unsigned flags)
{
    struct iter *iter;
    struct slice value;
    byron_status status = table_reader_iter_new(fixture->reader, flags, &iter);

    if (status != BYRON_OK)
        return status;
    status = iter_first(iter);
    while (status == BYRON_OK && iter->valid) {
        status = iter_value(iter, &value);
        if (status == BYRON_OK)
            status = iter_next(iter);
    }
    iter_free(iter);
    return status;
}

START_TEST(every_failed_read_and_allocation_is_reported)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 0, .codec = CODEC_LZ4};
    struct rng rng;
    byron_status status;
    uint64_t before;
    uint64_t calls;
    size_t nth;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 60, MODEL_KEYS_TRICKY, MODEL_VALUES_MIXED,
                     2);
    make_table(&fixture, &model, &options, 1); /* Nothing is kept. */
    before = memfs_calls(fixture.fs, MEMFS_READ);
    ck_assert_int_eq(walk_all(&fixture, (unsigned)_i), BYRON_OK);
    calls = memfs_calls(fixture.fs, MEMFS_READ) - before;
    ck_assert_uint_gt(calls, _i == TABLE_ITER_BULK ? 0 : 1);
    for (nth = 1; nth <= calls; nth++) {
        before = memfs_calls(fixture.fs, MEMFS_READ);
        memfs_fail_nth(fixture.fs, MEMFS_READ, nth, BYRON_IO, false);
        status = walk_all(&fixture, (unsigned)_i);
        memfs_fail_nth(fixture.fs, MEMFS_READ, 0, BYRON_OK, false);
        /* Or what was read along with a block: then it was read again. */
        if (status == BYRON_OK && _i == 0)
            ck_assert_uint_gt(memfs_calls(fixture.fs, MEMFS_READ) - before,
                              calls);
        else
            ck_assert_int_eq(status, BYRON_IO);
    }
    for (nth = 1, status = BYRON_NO_MEMORY; status == BYRON_NO_MEMORY; nth++) {
        alloc_fail_after(nth);
        status = walk_all(&fixture, (unsigned)_i);
        alloc_fail_after(0);
    }
    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 4);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, walks_and_seeks_agree_with_the_model, 0,
                        MODEL_KEYS_COUNT);
    tcase_add_loop_test(cases, what_is_lent_agrees_with_the_model, 0,
                        MODEL_KEYS_COUNT);
    tcase_add_loop_test(cases, an_iterator_goes_on_to_another_table, 0, 2);
    tcase_add_test(cases, a_bulk_walk_leaves_the_cache_alone);
    tcase_add_loop_test(cases, a_walk_past_the_cache_reads_many_blocks_at_once,
                        0, 2);
    tcase_add_test(cases, a_walk_past_the_cache_goes_on_to_another_table);
    tcase_add_test(cases, a_walk_asks_for_what_it_will_read_while_it_reads);
    tcase_add_test(cases, a_second_walk_reads_nothing);
    tcase_add_test(cases, large_values_are_read_only_when_asked_for);
    tcase_add_test(cases, a_bulk_walk_reads_large_values_in_stretches);
    tcase_add_loop_test(cases, an_error_stays, 0, TABLE_ITER_BULK + 1);
    tcase_add_loop_test(cases, every_failed_read_and_allocation_is_reported, 0,
                        TABLE_ITER_BULK + 1);
}

Suite *test_table_iter_suite(void)
{
    Suite *suite = suite_create("table_iter");
    TCase *cases = tcase_create("table_iter");

    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
