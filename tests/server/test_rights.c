/*
 * test_rights: what somebody may do, and where.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/rights.h"
#include "net/bytes.h"
#include "support/seed.h"

Suite *test_rights_suite(void);

static struct rights *rights;

static void begin(void)
{
    ck_assert_int_eq(rights_new(&rights), BYRON_OK);
}

static void end(void)
{
    rights_unref(rights);
}

static byron_status add(enum right right, const char *place)
{
    return rights_add(rights, right, bytes_of_text(place));
}

static bool may_range(enum right right, const char *start, const char *stop)
{
    return rights_on_keys(rights, right, bytes_of_text(start),
                          bytes_of_text(stop));
}

static bool may(enum right right, const char *key)
{
    return rights_on_key(rights, right, bytes_of_text(key));
}

START_TEST(without_a_grant_nothing_may_be_done)
{
    ck_assert_int_eq(rights_everywhere(rights), RIGHT_NONE);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_KEYS), RIGHT_NONE);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_TABLES), RIGHT_NONE);
    ck_assert(!may(RIGHT_READ, "a"));
    ck_assert(!may_range(RIGHT_READ, "", ""));
    ck_assert(!rights_on_table(rights, RIGHT_READ, "t"));
    ck_assert_int_eq(rights_everywhere(NULL), RIGHT_ADMIN);
    ck_assert(rights_on_keys(NULL, RIGHT_WRITE, bytes_of_text(""),
                             bytes_of_text("")));
    ck_assert(rights_on_table(NULL, RIGHT_ADMIN, "t"));
    ck_assert_uint_eq(rights_scope(NULL), 0);
}
END_TEST

START_TEST(a_right_has_those_before_it)
{
    ck_assert_int_eq(add(RIGHT_WRITE, ""), BYRON_OK);
    ck_assert(may(RIGHT_READ, "a") && may(RIGHT_WRITE, "a"));
    ck_assert(may_range(RIGHT_WRITE, "", ""));
    ck_assert(rights_on_table(rights, RIGHT_WRITE, "t"));
    ck_assert(!rights_on_table(rights, RIGHT_ADMIN, "t"));
    ck_assert_int_eq(rights_everywhere(rights), RIGHT_WRITE);
    ck_assert_uint_eq(rights_scope(rights), 0);
}
END_TEST

START_TEST(a_prefix_ends_where_it_ends)
{
    ck_assert_int_eq(add(RIGHT_READ, "prefix=us%65r/"), BYRON_OK);
    ck_assert(may(RIGHT_READ, "user/") && may(RIGHT_READ, "user/\xff\xff"));
    ck_assert(!may(RIGHT_READ, "user") && !may(RIGHT_READ, "user0"));
    ck_assert(!may(RIGHT_WRITE, "user/1"));
    ck_assert(may_range(RIGHT_READ, "user/", "user0"));
    ck_assert(!may_range(RIGHT_READ, "user/", "user00"));
    ck_assert(!may_range(RIGHT_READ, "user", "user0"));
    ck_assert(!may_range(RIGHT_READ, "user/", ""));
    ck_assert(!may_range(RIGHT_READ, "", "user0"));
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_KEYS), RIGHT_READ);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_TABLES), RIGHT_NONE);
}
END_TEST

START_TEST(a_prefix_of_ones_has_no_end)
{
    ck_assert_int_eq(add(RIGHT_READ, "prefix=%ff%Ff"), BYRON_OK);
    ck_assert(may_range(RIGHT_READ, "\xff\xff", ""));
    ck_assert(!may(RIGHT_READ, "\xff\xfe"));
}
END_TEST

START_TEST(ranges_that_touch_are_one)
{
    ck_assert_int_eq(add(RIGHT_WRITE, "range=b..d"), BYRON_OK);
    ck_assert_int_eq(add(RIGHT_READ, "range=d..f"), BYRON_OK);
    ck_assert_int_eq(add(RIGHT_READ, "range=g.."), BYRON_OK);
    ck_assert_int_eq(add(RIGHT_READ, "range=..a"), BYRON_OK);
    ck_assert(may_range(RIGHT_READ, "b", "f"));
    ck_assert(may_range(RIGHT_READ, "c", "e"));
    ck_assert(!may_range(RIGHT_WRITE, "c", "e"));
    ck_assert(!may_range(RIGHT_READ, "b", "g"));
    ck_assert(!may_range(RIGHT_READ, "b", "f0"));
    ck_assert(may_range(RIGHT_READ, "g", "") && may_range(RIGHT_READ, "", "a"));
    ck_assert(!may_range(RIGHT_READ, "", "b"));
    ck_assert(!may(RIGHT_READ, "a") && !may(RIGHT_READ, "f"));
}
END_TEST

/* As if each key were asked for by itself. */
START_TEST(any_ranges_are_as_their_keys)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 300; round++) {
        bool model[27] = {false};
        end();
        begin();
        for (int i = 0; i < 4; i++) {
            char place[] = "range=a..b";
            unsigned from = (unsigned)rng_below(&rng, 25);
            unsigned to = from + 1 + (unsigned)rng_below(&rng, 25 - from);
            place[6] = (char)('a' + from);
            place[9] = (char)('a' + to);
            ck_assert_int_eq(add(RIGHT_READ, place), BYRON_OK);
            for (unsigned key = from; key < to; key++)
                model[key] = true;
        }
        for (unsigned from = 0; from < 25; from++) {
            char start[] = {(char)('a' + from), 0};
            bool all = true;
            ck_assert_int_eq(may(RIGHT_READ, start), model[from]);
            for (unsigned to = from + 1; to < 26; to++) {
                char stop[] = {(char)('a' + to), 0};
                all = all && model[to - 1];
                ck_assert_int_eq(may_range(RIGHT_READ, start, stop), all);
            }
        }
    }
}
END_TEST

