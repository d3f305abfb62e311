#include <check.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/thread.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_reader_suite(void);

static const uint32_t block_sizes[] = {64, 500, 8192, 1 << 20};

static void random_options(struct rng *rng, struct table_options *out)
{
    out->block_size = block_sizes[rng_below(rng, 4)];
    out->bloom_bits = (uint32_t)rng_below(rng, 17);
    do
        out->codec = (enum codec)rng_below(rng, 3);
    while (!codec_is_built_in(out->codec));
    out->hash_index = rng_one_in(rng, 2);
}

static void make_table(struct table_fixture *fixture,
                       const struct table_model *model,
                       const struct table_options *options, size_t cache)
{
    table_fixture_init(fixture, cache);
    ck_assert_int_eq(table_fixture_write(fixture, model, options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
}

static byron_status get(struct table_reader *reader, struct slice key,
                        uint64_t sequence, struct table_found *out)
{
    return table_reader_get(reader, key, table_key_hash(key), sequence, out);
}

static void check_get(struct table_reader *reader,
                      const struct table_model *model, struct slice key,
                      uint64_t sequence)
{
    struct table_found found = {0};
    byron_status status = get(reader, key, sequence, &found);
    size_t at = table_model_seek(model, key, sequence);

    if (at == model->count || !slice_equal(model->entries[at].key, key)) {
        ck_assert_int_eq(status, BYRON_NOT_FOUND);
        return;
    }
    const struct entry *entry = &model->entries[at];
    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_int_eq(found.kind, entry->kind);
    ck_assert_uint_eq(found.sequence, entry->sequence);
    ck_assert(slice_equal(found.value.bytes, entry->value));
    pin_release(&found.value);
}

START_TEST(every_version_is_found_whatever_the_options)
{
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 12; round++) {
        struct table_fixture fixture;
        struct table_model model = {0};
        struct table_options options = {0};
        struct buf key = {0};
        size_t count = _i == MODEL_KEYS_LONG ? 40 : 150;
        random_options(&rng, &options);
        table_model_fill(&model, &rng, 1 + rng_below(&rng, count),
                         (enum model_keys)_i,
                         (enum model_values)rng_below(&rng, 3),
                         1 + (unsigned)rng_below(&rng, 30));
        make_table(&fixture, &model, &options, 1 + rng_below(&rng, 100000));
        for (size_t i = 0; i < model.count; i++) {
            const struct entry *entry = &model.entries[i];
            check_get(fixture.reader, &model, entry->key, entry->sequence);
            check_get(fixture.reader, &model, entry->key, entry->sequence - 1);
            check_get(fixture.reader, &model, entry->key, SEQUENCE_MAX);
            table_model_key(&rng, (enum model_keys)_i, &key);
            check_get(fixture.reader, &model, buf_slice(&key), SEQUENCE_MAX);
        }
        buf_deinit(&key);
        table_model_deinit(&model);
        table_fixture_deinit(&fixture);
    }
}
END_TEST

START_TEST(a_value_of_megabytes_comes_in_one_piece)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {.block_size = 4096,
                                    .bloom_bits = 10,
                                    .codec = (enum codec)(_i % 3),
                                    .hash_index = _i >= 3};
    struct rng rng;
    struct buf value = {0};

    if (!codec_is_built_in(options.codec))
        return;
    rng_init(&rng, test_seed());
    ck_assert_int_eq(buf_add_zeros(&value, 3 << 20), BYRON_OK);
    rng_bytes(&rng, value.data, value.size / 3);
    table_model_add(&model, slice_of("k", 1), buf_slice(&value), 1, ENTRY_PUT);
    table_model_add(&model, slice_of("l", 1), slice_of("v", 1), 1, ENTRY_PUT);
    make_table(&fixture, &model, &options, 1 << 16);

    check_get(fixture.reader, &model, slice_of("k", 1), 5);
    check_get(fixture.reader, &model, slice_of("l", 1), 5);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
    buf_deinit(&value);
}
END_TEST

