#include <check.h>

#include "sstable/read_ahead.h"
#include "sstable/table_parts.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_read_ahead_suite(void);

/* A table of about two megabytes, and its bytes. */
static void make_table(struct table_fixture *fixture, struct buf *file)
{
    struct table_model model = {0};
    struct table_options options = {
        .block_size = 4096, .bloom_bits = 10, .codec = CODEC_NONE};
    struct rng rng;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 18000, MODEL_KEYS_RANDOM, MODEL_VALUES_FIXED,
                     1);
    table_fixture_init(fixture, 1 << 20);
    ck_assert_int_eq(table_fixture_write(fixture, &model, &options), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(fixture), BYRON_OK);
    table_model_deinit(&model);
    ck_assert(memfs_read_all(fixture->fs, table_fixture_path(), file));
}

static void check_get(struct read_ahead *ahead, const struct buf *file,
                      uint64_t offset, size_t size)
{
    struct slice bytes;

    ck_assert_int_eq(read_ahead_get(ahead, offset, size, &bytes), BYRON_OK);
    ck_assert(slice_equal(bytes, slice_of(file->data + offset, size)));
}

static void check_back(struct read_ahead *ahead, const struct buf *file,
                       uint64_t offset, size_t size)
{
    struct slice bytes;

    ck_assert_int_eq(read_ahead_get_back(ahead, offset, size, &bytes),
                     BYRON_OK);
    ck_assert(slice_equal(bytes, slice_of(file->data + offset, size)));
}

START_TEST(a_forward_walk_takes_few_reads)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;

    make_table(&fixture, &file);
    uint64_t end = fixture.reader->data_end;
    read_ahead_init(&ahead, &fixture.reader->source, end, READ_AHEAD_JOB,
                    READ_AHEAD_JOB);
    uint64_t reads = memfs_calls(fixture.fs, MEMFS_READ);
    for (uint64_t at = 64; at + 1000 <= end; at += 1000)
        check_get(&ahead, &file, at, 1000);

    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      end / (255 << 10) + 1);
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(windows_grow_up_to_their_bound)
{
    static const size_t sizes[] = {4096, 8192, 16384, 16384};
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    sizes[0], sizes[2]);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_get(&ahead, &file, 20000 * (i + 1), 1000);
        ck_assert_uint_eq(ahead.window.size, sizes[i]);
    }
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_backward_walk_reads_no_more_than_asked)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    READ_AHEAD_JOB, READ_AHEAD_JOB);
    check_get(&ahead, &file, 500000, 1000);
    check_get(&ahead, &file, 499000, 1000);
    ck_assert_uint_eq(ahead.window.size, 1000);
    check_get(&ahead, &file, 498000, 1000);
    ck_assert_uint_eq(ahead.window.size, 1000);
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(windows_that_go_back_end_with_what_is_asked)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;
    uint64_t reads;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    4096, 65536);
    reads = memfs_calls(fixture.fs, MEMFS_READ);
    for (uint64_t at = 1000000; at >= 1000; at -= 1000)
        check_back(&ahead, &file, at, 1000);
    /* Each window loses a part of a block at its beginning. */
    ck_assert_uint_le(memfs_calls(fixture.fs, MEMFS_READ) - reads,
                      1000000 / 64000 + 8);
    ck_assert_uint_eq(ahead.size, 65536);
    /* Near the beginning of the file it is shorter, */
    read_ahead_deinit(&ahead);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    65536, 65536);
    check_back(&ahead, &file, 500, 1500);
    ck_assert_uint_eq(ahead.window.size, 2000);
    /* and a piece beyond it comes whole. */
    check_back(&ahead, &file, 300000, 100000);
    ck_assert_uint_eq(ahead.window.size, 100000);
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(the_window_ends_where_the_data_do)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;
    struct slice bytes;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, 10000, READ_AHEAD_JOB,
                    READ_AHEAD_JOB);
    check_get(&ahead, &file, 9000, 500);
    ck_assert_uint_eq(ahead.window.size, 1000);
    ck_assert(read_ahead_has(&ahead, 9500, 500, &bytes));
    ck_assert(!read_ahead_has(&ahead, 9500, 501, &bytes));
    ck_assert(!read_ahead_has(&ahead, 8999, 2, &bytes));
    ck_assert(!read_ahead_has(&ahead, UINT64_MAX, 1, &bytes));
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_piece_beyond_the_window_size_comes_whole)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    READ_AHEAD_JOB, READ_AHEAD_JOB);
    check_get(&ahead, &file, 1000, 900000);
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

START_TEST(a_failed_read_leaves_an_empty_window)
{
    struct table_fixture fixture;
    struct buf file = {0};
    struct read_ahead ahead;
    struct slice bytes;

    make_table(&fixture, &file);
    read_ahead_init(&ahead, &fixture.reader->source, fixture.reader->data_end,
                    READ_AHEAD_JOB, READ_AHEAD_JOB);
    check_get(&ahead, &file, 1000, 10);
    memfs_fail_nth(fixture.fs, MEMFS_READ, 1, BYRON_IO, false);
    ck_assert_int_eq(read_ahead_get(&ahead, 900000, 10, &bytes), BYRON_IO);
    ck_assert(!read_ahead_has(&ahead, 1000, 10, &bytes));
    check_get(&ahead, &file, 900000, 10);
    read_ahead_deinit(&ahead);
    buf_deinit(&file);
    table_fixture_deinit(&fixture);
}
END_TEST

Suite *test_read_ahead_suite(void)
{
    Suite *suite = suite_create("read_ahead");
    TCase *cases = tcase_create("read_ahead");

    tcase_add_test(cases, a_forward_walk_takes_few_reads);
    tcase_add_test(cases, windows_grow_up_to_their_bound);
    tcase_add_test(cases, a_backward_walk_reads_no_more_than_asked);
    tcase_add_test(cases, windows_that_go_back_end_with_what_is_asked);
    tcase_add_test(cases, the_window_ends_where_the_data_do);
    tcase_add_test(cases, a_piece_beyond_the_window_size_comes_whole);
    tcase_add_test(cases, a_failed_read_leaves_an_empty_window);
    suite_add_tcase(suite, cases);
    return suite;
}
