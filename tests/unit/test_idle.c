#include <check.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "db/idle.h"

Suite *test_idle_suite(void);

struct piece {
    struct idle idle;
    atomic_uint holders;
    bool is_free;
};

static void set_free(struct idle *idle)
{
    ((struct piece *)idle)->is_free = true;
}

START_TEST(what_was_put_is_taken_once)
{
    struct idle_shelf shelf = {0};
    struct piece pieces[IDLE_MOST + 1] = {{.holders = 0}};
    struct idle *taken;
    size_t count = 0;

    ck_assert_ptr_null(idle_take(&shelf));
    for (size_t i = 0; i < IDLE_MOST; i++)
        ck_assert(idle_put(&shelf, &pieces[i].idle));
    ck_assert(!idle_put(&shelf, &pieces[IDLE_MOST].idle));
    while ((taken = idle_take(&shelf))) {
        struct piece *piece = (struct piece *)taken;
        ck_assert_uint_eq(atomic_fetch_add(&piece->holders, 1), 0);
        count++;
    }
    ck_assert_uint_eq(count, IDLE_MOST);
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    struct idle_shelf shelf = {0};
    struct piece pieces[2] = {{.idle.free = set_free}, {.idle.free = set_free}};

    ck_assert(idle_put(&shelf, &pieces[0].idle));
    ck_assert(idle_put(&shelf, &pieces[1].idle));
    struct piece *taken = (struct piece *)idle_take(&shelf);
    idle_shelf_deinit(&shelf);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pieces[i].is_free, &pieces[i] != taken);
}
END_TEST

struct crowd {
    struct idle_shelf shelf;
    atomic_bool is_wrong; /* Two held the same piece. */
};

static void take_and_put(void *context)
{
    struct crowd *crowd = context;

    for (int i = 0; i < 20000; i++) {
        struct piece *piece = (struct piece *)idle_take(&crowd->shelf);
        if (!piece)
            continue;
        if (atomic_fetch_add(&piece->holders, 1) != 0)
            atomic_store(&crowd->is_wrong, true);
        atomic_fetch_sub(&piece->holders, 1);
        /* There is room: nobody else puts what was not taken. */
        if (!idle_put(&crowd->shelf, &piece->idle))
            atomic_store(&crowd->is_wrong, true);
    }
}

START_TEST(no_two_threads_take_the_same)
{
    struct crowd crowd = {0};
    struct piece pieces[2] = {{.holders = 0}};
    struct thread threads[3];

    ck_assert(idle_put(&crowd.shelf, &pieces[0].idle));
    ck_assert(idle_put(&crowd.shelf, &pieces[1].idle));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(thread_start(&threads[i], take_and_put, &crowd),
                         BYRON_OK);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    ck_assert(!atomic_load(&crowd.is_wrong));
    ck_assert_ptr_nonnull(idle_take(&crowd.shelf));
    ck_assert_ptr_nonnull(idle_take(&crowd.shelf));
    ck_assert_ptr_null(idle_take(&crowd.shelf));
}
END_TEST

Suite *test_idle_suite(void)
{
    Suite *suite = suite_create("idle");
    TCase *cases = tcase_create("idle");

    tcase_add_test(cases, what_was_put_is_taken_once);
    tcase_add_test(cases, what_is_left_is_freed);
    tcase_add_test(cases, no_two_threads_take_the_same);
    suite_add_tcase(suite, cases);
    return suite;
}
