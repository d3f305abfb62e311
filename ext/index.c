#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "try.h"

/* --- The declaration of entries ------------------------------------------ */

static byron_status copy_column(const struct column *from, struct column *to)
{
    *to = *from;
    to->has_default = false;
    memset(&to->default_value, 0, sizeof to->default_value);
    to->key_index = -1;
    to->slot = -1;
    to->name = strdup(from->name);
    to->type = strdup(from->type);
    return to->name && to->type ? BYRON_OK : BYRON_NO_MEMORY;
}

static byron_status copy_columns(const struct declaration *table,
                                 struct declaration *entry)
{
    byron_status status = BYRON_OK;
    struct column rowid = {.name = "rowid",
                           .type = "INTEGER",
                           .affinity = AFFINITY_INTEGER,
                           .is_not_null = true};

    entry->columns =
        calloc((size_t)table->column_count + 1, sizeof *entry->columns);
    if (!entry->columns)
        return BYRON_NO_MEMORY;
    for (int i = 0; i < table->column_count; i++)
        TRY(copy_column(&table->columns[i],
                        &entry->columns[entry->column_count++]));
    if (table->shape == KEY_ROWID_IMPLICIT)
        TRY(copy_column(&rowid, &entry->columns[entry->column_count++]));
out:
    return status;
}

static void add_key(struct declaration *entry, struct key_column key)
{
    struct column *column = &entry->columns[key.column];

    if (column->key_index < 0) {
        column->key_index = entry->key_count;
        column->slot = entry->slot_count++;
    }
    entry->key[entry->key_count++] = key;
}

static byron_status make_key(struct index *index,
                             const struct declaration *table,
                             const struct index_definition *definition)
{
    struct declaration *entry = index->entry;
    size_t count =
        (size_t)definition->column_count + (size_t)table->key_count + 1;

    entry->key = calloc(count, sizeof *entry->key);
    if (!entry->key)
        return BYRON_NO_MEMORY;
    for (int i = 0; i < definition->column_count; i++)
        add_key(entry, definition->columns[i]);
    if (index->rowid_column >= 0)
        add_key(entry, (struct key_column){index->rowid_column,
                                           COLLATION_BINARY, false});
    else
        for (int i = 0; i < table->key_count; i++)
            add_key(entry, table->key[i]);
    return BYRON_OK;
}

static int rowid_column_of(const struct declaration *table)
{
    switch (table->shape) {
    case KEY_ROWID_IMPLICIT:
        return table->column_count;
    case KEY_ROWID_ALIAS:
        return table->key[0].column;
    default:
        return -1;
    }
}

byron_status index_init(struct index *index, const struct declaration *table,
                        const struct index_definition *definition)
{
    byron_status status;

    memset(index, 0, sizeof *index);
    index->is_unique = definition->is_unique;
    index->conflict = definition->conflict;
    index->column_count = definition->column_count;
    index->rowid_column = rowid_column_of(table);
    index->name = strdup(definition->name);
    index->entry = calloc(1, sizeof *index->entry);
    if (!index->name || !index->entry) {
        status = BYRON_NO_MEMORY;
        goto out;
    }
    index->entry->shape = KEY_COMPOSITE;
    TRY(copy_columns(table, index->entry));
    TRY(make_key(index, table, definition));
    return BYRON_OK;
out:
    index_deinit(index);
    return status;
}

void index_deinit(struct index *index)
{
    declaration_free(index->entry);
    free(index->name);
    memset(index, 0, sizeof *index);
}

bool index_holds(const struct index *index, int column)
{
    const struct declaration *entry = index->entry;

    if (column < 0)
        column = index->rowid_column;
    return column >= 0 && column < entry->column_count &&
           entry->columns[column].key_index >= 0;
}

/* --- Keys ---------------------------------------------------------------- */

byron_status index_add_key(const struct index *index,
                           const struct field *fields, struct bytes *out)
{
    return row_add_key(out, index->entry, index->id, fields);
}

byron_status index_add_prefix(const struct index *index,
                              const struct field *fields, struct bytes *out)
{
    const struct declaration *entry = index->entry;
    byron_status status = key_codec_add_id(out, index->id);

    for (int i = 0; i < index->column_count && status == BYRON_OK; i++)
        status = key_codec_add(out, &fields[entry->key[i].column],
                               key_style_of(entry, i));
    return status;
}

byron_status index_measure(const struct index *index,
                           struct byron_bytes entry_key, size_t *out)
{
    struct bytes scratch = {0};
    struct byron_bytes rest = entry_key;
    byron_status status = BYRON_OK;
    bool has_null = false;

    if (entry_key.size < KEY_ID_SIZE)
        return BYRON_CORRUPT;
    rest.data = (const uint8_t *)rest.data + KEY_ID_SIZE;
    rest.size -= KEY_ID_SIZE;
    for (int i = 0; i < index->column_count; i++) {
        struct field field;

        TRY(key_codec_read(&rest, key_style_of(index->entry, i), &scratch,
                           &field));
        has_null = has_null || field.kind == FIELD_NULL;
    }
    *out = has_null ? 0 : entry_key.size - rest.size;
out:
    bytes_deinit(&scratch);
    return status;
}

static byron_status add_rowid(const struct index *index,
                              struct byron_bytes rest, struct bytes *out)
{
    struct bytes scratch = {0};
    struct field rowid;
    byron_status status =
        key_codec_read(&rest, key_style_of(index->entry, index->column_count),
                       &scratch, &rowid);

    bytes_deinit(&scratch);
    if (status != BYRON_OK)
        return status;
    if (rowid.kind != FIELD_INTEGER || rest.size > 0)
        return BYRON_CORRUPT;
    return key_codec_add_rowid(out, rowid.integer);
}

byron_status index_table_key(const struct index *index,
                             const struct table *table,
                             struct byron_bytes entry_key, struct bytes *out)
{
    struct byron_bytes rest = entry_key;
    byron_status status = BYRON_OK;

    if (entry_key.size < KEY_ID_SIZE)
        return BYRON_CORRUPT;
    rest.data = (const uint8_t *)rest.data + KEY_ID_SIZE;
    rest.size -= KEY_ID_SIZE;
    out->size = 0;
    TRY(key_codec_add_id(out, table->id));
    for (int i = 0; i < index->column_count; i++)
        TRY(key_codec_skip(&rest, key_style_of(index->entry, i)));
    if (index->rowid_column >= 0)
        TRY(add_rowid(index, rest, out));
    else
        TRY(bytes_add(out, rest.data, rest.size));
out:
    return status;
}
