#include <check.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "support/seed.h"
#include "version/version_edit.h"

Suite *test_version_edit_suite(void);

static struct table_facts facts_of(const char *smallest, const char *largest)
{
    struct table_facts facts = {.uid = 0x0102030405060708,
                                .size = 1000,
                                .entries = 20,
                                .tombstones = 3,
                                .raw_bytes = 5000,
                                .min_sequence = 7,
                                .max_sequence = 300,
                                .file_hash = UINT64_MAX};
    ck_assert_int_eq(buf_add(&facts.smallest, smallest, strlen(smallest)),
                     BYRON_OK);
    ck_assert_int_eq(buf_add(&facts.largest, largest, strlen(largest)),
                     BYRON_OK);
    return facts;
}

/* An edit with two of everything. */
static struct version_edit sample(void)
{
    struct version_edit edit = {.forget_drops = 1,
                                .wal_floor = 1u << 20,
                                .last_sequence = UINT64_MAX,
                                .next_number = 12,
                                .has_tip = true,
                                .tip = 0,
                                .alias = 14};
    struct table_facts first = facts_of("", "b");
    struct table_facts second = facts_of("b", "b");

    second.timed = 2;
    second.earliest_ms = 1700000000000;
    second.latest_ms = UINT64_MAX;
    first.ranges = 4;
    first.hidden = 99;
    first.is_open = true;
    second.superseded = 1;

    ck_assert_int_eq(version_edit_add(&edit, 0, 9, 10, 1700000000, &first),
                     BYRON_OK);
    ck_assert_int_eq(version_edit_add(&edit, 6, 0, 11, 0, &second), BYRON_OK);
    ck_assert_ptr_null(first.smallest.data);
    ck_assert_int_eq(version_edit_remove(&edit, 3), BYRON_OK);
    ck_assert_int_eq(version_edit_remove(&edit, 11), BYRON_OK);
    ck_assert_int_eq(
        version_edit_drop(&edit, 5, slice_of("k", 1), slice_of("l", 1)),
        BYRON_OK);
    ck_assert_int_eq(
        version_edit_drop(&edit, 6, slice_of(NULL, 0), slice_of(NULL, 0)),
        BYRON_OK);
    return edit;
}

static void check_add(const struct edit_add *a, const struct edit_add *b)
{
    ck_assert_uint_eq(a->level, b->level);
    ck_assert_uint_eq(a->run, b->run);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->created_s, b->created_s);
    ck_assert_uint_eq(a->facts.uid, b->facts.uid);
    ck_assert_uint_eq(a->facts.size, b->facts.size);
    ck_assert_uint_eq(a->facts.entries, b->facts.entries);
    ck_assert_uint_eq(a->facts.tombstones, b->facts.tombstones);
    ck_assert_uint_eq(a->facts.timed, b->facts.timed);
    ck_assert_uint_eq(a->facts.earliest_ms, b->facts.earliest_ms);
    ck_assert_uint_eq(a->facts.latest_ms, b->facts.latest_ms);
    ck_assert_uint_eq(a->facts.ranges, b->facts.ranges);
    ck_assert_uint_eq(a->facts.hidden, b->facts.hidden);
    ck_assert_uint_eq(a->facts.superseded, b->facts.superseded);
    ck_assert_int_eq(a->facts.is_open, b->facts.is_open);
    ck_assert_uint_eq(a->facts.raw_bytes, b->facts.raw_bytes);
    ck_assert_uint_eq(a->facts.min_sequence, b->facts.min_sequence);
    ck_assert_uint_eq(a->facts.max_sequence, b->facts.max_sequence);
    ck_assert_uint_eq(a->facts.file_hash, b->facts.file_hash);
    ck_assert(slice_equal(buf_slice(&a->facts.smallest),
                          buf_slice(&b->facts.smallest)));
    ck_assert(slice_equal(buf_slice(&a->facts.largest),
                          buf_slice(&b->facts.largest)));
}

