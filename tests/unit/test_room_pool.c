#include <check.h>

#include "base/alloc.h"
#include "sstable/room_pool.h"
#include "support/seed.h"

Suite *test_room_pool_suite(void);

#define REGION  ROOM_POOL_REGION
#define LARGEST (ROOM_POOL_STEP * ROOM_POOL_SIZES)

static size_t taken(const struct room_pool *pool)
{
    return atomic_load(&pool->taken);
}

static void start(struct room_pool *pool, size_t limit)
{
    room_pool_init(pool);
    room_pool_set_limit(pool, limit);
}

START_TEST(without_a_limit_there_are_no_rooms)
{
    struct room_pool pool;

    room_pool_init(&pool);
    ck_assert_ptr_null(room_pool_take(&pool, 4096));
    room_pool_set_limit(&pool, REGION - 1);
    ck_assert_ptr_null(room_pool_take(&pool, 4096));
    ck_assert_uint_eq(taken(&pool), 0);
    room_pool_deinit(&pool);
}
END_TEST

START_TEST(sizes_beyond_those_of_blocks_are_refused)
{
    struct room_pool pool;
    uint8_t *bytes;

    start(&pool, REGION);
    ck_assert_ptr_null(room_pool_take(&pool, 0));
    ck_assert_ptr_null(room_pool_take(&pool, LARGEST + 1));
    ck_assert_ptr_null(room_pool_take(&pool, SIZE_MAX));
    bytes = room_pool_take(&pool, LARGEST);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq((uintptr_t)bytes % ALLOC_LINE_SIZE, 0);
    ck_assert(room_pool_put(&pool, bytes));
    room_pool_deinit(&pool);
}
END_TEST

START_TEST(what_is_not_its_own_it_does_not_take)
{
    struct room_pool pool;
    uint8_t *other = alloc_bytes(4096);
    uint8_t *bytes;

    start(&pool, REGION);
    ck_assert(!room_pool_put(&pool, other));
    bytes = room_pool_take(&pool, 4096);
    ck_assert_ptr_nonnull(bytes);
    ck_assert(!room_pool_put(&pool, other));
    ck_assert(!room_pool_put(&pool, NULL));
    ck_assert(!room_pool_put(&pool, bytes - REGION));
    ck_assert(!room_pool_put(&pool, bytes + REGION));
    ck_assert(room_pool_put(&pool, bytes));
    room_pool_deinit(&pool);
    alloc_free(other);
}
END_TEST

START_TEST(no_region_is_added_above_the_limit)
{
    struct room_pool pool;
    uint8_t *rooms[3 * REGION / LARGEST];
    size_t count = 0;

    start(&pool, 2 * REGION + 5);
    while ((rooms[count] = room_pool_take(&pool, LARGEST)) != NULL)
        count++;
    ck_assert_uint_eq(count, 2 * REGION / LARGEST);
    ck_assert_uint_eq(taken(&pool), 2 * REGION);
    ck_assert_uint_eq(room_pool_waste(&pool), 0);
    ck_assert(room_pool_put(&pool, rooms[1]));
    ck_assert_uint_eq(room_pool_waste(&pool), LARGEST);
    ck_assert_ptr_eq(room_pool_take(&pool, LARGEST - 3), rooms[1]);
    while (count > 0)
        ck_assert(room_pool_put(&pool, rooms[--count]));
    room_pool_deinit(&pool);
}
END_TEST

/* All but the last one go at once, that one with the limit. */
START_TEST(a_region_without_rooms_in_use_goes_back)
{
    struct room_pool pool;
    size_t live = alloc_live();
    uint8_t *rooms[4 * REGION / LARGEST];
    size_t count = 4 * REGION / LARGEST;

    start(&pool, 4 * REGION);
    for (size_t i = 0; i < count; i++)
        rooms[i] = room_pool_take(&pool, LARGEST);
    ck_assert_uint_eq(taken(&pool), 4 * REGION);
    for (size_t i = 0; i < count; i++)
        ck_assert(room_pool_put(&pool, rooms[i]));
    ck_assert_uint_eq(taken(&pool), REGION);
    room_pool_set_limit(&pool, 0);
    ck_assert_uint_eq(taken(&pool), 0);
    room_pool_deinit(&pool);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(without_memory_there_is_no_room)
{
    struct room_pool pool;
    uint8_t *bytes = NULL;
    size_t failed = 0;

    start(&pool, REGION);
    for (size_t nth = 1; !bytes; nth++) {
        alloc_fail_after(nth);
        bytes = room_pool_take(&pool, 4096);
        failed += !bytes;
    }
    alloc_fail_after(0);
    ck_assert_uint_eq(failed, 2);
    ck_assert(room_pool_put(&pool, bytes));
    room_pool_deinit(&pool);
}
END_TEST

struct room {
    uint8_t *bytes;
    size_t size;
    uint8_t fill;
};

static void check_and_put(struct room_pool *pool, struct room *room)
{
    size_t wrong = 0;

    for (size_t i = 0; i < room->size; i++)
        wrong += room->bytes[i] != room->fill;
    ck_assert_uint_eq(wrong, 0);
    ck_assert(room_pool_put(pool, room->bytes));
    room->bytes = NULL;
}

START_TEST(rooms_in_use_do_not_overlap)
{
    struct room_pool pool;
    struct room rooms[600] = {{0}};
    struct rng rng;

    rng_init(&rng, test_seed());
    start(&pool, 6 * REGION);
    for (unsigned i = 0; i < 20000; i++) {
        struct room *room = &rooms[rng_below(&rng, 600)];
        if (room->bytes)
            check_and_put(&pool, room);
        /* Sizes that change with time. */
        room->size = 1 + rng_below(&rng, LARGEST) / (1 + i / 1000 % 5 * 3);
        room->fill = (uint8_t)i;
        room->bytes = room_pool_take(&pool, room->size);
        if (room->bytes)
            memset(room->bytes, room->fill, room->size);
        ck_assert_uint_le(taken(&pool), 6 * REGION);
    }
    for (unsigned i = 0; i < 600; i++)
        if (rooms[i].bytes)
            check_and_put(&pool, &rooms[i]);
    ck_assert_uint_eq(room_pool_waste(&pool), taken(&pool));
    room_pool_deinit(&pool);
}
END_TEST

Suite *test_room_pool_suite(void)
{
    Suite *suite = suite_create("room_pool");
    TCase *cases = tcase_create("room_pool");

    tcase_add_test(cases, without_a_limit_there_are_no_rooms);
    tcase_add_test(cases, sizes_beyond_those_of_blocks_are_refused);
    tcase_add_test(cases, what_is_not_its_own_it_does_not_take);
    tcase_add_test(cases, no_region_is_added_above_the_limit);
    tcase_add_test(cases, a_region_without_rooms_in_use_goes_back);
    tcase_add_test(cases, without_memory_there_is_no_room);
    tcase_add_test(cases, rooms_in_use_do_not_overlap);
    suite_add_tcase(suite, cases);
    return suite;
}