START_TEST(a_pinned_value_outlives_the_reader)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 4096, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_found found = {0};

    table_model_add(&model, slice_of("k", 1), slice_of("value", 5), 1,
                    ENTRY_PUT);
    make_table(&fixture, &model, &options, 1 << 16);
    ck_assert_int_eq(get(fixture.reader, slice_of("k", 1), 1, &found),
                     BYRON_OK);
    table_reader_unref(fixture.reader);
    fixture.reader = NULL;

    ck_assert(slice_equal(found.value.bytes, slice_of("value", 5)));
    pin_release(&found.value);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_key_the_filter_excludes_reads_no_block)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 16, .codec = CODEC_NONE};
    struct table_found found = {0};
    struct rng rng;
    struct buf key = {0};

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 2000, MODEL_KEYS_RANDOM, MODEL_VALUES_FIXED,
                     1);
    make_table(&fixture, &model, &options, 1 << 20);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    for (int i = 0; i < 1000; i++) {
        table_model_key(&rng, MODEL_KEYS_RANDOM, &key);
        ck_assert_int_eq(get(fixture.reader, buf_slice(&key), 9, &found),
                         BYRON_NOT_FOUND);
    }

    /* One filter chunk, and the few that a filter lets through. */
    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads, 60);
    buf_deinit(&key);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_wrong_file_is_refused)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_reader *reader;

    table_model_add(&model, slice_of("k", 1), slice_of("v", 1), 1, ENTRY_PUT);
    make_table(&fixture, &model, &options, 1 << 16);
    fixture.facts.uid++;
    ck_assert_int_eq(table_reader_open(fixture.pool, fixture.cache,
                                       TABLE_FIXTURE_NUMBER, &fixture.facts,
                                       &reader),
                     BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    fixture.facts.uid--;
    fixture.facts.entries++;
    ck_assert_int_eq(table_reader_open(fixture.pool, fixture.cache,
                                       TABLE_FIXTURE_NUMBER, &fixture.facts,
                                       &reader),
                     BYRON_CORRUPT);
    ck_assert_int_eq(table_reader_open(fixture.pool, fixture.cache, 43,
                                       &fixture.facts, &reader),
                     BYRON_CORRUPT);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(estimates_are_near_and_exact_when_open)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = CODEC_NONE};
    struct slice open = {NULL, 0};
    struct rng rng;
    uint64_t entries, bytes;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 5000, MODEL_KEYS_RANDOM, MODEL_VALUES_FIXED,
                     1);
    make_table(&fixture, &model, &options, 1 << 20);
    ck_assert_int_eq(
        table_reader_estimate(fixture.reader, open, open, &entries, &bytes),
        BYRON_OK);
    ck_assert_uint_eq(entries, model.count);
    for (int i = 0; i < 200; i++) {
        size_t from = rng_below(&rng, model.count);
        size_t to = from + rng_below(&rng, model.count - from);
        ck_assert_int_eq(
            table_reader_estimate(fixture.reader, model.entries[from].key,
                                  model.entries[to].key, &entries, &bytes),
            BYRON_OK);
        ck_assert_uint_le(entries, to - from + 10);
        ck_assert_uint_ge(entries + 10, to - from);
        ck_assert_uint_le(bytes, fixture.facts.size);
    }
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_range_beyond_the_table_is_empty)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = CODEC_NONE};
    struct slice open = {NULL, 0};
    uint64_t entries, bytes;

    table_model_add(&model, slice_of("m", 1), slice_of("v", 1), 1, ENTRY_PUT);
    make_table(&fixture, &model, &options, 1 << 20);
    ck_assert_int_eq(table_reader_estimate(fixture.reader, slice_of("n", 1),
                                           open, &entries, &bytes),
                     BYRON_OK);
    ck_assert_uint_eq(entries, 0);
    ck_assert_int_eq(table_reader_estimate(fixture.reader, open,
                                           slice_of("m", 1), &entries, &bytes),
                     BYRON_OK);
    ck_assert_uint_eq(entries, 0);
    ck_assert_int_eq(table_reader_estimate(fixture.reader, slice_of("a", 1),
                                           slice_of("z", 1), &entries, &bytes),
                     BYRON_OK);
    ck_assert_uint_eq(entries, 1);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* --- threads --- */

struct crowd {
    struct table_fixture fixture;
    struct table_model model;
    atomic_uint next_seed;
};

static void ask_and_walk(void *context)
{
    struct crowd *crowd = context;
    struct table_reader *reader = table_reader_ref(crowd->fixture.reader);
    struct rng rng;
    struct iter *iter;

    rng_init(&rng, test_seed() + atomic_fetch_add(&crowd->next_seed, 1));
    ck_assert_int_eq(table_reader_iter_new(reader, 0, &iter), BYRON_OK);
    for (int i = 0; i < 1500; i++) {
        size_t at = rng_below(&rng, crowd->model.count);
        const struct entry *entry = &crowd->model.entries[at];
        struct slice value;
        check_get(reader, &crowd->model, entry->key, entry->sequence);
        ck_assert_int_eq(iter_seek(iter, entry->key, entry->sequence),
                         BYRON_OK);
        ck_assert_int_eq(iter_value(iter, &value), BYRON_OK);
        ck_assert(slice_equal(value, entry->value));
    }
    iter_free(iter);
    table_reader_unref(reader);
}

