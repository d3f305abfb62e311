/*
 * test_connection: the transport, from bytes in to bytes out.
 *
 * Covers: session, call, call_receive.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/played.h"
#include "support/failing_malloc.h"
#include "support/seed.h"

Suite *test_connection_suite(void);

/* Two calls, with all that makes memory. */
static void add_calls(struct bytes *in)
{
    played_preface(in);
    played_request(in, 1, "/t.T/One", "grpc-timeout", "10S");
    played_message(in, 1, "hello", true);
    played_request(in, 3, "/t.T/Echo", "grpc-accept-encoding", "gzip");
    played_message(in, 3, "first", false);
    played_message(in, 3, "second", true);
}

START_TEST(a_message_comes_back)
{
    struct bytes in = {0};
    struct bytes out = {0};

    played_preface(&in);
    played_request(&in, 1, "/t.T/One", NULL, NULL);
    played_message(&in, 1, "hello", true);
    ck_assert_int_eq(played_run(bytes_lend(&in), &out), CONNECTION_END_PEER);
    /* Literal in the message; the status is Huffman-coded in the trailers. */
    ck_assert(played_has(&out, "hello"));
    bytes_deinit(&in);
    bytes_deinit(&out);
}
END_TEST

START_TEST(what_is_no_http2_is_cut_off)
{
    ck_assert_int_eq(played_run(bytes_of_text("GET / HTTP/1.1\r\n\r\n"), NULL),
                     CONNECTION_END_PROTOCOL);
    ck_assert_int_eq(played_run(bytes_of_text(""), NULL), CONNECTION_END_PEER);
}
END_TEST

/* Its answer cannot be sent, again and again: it goes all the same. */
START_TEST(a_peer_that_has_left_is_not_waited_for)
{
    struct bytes in = {0};

    add_calls(&in);
    ck_assert_int_eq(played_leave(bytes_lend(&in)), CONNECTION_END_PEER);
    bytes_deinit(&in);
}
END_TEST

START_TEST(too_many_pings_are_abuse)
{
    struct bytes in = {0};
    struct byron_bytes payload = {"12345678", 8};

    played_preface(&in);
    for (int i = 0; i < 4; i++)
        played_frame(&in, 6, 0, 0, payload);
    ck_assert_int_eq(played_run(bytes_lend(&in), NULL), CONNECTION_END_ABUSE);
    bytes_deinit(&in);
}
END_TEST

START_TEST(resets_without_end_are_abuse)
{
    struct bytes in = {0};
    struct byron_bytes cancel = {"\0\0\0\10", 4};

    played_preface(&in);
    /* 64 KiB hold fewer requests than may be reset, so settings help. */
    for (int i = 0; i < 99; i++)
        played_frame(&in, 4, 0, 0, bytes_of_text(""));
    for (uint32_t i = 0; i < 100; i++) {
        played_request(&in, 2 * i + 1, "/t.T/Echo", NULL, NULL);
        played_frame(&in, 3, 0, 2 * i + 1, cancel);
    }
    ck_assert_int_eq(played_run(bytes_lend(&in), NULL), CONNECTION_END_ABUSE);
    bytes_deinit(&in);
}
END_TEST

START_TEST(any_failed_allocation_is_survived)
{
    struct bytes in = {0};
    unsigned long nth = 0;

    add_calls(&in);
    do {
        failing_malloc_arm(++nth, false);
        played_run(bytes_lend(&in), NULL);
    } while (failing_malloc_disarm());
    ck_assert_uint_gt(nth, 20);
    bytes_deinit(&in);
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    struct bytes in = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    add_calls(&in);
    for (int round = 0; round < 3000; round++) {
        struct bytes bad = {0};
        ck_assert_int_eq(bytes_add(&bad, in.data, in.size), BYRON_OK);
        for (uint64_t i = rng_below(&rng, 4); i < 4; i++)
            bad.data[24 + rng_below(&rng, bad.size - 24)] =
                (uint8_t)rng_next(&rng);
        bad.size -= rng_one_in(&rng, 2) ? rng_below(&rng, bad.size) : 0;
        played_run(bytes_lend(&bad), NULL);
        bytes_deinit(&bad);
    }
    bytes_deinit(&in);
}
END_TEST

Suite *test_connection_suite(void)
{
    Suite *suite = suite_create("connection");
    TCase *tests = tcase_create("connection");

    tcase_add_test(tests, a_message_comes_back);
    tcase_add_test(tests, what_is_no_http2_is_cut_off);
    tcase_add_test(tests, a_peer_that_has_left_is_not_waited_for);
    tcase_add_test(tests, too_many_pings_are_abuse);
    tcase_add_test(tests, resets_without_end_are_abuse);
    tcase_add_test(tests, any_failed_allocation_is_survived);
    tcase_add_test(tests, any_bytes_are_survived);
    suite_add_tcase(suite, tests);
    return suite;
}
