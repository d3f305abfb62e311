#include <check.h>
#include <string.h>

#include "row_codec.h"
#include "support/field_model.h"

Suite *test_row_codec_suite(void);

#define MOST_FIELDS 12

static int random_row(struct rng *rng, struct field *fields,
                      uint8_t bytes[][FIELD_MODEL_BYTES])
{
    int count = (int)rng_below(rng, MOST_FIELDS + 1);

    for (int i = 0; i < count; i++) {
        fields[i] = field_model_random(rng, bytes[i]);
        if (rng_one_in(rng, 5))
            fields[i].kind =
                rng_one_in(rng, 2) ? FIELD_IN_KEY : FIELD_IN_KEY_REAL;
    }
    return count;
}

START_TEST(every_field_comes_back_in_any_order)
{
    struct field fields[MOST_FIELDS];
    uint8_t bytes[MOST_FIELDS][FIELD_MODEL_BYTES];
    struct row_reader reader;
    struct bytes row = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    ck_assert_int_eq(row_reader_init(&reader, MOST_FIELDS), BYRON_OK);
    for (int round = 0; round < 15000; round++) {
        int count = random_row(&rng, fields, bytes);

        row.size = 0;
        ck_assert_int_eq(row_codec_add(&row, fields, count), BYRON_OK);
        ck_assert_int_eq(row_reader_set(&reader, bytes_view(&row)), BYRON_OK);
        for (int i = 0; i < 2 * count; i++) {
            int index = (int)rng_below(&rng, (uint64_t)count);
            struct field back;

            ck_assert_int_eq(row_reader_get(&reader, index, &back), BYRON_OK);
            ck_assert(field_model_is_same(&back, &fields[index]));
        }
    }
    bytes_deinit(&row);
    row_reader_deinit(&reader);
}
END_TEST

START_TEST(what_the_key_holds_costs_nothing)
{
    struct field fields[2] = {{.kind = FIELD_IN_KEY}, {.kind = FIELD_IN_KEY}};
    struct row_reader reader;
    struct bytes row = {0};
    struct field back;

    ck_assert_int_eq(row_codec_add(&row, fields, 2), BYRON_OK);
    ck_assert_uint_eq(row.size, 0);

    ck_assert_int_eq(row_reader_init(&reader, 2), BYRON_OK);
    ck_assert_int_eq(row_reader_set(&reader, bytes_view(&row)), BYRON_OK);
    ck_assert_int_eq(row_reader_get(&reader, 1, &back), BYRON_OK);
    ck_assert_int_eq(back.kind, FIELD_IN_KEY);
    row_reader_deinit(&reader);
    bytes_deinit(&row);
}
END_TEST

/* The format is on people's disks: these bytes stay. */
START_TEST(the_bytes_are_those_of_format_1)
{
    static const struct field fields[] = {
        {.kind = FIELD_NULL},
        {.kind = FIELD_INTEGER, .integer = 0},
        {.kind = FIELD_INTEGER, .integer = -2},
        {.kind = FIELD_INTEGER, .integer = 300},
        {.kind = FIELD_REAL, .real = 7.0},
        {.kind = FIELD_REAL, .real = 0.5},
        {.kind = FIELD_TEXT, .data = "hi", .size = 2},
        {.kind = FIELD_BLOB, .data = "\0", .size = 1},
    };
    static const uint8_t expected[] = {
        8, 0, 10, 1, 2, 14, 9, 21, 18,   0xfe, 0x2c, 1,   7, 0,
        0, 0, 0,  0, 0, 0,  0, 0,  0xe0, 0x3f, 'h',  'i', 0};
    struct bytes row = {0};

    ck_assert_int_eq(row_codec_add(&row, fields, 8), BYRON_OK);
    ck_assert_uint_eq(row.size, sizeof expected);
    ck_assert_mem_eq(row.data, expected, sizeof expected);
    bytes_deinit(&row);
}
END_TEST

START_TEST(cut_or_changed_rows_do_no_harm)
{
    struct field fields[MOST_FIELDS];
    uint8_t bytes[MOST_FIELDS][FIELD_MODEL_BYTES];
    struct row_reader reader;
    struct bytes row = {0};
    struct rng rng;

    rng_init(&rng, test_seed());
    ck_assert_int_eq(row_reader_init(&reader, MOST_FIELDS), BYRON_OK);
    for (int round = 0; round < 15000; round++) {
        int count = random_row(&rng, fields, bytes);
        struct field back = {0};

        row.size = 0;
        ck_assert_int_eq(row_codec_add(&row, fields, count), BYRON_OK);
        if (row.size > 0)
            row.data[rng_below(&rng, row.size)] = (uint8_t)rng_next(&rng);
        row.size = rng_below(&rng, row.size + 1);
        if (row_reader_set(&reader, bytes_view(&row)) != BYRON_OK)
            continue;
        for (int i = MOST_FIELDS - 1; i >= 0; i--)
            if (row_reader_get(&reader, i, &back) == BYRON_OK &&
                (back.kind == FIELD_TEXT || back.kind == FIELD_BLOB))
                ck_assert((const uint8_t *)back.data >= row.data &&
                          (const uint8_t *)back.data + back.size <=
                              row.data + row.size);
    }
    bytes_deinit(&row);
    row_reader_deinit(&reader);
}
END_TEST

START_TEST(a_size_beyond_the_row_is_corrupt)
{
    static const uint8_t rows[][4] = {
        {5, 0, 0, 0}, {1, 0xff, 0, 0}, {2, 0xff, 0x7f, 0}, {1, 15, 0, 0}};
    struct row_reader reader;
    struct field back;

    ck_assert_int_eq(row_reader_init(&reader, 3), BYRON_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        byron_status status =
            row_reader_set(&reader, (struct byron_bytes){rows[i], 4});

        if (status == BYRON_OK)
            status = row_reader_get(&reader, 0, &back);
        ck_assert_int_eq(status, BYRON_CORRUPT);
    }
    row_reader_deinit(&reader);
}
END_TEST

Suite *test_row_codec_suite(void)
{
    Suite *suite = suite_create("row_codec");
    TCase *cases = tcase_create("row_codec");

    tcase_add_test(cases, every_field_comes_back_in_any_order);
    tcase_add_test(cases, what_the_key_holds_costs_nothing);
    tcase_add_test(cases, the_bytes_are_those_of_format_1);
    tcase_add_test(cases, cut_or_changed_rows_do_no_harm);
    tcase_add_test(cases, a_size_beyond_the_row_is_corrupt);
    suite_add_tcase(suite, cases);
    return suite;
}
