/*
 * Covers: bytes.
 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "key_codec.h"
#include "support/field_model.h"

Suite *test_key_codec_suite(void);

#define ROUNDS 50000

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static int compare_encoded(const struct bytes *a, const struct bytes *b)
{
    int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);

    return order != 0 ? sign(order) : (a->size > b->size) - (a->size < b->size);
}

static void encode(struct bytes *out, const struct field *field,
                   struct key_style style)
{
    out->size = 0;
    ck_assert_int_eq(key_codec_add(out, field, style), BYRON_OK);
}

static struct key_style random_style(struct rng *rng)
{
    return (struct key_style){(enum collation)rng_below(rng, 3),
                              rng_one_in(rng, 2), rng_one_in(rng, 2)};
}

START_TEST(memcmp_order_is_sql_order)
{
    struct bytes first = {0};
    struct bytes second = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t a_bytes[FIELD_MODEL_BYTES];
        uint8_t b_bytes[FIELD_MODEL_BYTES];
        struct key_style style = random_style(&rng);
        struct field a = field_model_random(&rng, a_bytes);
        struct field b = field_model_random(&rng, b_bytes);
        int expected = sign(field_model_compare(&a, &b, style.collation));

        if (style.is_descending)
            expected = -expected;
        encode(&first, &a, style);
        encode(&second, &b, style);
        ck_assert_msg(compare_encoded(&first, &second) == expected,
                      "round %d: kinds %d and %d", i, a.kind, b.kind);
    }
    bytes_deinit(&first);
    bytes_deinit(&second);
}
END_TEST

START_TEST(no_encoding_begins_another_before_the_last_column)
{
    struct bytes first = {0};
    struct bytes second = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t a_bytes[FIELD_MODEL_BYTES];
        uint8_t b_bytes[FIELD_MODEL_BYTES];
        struct key_style style = random_style(&rng);
        struct field a = field_model_random(&rng, a_bytes);
        struct field b = field_model_random(&rng, b_bytes);

        style.is_last = style.is_last && style.is_descending;
        encode(&first, &a, style);
        encode(&second, &b, style);
        if (first.size < second.size)
            ck_assert(memcmp(first.data, second.data, first.size) != 0);
    }
    bytes_deinit(&first);
    bytes_deinit(&second);
}
END_TEST

/* What key_codec_keeps says is kept comes back; with its kind, all does. */
START_TEST(what_is_kept_comes_back)
{
    struct bytes encoded = {0};
    struct bytes scratch = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[FIELD_MODEL_BYTES];
        struct key_style style = random_style(&rng);
        struct field field = field_model_random(&rng, bytes);
        enum field_kind kept =
            key_codec_keeps(&field, AFFINITY_BLOB, style.collation);
        struct byron_bytes input;
        struct field back;

        encode(&encoded, &field, style);
        input = bytes_view(&encoded);
        scratch.size = 0;
        ck_assert_int_eq(key_codec_read(&input, style, &scratch, &back),
                         BYRON_OK);
        ck_assert_uint_eq(input.size, 0);
        if (kept == FIELD_IN_KEY_REAL) {
            ck_assert_int_eq(back.kind, FIELD_INTEGER);
            ck_assert((double)back.integer == field.real);
        } else if (kept == FIELD_IN_KEY) {
            ck_assert_msg(field_model_is_same(&back, &field), "round %d", i);
        }
    }
    bytes_deinit(&encoded);
    bytes_deinit(&scratch);
}
END_TEST

START_TEST(columns_follow_each_other)
{
    static const struct key_style styles[] = {{COLLATION_BINARY, false, false},
                                              {COLLATION_BINARY, true, false},
                                              {COLLATION_BINARY, false, true}};
    struct field fields[] = {
        {.kind = FIELD_TEXT, .data = "a\0b", .size = 3},
        {.kind = FIELD_BLOB, .data = "\0\xff", .size = 2},
        {.kind = FIELD_TEXT, .data = "\0z", .size = 2},
    };
    struct bytes encoded = {0};
    struct bytes scratch = {0};
    struct byron_bytes input;
    struct field back;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(key_codec_add(&encoded, &fields[i], styles[i]),
                         BYRON_OK);
    input = bytes_view(&encoded);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(key_codec_read(&input, styles[i], &scratch, &back),
                         BYRON_OK);
        ck_assert(field_model_is_same(&back, &fields[i]));
    }
    input = bytes_view(&encoded);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(key_codec_skip(&input, styles[i]), BYRON_OK);
    ck_assert_uint_eq(input.size, 0);
    bytes_deinit(&encoded);
    bytes_deinit(&scratch);
}
END_TEST

