#include <check.h>
#include <stdlib.h>

#include "salvage/block_scan.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_block_scan_suite(void);

#define BLOCKS_MAX 4096

/* A table, and where its data blocks are, by its index. */
struct scanned {
    struct table_fixture fixture;
    struct block_handle blocks[BLOCKS_MAX];
    size_t count;
    struct buf bytes; /* Of the file. */
};

static void init(struct scanned *scanned, enum codec codec,
                 enum model_values values)
{
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 512, .bloom_bits = 10, .codec = codec};
    struct index_cursor cursor;
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 600, MODEL_KEYS_COUNTED, values, 2);
    table_fixture_init(&scanned->fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(&scanned->fixture, &model, &options),
                     BYRON_OK);
    ck_assert_int_eq(table_fixture_open(&scanned->fixture), BYRON_OK);
    index_cursor_init(&cursor, &scanned->fixture.reader->index, true);
    ck_assert_int_eq(index_cursor_first(&cursor), BYRON_OK);
    for (scanned->count = 0; cursor.valid; scanned->count++) {
        struct index_value value;

        ck_assert_uint_lt(scanned->count, BLOCKS_MAX);
        index_cursor_value(&cursor, &value);
        scanned->blocks[scanned->count] = value.block;
        ck_assert_int_eq(index_cursor_next(&cursor), BYRON_OK);
    }
    index_cursor_deinit(&cursor);
    ck_assert_uint_gt(scanned->count, 10);
    memfs_read_all(scanned->fixture.fs, table_fixture_path(), &scanned->bytes);
    table_model_deinit(&model);
}

static void deinit(struct scanned *scanned)
{
    buf_deinit(&scanned->bytes);
    table_fixture_deinit(&scanned->fixture);
    free(scanned);
}

/* Data blocks found; each has to be one of the index, in order. */
static size_t scan_data(struct scanned *scanned)
{
    const struct table_source *source = &scanned->fixture.reader->source;
    struct block_scan scan;
    struct block_handle handle;
    enum block_kind kind;
    size_t found_count = 0;
    size_t index = 0;
    bool found;

    block_scan_init(&scan, source, TABLE_HEADER_SIZE, scanned->bytes.size);
    for (;;) {
        ck_assert_int_eq(block_scan_next(&scan, &handle, &kind, &found),
                         BYRON_OK);
        if (!found)
            break;
        if (kind != BLOCK_DATA)
            continue;
        while (index < scanned->count &&
               scanned->blocks[index].offset != handle.offset)
            index++;
        ck_assert_uint_lt(index, scanned->count);
        ck_assert_uint_eq(handle.disk_size, scanned->blocks[index].disk_size);
        found_count++;
    }
    ck_assert_uint_eq(scan.at, scan.end);
    block_scan_deinit(&scan);
    return found_count;
}

static struct scanned *new_scanned(int round)
{
    static const enum codec codecs[] = {CODEC_NONE, CODEC_LZ4, CODEC_ZSTD};
    struct scanned *scanned;

    if (!codec_is_built_in(codecs[round % 3]))
        return NULL;
    scanned = calloc(1, sizeof *scanned);
    init(scanned, codecs[round % 3],
         round < 3 ? MODEL_VALUES_SMALL : MODEL_VALUES_MIXED);
    return scanned;
}

START_TEST(every_block_is_found_without_the_index)
{
    struct scanned *scanned = new_scanned(_i);

    if (!scanned)
        return;
    ck_assert_uint_eq(scan_data(scanned), scanned->count);
    deinit(scanned);
}
END_TEST

START_TEST(a_damaged_block_hides_no_other)
{
    struct scanned *scanned = new_scanned(_i);

    if (!scanned)
        return;
    for (size_t i = 0; i < scanned->count; i += 7)
        for (uint64_t part = 0; part < 3; part++) {
            const struct block_handle *block = &scanned->blocks[i];
            uint64_t at = block->offset + part * (block->disk_size - 1) / 2;

            memfs_corrupt(scanned->fixture.fs, table_fixture_path(), at, 4);
            ck_assert_uint_eq(scan_data(scanned), scanned->count - 1);
            memfs_corrupt(scanned->fixture.fs, table_fixture_path(), at, 4);
        }
    deinit(scanned);
}
END_TEST

/* Numbers in the place of most blocks, each of which may be the trailer of a
 * packed block that begins anywhere before it. */
START_TEST(what_looks_like_trailers_hides_nothing_behind_it)
{
    static const uint8_t trailer[8] = {CODEC_LZ4, BLOCK_DATA, 0, 0, 0, 128};
    struct scanned *scanned = new_scanned(_i);
    size_t lost;
    uint64_t end;

    if (!scanned)
        return;
    lost = scanned->count * 3 / 4;
    end = scanned->blocks[lost].offset;
    ck_assert_uint_gt(end, 12 * 1024);
    for (uint64_t at = end - 8; at >= TABLE_HEADER_SIZE; at -= 8)
        memcpy(scanned->bytes.data + at, trailer, sizeof trailer);
    memfs_write_all(scanned->fixture.fs, table_fixture_path(),
                    buf_slice(&scanned->bytes));
    file_pool_forget(scanned->fixture.pool, TABLE_FIXTURE_NUMBER);
    ck_assert_uint_ge(scan_data(scanned) + 1, scanned->count - lost);
    deinit(scanned);
}
END_TEST

START_TEST(bytes_of_another_place_are_no_block)
{
    struct scanned *scanned = new_scanned(_i);
    struct buf moved = {0};

    if (!scanned)
        return;
    ck_assert_int_eq(buf_add_zeros(&moved, TABLE_HEADER_SIZE + 8), BYRON_OK);
    ck_assert_int_eq(buf_add(&moved, scanned->bytes.data + TABLE_HEADER_SIZE,
                             scanned->bytes.size - TABLE_HEADER_SIZE - 8),
                     BYRON_OK);
    memfs_write_all(scanned->fixture.fs, table_fixture_path(),
                    buf_slice(&moved));
    file_pool_forget(scanned->fixture.pool, TABLE_FIXTURE_NUMBER);
    ck_assert_uint_eq(scan_data(scanned), 0);
    buf_deinit(&moved);
    deinit(scanned);
}
END_TEST

Suite *test_block_scan_suite(void)
{
    Suite *suite = suite_create("block_scan");
    TCase *tcase = tcase_create("block_scan");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_block_is_found_without_the_index, 0, 6);
    tcase_add_loop_test(tcase, a_damaged_block_hides_no_other, 0, 6);
    tcase_add_loop_test(tcase, what_looks_like_trailers_hides_nothing_behind_it,
                        0, 6);
    tcase_add_loop_test(tcase, bytes_of_another_place_are_no_block, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
