/*
 * test_wire: the pure parts of the protocol.
 *
 * Covers: frame, gzip, metadata, guard.
 */
#include <check.h>
#include <string.h>

#include "grpc/frame.h"
#include "grpc/gzip.h"
#include "grpc/metadata.h"
#include "grpc/wire.h"
#include "http/guard.h"
#include "support/seed.h"

Suite *test_wire_suite(void);

START_TEST(timeouts_are_read)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {{"100m", 100},   {"1S", 1000},
                 {"2M", 120000},  {"1H", 3600000},
                 {"1u", 1},       {"0n", 0},
                 {"1000001n", 2}, {"99999999H", 359999996400000}};
    static const char *const bad[] = {"",    "1",          "S",    "1s",  "-1S",
                                      "1 S", "123456789S", "1.5S", "0x1S"};
    uint64_t ms;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(wire_parse_timeout(bytes_of_text(cases[i].text), &ms),
                         BYRON_OK);
        ck_assert_uint_eq(ms, cases[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(wire_parse_timeout(bytes_of_text(bad[i]), &ms),
                         BYRON_MISUSE);
}
END_TEST

START_TEST(messages_are_escaped)
{
    struct bytes out = {0};

    ck_assert_int_eq(wire_encode_message("a b\n100%\xC3\xA4~", &out), BYRON_OK);
    ck_assert(bytes_equal(bytes_lend(&out), "a b%0A100%25%C3%A4~"));
    bytes_deinit(&out);
}
END_TEST

START_TEST(messages_come_back)
{
    struct bytes out = {0};

    ck_assert_int_eq(
        wire_decode_message(bytes_of_text("a%0Ab%C3%a4%25 %4 %zz %"), &out),
        BYRON_OK);
    ck_assert(bytes_equal(bytes_lend(&out), "a\nb\xC3\xA4% %4 %zz %"));
    bytes_deinit(&out);
}
END_TEST

START_TEST(what_is_escaped_comes_back)
{
    static const char *const bad[] = {"%", "a%", "%4", "%4g", "%%41", "%\0201"};
    struct bytes out = {0};

    ck_assert_int_eq(wire_unescape(bytes_of_text("a%20%Ff%41"), &out),
                     BYRON_OK);
    ck_assert(bytes_equal(bytes_lend(&out), "a \xFF\x41"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(wire_unescape(bytes_of_text(bad[i]), &out),
                         BYRON_MISUSE);
    bytes_deinit(&out);
}
END_TEST

START_TEST(content_types_and_lists_are_told_apart)
{
    ck_assert(wire_is_grpc(bytes_of_text("application/grpc")));
    ck_assert(wire_is_grpc(bytes_of_text("application/grpc+proto")));
    ck_assert(wire_is_grpc(bytes_of_text("application/grpc;x=y")));
    ck_assert(!wire_is_grpc(bytes_of_text("application/grpc-web")));
    ck_assert(!wire_is_grpc(bytes_of_text("application/json")));
    ck_assert(wire_list_has(bytes_of_text("identity, gzip"), "gzip"));
    ck_assert(wire_list_has(bytes_of_text("gzip,deflate"), "gzip"));
    ck_assert(!wire_list_has(bytes_of_text("identity,gzipped"), "gzip"));
    ck_assert(!wire_list_has(bytes_of_text(""), "gzip"));
}
END_TEST

START_TEST(frames_are_found_one_by_one)
{
    uint8_t bytes[] = {0, 0, 0, 0, 2, 'h', 'i', 1, 0, 0, 0, 0, 0, 0};
    struct byron_bytes input = {bytes, sizeof bytes};
    struct frame frame;

    ck_assert_int_eq(frame_read(&input, 2, &frame), FRAME_FOUND_ONE);
    ck_assert(bytes_equal(frame.message, "hi") && !frame.is_compressed);
    ck_assert_int_eq(frame_read(&input, 2, &frame), FRAME_FOUND_ONE);
    ck_assert(frame.message.size == 0 && frame.is_compressed);
    ck_assert_int_eq(frame_read(&input, 2, &frame), FRAME_FOUND_NONE);
    ck_assert_uint_eq(input.size, 2);

    input.data = bytes;
    input.size = 5;
    ck_assert_int_eq(frame_read(&input, 1, &frame), FRAME_FOUND_TOO_BIG);
    bytes[0] = 2;
    ck_assert_int_eq(frame_read(&input, 9, &frame), FRAME_FOUND_BAD);
}
END_TEST

START_TEST(gzip_comes_back)
{
    struct bytes packed = {0};
    struct bytes plain = {0};
    uint8_t text[100000];
    struct byron_bytes message = {text, sizeof text};

    memset(text, 'x', sizeof text);
    ck_assert_int_eq(gzip_compress(message, &packed), BYRON_OK);
    ck_assert_uint_lt(packed.size, 1000);
    ck_assert_int_eq(gzip_expand(bytes_lend(&packed), sizeof text, &plain),
                     BYRON_OK);
    ck_assert_uint_eq(plain.size, sizeof text);
    ck_assert_mem_eq(plain.data, text, sizeof text);
    bytes_deinit(&packed);
    bytes_deinit(&plain);
}
END_TEST

START_TEST(a_gzip_bomb_stops_at_the_limit)
{
    struct bytes packed = {0};
    struct bytes plain = {0};
    static uint8_t zeros[4000000];
    struct byron_bytes message = {zeros, sizeof zeros};

    ck_assert_int_eq(gzip_compress(message, &packed), BYRON_OK);
    ck_assert_int_eq(gzip_expand(bytes_lend(&packed), 10000, &plain),
                     BYRON_TOO_BIG);
    ck_assert_uint_lt(plain.capacity, 64 * 1024);
    bytes_deinit(&packed);
    bytes_deinit(&plain);
}
END_TEST

START_TEST(bad_gzip_is_corrupt)
{
    struct bytes packed = {0};
    struct bytes plain = {0};
    struct byron_bytes cut;

    ck_assert_int_eq(gzip_compress(bytes_of_text("hello"), &packed), BYRON_OK);
    cut = bytes_lend(&packed);
    while (cut.size > 0) {
        cut.size--;
        plain.size = 0;
        ck_assert_int_eq(gzip_expand(cut, 100, &plain), BYRON_CORRUPT);
    }
    ck_assert_int_eq(bytes_add(&packed, "x", 1), BYRON_OK);
    plain.size = 0;
    ck_assert_int_eq(gzip_expand(bytes_lend(&packed), 100, &plain),
                     BYRON_CORRUPT);
    bytes_deinit(&packed);
    bytes_deinit(&plain);
}
END_TEST

START_TEST(metadata_keeps_order_and_finds_the_first)
{
    struct metadata metadata = {0};
    struct http_field fields[4];
    struct byron_bytes value;

    ck_assert(!metadata_get(&metadata, "a", &value));
    ck_assert_int_eq(
        metadata_add(&metadata, bytes_of_text("a"), bytes_of_text("1")),
        BYRON_OK);
    ck_assert_int_eq(
        metadata_add(&metadata, bytes_of_text("bc"), bytes_of_text("")),
        BYRON_OK);
    ck_assert_int_eq(
        metadata_add(&metadata, bytes_of_text("a"), bytes_of_text("22")),
        BYRON_OK);
    ck_assert_uint_eq(metadata_count(&metadata), 3);
    ck_assert_uint_eq(metadata_list(&metadata, fields, 2), 2);
    ck_assert_uint_eq(metadata_list(&metadata, fields, 4), 3);
    ck_assert(bytes_equal(fields[1].name, "bc"));
    ck_assert(bytes_equal(fields[2].value, "22"));
    ck_assert(metadata_get(&metadata, "a", &value) && bytes_equal(value, "1"));
    ck_assert(metadata_get(&metadata, "bc", &value) && value.size == 0);
    metadata_deinit(&metadata);
}
END_TEST

START_TEST(nuisance_is_bounded_and_forgiven)
{
    struct guard guard;

    guard_init(&guard, 1000);
    for (int i = 0; i < GUARD_BUCKET / GUARD_COST_RESET; i++)
        ck_assert(guard_draw(&guard, 1000, GUARD_COST_RESET));
    ck_assert(!guard_draw(&guard, 1000, GUARD_COST_RESET));
    ck_assert(!guard_draw(&guard, 1020, GUARD_COST_RESET));
    ck_assert(guard_draw(&guard, 1030, GUARD_COST_RESET));
    /* However long the rest, the bucket is no larger. */
    for (int i = 0; i < GUARD_BUCKET; i++)
        ck_assert(guard_draw(&guard, 1000000000, GUARD_COST_EMPTY));
    ck_assert(!guard_draw(&guard, 1000000000, GUARD_COST_EMPTY));
}
END_TEST

START_TEST(pings_may_measure_but_not_hammer)
{
    struct guard guard;

    guard_init(&guard, 1);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert(guard_ping(&guard, 1 + 10000 * i, 10000));
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert(guard_ping(&guard, 200000 + i, 10000));
        guard_sent(&guard);
    }
    for (uint64_t i = 0; i < 3; i++)
        ck_assert(guard_ping(&guard, 300000 + i, 10000));
    ck_assert(!guard_ping(&guard, 300003, 10000));
}
END_TEST

Suite *test_wire_suite(void)
{
    Suite *suite = suite_create("wire");
    TCase *tests = tcase_create("wire");

    tcase_add_test(tests, timeouts_are_read);
    tcase_add_test(tests, messages_are_escaped);
    tcase_add_test(tests, messages_come_back);
    tcase_add_test(tests, what_is_escaped_comes_back);
    tcase_add_test(tests, content_types_and_lists_are_told_apart);
    tcase_add_test(tests, frames_are_found_one_by_one);
    tcase_add_test(tests, gzip_comes_back);
    tcase_add_test(tests, a_gzip_bomb_stops_at_the_limit);
    tcase_add_test(tests, bad_gzip_is_corrupt);
    tcase_add_test(tests, metadata_keeps_order_and_finds_the_first);
    tcase_add_test(tests, nuisance_is_bounded_and_forgiven);
    tcase_add_test(tests, pings_may_measure_but_not_hammer);
    suite_add_tcase(suite, tests);
    return suite;
}