START_TEST(threads_read_one_table_through_a_small_cache)
{
    struct crowd crowd = {.next_seed = 1};
    struct table_options options = {.block_size = 512,
                                    .bloom_bits = 10,
                                    .codec = CODEC_LZ4,
                                    .hash_index = _i};
    struct thread threads[4];
    struct rng rng;

    if (!codec_is_built_in(CODEC_LZ4))
        options.codec = CODEC_NONE;
    rng_init(&rng, test_seed());
    table_model_fill(&crowd.model, &rng, 600, MODEL_KEYS_RANDOM,
                     MODEL_VALUES_MIXED, 2);
    make_table(&crowd.fixture, &crowd.model, &options, 50000);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(thread_start(&threads[i], ask_and_walk, &crowd),
                         BYRON_OK);
    for (size_t i = 0; i < 4; i++)
        thread_join(&threads[i]);
    table_model_deinit(&crowd.model);
    table_fixture_deinit(&crowd.fixture);
}
END_TEST

/* --- the golden file --- */

/* What tests/golden/table-1.bin holds: made by the first release's writer with
 * blocks of 256 bytes, 10 bits per key, no compression. table-3.bin is of the
 * first writer of hash indexes, and has one. */
static void golden_model(struct table_model *model)
{
    uint8_t value[700];
    char key[16];

    for (int i = 0; i < 40; i++) {
        size_t size = i % 5 == 0 ? sizeof value : (size_t)i;
        size_t key_size =
            (size_t)snprintf(key, sizeof key, "golden-%03d", i * 11);
        bool dead = i % 7 == 3;
        memset(value, 'A' + i, sizeof value);
        table_model_add(model, slice_of(key, key_size),
                        slice_of(value, dead ? 0 : size), 100 + (uint64_t)i,
                        dead ? ENTRY_DELETE : ENTRY_PUT);
        if (i % 6 == 0)
            table_model_add(model, slice_of(key, key_size),
                            slice_of("older", 5), 50, ENTRY_PUT);
    }
    table_model_sort(model);
}

static void read_golden(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");

    ck_assert_msg(file != NULL, "run the tests in the root of the tree");
    ck_assert_int_eq(buf_reserve(out, 1 << 20), BYRON_OK);
    out->size = fread(out->data, 1, 1 << 20, file);
    fclose(file);
}

START_TEST(a_table_of_an_earlier_release_is_read)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options options = {.block_size = 256,
                                    .bloom_bits = 10,
                                    .codec = CODEC_NONE,
                                    .hash_index = _i};
    struct buf file = {0};

    golden_model(&model);
    read_golden(_i ? "tests/golden/table-3.bin" : "tests/golden/table-1.bin",
                &file);
    table_fixture_init(&fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&fixture, &model, &options), BYRON_OK);
    ck_assert_uint_eq(fixture.facts.size, file.size);
    memcpy(&fixture.facts.uid, file.data + 16, 8);
    fixture.facts.file_hash = hash_bytes(buf_slice(&file), fixture.facts.uid);
    memfs_write_all(fixture.fs, table_fixture_path(), buf_slice(&file));
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    for (size_t i = 0; i < model.count; i++)
        check_get(fixture.reader, &model, model.entries[i].key,
                  model.entries[i].sequence);
    buf_deinit(&file);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* --- damage --- */

/* Opens the file and asks for every entry: the right answer or an error. */
static byron_status ask_all(struct table_fixture *fixture,
                            const struct table_model *model)
{
    struct table_reader *reader;
    byron_status worst = BYRON_OK;
    byron_status status =
        table_reader_open(fixture->pool, fixture->cache, TABLE_FIXTURE_NUMBER,
                          &fixture->facts, &reader);

    if (status != BYRON_OK)
        return status;
    for (size_t i = 0; i < model->count; i++) {
        const struct entry *entry = &model->entries[i];
        struct table_found found = {0};
        status = get(reader, entry->key, entry->sequence, &found);
        if (status == BYRON_OK) {
            ck_assert_uint_eq(found.sequence, entry->sequence);
            ck_assert(slice_equal(found.value.bytes, entry->value));
            pin_release(&found.value);
        } else {
            worst = status;
        }
    }
    status = table_reader_verify(reader, NULL);
    table_reader_unref(reader);
    return worst != BYRON_OK ? worst : status;
}

