#include "update.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "conflict.h"
#include "entries.h"
#include "row.h"
#include "rowid.h"
#include "status.h"
#include "transaction.h"
#include "ttl.h"

/*
 * Arguments of xUpdate: the old key (NULL: insert), the new rowid, then every
 * column, the hidden ones last.
 */
#define OLD_KEY      0
#define NEW_ROWID    1
#define FIRST_COLUMN 2

#define FEW_FIELDS 32 /* As many need no memory of their own. */

/* Rooms up to here are kept for the next row. */
#define SPARE_CAPACITY ((size_t)64 * 1024)

/* One call. */
struct change {
    struct table *table;
    const struct declaration *declaration;
    byron_txn *txn;
    sqlite3_value **arguments;
    struct field *fields; /* One per column, then rowid: in few or owned. */
    struct field *old;    /* The same of the old row. NULL: not needed. */
    struct entries entries;
    struct bytes other_key; /* Of a row in the way. */
    struct bytes old_key;   /* Empty for an insert. */
    struct bytes new_key;
    struct bytes value;
    struct byron_value old_value; /* Pinned; what fields may borrow from. */
    struct row old_row;
    bool is_ignored; /* The row was passed over; nothing is changed. */
    struct field few[FEW_FIELDS];
};

/* All but few, which is filled before it is read. */
static void change_init(struct change *change, struct table *table,
                        sqlite3_value **arguments)
{
    memset(change, 0, offsetof(struct change, few));
    change->table = table;
    change->declaration = table->declaration;
    change->arguments = arguments;
    change->entries.table = table;
    change->new_key = table->spare_key;
    change->value = table->spare_value;
    table->spare_key = (struct bytes){0};
    table->spare_value = (struct bytes){0};
}

static void change_deinit(struct change *change)
{
    if (change->fields != change->few)
        free(change->fields);
    bytes_keep(&change->new_key, SPARE_CAPACITY, &change->table->spare_key);
    bytes_keep(&change->value, SPARE_CAPACITY, &change->table->spare_value);
    bytes_deinit(&change->old_key);
    bytes_deinit(&change->other_key);
    entries_deinit(&change->entries);
    byron_value_release(&change->old_value);
    row_deinit(&change->old_row);
}

static int fail(struct change *change, byron_status status)
{
    if (status == BYRON_CORRUPT)
        return table_fail(change->table, SQLITE_CORRUPT_VTAB,
                          "byron: a row of %s is damaged", change->table->name);
    return status_fail(change->table, status);
}

static bool has_indexes(const struct change *change)
{
    return change->table->index_count > 0;
}

static bool has_rowid(const struct change *change)
{
    return change->declaration->shape < KEY_SINGLE;
}

/* --- The old row --------------------------------------------------------- */

static int read_old_key(struct change *change)
{
    const struct declaration *declaration = change->declaration;
    sqlite3_value *value = change->arguments[OLD_KEY];
    struct bytes *key = &change->old_key;
    byron_status status = key_codec_add_id(key, change->table->id);
    struct field field;
    int rc;

    if (status != BYRON_OK)
        return fail(change, status);
    if (has_rowid(change)) {
        status = key_codec_add_rowid(key, sqlite3_value_int64(value));
    } else if (declaration->shape == KEY_COMPOSITE) {
        status = bytes_add(key, sqlite3_value_blob(value),
                           (size_t)sqlite3_value_bytes(value));
    } else {
        rc = field_read(
            value, declaration->columns[declaration->key[0].column].affinity,
            &field);
        if (rc != SQLITE_OK)
            return rc;
        status = key_codec_add(key, &field, key_style_of(declaration, 0));
    }
    return fail(change, status);
}

/* *is_there is false if an earlier row of the statement replaced this one. */
static int read_old_row(struct change *change, bool *is_there)
{
    struct row *row = &change->old_row;
    byron_status status = byron_txn_get(
        change->txn, bytes_view(&change->old_key), &change->old_value);

    *is_there = status != BYRON_NOT_FOUND;
    if (!*is_there)
        return SQLITE_OK;
    if (status == BYRON_OK)
        status = row_init(row, change->declaration);
    if (status == BYRON_OK)
        status = row_set_key(row, bytes_view(&change->old_key));
    if (status == BYRON_OK)
        status =
            row_set_value(row, (struct byron_bytes){change->old_value.data,
                                                    change->old_value.size});
    return fail(change, status);
}

static byron_status read_old_column(struct change *change, int column)
{
    struct field *field = &change->fields[column];
    bool is_known;
    byron_status status;

    if (change->old) {
        *field = change->old[column];
        return BYRON_OK;
    }
    status = row_key_column(&change->old_row, column, field, &is_known);
    if (status == BYRON_OK && !is_known)
        status = row_column(&change->old_row, column, field);
    return status;
}

