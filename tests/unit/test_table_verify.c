#include <check.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_verify_suite(void);

static void make_table(struct table_fixture *fixture, size_t count,
                       struct table_model *model, bool hash_index)
{
    struct table_options options = {.block_size = 256,
                                    .bloom_bits = 10,
                                    .codec = CODEC_NONE,
                                    .hash_index = hash_index};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_RANDOM, MODEL_VALUES_MIXED,
                     3);
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
}

/* Changes a block on the disk behind the reader's back, checksum and all. */
static void rewrite_byte(struct table_fixture *fixture,
                         const struct block_handle *block, size_t at,
                         uint8_t mask)
{
    struct buf file = {0};
    uint8_t *start, *sum;

    ck_assert(memfs_read_all(fixture->fs, table_fixture_path(), &file));
    start = file.data + block->offset;
    sum = start + block->disk_size - 8;
    start[at] ^= mask;
    store_u64(sum, hash_bytes(slice_of(start, block->disk_size - 8),
                              fixture->facts.uid ^ block->offset));
    memfs_write_all(fixture->fs, table_fixture_path(), buf_slice(&file));
    file_pool_forget(fixture->pool, TABLE_FIXTURE_NUMBER); /* The old file. */
    buf_deinit(&file);
}

static struct block_handle block_at(const struct table_fixture *fixture,
                                    uint32_t at)
{
    struct index_value value;

    index_value_decode(block_value(&fixture->reader->index.top, at).data,
                       &value);
    return value.block;
}

static void check_found_by_words(struct table_fixture *fixture,
                                 const char *words)
{
    ck_assert_int_eq(table_reader_verify(fixture->reader, NULL), BYRON_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error_last()->words, words));
}

START_TEST(a_sound_table_passes)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, _i % 2 ? 4000 : 1, &model, _i >= 2);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_key_changed_under_a_right_checksum_is_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct block block;
    struct buf disk = {0}, room = {0};
    struct slice body;

    make_table(&fixture, 50, &model, _i);
    struct block_handle handle = block_at(&fixture, 5);
    ck_assert_int_eq(table_source_read(&fixture.reader->source, &handle,
                                       BLOCK_DATA, &disk, &room, &body),
                     BYRON_OK);
    block_view(body, &block);
    /* Its first bytes: the prefix of all its keys, or of its only one. */
    rewrite_byte(&fixture, &handle, (size_t)(block.prefix - body.data), 0x80);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_CORRUPT);
    buf_deinit(&disk);
    buf_deinit(&room);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_value_changed_under_a_right_checksum_is_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, 50, &model, _i);
    struct block_handle handle = block_at(&fixture, 3);
    /* The last byte before the trailer belongs to a value, or its handle. */
    rewrite_byte(&fixture, &handle, handle.disk_size - 17, 0x01);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_CORRUPT);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_filter_that_lacks_a_key_is_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, 1, &model, false);
    const struct table_filter *filter = &fixture.reader->filter;
    uint32_t size = filter->shape.lines * BLOOM_LINE_SIZE;
    struct block_handle chunk = {filter->offset, size + 16, size};
    uint32_t bit = (uint32_t)table_key_hash(model.entries[0].key) >> 23;
    rewrite_byte(&fixture, &chunk, bit / 8, (uint8_t)(1u << (bit % 8)));
    check_found_by_words(&fixture, "filter lacks a key");
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(counts_that_differ_are_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_facts *facts;

    make_table(&fixture, 100, &model, _i);
    facts = &fixture.reader->facts;
    facts->tombstones++;
    check_found_by_words(&fixture, "does not hold what it counts");
    facts->tombstones--;
    facts->max_sequence++;
    check_found_by_words(&fixture, "does not hold what it counts");
    facts->max_sequence--;
    facts->file_hash++;
    check_found_by_words(&fixture, "hash of the whole file");
    facts->file_hash--;
    facts->largest.data[0]--;
    check_found_by_words(&fixture, "largest key");
    facts->largest.data[0]++;
    facts->smallest.data[0]++;
    check_found_by_words(&fixture, "smallest key");
    facts->smallest.data[0]--;
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(any_flipped_bit_is_found_by_an_open_reader)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_table(&fixture, 12, &model, _i);
    for (uint64_t at = 0; at < fixture.facts.size; at++) {
        uint8_t mask = (uint8_t)(1u << (at % 8));
        ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at, mask));
        ck_assert_int_eq(table_reader_verify(fixture.reader, NULL),
                         BYRON_CORRUPT);
        ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at, mask));
    }
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_add_loop_test(cases, a_sound_table_passes, 0, 4);
    tcase_add_loop_test(cases, a_key_changed_under_a_right_checksum_is_found, 0,
                        2);
    tcase_add_loop_test(cases, a_value_changed_under_a_right_checksum_is_found,
                        0, 2);
    tcase_add_test(cases, a_filter_that_lacks_a_key_is_found);
    tcase_add_loop_test(cases, counts_that_differ_are_found, 0, 2);
    tcase_add_loop_test(cases, any_flipped_bit_is_found_by_an_open_reader, 0,
                        2);
}

Suite *test_table_verify_suite(void)
{
    Suite *suite = suite_create("table_verify");
    TCase *cases = tcase_create("table_verify");

    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