static void make_damageable(struct table_fixture *fixture,
                            struct table_model *model, enum codec codec,
                            bool hash_index)
{
    struct table_options options = {.block_size = 256,
                                    .bloom_bits = 10,
                                    .codec = codec,
                                    .hash_index = hash_index};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, 12, MODEL_KEYS_TRICKY, MODEL_VALUES_SMALL, 2);
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
    ck_assert_int_eq(ask_all(fixture, model), BYRON_OK);
}

START_TEST(a_flipped_bit_anywhere_is_corrupt_never_wrong)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    if (!codec_is_built_in((enum codec)(_i % 3)))
        return;
    make_damageable(&fixture, &model, (enum codec)(_i % 3), _i >= 3);
    for (uint64_t at = 0; at < fixture.facts.size; at++) {
        uint8_t mask = (uint8_t)(1u << (at * 7 % 8));
        ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at, mask));
        ck_assert_int_eq(ask_all(&fixture, &model), BYRON_CORRUPT);
        ck_assert_str_eq(error_last()->path, table_fixture_path());
        ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at, mask));
    }
    ck_assert_int_eq(ask_all(&fixture, &model), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_file_of_another_length_is_corrupt)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct buf file = {0};

    make_damageable(&fixture, &model, CODEC_NONE, _i);
    ck_assert(memfs_read_all(fixture.fs, table_fixture_path(), &file));
    for (size_t size = 0; size < file.size; size += 13) {
        memfs_write_all(fixture.fs, table_fixture_path(),
                        slice_of(file.data, size));
        ck_assert_int_eq(ask_all(&fixture, &model), BYRON_CORRUPT);
    }
    ck_assert_int_eq(buf_add_zeros(&file, 1), BYRON_OK);
    memfs_write_all(fixture.fs, table_fixture_path(), buf_slice(&file));
    ck_assert_int_eq(ask_all(&fixture, &model), BYRON_CORRUPT);
    buf_deinit(&file);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(every_failed_read_is_reported)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    uint64_t nth = 1;
    byron_status status;

    make_damageable(&fixture, &model, CODEC_NONE, _i);
    do {
        memfs_fail_nth(fixture.fs, MEMFS_READ | MEMFS_OPEN | MEMFS_SIZE, nth++,
                       BYRON_IO, false);
        status = ask_all(&fixture, &model);
    } while (status == BYRON_IO);
    memfs_fail_nth(fixture.fs, MEMFS_READ, 0, BYRON_IO, false);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 10);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    size_t nth = 1, live;
    byron_status status;

    make_damageable(&fixture, &model, CODEC_LZ4, _i);
    do {
        block_cache_set_capacity(fixture.cache, 0);
        block_cache_set_capacity(fixture.cache, 1 << 20);
        live = alloc_live();
        alloc_fail_after(nth++);
        status = ask_all(&fixture, &model);
        alloc_fail_after(0);
        block_cache_set_capacity(fixture.cache, 0);
        /* The cache may have grown by slots, buckets and a list of them. */
        ck_assert_uint_le(alloc_live(), live + 3);
    } while (status == BYRON_NO_MEMORY);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 10);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_version_is_found_whatever_the_options, 0,
                        MODEL_KEYS_COUNT);
    tcase_add_loop_test(cases, a_value_of_megabytes_comes_in_one_piece, 0, 6);
    tcase_add_test(cases, a_pinned_value_outlives_the_reader);
    tcase_add_test(cases, a_key_the_filter_excludes_reads_no_block);
    tcase_add_test(cases, the_wrong_file_is_refused);
    tcase_add_test(cases, estimates_are_near_and_exact_when_open);
    tcase_add_test(cases, a_range_beyond_the_table_is_empty);
    tcase_add_loop_test(cases, threads_read_one_table_through_a_small_cache, 0,
                        2);
    tcase_add_loop_test(cases, a_table_of_an_earlier_release_is_read, 0, 2);
    tcase_add_loop_test(cases, a_flipped_bit_anywhere_is_corrupt_never_wrong, 0,
                        6);
    tcase_add_loop_test(cases, a_file_of_another_length_is_corrupt, 0, 2);
    tcase_add_loop_test(cases, every_failed_read_is_reported, 0, 2);
    tcase_add_loop_test(cases, every_failed_allocation_is_reported, 0, 2);
}

Suite *test_table_reader_suite(void)
{
    Suite *suite = suite_create("table_reader");
    TCase *cases = tcase_create("table_reader");

    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
