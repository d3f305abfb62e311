/*
 * block_cache: what it keeps, finds and gives up.
 *
 * Covers: block_chains.
 */
#include <check.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "sstable/block_cache.h"
#include "support/seed.h"

Suite *test_block_cache_suite(void);

#define BLOCK_SIZE 4096

static struct block_cache *new_cache(size_t capacity)
{
    struct block_cache *cache;

    ck_assert_int_eq(block_cache_new(capacity, &cache), BYRON_OK);
    return cache;
}

/* Bytes that tell whose they are. */
static uint8_t *make_bytes(struct block_cache *cache, uint64_t file,
                           uint64_t offset, size_t size)
{
    uint8_t *bytes = block_cache_room(cache, file, offset, size);

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, (int)(file * 31 + offset), size);
    return bytes;
}

static struct cached_block *add(struct block_cache *cache, uint64_t file,
                                uint64_t offset, size_t size)
{
    struct cached_block *block;

    ck_assert_int_eq(block_cache_add(cache, file, offset,
                                     make_bytes(cache, file, offset, size),
                                     size, &block),
                     BYRON_OK);
    return block;
}

static bool has(struct block_cache *cache, uint64_t file, uint64_t offset)
{
    struct cached_block *block = block_cache_get(cache, file, offset);

    cached_block_unpin(block);
    return block != NULL;
}

static uint64_t bytes_in(const struct block_cache *cache)
{
    struct block_cache_stats stats;

    block_cache_stats(cache, &stats);
    return stats.bytes;
}

START_TEST(a_block_added_is_found_by_its_name)
{
    struct block_cache *cache = new_cache(1 << 20);
    struct cached_block *block = add(cache, 3, 64, 100), *found;

    found = block_cache_get(cache, 3, 64);
    ck_assert_ptr_eq(found, block);
    ck_assert_uint_eq(cached_block_bytes(found).size, 100);
    ck_assert(!has(cache, 3, 65));
    ck_assert(!has(cache, 4, 64));
    cached_block_unpin(found);
    cached_block_unpin(block);
    block_cache_free(cache);
}
END_TEST

