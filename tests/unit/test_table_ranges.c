/*
 * Tables with range deletes and timed entries: what the writer notes of them
 * and the reader makes of them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "sstable/file_pool.h"
#include "support/memfs_inspect.h"
#include "support/table_fixture.h"

Suite *test_table_ranges_suite(void);

static struct table_fixture fixture;

static void set_up(void)
{
    table_fixture_init(&fixture, 1 << 20);
}

static void tear_down(void)
{
    table_fixture_deinit(&fixture);
}

static struct slice text(const char *bytes)
{
    return slice_of(bytes, strlen(bytes));
}

static byron_status add(struct table_writer *writer, const char *key,
                        uint64_t sequence, enum entry_kind kind)
{
    uint8_t value[12];
    struct entry entry = {text(key), slice_of(value, sizeof value), sequence,
                          kind};
    store_u64(value, 1000 + sequence);
    memcpy(value + 8, "rest", 4);
    if (kind == ENTRY_DELETE)
        entry.value.size = 0;
    return table_writer_add(writer, &entry);
}

static byron_status add_range(struct table_writer *writer, const char *lower,
                              const char *upper, uint64_t first,
                              uint64_t second)
{
    uint64_t sequences[] = {first, second};
    struct range_piece piece = {text(lower), text(upper), sequences,
                                second ? 2u : 1u};
    return table_writer_add_range(writer, &piece);
}

/* Keys d, f (two versions) and h; ranges [b, d), [d, f) and [g, z). What
 * tests/golden/table-2.bin holds. */
