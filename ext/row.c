#include "row.h"

#include <limits.h>
#include <string.h>

#define KEPT_CAPACITY 4096 /* Bytes of scratch for the next row. */

byron_status row_init(struct row *row, const struct declaration *table)
{
    memset(row, 0, sizeof *row);
    row->table = table;
    return row_reader_init(&row->reader, table->slot_count);
}

void row_deinit(struct row *row)
{
    row_reader_deinit(&row->reader);
    bytes_deinit(&row->scratch);
    memset(row, 0, sizeof *row);
}

void row_reset(struct row *row)
{
    if (row->scratch.capacity > KEPT_CAPACITY)
        bytes_deinit(&row->scratch);
}

byron_status row_set_key(struct row *row, struct byron_bytes key)
{
    if (key.size < KEY_ID_SIZE)
        return BYRON_CORRUPT;
    key.data = (const uint8_t *)key.data + KEY_ID_SIZE;
    key.size -= KEY_ID_SIZE;
    row->key = key;
    row->rest = key;
    row->rest_index = 0;
    row->scratch.size = 0;
    /* Enough for each column once, so that none of them moves. */
    if (row->scratch.capacity >= key.size)
        return BYRON_OK;
    return bytes_reserve(&row->scratch, key.size);
}

byron_status row_set_value(struct row *row, struct byron_bytes value)
{
    return row_reader_set(&row->reader, value);
}

/* Whether a field decoded from the key may have been another one. */
static bool is_lossy(const struct field *field, const struct column *column,
                     enum collation collation)
{
    if (field->kind == FIELD_TEXT)
        return collation != COLLATION_BINARY;
    if (field->kind != FIELD_INTEGER || column->affinity == AFFINITY_REAL)
        return false;
    return column->affinity < AFFINITY_NUMERIC || field->integer == INT64_MIN;
}

/* Makes rest begin with the column, from where the last one ended if it is not
 * before. Apart: seldom needed. */
__attribute__((noinline)) static byron_status find_encoded(struct row *row,
                                                           int key_index)
{
    byron_status status = BYRON_OK;

    if (row->rest_index > key_index) {
        row->rest = row->key;
        row->rest_index = 0;
    }
    for (; row->rest_index < key_index && status == BYRON_OK; row->rest_index++)
        status = key_codec_skip(&row->rest,
                                key_style_of(row->table, row->rest_index));
    return status;
}

static inline byron_status read_encoded(struct row *row, int key_index,
                                        struct field *out)
{
    byron_status status = BYRON_OK;

    if (row->rest_index != key_index)
        status = find_encoded(row, key_index);
    if (status == BYRON_OK)
        status = key_codec_read(&row->rest, key_style_of(row->table, key_index),
                                &row->scratch, out);
    row->rest_index = status == BYRON_OK ? key_index + 1 : INT_MAX;
    return status;
}

static byron_status read_key_field(struct row *row, int key_index,
                                   struct field *out, bool *is_known)
{
    const struct key_column *key = &row->table->key[key_index];
    const struct column *column = &row->table->columns[key->column];
    byron_status status = read_encoded(row, key_index, out);

    if (status != BYRON_OK)
        return status;
    if (out->kind == FIELD_INTEGER && column->affinity == AFFINITY_REAL) {
        out->kind = FIELD_REAL;
        out->real = (double)out->integer;
    }
    *is_known = !is_lossy(out, column, key->collation);
    return BYRON_OK;
}

byron_status row_key_column(struct row *row, int column, struct field *out,
                            bool *is_known)
{
    int key_index = row->table->columns[column].key_index;

    *is_known = false;
    out->kind = FIELD_IN_KEY;
    if (key_index < 0)
        return BYRON_OK;
    if (row->table->shape == KEY_ROWID_ALIAS) {
        *is_known = true;
        out->kind = FIELD_INTEGER;
        return key_codec_read_rowid(row->key, &out->integer);
    }
    return read_key_field(row, key_index, out, is_known);
}

byron_status row_column(struct row *row, int column, struct field *inout)
{
    enum field_kind in_key = inout->kind;
    byron_status status =
        row_reader_get(&row->reader, row->table->columns[column].slot, inout);

    if (status != BYRON_OK)
        return status;
    if (inout->kind == FIELD_IN_KEY_REAL && in_key == FIELD_INTEGER) {
        inout->kind = FIELD_REAL;
        inout->real = (double)inout->integer;
    } else if (inout->kind == FIELD_IN_KEY ||
               inout->kind == FIELD_IN_KEY_REAL) {
        /* Only the key can hold what the value leaves to it. */
        if (in_key == FIELD_IN_KEY || inout->kind == FIELD_IN_KEY_REAL)
            return BYRON_CORRUPT;
        inout->kind = in_key;
    }
    return BYRON_OK;
}

byron_status row_add_key(struct bytes *out, const struct declaration *table,
                         uint32_t id, const struct field *fields)
{
    byron_status status = key_codec_add_id(out, id);

    for (int i = 0; i < table->key_count && status == BYRON_OK; i++)
        status = key_codec_add(out, &fields[table->key[i].column],
                               key_style_of(table, i));
    return status;
}

byron_status row_add_value(struct bytes *out, const struct declaration *table,
                           const struct field *fields, struct field *slots)
{
    for (int i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        struct field *slot;

        if (column->slot < 0)
            continue;
        slot = &slots[column->slot];
        *slot = fields[i];
        if (column->key_index >= 0)
            slot->kind =
                key_codec_keeps(&fields[i], column->affinity,
                                table->key[column->key_index].collation);
    }
    return row_codec_add(out, slots, table->slot_count);
}