/* --- The new row --------------------------------------------------------- */

static sqlite3_value *argument_of(const struct change *change, int column)
{
    return change->arguments[FIRST_COLUMN + column];
}

static bool is_insert(const struct change *change)
{
    return change->old_key.size == 0;
}

/* The rowid's own column is read by take_rowid. */
static bool is_alias(const struct change *change, int column)
{
    return change->declaration->shape == KEY_ROWID_ALIAS &&
           column == change->declaration->key[0].column;
}

static int read_fields(struct change *change)
{
    const struct declaration *declaration = change->declaration;

    for (int i = 0; i < declaration->column_count; i++) {
        struct field *field = &change->fields[i];
        sqlite3_value *value = argument_of(change, i);
        int rc;

        if (is_alias(change, i)) {
            field->kind = FIELD_NULL;
            continue;
        }
        if (!is_insert(change) && sqlite3_value_nochange(value))
            rc = fail(change, read_old_column(change, i));
        else
            rc = field_read(value, declaration->columns[i].affinity, field);
        if (rc != SQLITE_OK)
            return rc;
        /* SQLite tells no column left out from one that is given as NULL. */
        if (is_insert(change) && field->kind == FIELD_NULL &&
            declaration->columns[i].has_default)
            field_of_literal(&declaration->columns[i].default_value, field);
    }
    return SQLITE_OK;
}

static bool is_old_key(const struct change *change, sqlite3_value *value)
{
    size_t size = change->old_key.size - KEY_ID_SIZE;

    return !is_insert(change) && sqlite3_value_type(value) == SQLITE_BLOB &&
           (size_t)sqlite3_value_bytes(value) == size &&
           memcmp(sqlite3_value_blob(value), change->old_key.data + KEY_ID_SIZE,
                  size) == 0;
}

/* The hidden key follows from the others, and the rest are no part of a row. */
static int check_hidden(struct change *change)
{
    const struct declaration *declaration = change->declaration;

    for (int i = 0; i < declaration->hidden.count; i++) {
        int column = declaration->column_count + i;
        bool is_key = column == declaration->hidden.key;
        sqlite3_value *value = argument_of(change, column);

        if (sqlite3_value_nochange(value) ||
            sqlite3_value_type(value) == SQLITE_NULL ||
            (is_key && is_old_key(change, value)))
            continue;
        if (is_key)
            return table_fail(
                change->table, SQLITE_CONSTRAINT,
                "byron: column %s follows from the key and cannot be set",
                declaration->hidden_name);
        return table_fail(change->table, SQLITE_ERROR,
                          "byron: the hidden columns of %s hold nothing and "
                          "cannot be set",
                          change->table->name);
    }
    return SQLITE_OK;
}

/* NOT NULL of every column, in their order. */
static int check_nulls(struct change *change)
{
    const struct declaration *declaration = change->declaration;

    for (int i = 0; i < declaration->column_count; i++) {
        const struct column *column = &declaration->columns[i];
        struct field *field = &change->fields[i];
        enum conflict conflict;

        if (field->kind != FIELD_NULL || !column->is_not_null ||
            is_alias(change, i))
            continue;
        conflict = conflict_of(change->table, column->not_null_conflict);
        if (conflict == CONFLICT_REPLACE && column->has_default)
            field_of_literal(&column->default_value, field);
        if (field->kind != FIELD_NULL)
            continue;
        if (conflict == CONFLICT_IGNORE) {
            change->is_ignored = true;
            return SQLITE_OK;
        }
        return conflict_not_null(change->table, column->name);
    }
    return SQLITE_OK;
}

/* The rowid that the row shall have. */
static int take_rowid(struct change *change, int64_t *out)
{
    const struct declaration *declaration = change->declaration;
    sqlite3_value *value = change->arguments[NEW_ROWID];

    if (declaration->shape == KEY_ROWID_ALIAS) {
        sqlite3_value *own = argument_of(change, declaration->key[0].column);
        bool is_given = is_insert(change)
                            ? sqlite3_value_type(own) != SQLITE_NULL
                            : !sqlite3_value_nochange(own);

        if (is_given)
            value = own;
    }
    if (is_insert(change) && sqlite3_value_type(value) == SQLITE_NULL)
        return rowid_choose(change->table, change->txn, out);
    return rowid_read(change->table, value, out);
}

/* As the indexes hold it. */
static void set_rowid(struct change *change, int64_t rowid)
{
    const struct declaration *declaration = change->declaration;
    int column = declaration->shape == KEY_ROWID_ALIAS
                     ? declaration->key[0].column
                     : declaration->column_count;

    change->fields[column].kind = FIELD_INTEGER;
    change->fields[column].integer = rowid;
}