static void check_equal(const struct version_edit *a,
                        const struct version_edit *b)
{
    ck_assert_uint_eq(a->add_count, b->add_count);
    for (size_t i = 0; i < a->add_count; i++)
        check_add(&a->adds[i], &b->adds[i]);
    ck_assert_uint_eq(a->remove_count, b->remove_count);
    for (size_t i = 0; i < a->remove_count; i++)
        ck_assert_uint_eq(a->removes[i], b->removes[i]);
    ck_assert_uint_eq(a->drop_count, b->drop_count);
    for (size_t i = 0; i < a->drop_count; i++) {
        ck_assert_uint_eq(a->drops[i].wal, b->drops[i].wal);
        ck_assert(slice_equal(buf_slice(&a->drops[i].lower),
                              buf_slice(&b->drops[i].lower)));
        ck_assert(slice_equal(buf_slice(&a->drops[i].upper),
                              buf_slice(&b->drops[i].upper)));
    }
    ck_assert_uint_eq(a->forget_drops, b->forget_drops);
    ck_assert_uint_eq(a->wal_floor, b->wal_floor);
    ck_assert_uint_eq(a->last_sequence, b->last_sequence);
    ck_assert_uint_eq(a->next_number, b->next_number);
    ck_assert_int_eq(a->has_tip, b->has_tip);
    ck_assert_uint_eq(a->tip, b->tip);
    ck_assert_uint_eq(a->alias, b->alias);
}

static byron_status decode(struct slice bytes, struct version_edit *edit)
{
    return version_edit_decode(bytes, "dir/M", 77, edit);
}

static struct buf encoded(const struct version_edit *edit)
{
    struct buf bytes = {0};
    ck_assert_int_eq(version_edit_encode(edit, &bytes), BYRON_OK);
    return bytes;
}

START_TEST(edit_comes_back)
{
    struct version_edit edit = sample();
    struct version_edit back = {0};
    struct buf bytes = encoded(&edit);

    ck_assert_int_eq(decode(buf_slice(&bytes), &back), BYRON_OK);
    check_equal(&edit, &back);
    version_edit_deinit(&edit);
    version_edit_deinit(&back);
    buf_deinit(&bytes);
}
END_TEST

START_TEST(edit_of_nothing_has_bytes)
{
    struct version_edit edit = {0};
    struct version_edit back = {0};
    struct buf bytes = encoded(&edit);

    ck_assert_uint_gt(bytes.size, 0);
    ck_assert_int_eq(decode(buf_slice(&bytes), &back), BYRON_OK);
    check_equal(&edit, &back);
    buf_deinit(&bytes);
}
END_TEST

START_TEST(edit_lies_as_documented)
{
    /* Two fields: number 5 is removed; number 9 is the next. */
    static const uint8_t wanted[] = {2, 2, 1, 5, 7, 1, 9};
    struct version_edit edit = {.next_number = 9};
    struct buf bytes;

    ck_assert_int_eq(version_edit_remove(&edit, 5), BYRON_OK);
    bytes = encoded(&edit);
    ck_assert(slice_equal(buf_slice(&bytes), slice_of(wanted, sizeof wanted)));
    version_edit_deinit(&edit);
    buf_deinit(&bytes);
}
END_TEST

START_TEST(each_truncation_is_corrupt)
{
    struct version_edit edit = sample();
    struct buf bytes = encoded(&edit);

    for (size_t size = 0; size < bytes.size; size++) {
        struct version_edit back = {0};
        ck_assert_int_eq(decode(slice_of(bytes.data, size), &back),
                         BYRON_CORRUPT);
        ck_assert_str_eq(error_last()->path, "dir/M");
        ck_assert_uint_eq(error_last()->offset, 77);
        version_edit_deinit(&back);
    }
    version_edit_deinit(&edit);
    buf_deinit(&bytes);
}
END_TEST

/* Bytes that no checksum guards: anything may come out, but no crash, and what
 * comes out can be written again. */
