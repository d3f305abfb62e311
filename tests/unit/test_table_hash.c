/*
 * Covers: hash_writer.
 */
#include <check.h>

#include "base/error.h"
#include "base/hash.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_hash_suite(void);

static const struct table_options options = {.block_size = 512,
                                             .bloom_bits = 10,
                                             .codec = CODEC_NONE,
                                             .hash_index = true};

static void make_table(struct table_fixture *fixture,
                       const struct table_model *model,
                       const struct table_options *how)
{
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, model, how), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    ck_assert_uint_gt(fixture->reader->hash.shape.lines, 0);
    ck_assert_uint_eq(fixture->reader->filter.shape.lines, 0);
}

static void fill(struct table_model *model, size_t count)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(model, &rng, count, MODEL_KEYS_RANDOM, MODEL_VALUES_MIXED,
                     3);
}

static byron_status find(const struct table_fixture *fixture, struct slice key,
                         uint64_t sequence, struct table_found *out)
{
    return table_reader_get(fixture->reader, key, table_key_hash(key), sequence,
                            out);
}

static void check_get(const struct table_fixture *fixture,
                      const struct table_model *model, struct slice key,
                      uint64_t sequence)
{
    struct table_found found = {0};
    byron_status status = find(fixture, key, sequence, &found);
    size_t at = table_model_seek(model, key, sequence);

    if (at == model->count || !slice_equal(model->entries[at].key, key)) {
        ck_assert_int_eq(status, BYRON_NOT_FOUND);
        return;
    }
    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_eq(found.sequence, model->entries[at].sequence);
    ck_assert(slice_equal(found.value.bytes, model->entries[at].value));
    pin_release(&found.value);
}

static void check_all(const struct table_fixture *fixture,
                      const struct table_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct entry *entry = &model->entries[i];
        check_get(fixture, model, entry->key, entry->sequence);
        check_get(fixture, model, entry->key, entry->sequence - 1);
        check_get(fixture, model, entry->key, SEQUENCE_MAX);
    }
}

START_TEST(every_version_is_found_over_many_chunks)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    fill(&model, 20000);
    make_table(&fixture, &model, &options);
    ck_assert_uint_gt(fixture.reader->hash.shape.lines, 512);
    check_all(&fixture, &model);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(versions_go_on_over_blocks)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    uint8_t value[100] = {0};

    for (uint64_t sequence = 1; sequence <= 60; sequence++)
        for (int key = 'a'; key < 'a' + 3; key++) {
            uint8_t byte = (uint8_t)key;
            value[0] = (uint8_t)sequence;
            table_model_add(&model, slice_of(&byte, 1),
                            slice_of(value, sizeof value), sequence, ENTRY_PUT);
        }
    table_model_sort(&model);
    make_table(&fixture, &model, &options);
    ck_assert_uint_gt(fixture.reader->block_count, 20);
    ck_assert_uint_eq(fixture.reader->hash.keys, 3);
    check_all(&fixture, &model);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* Blocks of hundreds of entries and thousands of blocks: a slot has not bits
 * enough for both, so that it means several entries. */
START_TEST(a_slot_that_means_several_entries_is_enough)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_options how = options;
    uint8_t value[2000] = {0};
    uint8_t key[6];

    for (uint32_t i = 0; i < 9000; i++) {
        store_u32(key, i * 7);
        table_model_add(&model, slice_of(key, 4), slice_of(value, sizeof value),
                        1 + i % 9, ENTRY_PUT);
    }
    memset(key, 255, sizeof key);
    for (uint32_t i = 0; i < 12000; i++) {
        store_u32(key + 2, i);
        for (uint32_t version = 0; version <= i % 4; version++)
            table_model_add(&model, slice_of(key, sizeof key),
                            slice_of(NULL, 0), 1 + version, ENTRY_PUT);
    }
    table_model_sort(&model);
    how.block_size = 4096;
    make_table(&fixture, &model, &how);
    ck_assert_uint_gt(fixture.reader->hash.shape.place_shift, 0);
    check_all(&fixture, &model);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(an_absent_key_reads_no_block)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found = {0};
    struct rng rng;
    struct buf key = {0};

    fill(&model, 1000);
    make_table(&fixture, &model, &options);
    rng_init(&rng, test_seed() + 1);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    for (int i = 0; i < 1000; i++) {
        table_model_key(&rng, MODEL_KEYS_RANDOM, &key);
        ck_assert_int_eq(find(&fixture, buf_slice(&key), 9, &found),
                         BYRON_NOT_FOUND);
    }
    /* The chunk of lines. */
    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads, 10);
    buf_deinit(&key);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_block_that_left_the_cache_is_read_again)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    fill(&model, 300);
    make_table(&fixture, &model, &options);
    for (int round = 0; round < 3; round++) {
        check_all(&fixture, &model);
        block_cache_set_capacity(fixture.cache, 0);
        block_cache_set_capacity(fixture.cache, round == 0 ? 20000 : 1u << 20);
    }
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