static byron_status write_table(struct table_facts *out)
{
    struct table_options options = {
        .block_size = 256, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_writer *writer = NULL;
    byron_status status = table_writer_new(
        fixture.os, fixture.dir, TABLE_FIXTURE_NUMBER, &options, &writer);
    if (status == BYRON_OK)
        status = add(writer, "d", 20, ENTRY_PUT);
    if (status == BYRON_OK)
        status = add(writer, "f", 25, ENTRY_TIMED);
    if (status == BYRON_OK)
        status = add(writer, "f", 24, ENTRY_DELETE);
    if (status == BYRON_OK)
        status = add(writer, "h", 30, ENTRY_TIMED);
    if (status == BYRON_OK)
        status = add_range(writer, "b", "d", 22, 12);
    if (status == BYRON_OK)
        status = add_range(writer, "d", "f", 21, 0);
    if (status == BYRON_OK)
        status = add_range(writer, "g", "z", 31, 10);
    if (status == BYRON_OK)
        status = table_writer_finish(writer, out);
    if (status != BYRON_OK)
        table_writer_abandon(writer);
    return status;
}

static void open_table(void)
{
    ck_assert_int_eq(write_table(&fixture.facts), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
}

/* The sequence of what is found; 0: nothing. */
static uint64_t get(const char *key, uint64_t sequence, enum entry_kind *kind)
{
    struct table_found found = {0};
    byron_status status = table_reader_get(
        fixture.reader, text(key), table_key_hash(text(key)), sequence, &found);
    if (status == BYRON_NOT_FOUND)
        return 0;
    ck_assert_int_eq(status, BYRON_OK);
    pin_release(&found.value);
    *kind = found.kind;
    return found.sequence;
}

static void check_gets(void)
{
    enum entry_kind kind;
    ck_assert_uint_eq(get("a", 99, &kind), 0);
    ck_assert_uint_eq(get("b", 99, &kind), 22);
    ck_assert_int_eq(kind, ENTRY_DELETE);
    ck_assert_uint_eq(get("czzz", 21, &kind), 12);
    ck_assert_uint_eq(get("c", 11, &kind), 0);
    ck_assert_uint_eq(get("d", 99, &kind), 21);
    ck_assert_int_eq(kind, ENTRY_DELETE);
    ck_assert_uint_eq(get("d", 20, &kind), 20);
    ck_assert_int_eq(kind, ENTRY_PUT);
    ck_assert_uint_eq(get("f", 99, &kind), 25);
    ck_assert_int_eq(kind, ENTRY_TIMED);
    ck_assert_uint_eq(get("f", 24, &kind), 24);
    ck_assert_int_eq(kind, ENTRY_DELETE);
    ck_assert_uint_eq(get("h", 99, &kind), 31);
    ck_assert_uint_eq(get("h", 30, &kind), 30);
    ck_assert_int_eq(kind, ENTRY_TIMED);
    ck_assert_uint_eq(get("y", 99, &kind), 31);
    ck_assert_uint_eq(get("z", 99, &kind), 0);
}

START_TEST(a_get_minds_the_ranges)
{
    open_table();
    check_gets();
    ck_assert_uint_eq(table_reader_ranges(fixture.reader)->count, 3);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
}
END_TEST

START_TEST(facts_tell_of_ranges_and_expiries)
{
    const struct table_facts *facts = &fixture.facts;
    open_table();
    ck_assert_uint_eq(facts->entries, 4);
    ck_assert_uint_eq(facts->tombstones, 1);
    ck_assert_uint_eq(facts->timed, 2);
    ck_assert_uint_eq(facts->earliest_ms, 1025);
    ck_assert_uint_eq(facts->latest_ms, 1030);
    ck_assert_uint_eq(facts->ranges, 3);
    ck_assert_uint_eq(facts->min_sequence, 10);
    ck_assert_uint_eq(facts->max_sequence, 31);
    ck_assert(slice_equal(buf_slice(&facts->smallest), text("b")));
    ck_assert(slice_equal(buf_slice(&facts->largest), text("z")));
    ck_assert(facts->is_open);
}
END_TEST

/* A range that ends at the last key does not open the table's end. */
START_TEST(a_last_key_beyond_all_ranges_is_in_the_table)
{
    struct table_options options = {
        .block_size = 256, .bloom_bits = 10, .codec = CODEC_NONE};
    struct table_writer *writer;
    enum entry_kind kind;
    ck_assert_int_eq(table_writer_new(fixture.os, fixture.dir,
                                      TABLE_FIXTURE_NUMBER, &options, &writer),
                     BYRON_OK);
    ck_assert_int_eq(add(writer, "m", 5, ENTRY_PUT), BYRON_OK);
    ck_assert_int_eq(add_range(writer, "c", "m", 7, 0), BYRON_OK);
    ck_assert_int_eq(table_writer_finish(writer, &fixture.facts), BYRON_OK);
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
    ck_assert(!fixture.facts.is_open);
    ck_assert_uint_eq(get("m", 9, &kind), 5);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
}
END_TEST

/* Made by the first writer that knew range deletes and timed entries. */
START_TEST(a_table_of_the_second_format_is_read)
{
    struct buf bytes = {0};
    FILE *file = fopen("tests/golden/table-2.bin", "rb");
    ck_assert_msg(file != NULL, "run the tests in the root of the tree");
    ck_assert_int_eq(buf_reserve(&bytes, 1 << 16), BYRON_OK);
    bytes.size = fread(bytes.data, 1, 1 << 16, file);
    fclose(file);
    ck_assert_int_eq(write_table(&fixture.facts), BYRON_OK);
    ck_assert_uint_eq(fixture.facts.size, bytes.size);
    memcpy(&fixture.facts.uid, bytes.data + 16, 8);
    fixture.facts.file_hash = hash_bytes(buf_slice(&bytes), fixture.facts.uid);
    memfs_write_all(fixture.fs, table_fixture_path(), buf_slice(&bytes));
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_OK);
    ck_assert_int_eq(table_reader_verify(fixture.reader, NULL), BYRON_OK);
    check_gets();
    buf_deinit(&bytes);
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_corrupt_never_wrong)
{
    struct buf bytes = {0};
    size_t refused = 0;
    ck_assert_int_eq(write_table(&fixture.facts), BYRON_OK);
    ck_assert(memfs_read_all(fixture.fs, table_fixture_path(), &bytes));
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        struct table_reader *reader = NULL;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memfs_write_all(fixture.fs, table_fixture_path(), buf_slice(&bytes));
        file_pool_forget(fixture.pool, TABLE_FIXTURE_NUMBER);
        byron_status status =
            table_reader_open(fixture.pool, fixture.cache, TABLE_FIXTURE_NUMBER,
                              &fixture.facts, &reader);
        if (status == BYRON_OK)
            status = table_reader_verify(reader, NULL);
        table_reader_unref(reader);
        refused += status == BYRON_CORRUPT;
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_uint_eq(refused, bytes.size * 8);
    buf_deinit(&bytes);
}
END_TEST

START_TEST(facts_that_differ_are_corrupt)
{
    struct table_facts *facts = &fixture.facts;
    ck_assert_int_eq(write_table(facts), BYRON_OK);
    switch (_i) {
    case 0:
        facts->ranges--;
        break;
    case 1:
        facts->is_open = false;
        break;
    case 2:
        facts->ranges = 0;
        break;
    case 3:
        facts->timed++;
        break;
    default:
        facts->latest_ms++;
    }
    ck_assert_int_eq(table_fixture_open(&fixture), BYRON_CORRUPT);
}
END_TEST

START_TEST(every_failed_allocation_is_reported_and_cleaned_up)
{
    byron_status status = BYRON_NO_MEMORY;
    size_t live = alloc_live();
    size_t nth;
    for (nth = 1; status == BYRON_NO_MEMORY; nth++) {
        struct table_facts facts = {0};
        alloc_fail_after(nth);
        status = write_table(&facts);
        alloc_fail_after(0);
        table_facts_deinit(&facts);
        ck_assert_uint_eq(alloc_live(), live);
        ck_assert(status == BYRON_OK || memfs_used(fixture.fs) == 0);
    }
    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 15);
}
END_TEST

static void add_tests(TCase *cases)
{
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_get_minds_the_ranges);
    tcase_add_test(cases, facts_tell_of_ranges_and_expiries);
    tcase_add_test(cases, a_last_key_beyond_all_ranges_is_in_the_table);
    tcase_add_test(cases, a_table_of_the_second_format_is_read);
    tcase_add_test(cases, a_flipped_bit_anywhere_is_corrupt_never_wrong);
    tcase_add_loop_test(cases, facts_that_differ_are_corrupt, 0, 5);
    tcase_add_test(cases, every_failed_allocation_is_reported_and_cleaned_up);
}

Suite *test_table_ranges_suite(void)
{
    Suite *suite = suite_create("table_ranges");
    TCase *cases = tcase_create("table_ranges");
    add_tests(cases);
    suite_add_tcase(suite, cases);
    table_fixture_add_mapped(suite, add_tests);
    return suite;
}