static int make_key(struct change *change, sqlite3_int64 *rowid)
{
    byron_status status;
    int64_t chosen;
    int rc;

    if (!has_rowid(change)) {
        status = row_add_key(&change->new_key, change->declaration,
                             change->table->id, change->fields);
        return fail(change, status);
    }
    rc = take_rowid(change, &chosen);
    if (rc != SQLITE_OK)
        return rc;
    *rowid = chosen;
    set_rowid(change, chosen);
    status = key_codec_add_id(&change->new_key, change->table->id);
    if (status == BYRON_OK)
        status = key_codec_add_rowid(&change->new_key, chosen);
    return fail(change, status);
}

static bool is_same_key(const struct change *change)
{
    return change->old_key.size == change->new_key.size &&
           memcmp(change->old_key.data, change->new_key.data,
                  change->new_key.size) == 0;
}

/* Room for the new row, the slots of a value and, with indexes, the old row. */
static bool take_fields(struct change *change)
{
    size_t size = entries_field_count(change->table);
    size_t count = has_indexes(change) ? 3 * size : 2 * size;

    change->fields = change->few;
    if (count > FEW_FIELDS)
        change->fields = malloc(count * sizeof *change->fields);
    if (!change->fields)
        return false;
    change->entries.slots = change->fields + size;
    if (has_indexes(change) && !is_insert(change))
        change->old = change->fields + 2 * size;
    return true;
}

/* --- Constraints --------------------------------------------------------- */

/* Option conflict=replace: an INSERT writes over the row with its key. */
static bool is_put(struct change *change)
{
    const struct declaration *declaration = change->declaration;

    return is_insert(change) && declaration->settings.is_replace &&
           conflict_of(change->table, declaration->key_conflict) ==
               CONFLICT_ABORT;
}

/* What happens to a row that breaks a check: an index, or -1 for the key. */
static enum conflict conflict_at(struct change *change, int check)
{
    if (check >= 0)
        return conflict_of(change->table,
                           change->table->indexes[check].conflict);
    if (is_put(change))
        return CONFLICT_REPLACE;
    return conflict_of(change->table, change->declaration->key_conflict);
}

/* Leaves other_key empty if no other row has the new key. */
static int find_key(struct change *change)
{
    byron_status status;

    change->other_key.size = 0;
    if (is_same_key(change))
        return SQLITE_OK;
    status = byron_txn_get(change->txn, bytes_view(&change->new_key), NULL);
    if (status == BYRON_NOT_FOUND)
        return SQLITE_OK;
    if (status == BYRON_OK)
        status = bytes_add(&change->other_key, change->new_key.data,
                           change->new_key.size);
    return fail(change, status);
}

static int find_other(struct change *change, int check)
{
    const struct bytes *own = &change->old_key;

    if (check < 0)
        return find_key(change);
    if (is_put(change))
        own = &change->new_key; /* It goes anyway. */
    return entries_find(&change->entries, &change->table->indexes[check],
                        change->old, change->fields, bytes_view(own),
                        &change->other_key);
}

/* Whether another row is in the way, which is not to be replaced. */
static int check_one(struct change *change, int check)
{
    enum conflict conflict = conflict_at(change, check);
    int rc;

    if (conflict == CONFLICT_REPLACE)
        return SQLITE_OK;
    rc = find_other(change, check);
    if (rc != SQLITE_OK || change->other_key.size == 0)
        return rc;
    if (conflict == CONFLICT_IGNORE) {
        change->is_ignored = true;
        return SQLITE_OK;
    }
    return check < 0
               ? conflict_unique(change->table)
               : conflict_index(change->table, &change->table->indexes[check]);
}

static int check_unique(struct change *change)
{
    const struct table *table = change->table;
    int rc = SQLITE_OK;

    if (!has_indexes(change))
        return check_one(change, -1);
    for (int i = 0;
         i < table->check_count && rc == SQLITE_OK && !change->is_ignored; i++)
        rc = check_one(change, table->checks[i]);
    return rc;
}

/* Deletes the row that is in the way of a check and to be replaced. */
static int replace_other(struct change *change, int check)
{
    int rc;

    if (check < 0)
        return is_same_key(change)
                   ? SQLITE_OK
                   : entries_delete_row(&change->entries,
                                        bytes_view(&change->new_key));
    rc = find_other(change, check);
    if (rc != SQLITE_OK || change->other_key.size == 0)
        return rc;
    return entries_delete_row(&change->entries, bytes_view(&change->other_key));
}

static int replace_others(struct change *change)
{
    const struct table *table = change->table;
    int rc = SQLITE_OK;

    for (int i = 0; i < table->check_count && rc == SQLITE_OK; i++)
        if (conflict_at(change, table->checks[i]) == CONFLICT_REPLACE)
            rc = replace_other(change, table->checks[i]);
    return rc;
}

/* --- Writing ------------------------------------------------------------- */

