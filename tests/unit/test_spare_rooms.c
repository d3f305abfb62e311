#include <check.h>

#include "base/alloc.h"
#include "sstable/spare_rooms.h"

Suite *test_spare_rooms_suite(void);

START_TEST(what_a_block_leaves_suits_one_of_about_its_size)
{
    size_t live = alloc_live();
    struct spare_rooms spares = {0};
    uint8_t *bytes = alloc_bytes(spare_room_size(4000));

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_null(spare_rooms_take(&spares, 4000));
    spare_rooms_put(&spares, bytes, 4000);
    ck_assert_ptr_null(spare_rooms_take(&spares, 5000));
    ck_assert_ptr_eq(spare_rooms_take(&spares, 3990), bytes);
    ck_assert_ptr_null(spare_rooms_take(&spares, 3990));
    spare_rooms_put(&spares, bytes, 3990);
    spare_rooms_deinit(&spares);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(only_few_are_kept)
{
    size_t live = alloc_live();
    struct spare_rooms spares = {0};

    for (unsigned i = 0; i < 50; i++)
        spare_rooms_put(&spares, alloc_bytes(spare_room_size(2000)), 2000);
    ck_assert_uint_eq(alloc_live(), live + SPARE_ROOM_COUNT);
    spare_rooms_deinit(&spares);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

START_TEST(small_and_large_ones_are_not_kept)
{
    static const size_t sizes[] = {1, 1000, 40000, 1 << 20};
    size_t live = alloc_live();
    struct spare_rooms spares = {0};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert(!spare_room_suits(sizes[i]));
        ck_assert_uint_eq(spare_room_size(sizes[i]), sizes[i]);
        spare_rooms_put(&spares, alloc_bytes(sizes[i]), sizes[i]);
        ck_assert_ptr_null(spare_rooms_take(&spares, sizes[i]));
    }
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_spare_rooms_suite(void)
{
    Suite *suite = suite_create("spare_rooms");
    TCase *cases = tcase_create("spare_rooms");

    tcase_add_test(cases, what_a_block_leaves_suits_one_of_about_its_size);
    tcase_add_test(cases, only_few_are_kept);
    tcase_add_test(cases, small_and_large_ones_are_not_kept);
    suite_add_tcase(suite, cases);
    return suite;
}