START_TEST(any_damage_is_survived)
{
    struct version_edit edit = sample();
    struct buf bytes = encoded(&edit);
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 20000; i++) {
        struct version_edit back = {0};
        size_t at = (size_t)rng_below(&rng, bytes.size);
        uint8_t old = bytes.data[at];
        bytes.data[at] = (uint8_t)rng_next(&rng);
        if (decode(buf_slice(&bytes), &back) == BYRON_OK) {
            struct version_edit again = {0};
            struct buf copy = encoded(&back);
            ck_assert_int_eq(decode(buf_slice(&copy), &again), BYRON_OK);
            check_equal(&back, &again);
            version_edit_deinit(&again);
            buf_deinit(&copy);
        }
        version_edit_deinit(&back);
        if (rng_one_in(&rng, 4))
            bytes.data[at] = old;
    }
    version_edit_deinit(&edit);
    buf_deinit(&bytes);
}
END_TEST

START_TEST(unknown_fields_are_skipped_only_where_they_may)
{
    static const uint8_t ignorable[] = {1, 0x80 | 50, 2, 1, 2};
    static const uint8_t needed[] = {1, 50, 2, 1, 2};
    struct version_edit back = {0};

    ck_assert_int_eq(decode(slice_of(ignorable, sizeof ignorable), &back),
                     BYRON_OK);
    ck_assert_int_eq(decode(slice_of(needed, sizeof needed), &back),
                     BYRON_NEWER_FORMAT);
    version_edit_deinit(&back);
}
END_TEST

START_TEST(repeated_and_zero_numbers_are_corrupt)
{
    static const uint8_t twice[] = {2, 7, 1, 9, 7, 1, 9};
    static const uint8_t zero[] = {1, 7, 1, 0};
    static const uint8_t removes_zero[] = {1, 2, 1, 0};
    static const uint8_t tips[] = {2, 8, 2, 1, 1, 8, 2, 1, 1};
    struct version_edit back = {0};

    ck_assert_int_eq(decode(slice_of(twice, sizeof twice), &back),
                     BYRON_CORRUPT);
    version_edit_deinit(&back);
    ck_assert_int_eq(decode(slice_of(zero, sizeof zero), &back), BYRON_CORRUPT);
    ck_assert_int_eq(decode(slice_of(removes_zero, sizeof removes_zero), &back),
                     BYRON_CORRUPT);
    ck_assert_int_eq(decode(slice_of(tips, sizeof tips), &back), BYRON_CORRUPT);
    version_edit_deinit(&back);
}
END_TEST

static byron_status decode_one_add(uint32_t level, uint64_t number,
                                   struct table_facts *facts)
{
    struct version_edit edit = {0};
    struct version_edit back = {0};
    struct buf bytes;
    byron_status status;

    ck_assert_int_eq(version_edit_add(&edit, level, 0, number, 0, facts),
                     BYRON_OK);
    bytes = encoded(&edit);
    status = decode(buf_slice(&bytes), &back);
    version_edit_deinit(&edit);
    version_edit_deinit(&back);
    buf_deinit(&bytes);
    return status;
}

START_TEST(impossible_tables_are_corrupt)
{
    struct table_facts facts = facts_of("a", "b");
    ck_assert_int_eq(decode_one_add(6, 1, &facts), BYRON_OK);
    facts = facts_of("a", "b");
    ck_assert_int_eq(decode_one_add(BYRON_LEVELS, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    ck_assert_int_eq(decode_one_add(0, 0, &facts), BYRON_CORRUPT);
    facts = facts_of("b", "a");
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.entries = 0;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.tombstones = facts.entries + 1;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.min_sequence = facts.max_sequence + 1;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.timed = facts.entries - facts.tombstones + 1;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.timed = 1;
    facts.earliest_ms = 1;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "a");
    facts.ranges = 1;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_OK);
    facts = facts_of("a", "a");
    facts.ranges = 1;
    facts.is_open = true;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
    facts = facts_of("a", "b");
    facts.timed = 1;
    facts.is_open = true;
    ck_assert_int_eq(decode_one_add(0, 1, &facts), BYRON_CORRUPT);
}
END_TEST