static int write_row(struct change *change)
{
    byron_status status = BYRON_OK;

    if (!is_insert(change) && !is_same_key(change))
        status = byron_txn_delete(change->txn, bytes_view(&change->old_key));
    if (status == BYRON_OK)
        status = byron_txn_put_until(change->txn, bytes_view(&change->new_key),
                                     bytes_view(&change->value),
                                     change->entries.expires_ms);
    return fail(change, status);
}

/* All or nothing, since SQLite sets no savepoint around a single row. */
static int write_all(struct change *change, sqlite3_int64 *rowid)
{
    uint64_t mark = byron_txn_mark(change->txn);
    uint64_t begin = mark;
    int rc = SQLITE_OK;

    if (has_indexes(change)) {
        rc = replace_others(change);
        begin = byron_txn_mark(change->txn);
        if (rc == SQLITE_OK)
            rc = entries_change(&change->entries, change->old, change->fields);
    }
    if (rc == SQLITE_OK)
        rc = write_row(change);
    if (rc != SQLITE_OK)
        byron_txn_rollback_to(change->txn, mark);
    else if (has_rowid(change) && is_insert(change))
        rowid_note(change->table, change->txn, begin, *rowid,
                   change->entries.expires_ms);
    return rc;
}

static int delete_row(struct change *change)
{
    struct byron_bytes key = bytes_view(&change->old_key);
    uint64_t mark = byron_txn_mark(change->txn);
    int rc;

    if (!has_indexes(change))
        return fail(change, byron_txn_delete(change->txn, key));
    if (!take_fields(change))
        return SQLITE_NOMEM;
    rc = entries_delete_row(&change->entries, key);
    if (rc != SQLITE_OK)
        byron_txn_rollback_to(change->txn, mark);
    return rc;
}

static int encode_value(struct change *change)
{
    return fail(change, row_add_value(&change->value, change->declaration,
                                      change->fields, change->entries.slots));
}

static int put_row(struct change *change, sqlite3_int64 *rowid)
{
    int rc;

    if (!take_fields(change))
        return SQLITE_NOMEM;
    rc = check_hidden(change);
    if (rc == SQLITE_OK && change->old)
        rc = fail(change,
                  entries_read(change->table, &change->old_row, change->old));
    if (rc == SQLITE_OK)
        rc = read_fields(change);
    /* SQLite finds a bad rowid before a bad NULL, that before a double key. */
    if (rc == SQLITE_OK && has_rowid(change))
        rc = make_key(change, rowid);
    if (rc == SQLITE_OK)
        rc = check_nulls(change);
    if (rc != SQLITE_OK || change->is_ignored)
        return rc;
    if (!has_rowid(change))
        rc = make_key(change, rowid);
    if (rc == SQLITE_OK)
        rc = check_unique(change);
    if (rc != SQLITE_OK || change->is_ignored)
        return rc;
    rc = encode_value(change);
    change->entries.old_expires_ms = change->old_value.expires_ms;
    if (rc == SQLITE_OK)
        rc = ttl_expiry(change->table, change->txn, change->fields,
                        &change->entries.expires_ms);
    return rc == SQLITE_OK ? write_all(change, rowid) : rc;
}

static int apply(struct change *change, int argument_count,
                 sqlite3_int64 *rowid)
{
    bool is_old = sqlite3_value_type(change->arguments[OLD_KEY]) != SQLITE_NULL;
    bool is_there = true;
    int rc = transaction_write(change->table, &change->txn);

    change->entries.txn = change->txn;
    if (rc == SQLITE_OK && is_old)
        rc = read_old_key(change);
    if (rc != SQLITE_OK)
        return rc;
    if (argument_count == 1)
        return delete_row(change);
    if (is_old)
        rc = read_old_row(change, &is_there);
    if (rc != SQLITE_OK || !is_there)
        return rc;
    return put_row(change, rowid);
}

int update_row(sqlite3_vtab *base, int argument_count,
               sqlite3_value **arguments, sqlite3_int64 *rowid)
{
    struct table *table = (struct table *)base;
    struct change change;
    int rc;

    if (command_is_given(table, argument_count, arguments))
        return command_run(table, arguments, rowid);
    change_init(&change, table, arguments);
    /* Without a rowid of its own the row leaves the connection's alone. */
    *rowid = sqlite3_last_insert_rowid(table->db);
    rc = apply(&change, argument_count, rowid);
    change_deinit(&change);
    if (rc != SQLITE_OK) {
        transaction_note_failure(table);
        return rc;
    }
    if (change.is_ignored) {
        /* Told as a failure SQLite does not count the row. */
        if (sqlite3_vtab_on_conflict(table->db) == SQLITE_IGNORE)
            return SQLITE_CONSTRAINT;
        *rowid = sqlite3_last_insert_rowid(table->db);
    }
    transaction_count_change(table);
    return SQLITE_OK;
}
