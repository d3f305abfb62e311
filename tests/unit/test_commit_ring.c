#include <check.h>

#include "base/alloc.h"
#include "db/commit_ring.h"

Suite *test_commit_ring_suite(void);

static struct commit_ring ring;

static void setup(void)
{
    ring = (struct commit_ring){0};
}

static void teardown(void)
{
    commit_ring_deinit(&ring);
}

/* Commit id, published at 10 us times its id, with sequence id + 100. */
static void add(uint64_t id)
{
    struct commit commit = {
        .id = id, .sequence = id + 100, .published_us = 10 * id};
    ck_assert_int_eq(commit_ring_reserve(&ring), BYRON_OK);
    commit_ring_add(&ring, &commit);
}

START_TEST(commits_are_found_by_id_until_forgotten)
{
    for (uint64_t id = 1; id <= 500; id++)
        add(id);
    for (uint64_t id = 1; id <= 500; id++)
        ck_assert_uint_eq(commit_ring_find(&ring, id)->sequence, id + 100);
    ck_assert_ptr_null(commit_ring_find(&ring, 501));
    ck_assert_uint_eq(commit_ring_newest(&ring)->id, 500);
}
END_TEST

START_TEST(a_commit_stays_as_long_as_its_successor_is_young)
{
    for (uint64_t id = 1; id <= 10; id++)
        add(id);
    /* Commit 5 was superseded at 60: at 60 it could just still be asked. */
    ck_assert_uint_eq(commit_ring_forget(&ring, 60), 105);
    ck_assert_ptr_null(commit_ring_find(&ring, 4));
    ck_assert_ptr_nonnull(commit_ring_find(&ring, 5));
}
END_TEST

START_TEST(the_newest_is_never_forgotten)
{
    add(1);
    add(2);
    ck_assert_uint_eq(commit_ring_forget(&ring, UINT64_MAX), 102);
    ck_assert_ptr_nonnull(commit_ring_find(&ring, 2));
    ck_assert_ptr_null(commit_ring_find(&ring, 1));
}
END_TEST

START_TEST(places_are_used_again_while_the_ring_turns)
{
    for (uint64_t id = 1; id <= 10000; id++) {
        add(id);
        commit_ring_forget(&ring, 10 * id);
    }
    ck_assert_uint_le(ring.capacity, 64);
    ck_assert_ptr_nonnull(commit_ring_find(&ring, 10000));
}
END_TEST

START_TEST(the_hosts_name_passes_on_to_commits_it_does_not_know)
{
    add(7);
    commit_ring_pass_name(&ring, 8);
    add(8);
    ck_assert_uint_eq(commit_ring_find(&ring, 7)->id, 8);
    commit_ring_pass_name(&ring, 9);
    add(9);
    ck_assert_uint_eq(commit_ring_find(&ring, 7)->id, 9);
    ck_assert_uint_eq(commit_ring_find(&ring, 8)->id, 8);
}
END_TEST

START_TEST(a_host_that_knows_none_finds_the_newest_of_our_own)
{
    add(0);
    commit_ring_pass_name(&ring, 3);
    add(3);
    ck_assert_uint_eq(ring.alias, HOST_HAS_NONE);
    ck_assert_uint_eq(commit_ring_find(&ring, 0)->id, 3);
}
END_TEST

START_TEST(no_memory_leaves_the_ring_as_it_was)
{
    for (uint64_t id = 1; id <= 64; id++)
        add(id);
    alloc_fail_after(1);
    ck_assert_int_eq(commit_ring_reserve(&ring), BYRON_NO_MEMORY);
    alloc_fail_after(0);
    add(65);
    for (uint64_t id = 1; id <= 65; id++)
        ck_assert_ptr_nonnull(commit_ring_find(&ring, id));
}
END_TEST

Suite *test_commit_ring_suite(void)
{
    Suite *suite = suite_create("commit_ring");
    TCase *tcase = tcase_create("commit_ring");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, commits_are_found_by_id_until_forgotten);
    tcase_add_test(tcase, a_commit_stays_as_long_as_its_successor_is_young);
    tcase_add_test(tcase, the_newest_is_never_forgotten);
    tcase_add_test(tcase, places_are_used_again_while_the_ring_turns);
    tcase_add_test(tcase, the_hosts_name_passes_on_to_commits_it_does_not_know);
    tcase_add_test(tcase, a_host_that_knows_none_finds_the_newest_of_our_own);
    tcase_add_test(tcase, no_memory_leaves_the_ring_as_it_was);
    suite_add_tcase(suite, tcase);
    return suite;
}