/* --- damage --- */

static struct block_handle lines_of(const struct table_fixture *fixture)
{
    const struct table_hash *hash = &fixture->reader->hash;
    uint32_t size = hash_chunk_lines(&hash->shape, 0) * HASH_LINE_SIZE;

    return (struct block_handle){hash->lines_at, size + BLOCK_TRAILER_SIZE,
                                 size};
}

/* Changes a chunk on the disk, under a checksum that is right again. */
static void rewrite(struct table_fixture *fixture,
                    const struct block_handle *chunk, size_t at, uint32_t from,
                    uint32_t to)
{
    struct buf file = {0};
    uint8_t *start;

    ck_assert(memfs_read_all(fixture->fs, table_fixture_path(), &file));
    start = file.data + chunk->offset;
    ck_assert_uint_eq(load_u32(start + at), from);
    store_u32(start + at, to);
    store_u64(start + chunk->disk_size - 8,
              hash_bytes(slice_of(start, chunk->disk_size - 8),
                         fixture->facts.uid ^ chunk->offset));
    memfs_write_all(fixture->fs, table_fixture_path(), buf_slice(&file));
    file_pool_forget(fixture->pool, TABLE_FIXTURE_NUMBER); /* The old file. */
    buf_deinit(&file);
}

static uint32_t slot_at(struct table_fixture *fixture,
                        const struct block_handle *chunk, size_t at)
{
    struct buf file = {0};
    uint32_t slot;

    ck_assert(memfs_read_all(fixture->fs, table_fixture_path(), &file));
    slot = load_u32(file.data + chunk->offset + at);
    buf_deinit(&file);
    return slot;
}

/* Eight keys in one line, a block each. */
static void make_line(struct table_fixture *fixture, struct table_model *model)
{
    struct table_options how = options;
    uint8_t value[70] = {0};

    for (uint8_t key = 'a'; key < 'a' + 8; key++)
        table_model_add(model, slice_of(&key, 1), slice_of(value, sizeof value),
                        1, ENTRY_PUT);
    how.block_size = 150;
    make_table(fixture, model, &how);
    ck_assert_uint_eq(fixture->reader->hash.shape.lines, 1);
    ck_assert_uint_eq(fixture->reader->block_count, 8);
    ck_assert_uint_eq(fixture->reader->hash.shape.block_bits, 3);
    ck_assert_uint_eq(fixture->reader->hash.shape.place_bits, 0);
}

static void check_corrupt(const struct table_fixture *fixture,
                          const char *words, uint64_t offset)
{
    ck_assert_int_eq(table_reader_verify(fixture->reader, NULL), BYRON_CORRUPT);
    ck_assert_ptr_nonnull(strstr(error_last()->words, words));
    ck_assert_uint_eq(error_last()->offset, offset);
}

