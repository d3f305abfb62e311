#include "index_check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "interrupt.h"
#include "status.h"
#include "try.h"
#include "view.h"

struct check {
    struct table *table;
    struct view view;
    struct interrupt interrupt;
    int rc; /* Of an interrupt. */
    void (*report)(void *context, const char *words);
    void *context;
    uint64_t findings;
    uint64_t row_count;
    struct row row;
    struct field *fields; /* Of the row, then the slots of an entry. */
    uint64_t expires_ms;
    struct bytes key; /* Of the entry that it should have. */
    struct bytes value;
};

static void tell(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct check *check, const char *format, ...)
{
    va_list arguments;
    char *words;

    va_start(arguments, format);
    words = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    check->findings++;
    check->report(check->context, words ? words : "out of memory");
    sqlite3_free(words);
}

static byron_status get(struct check *check, struct byron_bytes key,
                        struct byron_value *out)
{
    if (check->view.txn)
        return byron_txn_get(check->view.txn, key, out);
    return byron_get(check->view.db, check->view.snapshot, key, out);
}

/* Calls visit with each key of a table or index. */
static byron_status walk(struct check *check, uint32_t id,
                         byron_status (*visit)(struct check *check,
                                               byron_cursor *cursor,
                                               const struct index *index),
                         const struct index *index)
{
    struct byron_range range;
    byron_cursor *cursor = NULL;
    uint8_t bytes[8];
    byron_status status;

    store_table_range(id, bytes, &range);
    TRY(byron_cursor_open(check->view.snapshot, check->view.txn, &range,
                          &cursor));
    TRY(byron_cursor_first(cursor));
    while (byron_cursor_valid(cursor)) {
        check->rc = interrupt_check(&check->interrupt);
        if (check->rc != SQLITE_OK)
            break;
        TRY(visit(check, cursor, index));
        TRY(byron_cursor_next(cursor));
    }
out:
    byron_cursor_close(cursor);
    return status;
}

/* --- Every row has its entries ------------------------------------------- */

static byron_status make_entry(struct check *check, const struct index *index)
{
    size_t count = entries_field_count(check->table);
    byron_status status;

    check->key.size = 0;
    check->value.size = 0;
    TRY(index_add_key(index, check->fields, &check->key));
    TRY(row_add_value(&check->value, index->entry, check->fields,
                      check->fields + count));
out:
    return status;
}

static byron_status check_entry(struct check *check, const struct index *index)
{
    struct byron_value there = {0};
    byron_status status;

    TRY(make_entry(check, index));
    status = get(check, bytes_view(&check->key), &there);
    if (status == BYRON_NOT_FOUND) {
        tell(check, "row %llu of %s has no entry in index %s",
             (unsigned long long)check->row_count, check->table->name,
             index->name);
        status = BYRON_OK;
    } else if (status == BYRON_OK &&
               (there.expires_ms != check->expires_ms ||
                there.size != check->value.size ||
                (there.size > 0 &&
                 memcmp(there.data, check->value.data, there.size) != 0))) {
        tell(check, "row %llu of %s has a wrong entry in index %s",
             (unsigned long long)check->row_count, check->table->name,
             index->name);
    }
out:
    byron_value_release(&there);
    return status;
}

static byron_status read_row(struct check *check, byron_cursor *cursor)
{
    struct byron_bytes value;
    byron_status status;

    TRY(row_set_key(&check->row, byron_cursor_key(cursor)));
    TRY(byron_cursor_value(cursor, &value));
    TRY(row_set_value(&check->row, value));
    TRY(entries_read(check->table, &check->row, check->fields));
    check->expires_ms = byron_cursor_expiry(cursor);
out:
    return status;
}

static byron_status check_row(struct check *check, byron_cursor *cursor,
                              const struct index *unused)
{
    const struct table *table = check->table;
    byron_status status = read_row(check, cursor);

    (void)unused;
    check->row_count++;
    if (status == BYRON_CORRUPT) {
        tell(check, "row %llu of %s is damaged",
             (unsigned long long)check->row_count, table->name);
        return BYRON_OK;
    }
    for (int i = 0; i < table->index_count && status == BYRON_OK; i++)
        status = check_entry(check, &table->indexes[i]);
    return status;
}

/* --- Every entry has its row --------------------------------------------- */