START_TEST(small_integers_are_short)
{
    static const struct key_style style = {COLLATION_BINARY, false, false};
    struct field field = {.kind = FIELD_INTEGER, .integer = 100};
    struct bytes encoded = {0};

    encode(&encoded, &field, style);
    ck_assert_uint_eq(encoded.size, 2);
    field.integer = 0;
    encode(&encoded, &field, style);
    ck_assert_uint_eq(encoded.size, 1);
    bytes_deinit(&encoded);
}
END_TEST

static void expect_bytes(const struct field *field, struct key_style style,
                         const char *expected, size_t size)
{
    struct bytes encoded = {0};

    encode(&encoded, field, style);
    ck_assert_uint_eq(encoded.size, size);
    ck_assert_mem_eq(encoded.data, expected, size);
    bytes_deinit(&encoded);
}

/* The format is on people's disks: these bytes stay. */
START_TEST(the_bytes_are_those_of_format_1)
{
    static const struct key_style plain = {COLLATION_BINARY, false, false};
    static const struct key_style down = {COLLATION_BINARY, true, false};
    static const struct key_style last = {COLLATION_NOCASE, false, true};
    struct field number = {.kind = FIELD_INTEGER, .integer = 1};
    struct field text = {.kind = FIELD_TEXT, .data = "A\0B", .size = 3};

    expect_bytes(&number, plain, "\x21\x02", 2);
    expect_bytes(&number, down, "\xde\xfd", 2);
    number.integer = -1;
    expect_bytes(&number, plain, "\x1f\xfd", 2);
    number.integer = 300;
    expect_bytes(&number, plain, "\x22\x02\x58", 3);
    number.integer = INT64_MIN;
    expect_bytes(&number, plain, "\x10\xbc\x1f\xff\xff\xff\xff\xff\xff", 9);
    number.kind = FIELD_REAL;
    number.real = 1.5;
    expect_bytes(&number, plain, "\x21\x03\x3f\xe0\0\0\0\0\0\0", 10);
    expect_bytes(&text, plain,
                 "\x40"
                 "A\0\xff"
                 "B\0\0",
                 7);
    expect_bytes(&text, last,
                 "\x40"
                 "a\0\0\0\0\0\0\0\0\2",
                 11);
    text.kind = FIELD_BLOB;
    expect_bytes(&text, last,
                 "\x48"
                 "A\0B",
                 4);
}
END_TEST

START_TEST(damaged_bytes_are_corrupt_or_a_value)
{
    struct bytes scratch = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[20];
        struct byron_bytes input = {bytes, rng_below(&rng, sizeof bytes)};
        struct key_style style = random_style(&rng);
        struct field back;

        rng_bytes(&rng, bytes, sizeof bytes);
        bytes[0] &= 0x4f;
        scratch.size = 0;
        while (input.size > 0 &&
               key_codec_read(&input, style, &scratch, &back) == BYRON_OK)
            ck_assert_int_le(back.kind, FIELD_BLOB);
        ck_assert_uint_le(input.size, sizeof bytes);
    }
    bytes_deinit(&scratch);
}
END_TEST

START_TEST(rowids_sort_as_integers)
{
    static const int64_t rowids[] = {INT64_MIN, -2, -1, 0, 1, INT64_MAX};
    uint8_t last[KEY_ROWID_SIZE] = {0};

    for (size_t i = 0; i < sizeof rowids / sizeof *rowids; i++) {
        struct bytes key = {0};
        int64_t back;

        ck_assert_int_eq(key_codec_add_rowid(&key, rowids[i]), BYRON_OK);
        ck_assert_int_eq(key_codec_read_rowid(bytes_view(&key), &back),
                         BYRON_OK);
        ck_assert_int_eq(back, rowids[i]);
        if (i > 0)
            ck_assert_int_lt(memcmp(last, key.data, sizeof last), 0);
        memcpy(last, key.data, sizeof last);
        bytes_deinit(&key);
    }
    ck_assert_int_eq(
        key_codec_read_rowid((struct byron_bytes){last, 7}, &(int64_t){0}),
        BYRON_CORRUPT);
}
END_TEST

Suite *test_key_codec_suite(void)
{
    Suite *suite = suite_create("key_codec");
    TCase *cases = tcase_create("key_codec");

    tcase_add_test(cases, memcmp_order_is_sql_order);
    tcase_add_test(cases, no_encoding_begins_another_before_the_last_column);
    tcase_add_test(cases, what_is_kept_comes_back);
    tcase_add_test(cases, columns_follow_each_other);
    tcase_add_test(cases, small_integers_are_short);
    tcase_add_test(cases, the_bytes_are_those_of_format_1);
    tcase_add_test(cases, damaged_bytes_are_corrupt_or_a_value);
    tcase_add_test(cases, rowids_sort_as_integers);
    suite_add_tcase(suite, cases);
    return suite;
}