START_TEST(tables_have_names)
{
    ck_assert_int_eq(add(RIGHT_WRITE, "table=Or%64ers"), BYRON_OK);
    ck_assert_int_eq(add(RIGHT_READ, "table=with%20space"), BYRON_OK);
    ck_assert(rights_on_table(rights, RIGHT_WRITE, "ORDERS"));
    ck_assert(rights_on_table(rights, RIGHT_READ, "with space"));
    ck_assert(!rights_on_table(rights, RIGHT_WRITE, "with space"));
    ck_assert(!rights_on_table(rights, RIGHT_READ, "order"));
    ck_assert(!rights_on_table(rights, RIGHT_READ, "orders2"));
    ck_assert(!rights_on_table(rights, RIGHT_READ, ""));
    ck_assert(!may(RIGHT_READ, "orders"));
    ck_assert_int_eq(rights_everywhere(rights), RIGHT_NONE);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_KEYS), RIGHT_NONE);
}
END_TEST

START_TEST(other_places_are_refused)
{
    static const char *const bad[] = {
        "prefix=", "prefix",     "table=",      "range=",      "range=a",
        "range=.", "range=b..a", "range=a..a",  "prefix=%",    "prefix=%1",
        "user",    "prefix=%zz", "table=a%00b", "range=%..",   "PREFIX=a",
        "=",       "keys=a",     "range=a.b",   "prefix=%4%41"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(add(RIGHT_READ, bad[i]), BYRON_MISUSE);
    ck_assert_int_eq(add(RIGHT_ADMIN, "prefix=a"), BYRON_MISUSE);
    ck_assert_int_eq(add(RIGHT_ADMIN, "table=a"), BYRON_MISUSE);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_KEYS), RIGHT_NONE);
    ck_assert_int_eq(rights_somewhere(rights, RIGHTS_TABLES), RIGHT_NONE);
}
END_TEST

/* The same for the same keys, whoever has them; another for others. */
START_TEST(a_scope_is_of_keys_to_write)
{
    uint64_t first;
    uint64_t second;

    ck_assert_int_eq(add(RIGHT_WRITE, "prefix=a"), BYRON_OK);
    ck_assert_int_eq(add(RIGHT_WRITE, "prefix=c"), BYRON_OK);
    first = rights_scope(rights);
    ck_assert_uint_ne(first, 0);
    ck_assert_int_eq(add(RIGHT_READ, "prefix=d"), BYRON_OK);
    ck_assert_uint_eq(rights_scope(rights), first);
    end();
    begin();
    ck_assert_int_eq(add(RIGHT_WRITE, "prefix=c"), BYRON_OK);
    second = rights_scope(rights);
    ck_assert_uint_ne(second, first);
    ck_assert_int_eq(add(RIGHT_WRITE, "prefix=a"), BYRON_OK);
    ck_assert_uint_eq(rights_scope(rights), first);
}
END_TEST

START_TEST(words_name_what_is_missing)
{
    struct byron_bytes none = {NULL, 0};
    char words[RIGHTS_WORDS_SIZE];
    char longest[1000];
    struct byron_bytes all = {longest, sizeof longest};

    rights_words(words, RIGHT_WRITE, "the key", bytes_of_text("a \"%\x01~"),
                 none);
    ck_assert_str_eq(
        words, "the right to write is missing for the key \"a%20%22%25%01~\"");
    rights_words(words, RIGHT_READ, "the keys from", bytes_of_text("a"),
                 bytes_of_text(""));
    ck_assert_str_eq(
        words, "the right to read is missing for the keys from \"a\" to \"\"");
    memset(longest, 255, sizeof longest);
    rights_words(words, RIGHT_ADMIN,
                 "something that takes a lot of words to be told of", all, all);
    ck_assert_str_eq(words + strlen(words) - 4, "...\"");
    ck_assert_uint_lt(strlen(words), RIGHTS_WORDS_SIZE);
}
END_TEST

Suite *test_rights_suite(void)
{
    Suite *suite = suite_create("rights");
    TCase *tests = tcase_create("rights");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, without_a_grant_nothing_may_be_done);
    tcase_add_test(tests, a_right_has_those_before_it);
    tcase_add_test(tests, a_prefix_ends_where_it_ends);
    tcase_add_test(tests, a_prefix_of_ones_has_no_end);
    tcase_add_test(tests, ranges_that_touch_are_one);
    tcase_add_test(tests, any_ranges_are_as_their_keys);
    tcase_add_test(tests, tables_have_names);
    tcase_add_test(tests, other_places_are_refused);
    tcase_add_test(tests, a_scope_is_of_keys_to_write);
    tcase_add_test(tests, words_name_what_is_missing);
    suite_add_tcase(suite, tests);
    return suite;
}
