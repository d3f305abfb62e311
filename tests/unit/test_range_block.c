#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "sstable/range_block.h"
#include "support/entry_list.h"

Suite *test_range_block_suite(void);

static struct range_deletes deletes;
static struct range_list list, back;
static struct buf body;

static void set_up(void)
{
    struct range_delete some[] = {
        {slice_of("", 0), slice_of("b", 1), 300},
        {slice_of("a", 1), slice_of("b", 1), 7},
        {slice_of("c", 1), slice_of("dddd", 4), UINT64_MAX},
        {slice_of("dddd", 4), slice_of("e", 1), 1},
    };
    for (size_t i = 0; i < 4; i++)
        must(range_deletes_add(&deletes, &some[i]) == BYRON_OK);
    must(range_list_build(&list, &deletes) == BYRON_OK);
    must(range_block_encode(&list, &body) == BYRON_OK);
}

static void tear_down(void)
{
    range_list_deinit(&back);
    range_list_deinit(&list);
    range_deletes_deinit(&deletes);
    buf_deinit(&body);
}

static const char *decode(const void *bytes, size_t size)
{
    const char *flaw = NULL;
    range_list_deinit(&back);
    must(range_block_decode(slice_of(bytes, size), &back, &flaw) == BYRON_OK);
    if (flaw)
        must(back.count == 0);
    return flaw;
}

START_TEST(pieces_come_back)
{
    ck_assert_ptr_null(decode(body.data, body.size));
    ck_assert_uint_eq(back.count, list.count);
    for (size_t i = 0; i < list.count; i++) {
        must(slice_equal(back.pieces[i].lower, list.pieces[i].lower));
        must(slice_equal(back.pieces[i].upper, list.pieces[i].upper));
        must(back.pieces[i].count == list.pieces[i].count);
        for (size_t j = 0; j < list.pieces[i].count; j++)
            must(back.pieces[i].sequences[j] == list.pieces[i].sequences[j]);
    }
}
END_TEST

START_TEST(bytes_are_as_documented)
{
    struct range_list one = {0};
    uint64_t sequences[] = {9, 7};
    struct range_piece piece = {slice_of("a", 1), slice_of("bc", 2), sequences,
                                2};
    must(range_list_add(&one, &piece) == BYRON_OK);
    range_list_seal(&one);
    buf_clear(&body);
    must(range_block_encode(&one, &body) == BYRON_OK);
    ck_assert_uint_eq(body.size, 9);
    ck_assert_mem_eq(body.data,
                     "\x01\x01"
                     "a\x02"
                     "bc\x02\x09\x07",
                     9);
    range_list_deinit(&one);
}
END_TEST

START_TEST(a_cut_body_is_refused)
{
    for (size_t size = 0; size < body.size; size++)
        ck_assert_ptr_nonnull(decode(body.data, size));
}
END_TEST

START_TEST(nonsense_is_refused)
{
    ck_assert_ptr_nonnull(decode("\x00", 1)); /* No piece. */
    ck_assert_ptr_nonnull(decode("\x01\x01"
                                 "b\x01"
                                 "a\x01\x01",
                                 7)); /* Upside down. */
    ck_assert_ptr_nonnull(decode("\x01\x01"
                                 "a\x01"
                                 "b\x00",
                                 6)); /* No sequence. */
    ck_assert_ptr_nonnull(decode("\x01\x01"
                                 "a\x01"
                                 "b\x01\x00",
                                 7)); /* Sequence 0. */
    ck_assert_ptr_nonnull(decode("\x01\x01"
                                 "a\x01"
                                 "b\x02\x01\x02",
                                 8)); /* Ascending. */
    ck_assert_ptr_nonnull(decode("\x02\x01"
                                 "a\x01"
                                 "c\x01\x01\x01"
                                 "b\x01"
                                 "d\x01\x01",
                                 13)); /* Overlapping. */
}
END_TEST

START_TEST(any_damage_is_survived)
{
    struct rng rng;
    rng_init(&rng, test_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t *copy = malloc(body.size);
        memcpy(copy, body.data, body.size);
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--)
            copy[rng_below(&rng, body.size)] = (uint8_t)rng_next(&rng);
        if (!decode(copy, body.size))
            for (size_t j = 0; j < back.count; j++)
                must(slice_compare(back.pieces[j].lower, back.pieces[j].upper) <
                     0);
        range_list_deinit(&back);
        free(copy);
    }
}
END_TEST

START_TEST(failed_allocation_leaks_nothing)
{
    const char *flaw = NULL;
    byron_status status = BYRON_NO_MEMORY;
    for (size_t nth = 1; status == BYRON_NO_MEMORY; nth++) {
        size_t live = alloc_live();
        alloc_fail_after(nth);
        status = range_block_decode(buf_slice(&body), &back, &flaw);
        alloc_fail_after(0);
        ck_assert(status == BYRON_OK || alloc_live() == live);
    }
    ck_assert_int_eq(status, BYRON_OK);
}
END_TEST

Suite *test_range_block_suite(void)
{
    Suite *suite = suite_create("range_block");
    TCase *cases = tcase_create("range_block");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, pieces_come_back);
    tcase_add_test(cases, bytes_are_as_documented);
    tcase_add_test(cases, a_cut_body_is_refused);
    tcase_add_test(cases, nonsense_is_refused);
    tcase_add_test(cases, any_damage_is_survived);
    tcase_add_test(cases, failed_allocation_leaks_nothing);
    suite_add_tcase(suite, cases);
    return suite;
}
