/*
 * fuzz_row_codec: any bytes as the value of a row. What is read must lie
 * inside, and be written again as the same fields.
 */
#include <stdlib.h>
#include <string.h>

#include "row_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define MOST_FIELDS 16

/* Sums what is read, so that it is read. */
static volatile size_t sum;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void read_field(const struct field *field)
{
    if (field->kind != FIELD_TEXT && field->kind != FIELD_BLOB)
        return;
    for (size_t i = 0; i < field->size; i++)
        sum += ((const uint8_t *)field->data)[i];
}

static bool is_same(const struct field *a, const struct field *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FIELD_INTEGER)
        return a->integer == b->integer;
    if (a->kind == FIELD_REAL)
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    if (a->kind == FIELD_TEXT || a->kind == FIELD_BLOB)
        return a->size == b->size &&
               (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
    return true;
}

static void write_again(const struct field *fields)
{
    struct bytes row = {0};
    struct row_reader reader;
    struct field back;

    require(row_codec_add(&row, fields, MOST_FIELDS) == BYRON_OK);
    require(row_reader_init(&reader, MOST_FIELDS) == BYRON_OK);
    require(row_reader_set(&reader, bytes_view(&row)) == BYRON_OK);
    for (int i = 0; i < MOST_FIELDS; i++) {
        require(row_reader_get(&reader, i, &back) == BYRON_OK);
        require(is_same(&fields[i], &back));
    }
    row_reader_deinit(&reader);
    bytes_deinit(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct row_reader reader;
    struct field fields[MOST_FIELDS];
    bool is_whole = true;

    require(row_reader_init(&reader, MOST_FIELDS) == BYRON_OK);
    if (row_reader_set(&reader, (struct byron_bytes){bytes, size}) ==
        BYRON_OK) {
        for (int i = 0; i < MOST_FIELDS && is_whole; i++) {
            is_whole = row_reader_get(&reader, i, &fields[i]) == BYRON_OK;
            if (is_whole)
                read_field(&fields[i]);
        }
        if (is_whole)
            write_again(fields);
    }
    row_reader_deinit(&reader);
    return 0;
}