/* Field 0x81 speaks of the table that was added before it. */
START_TEST(superseded_entries_are_some_of_a_tables)
{
    static const uint8_t alone[] = {1, 0x81, 1, 1};
    struct version_edit back = {0};
    struct table_facts facts = facts_of("a", "b");
    facts.superseded = facts.entries - 1;
    ck_assert_int_eq(decode_one_add(6, 1, &facts), BYRON_OK);
    facts = facts_of("a", "b");
    facts.superseded = facts.entries;
    ck_assert_int_eq(decode_one_add(6, 1, &facts), BYRON_CORRUPT);
    ck_assert_int_eq(decode(slice_of(alone, sizeof alone), &back),
                     BYRON_CORRUPT);
    version_edit_deinit(&back);
}
END_TEST

START_TEST(empty_drop_is_corrupt)
{
    static const uint8_t same[] = {1, 3, 5, 1, 1, 'k', 1, 'k'};
    static const uint8_t open[] = {1, 3, 4, 1, 1, 'k', 0};
    struct version_edit back = {0};

    ck_assert_int_eq(decode(slice_of(same, sizeof same), &back), BYRON_CORRUPT);
    ck_assert_int_eq(decode(slice_of(open, sizeof open), &back), BYRON_OK);
    version_edit_deinit(&back);
}
END_TEST

/* Makes, encodes and decodes an edit; whether all of it worked. */
static bool whole_life(void)
{
    struct version_edit edit = {0};
    struct version_edit back = {0};
    struct buf bytes = {0};
    bool is_done = false;

    for (uint64_t i = 1; i <= 5; i++) {
        struct table_facts facts = {.entries = 1};
        if (buf_add(&facts.smallest, "a", 1) != BYRON_OK ||
            buf_add(&facts.largest, "b", 1) != BYRON_OK) {
            table_facts_deinit(&facts);
            goto out;
        }
        if (version_edit_add(&edit, 0, i, i, 0, &facts) != BYRON_OK ||
            version_edit_remove(&edit, i + 9) != BYRON_OK ||
            version_edit_drop(&edit, 1, slice_of("a", 1), slice_of("b", 1)) !=
                BYRON_OK)
            goto out;
    }
    is_done = version_edit_encode(&edit, &bytes) == BYRON_OK &&
              decode(buf_slice(&bytes), &back) == BYRON_OK;
out:
    version_edit_deinit(&edit);
    version_edit_deinit(&back);
    buf_deinit(&bytes);
    return is_done;
}

START_TEST(survives_any_failed_allocation)
{
    size_t live = alloc_live();
    bool is_done = false;
    size_t nth;

    for (nth = 1; !is_done; nth++) {
        alloc_fail_after(nth);
        is_done = whole_life();
        alloc_fail_after(0);
        if (!is_done)
            ck_assert_int_eq(error_last()->code, BYRON_NO_MEMORY);
        ck_assert_uint_eq(alloc_live(), live);
    }
    ck_assert_uint_gt(nth, 30);
}
END_TEST

Suite *test_version_edit_suite(void)
{
    Suite *suite = suite_create("version_edit");
    TCase *cases = tcase_create("version_edit");

    tcase_add_test(cases, edit_comes_back);
    tcase_add_test(cases, edit_of_nothing_has_bytes);
    tcase_add_test(cases, edit_lies_as_documented);
    tcase_add_test(cases, each_truncation_is_corrupt);
    tcase_add_test(cases, any_damage_is_survived);
    tcase_add_test(cases, unknown_fields_are_skipped_only_where_they_may);
    tcase_add_test(cases, repeated_and_zero_numbers_are_corrupt);
    tcase_add_test(cases, impossible_tables_are_corrupt);
    tcase_add_test(cases, superseded_entries_are_some_of_a_tables);
    tcase_add_test(cases, empty_drop_is_corrupt);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
