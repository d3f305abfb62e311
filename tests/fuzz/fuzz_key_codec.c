/*
 * fuzz_key_codec: any bytes as a key of a few columns; the first byte chooses
 * collations, directions and the last column. What is read must lie inside
 * the key or the scratch space.
 */
#include <stdlib.h>

#include "key_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define COLUMNS 3

/* Sums what is read, so that it is read. */
static volatile size_t sum;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(const struct field *field, const void *start, size_t size)
{
    const uint8_t *first = start;
    const uint8_t *data = field->data;

    return size > 0 && data >= first && data + field->size <= first + size;
}

static void read_field(const struct field *field, struct byron_bytes key,
                       const struct bytes *scratch)
{
    if (field->kind != FIELD_TEXT && field->kind != FIELD_BLOB)
        return;
    require(field->size == 0 || is_inside(field, key.data, key.size) ||
            is_inside(field, scratch->data, scratch->size));
    for (size_t i = 0; i < field->size; i++)
        sum += ((const uint8_t *)field->data)[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bytes scratch = {0};
    struct byron_bytes key;
    struct byron_bytes rest;
    struct byron_bytes skipped;
    int64_t rowid;

    if (size == 0)
        return 0;
    key = (struct byron_bytes){bytes + 1, size - 1};
    rest = skipped = key;
    require((key_codec_read_rowid(key, &rowid) == BYRON_OK) ==
            (key.size == KEY_ROWID_SIZE));
    for (int i = 0; i < COLUMNS; i++) {
        struct key_style style = {(enum collation)(bytes[0] & 3) % 3,
                                  bytes[0] >> (2 + i) & 1,
                                  i == COLUMNS - 1 || bytes[0] >> 5 & 1};
        struct field field;
        byron_status status = key_codec_read(&rest, style, &scratch, &field);

        require(status == key_codec_skip(&skipped, style));
        if (status != BYRON_OK)
            break;
        require(skipped.data == rest.data && skipped.size == rest.size);
        read_field(&field, key, &scratch);
    }
    bytes_deinit(&scratch);
    return 0;
}
