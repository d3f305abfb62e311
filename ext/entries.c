#include "entries.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "try.h"

void entries_deinit(struct entries *entries)
{
    bytes_deinit(&entries->old_key);
    bytes_deinit(&entries->old_value);
    bytes_deinit(&entries->new_key);
    bytes_deinit(&entries->new_value);
}

byron_status entries_read(const struct table *table, struct row *row,
                          struct field *fields)
{
    const struct declaration *declaration = table->declaration;
    int count = declaration->column_count;
    byron_status status = BYRON_OK;

    for (int i = 0; i < count; i++) {
        bool is_known;

        TRY(row_key_column(row, i, &fields[i], &is_known));
        if (!is_known)
            TRY(row_column(row, i, &fields[i]));
    }
    if (declaration->shape == KEY_ROWID_IMPLICIT) {
        fields[count].kind = FIELD_INTEGER;
        TRY(key_codec_read_rowid(row->key, &fields[count].integer));
    }
out:
    return status;
}

/* --- Keeping them -------------------------------------------------------- */

/* True only if the fields are the same, not whenever: a column that was not
 * set was copied. */
static bool is_copy(const struct field *a, const struct field *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case FIELD_NULL:
        return true;
    case FIELD_INTEGER:
        return a->integer == b->integer;
    case FIELD_TEXT:
    case FIELD_BLOB:
        return a->data == b->data && a->size == b->size;
    default:
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    }
}

/* Of the first count columns of the entry's key. */
static bool are_copies(const struct index *index, int count,
                       const struct field *before, const struct field *after)
{
    for (int i = 0; i < count; i++) {
        int column = index->entry->key[i].column;

        if (!is_copy(&before[column], &after[column]))
            return false;
    }
    return true;
}

static byron_status make_entry(struct entries *entries,
                               const struct index *index,
                               const struct field *fields, struct bytes *key,
                               struct bytes *value)
{
    byron_status status = BYRON_OK;

    key->size = 0;
    value->size = 0;
    TRY(index_add_key(index, fields, key));
    TRY(row_add_value(value, index->entry, fields, entries->slots));
out:
    return status;
}