/* Only its row's key is looked for: rows were asked for their entries. */
static byron_status find_row(struct check *check, byron_cursor *cursor,
                             const struct index *index)
{
    struct byron_value there = {0};
    struct byron_bytes key = byron_cursor_key(cursor);
    byron_status status =
        index_table_key(index, check->table, key, &check->value);

    if (status == BYRON_OK)
        status = get(check, bytes_view(&check->value), &there);
    if (status == BYRON_OK)
        status = row_set_key(&check->row, bytes_view(&check->value));
    if (status == BYRON_OK)
        status = row_set_value(&check->row,
                               (struct byron_bytes){there.data, there.size});
    if (status == BYRON_OK)
        status = entries_read(check->table, &check->row, check->fields);
    if (status == BYRON_OK) {
        check->key.size = 0;
        status = index_add_key(index, check->fields, &check->key);
    }
    if (status == BYRON_NOT_FOUND || status == BYRON_CORRUPT ||
        (status == BYRON_OK &&
         (key.size != check->key.size ||
          memcmp(key.data, check->key.data, key.size) != 0))) {
        tell(check, "index %s of %s has an entry without a row", index->name,
             check->table->name);
        status = BYRON_OK;
    }
    byron_value_release(&there);
    return status;
}

/* check->key has the columns of the entry before. */
static byron_status check_unique(struct check *check, byron_cursor *cursor,
                                 const struct index *index)
{
    struct byron_bytes key = byron_cursor_key(cursor);
    size_t size = 0;
    byron_status status = index_measure(index, key, &size);

    if (status == BYRON_CORRUPT) {
        tell(check, "index %s of %s has a damaged entry", index->name,
             check->table->name);
        return BYRON_OK;
    }
    if (status != BYRON_OK)
        return status;
    if (size > 0 && check->key.size == size &&
        memcmp(check->key.data, key.data, size) == 0)
        tell(check, "index %s of %s has two rows that are alike", index->name,
             check->table->name);
    check->key.size = 0;
    return bytes_add(&check->key, key.data, size);
}

static byron_status count_entry(struct check *check, byron_cursor *cursor,
                                const struct index *index)
{
    check->row_count++;
    return index->is_unique ? check_unique(check, cursor, index) : BYRON_OK;
}

/* As many entries as rows, each of which has its own: then none is left. */
static byron_status check_index(struct check *check, const struct index *index)
{
    uint64_t row_count = check->row_count;
    uint64_t entry_count;
    byron_status status;

    check->row_count = 0;
    check->key.size = 0;
    TRY(walk(check, index->id, count_entry, index));
    entry_count = check->row_count;
    check->row_count = row_count;
    if (entry_count != row_count && check->rc == SQLITE_OK)
        TRY(walk(check, index->id, find_row, index));
out:
    return status;
}

static byron_status check_all(struct check *check)
{
    const struct table *table = check->table;
    byron_status status;

    check->fields =
        malloc(2 * entries_field_count(table) * sizeof *check->fields);
    if (!check->fields)
        return BYRON_NO_MEMORY;
    TRY(row_init(&check->row, table->declaration));
    TRY(walk(check, table->id, check_row, NULL));
    for (int i = 0; i < table->index_count && check->rc == SQLITE_OK; i++)
        TRY(check_index(check, &table->indexes[i]));
out:
    return status;
}

int index_check(struct table *table,
                void (*report)(void *context, const char *words), void *context,
                uint64_t *findings)
{
    struct check check = {.table = table,
                          .interrupt.db = table->db,
                          .report = report,
                          .context = context};
    byron_status status;
    int rc;

    if (table->index_count == 0)
        return SQLITE_OK;
    rc = transaction_view(table, &check.view);
    for (int i = 0; i < table->index_count && rc == SQLITE_OK; i++)
        rc = view_check_index(table, &check.view, &table->indexes[i]);
    if (rc != SQLITE_OK) {
        view_close(&check.view);
        return rc;
    }
    status = check_all(&check);
    interrupt_deinit(&check.interrupt);
    row_deinit(&check.row);
    free(check.fields);
    bytes_deinit(&check.key);
    bytes_deinit(&check.value);
    view_close(&check.view);
    *findings += check.findings;
    return check.rc != SQLITE_OK ? check.rc : status_fail(table, status);
}
