#include <check.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "sstable/passing_blocks.h"

Suite *test_passing_blocks_suite(void);

static struct passing_blocks *new_blocks(void)
{
    struct passing_blocks *blocks;

    ck_assert_int_eq(passing_blocks_new(&blocks), BYRON_OK);
    return blocks;
}

START_TEST(a_place_is_used_again)
{
    size_t live = alloc_live();
    struct passing_blocks *blocks = new_blocks();
    struct cached_block *first = passing_blocks_take(blocks, 4100);
    const uint8_t *bytes = first->bytes;

    memset(first->bytes, 1, 4100);
    cached_block_unpin(first);
    for (size_t i = 0; i < 100; i++) {
        struct cached_block *next = passing_blocks_take(blocks, 4050 + i);

        ck_assert_ptr_eq(next, first);
        ck_assert_ptr_eq(next->bytes, bytes);
        cached_block_unpin(next);
    }
    passing_blocks_free(blocks);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(a_place_grows)
{
    struct passing_blocks *blocks = new_blocks();

    for (size_t size = 1; size <= PASSING_BLOCK_MAX; size = size * 3 + 1) {
        struct cached_block *block = passing_blocks_take(blocks, size);

        ck_assert_ptr_nonnull(block);
        memset(block->bytes, 2, size);
        cached_block_unpin(block);
    }
    ck_assert_ptr_null(passing_blocks_take(blocks, PASSING_BLOCK_MAX + 1));
    passing_blocks_free(blocks);
}
END_TEST

START_TEST(places_are_few_and_each_has_one_owner)
{
    struct passing_blocks *blocks = new_blocks();
    struct cached_block *taken[100];
    size_t count = 0;

    while (count < 100 && (taken[count] = passing_blocks_take(blocks, 50))) {
        for (size_t i = 0; i < count; i++)
            ck_assert_ptr_ne(taken[i], taken[count]);
        count++;
    }
    ck_assert_uint_ge(count, 4);
    ck_assert_uint_lt(count, 100);
    cached_block_unpin(taken[2]);
    ck_assert_ptr_eq(passing_blocks_take(blocks, 50), taken[2]);
    for (size_t i = 0; i < count; i++)
        cached_block_unpin(taken[i]);
    passing_blocks_free(blocks);
}
END_TEST

START_TEST(without_memory_there_is_no_block)
{
    size_t live = alloc_live();
    struct passing_blocks *blocks;
    struct cached_block *block;

    alloc_fail_after(1);
    ck_assert_int_eq(passing_blocks_new(&blocks), BYRON_NO_MEMORY);
    blocks = new_blocks();
    alloc_fail_after(1);
    ck_assert_ptr_null(passing_blocks_take(blocks, 100));
    alloc_fail_after(0);
    /* The place is not lost. */
    block = passing_blocks_take(blocks, 100);
    ck_assert_ptr_nonnull(block);
    memset(block->bytes, 3, 100);
    cached_block_unpin(block);
    passing_blocks_free(blocks);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

struct crowd {
    struct passing_blocks *blocks;
    atomic_uint next;
    atomic_uint wrong;
};

static void crowd_run(void *context)
{
    struct crowd *crowd = context;
    uint8_t mark = (uint8_t)(1 + atomic_fetch_add(&crowd->next, 1));

    for (size_t i = 0; i < 20000; i++) {
        struct cached_block *block =
            passing_blocks_take(crowd->blocks, 64 + i % 64);

        if (!block)
            continue;
        memset(block->bytes, mark, 64);
        for (size_t at = 0; at < 64; at++)
            if (block->bytes[at] != mark)
                atomic_fetch_add(&crowd->wrong, 1);
        cached_block_unpin(block);
    }
}

START_TEST(threads_do_not_share_a_place)
{
    struct crowd crowd = {.blocks = new_blocks()};
    struct thread threads[4];

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(thread_start(&threads[i], crowd_run, &crowd),
                         BYRON_OK);
    for (size_t i = 0; i < 4; i++)
        thread_join(&threads[i]);
    ck_assert_uint_eq(atomic_load(&crowd.wrong), 0);
    passing_blocks_free(crowd.blocks);
}
END_TEST

Suite *test_passing_blocks_suite(void)
{
    Suite *suite = suite_create("passing_blocks");
    TCase *cases = tcase_create("passing_blocks");

    tcase_add_test(cases, a_place_is_used_again);
    tcase_add_test(cases, a_place_grows);
    tcase_add_test(cases, places_are_few_and_each_has_one_owner);
    tcase_add_test(cases, without_memory_there_is_no_block);
    tcase_add_test(cases, threads_do_not_share_a_place);
    suite_add_tcase(suite, cases);
    return suite;
}
