#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/thread.h"

Suite *test_alloc_suite(void);

#define PAGE ((size_t)4096)

START_TEST(only_the_nth_allocation_fails)
{
    void *bytes[4];

    alloc_fail_after(3);
    for (int i = 0; i < 4; i++)
        bytes[i] = alloc_bytes(8);

    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(bytes[i] == NULL, i == 2);
        alloc_free(bytes[i]);
    }
}
END_TEST

START_TEST(zero_disarms)
{
    void *bytes;

    alloc_fail_after(1);
    alloc_fail_after(0);
    bytes = alloc_bytes(8);

    ck_assert_ptr_nonnull(bytes);
    alloc_free(bytes);
}
END_TEST

START_TEST(each_kind_can_fail)
{
    size_t live = alloc_live();
    void *kept = alloc_bytes(8);

    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_zeroed(1, 8));
    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_text("text"));
    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_pages(PAGE));
    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_resize(NULL, 8));
    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_resize(kept, 1000));

    alloc_free(kept);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(lines_begin_where_lines_do)
{
    static const size_t sizes[] = {0, 1, 63, 64, 100, 4080, 16400, 300000};
    size_t live = alloc_live();

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = alloc_lines(sizes[i]);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq((uintptr_t)bytes % ALLOC_LINE_SIZE, 0);
        memset(bytes, 1, sizes[i]);
        ck_assert_uint_eq(alloc_live(), live + 1);
        alloc_free(bytes);
    }
    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_lines(64));
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(failed_resize_keeps_the_bytes)
{
    char *text = alloc_text("kept");

    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_resize(text, 1 << 20));
    ck_assert_str_eq(text, "kept");

    text = alloc_resize(text, 1 << 20);
    ck_assert_str_eq(text, "kept");
    alloc_free(text);
}
END_TEST

START_TEST(live_counts_what_was_not_freed)
{
    size_t live = alloc_live();
    void *bytes = alloc_bytes(0);
    void *zeroed = alloc_zeroed(3, 5);
    char *text = alloc_text("");
    void *pages = alloc_pages(PAGE);

    ck_assert_mem_eq(zeroed, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
    ck_assert_uint_eq(alloc_live(), live + 4);
    bytes = alloc_resize(bytes, 100);
    ck_assert_uint_eq(alloc_live(), live + 4);
    alloc_free(bytes);
    alloc_free(zeroed);
    alloc_free(text);
    alloc_pages_free(pages, PAGE);
    alloc_free(NULL);
    alloc_pages_free(NULL, PAGE);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

static void free_here(void *context)
{
    alloc_free(context);
}

/* More threads than have a counter of their own. */
START_TEST(live_sums_over_threads)
{
    size_t live = alloc_live();

    for (int i = 0; i < 100; i++) {
        struct thread thread;
        ck_assert_int_eq(thread_start(&thread, free_here, alloc_bytes(8)),
                         BYRON_OK);
        thread_join(&thread);
    }
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

static void take_and_free(void *context)
{
    (void)context;
    for (int i = 0; i < 5000; i++)
        alloc_free(alloc_bytes(8));
}

START_TEST(live_loses_no_count_between_threads)
{
    size_t live = alloc_live();
    struct thread threads[80];

    for (int i = 0; i < 80; i++)
        ck_assert_int_eq(thread_start(&threads[i], take_and_free, NULL),
                         BYRON_OK);
    for (int i = 0; i < 80; i++)
        thread_join(&threads[i]);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
    size_t live = alloc_live();

    ck_assert_ptr_null(alloc_zeroed(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(alloc_pages(SIZE_MAX / 2));
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(pages_are_zero_aligned_and_go_back)
{
    size_t size = 5 * PAGE - 100;
    uint8_t *pages = alloc_pages(size);
    unsigned char resident[5];

    ck_assert_uint_eq((uintptr_t)pages % PAGE, 0);
    for (size_t i = 0; i < size; i++)
        ck_assert_uint_eq(pages[i], 0);
    memset(pages, 1, size);
    ck_assert_int_eq(mincore(pages, size, resident), 0);
    alloc_pages_free(pages, size);

    ck_assert_int_eq(mincore(pages, size, resident), -1);
    ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* More than are kept go back to the system; the rest serve the next. */
START_TEST(some_pieces_of_a_size_are_kept)
{
    size_t size = _i == 0 ? ALLOC_KEPT_SIZE : ALLOC_HUGE_SIZE;
    size_t count = _i == 0 ? ALLOC_KEPT_COUNT : ALLOC_HUGE_COUNT;
    size_t live = alloc_live();
    uint8_t *pieces[ALLOC_KEPT_COUNT + 1];
    uint8_t *again;
    unsigned char resident[ALLOC_HUGE_SIZE / PAGE];

    for (size_t i = 0; i <= count; i++) {
        pieces[i] = alloc_pages(size);
        ck_assert_uint_eq((uintptr_t)pieces[i] % PAGE, 0);
        if (size == ALLOC_HUGE_SIZE)
            ck_assert_uint_eq((uintptr_t)pieces[i] % ALLOC_HUGE_SIZE, 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i <= count; i++)
        ck_assert_uint_eq(pieces[i][size - 1], i);
    for (size_t i = 0; i <= count; i++)
        alloc_pages_free(pieces[i], size);
    ck_assert_uint_eq(alloc_live(), live);
    ck_assert_int_eq(mincore(pieces[count], size, resident), -1);

    alloc_fail_after(1);
    ck_assert_ptr_null(alloc_pages(size));
    again = alloc_pages(size);
    ck_assert_ptr_eq(again, pieces[0]);
    memset(again, 7, size);
    ck_assert_uint_eq(again[size / 2], 7);
    alloc_pages_free(again, size);
}
END_TEST

Suite *test_alloc_suite(void)
{
    Suite *suite = suite_create("alloc");
    TCase *cases = tcase_create("alloc");

    tcase_add_loop_test(cases, some_pieces_of_a_size_are_kept, 0, 2);
    tcase_add_test(cases, only_the_nth_allocation_fails);
    tcase_add_test(cases, zero_disarms);
    tcase_add_test(cases, lines_begin_where_lines_do);
    tcase_add_test(cases, each_kind_can_fail);
    tcase_add_test(cases, failed_resize_keeps_the_bytes);
    tcase_add_test(cases, live_counts_what_was_not_freed);
    tcase_add_test(cases, live_sums_over_threads);
    tcase_add_test(cases, live_loses_no_count_between_threads);
    tcase_add_test(cases, impossible_sizes_are_refused);
    tcase_add_test(cases, pages_are_zero_aligned_and_go_back);
    suite_add_tcase(suite, cases);
    return suite;
}