START_TEST(the_second_to_add_gets_the_first_ones_block)
{
    size_t live = alloc_live();
    struct block_cache *cache = new_cache(1 << 20);
    struct cached_block *one = add(cache, 1, 2, 50);
    struct cached_block *two = add(cache, 1, 2, 50);

    ck_assert_ptr_eq(one, two);
    cached_block_unpin(one);
    cached_block_unpin(two);
    block_cache_free(cache);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(a_block_is_pinned_again_while_it_has_its_name)
{
    struct block_cache *cache = new_cache(100000);
    struct cached_block *block = add(cache, 3, 64, 100);
    struct block_cache_stats stats;

    cached_block_unpin(block);
    ck_assert(cached_block_pin_again(block, 3, 64));
    cached_block_unpin(block);
    block_cache_stats(cache, &stats);
    ck_assert_uint_eq(stats.hits, 1);
    ck_assert(!cached_block_pin_again(block, 3, 65));
    ck_assert(!cached_block_pin_again(block, 4, 64));
    block_cache_set_capacity(cache, 0);
    ck_assert(!cached_block_pin_again(block, 3, 64));
    /* Too large for the cache: it is not in it, though it is pinned. */
    block = add(cache, 3, 64, 100);
    ck_assert(!cached_block_pin_again(block, 3, 64));
    cached_block_unpin(block);
    block_cache_free(cache);
}
END_TEST

START_TEST(capacity_bounds_what_is_not_pinned)
{
    struct block_cache *cache = new_cache(1 << 20);

    for (uint64_t i = 0; i < 2000; i++) {
        cached_block_unpin(add(cache, 1, i * BLOCK_SIZE, BLOCK_SIZE));
        ck_assert_uint_le(bytes_in(cache), 1 << 20);
    }
    ck_assert_uint_gt(bytes_in(cache), 900 << 10);
    ck_assert(has(cache, 1, UINT64_C(1999) * BLOCK_SIZE));
    block_cache_free(cache);
}
END_TEST

START_TEST(a_pinned_block_stays)
{
    struct block_cache *cache = new_cache(100000);
    struct cached_block *pinned = add(cache, 9, 0, BLOCK_SIZE);
    uint8_t mark = cached_block_bytes(pinned).data[0];

    for (uint64_t i = 0; i < 500; i++)
        cached_block_unpin(add(cache, 1, i * BLOCK_SIZE, BLOCK_SIZE));

    ck_assert_uint_eq(cached_block_bytes(pinned).data[BLOCK_SIZE - 1], mark);
    ck_assert(has(cache, 9, 0));
    cached_block_unpin(pinned);
    block_cache_free(cache);
}
END_TEST

START_TEST(blocks_in_use_outlive_blocks_read_once)
{
    struct block_cache *cache = new_cache(400000);
    size_t kept = 0;

    for (uint64_t i = 0; i < 10; i++)
        cached_block_unpin(add(cache, 7, i, BLOCK_SIZE));
    for (uint64_t i = 0; i < 1000; i++) {
        cached_block_unpin(add(cache, 1, i, BLOCK_SIZE));
        for (uint64_t j = 0; j < 10; j++)
            has(cache, 7, j);
    }
    for (uint64_t j = 0; j < 10; j++)
        kept += has(cache, 7, j);

    ck_assert_uint_eq(kept, 10);
    block_cache_free(cache);
}
END_TEST

START_TEST(what_does_not_fit_goes_with_its_pin)
{
    size_t live = alloc_live();
    struct block_cache *cache = new_cache(10000);
    struct cached_block *block = add(cache, 1, 0, 50000);

    ck_assert(!has(cache, 1, 0));
    ck_assert_uint_eq(cached_block_bytes(block).size, 50000);
    cached_block_unpin(block);
    ck_assert_uint_eq(bytes_in(cache), 0);
    block_cache_free(cache);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(all_pinned_still_serves)
{
    struct block_cache *cache = new_cache(20000);
    struct cached_block *pins[50];

    for (uint64_t i = 0; i < 50; i++)
        pins[i] = add(cache, 1, i, BLOCK_SIZE);
    for (uint64_t i = 0; i < 50; i++)
        ck_assert_uint_eq(cached_block_bytes(pins[i]).data[0],
                          (uint8_t)(31 + i));
    for (size_t i = 0; i < 50; i++)
        cached_block_unpin(pins[i]);
    ck_assert_uint_le(bytes_in(cache), 20000);
    block_cache_free(cache);
}
END_TEST

START_TEST(forget_drops_one_files_unpinned_blocks)
{
    struct block_cache *cache = new_cache(1 << 20);
    struct cached_block *pinned = add(cache, 1, 0, 100);

    for (uint64_t i = 1; i < 20; i++) {
        cached_block_unpin(add(cache, 1, i, 100));
        cached_block_unpin(add(cache, 2, i, 100));
    }
    block_cache_forget(cache, 1);

    for (uint64_t i = 1; i < 20; i++) {
        ck_assert(!has(cache, 1, i));
        ck_assert(has(cache, 2, i));
    }
    ck_assert(has(cache, 1, 0));
    cached_block_unpin(pinned);
    block_cache_free(cache);
}
END_TEST

START_TEST(a_smaller_capacity_evicts_at_once)
{
    struct block_cache *cache = new_cache(4 << 20);

    for (uint64_t i = 0; i < 900; i++)
        cached_block_unpin(add(cache, 1, i, BLOCK_SIZE));
    ck_assert_uint_gt(bytes_in(cache), 3 << 20);
    block_cache_set_capacity(cache, 1 << 20);
    ck_assert_uint_le(bytes_in(cache), 1 << 20);
    block_cache_set_capacity(cache, 0);
    ck_assert_uint_eq(bytes_in(cache), 0);
    block_cache_free(cache);
}
END_TEST

static uint64_t size_of(uint64_t i)
{
    return 1024 + i * 97 % 5000;
}

/* Adds blocks 1 to count of file 1, of many sizes; returns how many are there
 * in the end, of which bytes are right. */
static uint64_t fill(struct block_cache *cache, uint64_t count)
{
    uint64_t found = 0;

    for (uint64_t i = 1; i <= count; i++)
        cached_block_unpin(add(cache, 1, i, size_of(i)));
    for (uint64_t i = 1; i <= count; i++) {
        struct cached_block *block = block_cache_get(cache, 1, i);
        if (!block)
            continue;
        ck_assert_uint_eq(block->size, size_of(i));
        ck_assert_uint_eq(block->bytes[0], (uint8_t)(31 + i));
        ck_assert_uint_eq(block->bytes[size_of(i) - 1], (uint8_t)(31 + i));
        cached_block_unpin(block);
        found++;
    }
    return found;
}

/* Memory in regions, of which a part may be in use of nobody. */
START_TEST(a_large_cache_shrinks_and_grows)
{
    const uint64_t large = 40 << 20;
    struct block_cache *cache = new_cache(large);
    size_t live;

    ck_assert_uint_gt(fill(cache, 20000), 8000);
    ck_assert_uint_gt(bytes_in(cache), large / 10 * 9);
    ck_assert_uint_le(bytes_in(cache), large + large / 4);
    live = alloc_live();
    block_cache_set_capacity(cache, 4 << 20);
    ck_assert_uint_le(bytes_in(cache), 5 << 20);
    ck_assert_uint_lt(alloc_live(), live);
    block_cache_set_capacity(cache, large);
    ck_assert_uint_gt(fill(cache, 20000), 8000);
    block_cache_set_capacity(cache, 0);
    ck_assert_uint_eq(bytes_in(cache), 0);
    block_cache_free(cache);
}
END_TEST

START_TEST(what_comes_in_other_sizes_finds_room)
{
    struct block_cache *cache = new_cache(33 << 20);

    for (uint64_t file = 1; file < 8; file++)
        for (uint64_t i = 0; i < 4000; i++)
            cached_block_unpin(add(cache, file, i, 3000 * file));
    ck_assert_uint_le(bytes_in(cache), (33 << 20) / 4 * 5);
    for (uint64_t i = 3000; i < 4000; i++)
        ck_assert(has(cache, 7, i));
    block_cache_free(cache);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    size_t live = alloc_live();

    for (size_t nth = 1; nth < 30; nth++) {
        struct block_cache *cache = NULL;
        alloc_fail_after(nth);
        byron_status status = block_cache_new(1 << 16, &cache);
        for (uint64_t i = 0; cache && i < 200; i++) {
            uint8_t *bytes = block_cache_room(cache, 1, i, 10);
            struct cached_block *block;
            if (bytes &&
                block_cache_add(cache, 1, i, bytes, 10, &block) == BYRON_OK)
                cached_block_unpin(block);
        }
        alloc_fail_after(0);
        ck_assert(cache || status == BYRON_NO_MEMORY);
        block_cache_free(cache);
        ck_assert_uint_eq(alloc_live(), live);
    }
}
END_TEST

START_TEST(only_a_part_of_the_capacity_is_kept)
{
    struct block_cache *cache = new_cache(100000);
    struct cached_block *kept[100];
    size_t count = 0;

    for (uint64_t i = 0; count == i; i++) {
        kept[count] = add(cache, 1, i, 1000);
        if (block_cache_keep(cache, kept[count]))
            count++;
        else
            cached_block_unpin(kept[i]);
    }
    ck_assert_uint_gt(count, 10);
    ck_assert_uint_lt(count, 50);
    for (uint64_t i = 0; i < 200; i++)
        cached_block_unpin(add(cache, 2, i, 1000));
    for (size_t i = 0; i < count; i++) {
        ck_assert(has(cache, 1, i));
        block_cache_unkeep(cache, kept[i]);
    }
    /* What was given back may be kept anew. */
    kept[0] = add(cache, 3, 0, 1000);
    ck_assert(block_cache_keep(cache, kept[0]));
    block_cache_unkeep(cache, kept[0]);
    block_cache_free(cache);
}
END_TEST

START_TEST(evicted_block_leaves_its_memory_to_the_next)
{
    struct block_cache *cache = new_cache(64 * 1024);

    for (uint64_t i = 0; i < 100; i++)
        cached_block_unpin(add(cache, 1, i, 4000));
    size_t live = alloc_live();
    for (uint64_t i = 100; i < 110; i++) {
        /* Sizes that differ a little are rounded up to the same. */
        uint8_t *room = block_cache_room(cache, 1, i, 3900 + i);
        struct cached_block *block;

        ck_assert_uint_eq(alloc_live(), live);
        memset(room, (int)i, 3900 + i);
        ck_assert_int_eq(block_cache_add(cache, 1, i, room, 3900 + i, &block),
                         BYRON_OK);
        cached_block_unpin(block);
    }
    block_cache_free(cache);
}
END_TEST

START_TEST(blocks_begin_where_lines_do)
{
    struct block_cache *cache = new_cache(4 << 20);

    for (uint64_t i = 0; i < 200; i++) {
        size_t size = 1024 + i * 97;
        struct cached_block *block = add(cache, 1, i, size);

        ck_assert_uint_eq((uintptr_t)block % ALLOC_LINE_SIZE, 0);
        ck_assert_uint_eq(
            (uintptr_t)cached_block_bytes(block).data % ALLOC_LINE_SIZE, 0);
        cached_block_unpin(block);
    }
    block_cache_free(cache);
}
END_TEST

static struct block_cache *new_full_cache(void)
{
    struct block_cache *cache = new_cache(4 << 20);

    for (uint64_t i = 0; i < 1500; i++)
        cached_block_unpin(add(cache, 1, i, BLOCK_SIZE));
    return cache;
}

START_TEST(a_cache_with_room_takes_every_block_in)
{
    struct block_cache *cache = new_cache(4 << 20);

    for (uint64_t i = 0; i < 500; i++) {
        ck_assert_ptr_null(block_cache_pass(cache, 1, i, BLOCK_SIZE));
        cached_block_unpin(add(cache, 1, i, BLOCK_SIZE));
    }
    block_cache_free(cache);
}
END_TEST

START_TEST(a_full_cache_takes_a_block_in_at_its_second_miss)
{
    struct block_cache *cache = new_full_cache();
    uint64_t before = bytes_in(cache);

    for (uint64_t i = 0; i < 100; i++) {
        struct cached_block *passing =
            block_cache_pass(cache, 2, i, BLOCK_SIZE);

        ck_assert_ptr_nonnull(passing);
        memset(passing->bytes, 1, BLOCK_SIZE);
        ck_assert(!has(cache, 2, i));
        cached_block_unpin(passing);
        ck_assert_ptr_null(block_cache_pass(cache, 2, i, BLOCK_SIZE));
        cached_block_unpin(add(cache, 2, i, BLOCK_SIZE));
        ck_assert(has(cache, 2, i));
    }
    ck_assert_uint_le(bytes_in(cache), 4 << 20);
    ck_assert_uint_ge(bytes_in(cache), before / 10 * 9);
    block_cache_free(cache);
}
END_TEST

START_TEST(a_cache_that_got_room_is_full_no_longer)
{
    struct block_cache *cache = new_full_cache();

    block_cache_set_capacity(cache, 8 << 20);
    ck_assert_ptr_null(block_cache_pass(cache, 2, 1, BLOCK_SIZE));
    block_cache_free(cache);
    cache = new_full_cache();
    block_cache_forget(cache, 1);
    for (uint64_t i = 0; i < 100; i++) {
        cached_block_unpin(block_cache_pass(cache, 2, i, BLOCK_SIZE));
        cached_block_unpin(add(cache, 2, i, BLOCK_SIZE));
    }
    ck_assert_ptr_null(block_cache_pass(cache, 2, 1000, BLOCK_SIZE));
    block_cache_free(cache);
}
END_TEST

START_TEST(a_small_cache_takes_every_block_in)
{
    struct block_cache *cache = new_cache(100000);

    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_ptr_null(block_cache_pass(cache, 1, i, BLOCK_SIZE));
        cached_block_unpin(add(cache, 1, i, BLOCK_SIZE));
    }
    block_cache_free(cache);
}
END_TEST

/* --- threads --- */

struct crowd {
    struct block_cache *cache;
    atomic_uint wrong;
    atomic_uint next_seed;
    size_t block_size;
    uint64_t offsets;
    size_t capacities[2]; /* One, then the other. */
};

static struct cached_block *get_or_add(struct crowd *crowd, uint64_t file,
                                       uint64_t offset)
{
    struct cached_block *block = block_cache_get(crowd->cache, file, offset);

    if (!block && block_cache_add(
                      crowd->cache, file, offset,
                      make_bytes(crowd->cache, file, offset, crowd->block_size),
                      crowd->block_size, &block) != BYRON_OK)
        atomic_fetch_add(&crowd->wrong, 1);
    return block;
}

static void crowd_run(void *context)
{
    struct crowd *crowd = context;
    struct rng rng;

    rng_init(&rng, test_seed() + atomic_fetch_add(&crowd->next_seed, 1));
    for (int i = 0; i < 4000; i++) {
        uint64_t file = 1 + rng_below(&rng, 3),
                 offset = rng_below(&rng, crowd->offsets);
        struct cached_block *block = get_or_add(crowd, file, offset);
        struct slice bytes = cached_block_bytes(block);
        uint8_t mark = (uint8_t)(file * 31 + offset);
        if (bytes.size != crowd->block_size || bytes.data[0] != mark ||
            bytes.data[bytes.size - 1] != mark)
            atomic_fetch_add(&crowd->wrong, 1);
        if (rng_one_in(&rng, 500))
            block_cache_forget(crowd->cache, file);
        if (i % 1000 == 999)
            block_cache_set_capacity(crowd->cache,
                                     crowd->capacities[i / 1000 % 2]);
        cached_block_unpin(block);
    }
}

START_TEST(threads_get_the_blocks_they_ask_for)
{
    struct crowd crowds[] = {
        {.block_size = 500, .offsets = 60, .capacities = {30000, 30000}},
        {.block_size = 25000,
         .offsets = 600,
         .capacities = {4 << 20, 33 << 20}},
    };
    struct crowd crowd = crowds[_i];
    struct thread threads[4];

    crowd.cache = new_cache(crowd.capacities[1]);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(thread_start(&threads[i], crowd_run, &crowd),
                         BYRON_OK);
    for (size_t i = 0; i < 4; i++)
        thread_join(&threads[i]);

    ck_assert_uint_eq(atomic_load(&crowd.wrong), 0);
    block_cache_set_capacity(crowd.cache, 30000);
    ck_assert_uint_le(bytes_in(crowd.cache), 30000);
    block_cache_free(crowd.cache);
}
END_TEST

Suite *test_block_cache_suite(void)
{
    Suite *suite = suite_create("block_cache");
    TCase *cases = tcase_create("block_cache");

    tcase_add_test(cases, a_cache_with_room_takes_every_block_in);
    tcase_add_test(cases, a_full_cache_takes_a_block_in_at_its_second_miss);
    tcase_add_test(cases, a_cache_that_got_room_is_full_no_longer);
    tcase_add_test(cases, a_small_cache_takes_every_block_in);
    tcase_add_test(cases, a_block_added_is_found_by_its_name);
    tcase_add_test(cases, the_second_to_add_gets_the_first_ones_block);
    tcase_add_test(cases, a_block_is_pinned_again_while_it_has_its_name);
    tcase_add_test(cases, capacity_bounds_what_is_not_pinned);
    tcase_add_test(cases, a_pinned_block_stays);
    tcase_add_test(cases, blocks_begin_where_lines_do);
    tcase_add_test(cases, blocks_in_use_outlive_blocks_read_once);
    tcase_add_test(cases, what_does_not_fit_goes_with_its_pin);
    tcase_add_test(cases, all_pinned_still_serves);
    tcase_add_test(cases, forget_drops_one_files_unpinned_blocks);
    tcase_add_test(cases, a_smaller_capacity_evicts_at_once);
    tcase_add_test(cases, every_failed_allocation_is_reported);
    tcase_add_test(cases, only_a_part_of_the_capacity_is_kept);
    tcase_add_test(cases, evicted_block_leaves_its_memory_to_the_next);
    tcase_add_test(cases, a_large_cache_shrinks_and_grows);
    tcase_add_test(cases, what_comes_in_other_sizes_finds_room);
    tcase_add_loop_test(cases, threads_get_the_blocks_they_ask_for, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}
