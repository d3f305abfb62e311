#include <check.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "support/seed.h"

Suite *test_arena_suite(void);

#define CHUNK ((size_t)16384)

static struct arena *arena;
static size_t live_before;

static void set_up(void)
{
    live_before = alloc_live();
    ck_assert_int_eq(arena_new(CHUNK, &arena), BYRON_OK);
}

static void tear_down(void)
{
    alloc_fail_after(0);
    arena_free(arena);
    ck_assert_uint_eq(alloc_live(), live_before);
}

START_TEST(pieces_are_aligned_and_apart)
{
    enum { COUNT = 2000 };
    static uint8_t *pieces[COUNT];
    static size_t sizes[COUNT];
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < COUNT; i++) {
        sizes[i] = (size_t)rng_below(&rng, rng_one_in(&rng, 50) ? 40000 : 200);
        pieces[i] = arena_take(arena, sizes[i]);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 8, 0);
        memset(pieces[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        size_t wrong = 0;
        for (size_t at = 0; at < sizes[i]; at++)
            wrong += pieces[i][at] != (i & 0xff);
        ck_assert_uint_eq(wrong, 0);
    }
}
END_TEST

START_TEST(no_chunk_is_taken_before_the_first_piece)
{
    ck_assert_uint_eq(arena_footprint(arena), 0);
    ck_assert_ptr_nonnull(arena_take(arena, 1));
    ck_assert_uint_eq(arena_footprint(arena), CHUNK);
}
END_TEST

START_TEST(empty_pieces_have_places_of_their_own)
{
    void *first = arena_take(arena, 0);
    void *second = arena_take(arena, 0);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_ne(first, second);
}
END_TEST

START_TEST(big_piece_leaves_the_open_chunk_open)
{
    uint8_t *before = arena_take(arena, 8);
    uint8_t *big = arena_take(arena, 10 * CHUNK);
    uint8_t *after = arena_take(arena, 8);

    ck_assert_ptr_nonnull(big);
    ck_assert_ptr_eq(after, before + 8);
}
END_TEST

/* Random pieces that add up to what was reserved, whatever came before. */
static void spend(struct rng *rng, size_t size, size_t count)
{
    size_t left = size;

    for (size_t i = 0; i < count; i++) {
        size_t piece = i + 1 == count ? left : (size_t)rng_below(rng, left + 1);
        ck_assert_ptr_nonnull(arena_take(arena, piece));
        left -= piece;
    }
}

START_TEST(reserved_takes_cannot_fail)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 500; round++) {
        size_t size = (size_t)rng_below(&rng, 3 * CHUNK);
        size_t count = (size_t)rng_below(&rng, 40) + 1;
        ck_assert_int_eq(arena_reserve(arena, size, count), BYRON_OK);
        alloc_fail_after(1);
        spend(&rng, size, count);
        alloc_fail_after(0);
        if (rng_one_in(&rng, 2))
            arena_take(arena, (size_t)rng_below(&rng, CHUNK));
    }
}
END_TEST

START_TEST(unused_reserve_serves_the_next)
{
    size_t footprint;

    ck_assert_int_eq(arena_reserve(arena, 4 * CHUNK, 10), BYRON_OK);
    footprint = arena_footprint(arena);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(arena_reserve(arena, 4 * CHUNK - 800, 10), BYRON_OK);
    ck_assert_uint_eq(arena_footprint(arena), footprint);
    ck_assert_ptr_nonnull(arena_take(arena, 4 * CHUNK));
    ck_assert_uint_eq(arena_footprint(arena), footprint);
}
END_TEST

START_TEST(a_reserve_wastes_no_open_chunk)
{
    uint8_t *first = arena_take(arena, 8);

    ck_assert_int_eq(arena_reserve(arena, CHUNK, 4), BYRON_OK);
    ck_assert_ptr_eq(arena_take(arena, 8), first + 8);
}
END_TEST

START_TEST(a_large_one_grows_by_what_huge_pages_take)
{
    size_t before;

    while (arena_footprint(arena) < ALLOC_HUGE_SIZE / 2) {
        before = arena_footprint(arena);
        ck_assert_ptr_nonnull(arena_take(arena, 4000));
        ck_assert_uint_lt(arena_footprint(arena), before + ALLOC_HUGE_SIZE);
    }
    before = arena_footprint(arena);
    while (arena_footprint(arena) == before)
        memset(arena_take(arena, 4000), 1, 4000);
    ck_assert_uint_eq(arena_footprint(arena), before + ALLOC_HUGE_SIZE);
    ck_assert_int_eq(arena_reserve(arena, 3 * ALLOC_HUGE_SIZE, 1), BYRON_OK);
    ck_assert_uint_eq(arena_footprint(arena), before + 5 * ALLOC_HUGE_SIZE);
}
END_TEST

START_TEST(without_memory_it_stays_usable)
{
    alloc_fail_after(1);
    ck_assert_ptr_null(arena_take(arena, 8));
    alloc_fail_after(1);
    ck_assert_int_eq(arena_reserve(arena, 8, 1), BYRON_NO_MEMORY);
    ck_assert_uint_eq(arena_footprint(arena), 0);
    ck_assert_ptr_nonnull(arena_take(arena, 8));
    alloc_fail_after(1);
    ck_assert_int_eq(arena_new(CHUNK, &(struct arena *){NULL}),
                     BYRON_NO_MEMORY);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    ck_assert_ptr_null(arena_take(arena, SIZE_MAX));
    ck_assert_ptr_null(arena_take(arena, SIZE_MAX / 2));
    ck_assert_int_eq(arena_reserve(arena, SIZE_MAX, 1), BYRON_NO_MEMORY);
    ck_assert_int_eq(arena_reserve(arena, 1, SIZE_MAX), BYRON_NO_MEMORY);
}
END_TEST

Suite *test_arena_suite(void)
{
    Suite *suite = suite_create("arena");
    TCase *cases = tcase_create("arena");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, pieces_are_aligned_and_apart);
    tcase_add_test(cases, no_chunk_is_taken_before_the_first_piece);
    tcase_add_test(cases, empty_pieces_have_places_of_their_own);
    tcase_add_test(cases, big_piece_leaves_the_open_chunk_open);
    tcase_add_test(cases, reserved_takes_cannot_fail);
    tcase_add_test(cases, unused_reserve_serves_the_next);
    tcase_add_test(cases, a_reserve_wastes_no_open_chunk);
    tcase_add_test(cases, a_large_one_grows_by_what_huge_pages_take);
    tcase_add_test(cases, without_memory_it_stays_usable);
    tcase_add_test(cases, impossible_sizes_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