static bool is_same(const struct bytes *a, const struct bytes *b)
{
    return a->size == b->size &&
           (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool is_same_expiry(const struct entries *entries)
{
    return entries->old_expires_ms == entries->expires_ms;
}

static int check_size(struct entries *entries, const struct index *index)
{
    if (entries->new_key.size <= BYRON_MAX_KEY)
        return SQLITE_OK;
    return table_fail(entries->table, SQLITE_TOOBIG,
                      "byron: index %s cannot hold a row whose columns take "
                      "%llu bytes there; the limit is %llu",
                      index->name, (unsigned long long)entries->new_key.size,
                      (unsigned long long)BYRON_MAX_KEY);
}

static int change_one(struct entries *entries, const struct index *index,
                      const struct field *before, const struct field *after)
{
    bool is_same_key = false;
    byron_status status = BYRON_OK;

    if (before)
        TRY(make_entry(entries, index, before, &entries->old_key,
                       &entries->old_value));
    if (after) {
        TRY(make_entry(entries, index, after, &entries->new_key,
                       &entries->new_value));
        if (check_size(entries, index) != SQLITE_OK)
            return SQLITE_TOOBIG;
    }
    if (before && after)
        is_same_key = is_same(&entries->old_key, &entries->new_key);
    if (is_same_key && is_same_expiry(entries) &&
        is_same(&entries->old_value, &entries->new_value))
        return SQLITE_OK;
    if (before && !is_same_key)
        TRY(byron_txn_delete(entries->txn, bytes_view(&entries->old_key)));
    if (after)
        TRY(byron_txn_put_until(entries->txn, bytes_view(&entries->new_key),
                                bytes_view(&entries->new_value),
                                entries->expires_ms));
out:
    return status_fail(entries->table, status);
}

int entries_add(struct entries *entries, const struct index *index,
                const struct field *fields)
{
    return change_one(entries, index, NULL, fields);
}

int entries_change(struct entries *entries, const struct field *before,
                   const struct field *after)
{
    const struct table *table = entries->table;
    int rc = SQLITE_OK;

    for (int i = 0; i < table->index_count && rc == SQLITE_OK; i++) {
        const struct index *index = &table->indexes[i];

        if (before && after && is_same_expiry(entries) &&
            are_copies(index, index->entry->key_count, before, after))
            continue;
        rc = change_one(entries, index, before, after);
    }
    return rc;
}

/* --- UNIQUE -------------------------------------------------------------- */

static bool has_null(const struct index *index, const struct field *fields)
{
    for (int i = 0; i < index->column_count; i++)
        if (fields[index->entry->key[i].column].kind == FIELD_NULL)
            return true;
    return false;
}

/* The first entry in range that is not of own_key's row. */
static byron_status find_other(struct entries *entries,
                               const struct index *index,
                               const struct byron_range *range,
                               struct byron_bytes own_key, struct bytes *other)
{
    byron_cursor *cursor = NULL;
    byron_status status;

    other->size = 0;
    TRY(byron_cursor_open(NULL, entries->txn, range, &cursor));
    TRY(byron_cursor_first(cursor));
    while (byron_cursor_valid(cursor)) {
        TRY(index_table_key(index, entries->table, byron_cursor_key(cursor),
                            other));
        if (bytes_compare(bytes_view(other), own_key) != 0)
            goto out;
        other->size = 0;
        TRY(byron_cursor_next(cursor));
    }
out:
    byron_cursor_close(cursor);
    return status;
}

int entries_find(struct entries *entries, const struct index *index,
                 const struct field *before, const struct field *after,
                 struct byron_bytes own_key, struct bytes *other)
{
    struct bytes *lower = &entries->old_key;
    struct bytes *upper = &entries->new_key;
    struct byron_range range;
    byron_status status = BYRON_OK;

    other->size = 0;
    if (has_null(index, after) ||
        (before && are_copies(index, index->column_count, before, after)))
        return SQLITE_OK;
    lower->size = 0;
    upper->size = 0;
    TRY(index_add_prefix(index, after, lower));
    TRY(bytes_add(upper, lower->data, lower->size));
    bytes_raise(upper, 0); /* An id is never 0xff only. */
    range.lower = bytes_view(lower);
    range.upper = bytes_view(upper);
    TRY(find_other(entries, index, &range, own_key, other));
out:
    return status_fail(entries->table, status);
}

/* --- Whole rows ---------------------------------------------------------- */

static byron_status open_row(struct entries *entries, struct byron_bytes key,
                             const struct byron_value *value, struct row *row)
{
    byron_status status;

    TRY(row_init(row, entries->table->declaration));
    TRY(row_set_key(row, key));
    TRY(row_set_value(row, (struct byron_bytes){value->data, value->size}));
out:
    return status;
}

int entries_delete_row(struct entries *entries, struct byron_bytes key)
{
    struct table *table = entries->table;
    struct byron_value value = {0};
    struct row row = {0};
    struct field *fields = NULL;
    byron_status status = byron_txn_get(entries->txn, key, &value);
    int rc = SQLITE_OK;

    if (status == BYRON_NOT_FOUND)
        return SQLITE_OK;
    if (status != BYRON_OK)
        return status_fail(table, status);
    fields = malloc(entries_field_count(table) * sizeof *fields);
    if (!fields) {
        status = BYRON_NO_MEMORY;
        goto out;
    }
    TRY(open_row(entries, key, &value, &row));
    TRY(entries_read(table, &row, fields));
    rc = entries_change(entries, fields, NULL);
    if (rc == SQLITE_OK)
        TRY(byron_txn_delete(entries->txn, key));
out:
    free(fields);
    row_deinit(&row);
    byron_value_release(&value);
    if (status == BYRON_CORRUPT)
        return table_fail(table, SQLITE_CORRUPT_VTAB,
                          "byron: a row of %s is damaged", table->name);
    return rc == SQLITE_OK ? status_fail(table, status) : rc;
}