START_TEST(a_slot_of_the_same_fingerprint_is_passed_over)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found = {0};

    make_line(&fixture, &model);
    struct block_handle chunk = lines_of(&fixture);
    uint32_t first = slot_at(&fixture, &chunk, 0);
    uint32_t last = slot_at(&fixture, &chunk, 28);
    /* The first slot leads where it did, and is taken for the last key's. */
    rewrite(&fixture, &chunk, 0, first, (last & ~7u) | (first & 7u));
    check_get(&fixture, &model, model.entries[7].key, 1);
    check_get(&fixture, &model, model.entries[3].key, 1);
    ck_assert_int_eq(find(&fixture, model.entries[0].key, 1, &found),
                     BYRON_NOT_FOUND);
    check_corrupt(&fixture, "does not lead to a key", chunk.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_slot_that_leads_nowhere_is_corrupt)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found = {0};

    make_line(&fixture, &model);
    struct block_handle chunk = lines_of(&fixture);
    struct table_hash *hash = &fixture.reader->hash;
    /* A block beyond the last. */
    hash->block_count = 1;
    ck_assert_int_eq(find(&fixture, model.entries[1].key, 1, &found),
                     BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, chunk.offset);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    hash->block_count = 8;
    /* An entry beyond the last of its block. */
    hash->shape.place_bits = 1;
    hash->shape.block_bits = 2;
    ck_assert_int_eq(find(&fixture, model.entries[1].key, 1, &found),
                     BYRON_CORRUPT);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(slots_of_no_key_and_lost_ones_are_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};

    make_line(&fixture, &model);
    struct block_handle chunk = lines_of(&fixture);
    rewrite(&fixture, &chunk, 40, 0, 0xabcdef01);
    check_corrupt(&fixture, "slots of no key", chunk.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
    make_line(&fixture, &model);
    rewrite(&fixture, &chunk, 28, slot_at(&fixture, &chunk, 28), 0);
    check_corrupt(&fixture, "does not lead to a key", chunk.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_handle_that_differs_from_the_indexs_is_found)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found = {0};

    make_line(&fixture, &model);
    struct block_handle chunk = {fixture.reader->hash.handles_at, 8 * 16 + 16,
                                 8 * 16};
    /* Offset and sizes of the first block: those of the second. */
    rewrite(&fixture, &chunk, 0, slot_at(&fixture, &chunk, 0),
            slot_at(&fixture, &chunk, 16));
    ck_assert_int_eq(find(&fixture, model.entries[0].key, 1, &found),
                     BYRON_NOT_FOUND);
    check_corrupt(&fixture, "another handle", chunk.offset);
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_damaged_chunk_is_an_error)
{
    struct table_fixture fixture;
    struct table_model model = {0};
    struct table_found found = {0};

    fill(&model, 100);
    make_table(&fixture, &model, &options);
    uint64_t at =
        _i ? fixture.reader->hash.handles_at : fixture.reader->hash.lines_at;
    ck_assert(memfs_corrupt(fixture.fs, table_fixture_path(), at + 3, 1));
    ck_assert_int_eq(find(&fixture, model.entries[0].key, 9, &found),
                     BYRON_CORRUPT);
    ck_assert_uint_eq(error_last()->offset, at);
    ck_assert_str_eq(error_last()->path, table_fixture_path());
    table_model_deinit(&model);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_shape_that_does_not_fit_its_place_is_refused)
{
    struct table_section section = {1000,
                                    300 * 64 + 2 * 16 + 1025 * 16 + 2 * 16};
    const struct table_properties sound = {
        .block_count = 1025,
        .hash_keys = 4800,
        .hash_shape = {.lines = 300, .block_bits = 11, .place_bits = 9}};
    struct table_properties properties = sound;

    ck_assert_ptr_null(table_hash_flaw(&section, &properties));
    properties.hash_keys++;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties = sound;
    properties.hash_shape.lines = 0;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties.hash_shape.lines = UINT32_MAX;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties = sound;
    properties.hash_shape.place_bits = 10;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties = sound;
    properties.hash_shape.block_bits = 255;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties.hash_shape.block_bits = 10;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties = sound;
    properties.hash_shape.place_shift = 23;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties = sound;
    properties.block_count = 0;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
    properties.block_count = 1024;
    ck_assert_ptr_nonnull(table_hash_flaw(&section, &properties));
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_version_is_found_over_many_chunks);
    tcase_add_test(cases, versions_go_on_over_blocks);
    tcase_add_test(cases, a_slot_that_means_several_entries_is_enough);
    tcase_add_test(cases, an_absent_key_reads_no_block);
    tcase_add_test(cases, a_block_that_left_the_cache_is_read_again);
    tcase_add_test(cases, a_slot_of_the_same_fingerprint_is_passed_over);
    tcase_add_test(cases, a_slot_that_leads_nowhere_is_corrupt);
    tcase_add_test(cases, slots_of_no_key_and_lost_ones_are_found);
    tcase_add_test(cases, a_handle_that_differs_from_the_indexs_is_found);
    tcase_add_loop_test(cases, a_damaged_chunk_is_an_error, 0, 2);
    tcase_add_test(cases, a_shape_that_does_not_fit_its_place_is_refused);
}

Suite *test_table_hash_suite(void)
{
    Suite *suite = suite_create("table_hash");
    TCase *cases = tcase_create("table_hash");

    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
