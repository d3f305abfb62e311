#include "cursor.h"

#include <stdlib.h>
#include <string.h>

#include "key_range.h"
#include "plan.h"
#include "row.h"
#include "scan.h"
#include "status.h"

struct cursor {
    sqlite3_vtab_cursor base; /* First: SQLite casts. */
    struct scan scan;
    struct row row;
    struct key_argument arguments[PLAN_MOST_EQUALS + 2];
    bool has_value; /* The row has the value of the scan's. */
};

static struct table *table_of(const struct cursor *cursor)
{
    return (struct table *)cursor->base.pVtab;
}

static int fail_damaged(struct table *table)
{
    return table_fail(table, SQLITE_CORRUPT_VTAB,
                      "byron: a row of %s is damaged", table->name);
}

static int fail_row(struct table *table, byron_status status)
{
    if (status == BYRON_CORRUPT)
        return fail_damaged(table);
    return status_fail(table, status);
}

static void cursor_free(struct cursor *cursor)
{
    if (!cursor)
        return;
    scan_deinit(&cursor->scan);
    row_deinit(&cursor->row);
    free(cursor);
}

static struct cursor *cursor_new(struct table *table)
{
    struct cursor *cursor = malloc(sizeof *cursor);

    if (!cursor)
        return NULL;
    scan_init(&cursor->scan, table);
    if (row_init(&cursor->row, table->declaration) == BYRON_OK)
        return cursor;
    free(cursor);
    return NULL;
}

int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct table *table = (struct table *)base;
    struct cursor *cursor = table->spare;

    table->spare = NULL;
    if (!cursor)
        cursor = cursor_new(table);
    if (!cursor)
        return SQLITE_NOMEM;
    cursor->has_value = false;
    *out = &cursor->base;
    return SQLITE_OK;
}

int cursor_close(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);

    scan_reset(&cursor->scan);
    row_reset(&cursor->row);
    if (table->spare)
        cursor_free(cursor);
    else
        table->spare = cursor;
    return SQLITE_OK;
}

void cursor_free_spare(struct table *table)
{
    cursor_free(table->spare);
    table->spare = NULL;
}

/* --- Filter -------------------------------------------------------------- */

/* A literal, or a parameter: nothing but the value itself. */
static bool is_bare(const struct plan *plan, int index, sqlite3_value *value)
{
    return plan->literals >> index & 1 || sqlite3_value_frombind(value);
}

/* Adds the ranges for the arguments as they are now. */
static int add_ranges(struct cursor *cursor, const struct plan *plan)
{
    struct table *table = table_of(cursor);

    return status_fail(table,
                       key_ranges_add(&cursor->scan.ranges, table->declaration,
                                      table->id, plan, cursor->arguments));
}

/* The ranges for each value of the list in turn. */
static int add_list(struct cursor *cursor, const struct plan *plan,
                    sqlite3_value *list)
{
    int index = plan->list - 1;
    sqlite3_value *value;
    int rc = sqlite3_vtab_in_first(list, &value);

    while (rc == SQLITE_OK && value) {
        rc = key_argument_read(value, false, table_of(cursor)->declaration,
                               index, &cursor->arguments[index]);
        if (rc == SQLITE_OK)
            rc = add_ranges(cursor, plan);
        if (rc != SQLITE_OK)
            return rc;
        rc = sqlite3_vtab_in_next(list, &value);
    }
    if (rc != SQLITE_DONE && rc != SQLITE_OK)
        return rc;
    key_ranges_sort(&cursor->scan.ranges);
    return SQLITE_OK;
}

static int build_ranges(struct cursor *cursor, const struct plan *plan,
                        int count, sqlite3_value **values)
{
    for (int i = 0; i < count; i++) {
        int key_index = i < plan->equal_count ? i : plan->equal_count;
        int rc;

        if (i == plan->list - 1)
            continue;
        rc = key_argument_read(values[i], is_bare(plan, i, values[i]),
                               table_of(cursor)->declaration, key_index,
                               &cursor->arguments[i]);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (plan->list > 0)
        return add_list(cursor, plan, values[plan->list - 1]);
    return add_ranges(cursor, plan);
}

/* The bytes of a key after its first count columns; NULL if damaged. */
static const uint8_t *after_columns(const struct declaration *table,
                                    struct byron_bytes key, int count,
                                    size_t *size)
{
    struct byron_bytes rest = {(const uint8_t *)key.data + KEY_ID_SIZE,
                               key.size - KEY_ID_SIZE};

    for (int i = 0; i < count; i++)
        if (key_codec_skip(&rest, key_style_of(table, i)) != BYRON_OK)
            return NULL;
    *size = rest.size;
    return rest.data;
}

struct sort_context {
    const struct key_ranges *rows;
    const struct declaration *table;
    int skipped; /* Columns. */
};

static int compare_rows(const void *a, const void *b, void *opaque)
{
    const struct sort_context *context = opaque;
    const struct segment *segments[] = {a, b};
    const uint8_t *rest[2];
    size_t size[2];
    int order;

    for (int i = 0; i < 2; i++) {
        struct byron_bytes key = {context->rows->bytes.data +
                                      segments[i]->lower,
                                  segments[i]->lower_size};

        rest[i] =
            after_columns(context->table, key, context->skipped, &size[i]);
        if (!rest[i])
            return 0; /* xColumn will say that it is damaged. */
    }
    order = memcmp(rest[0], rest[1], size[0] < size[1] ? size[0] : size[1]);
    if (order != 0)
        return order;
    return (size[0] > size[1]) - (size[0] < size[1]);
}

/*
 * An equality turned out to be many values, and yet the order of the columns
 * after it was promised: collects the rows' keys and sorts them by those.
 */
static int sort_rows(struct cursor *cursor, const struct plan *plan)
{
    struct table *table = table_of(cursor);
    struct key_ranges rows = {0};
    struct sort_context context = {&rows, table->declaration,
                                   plan->equal_count};
    int rc = scan_start(&cursor->scan, false);

    while (rc == SQLITE_OK && cursor->scan.is_at_row) {
        rc = status_fail(table,
                         key_ranges_add_point(&rows, scan_key(&cursor->scan)));
        if (rc == SQLITE_OK)
            rc = scan_next(&cursor->scan);
    }
    if (rc != SQLITE_OK) {
        key_ranges_deinit(&rows);
        return rc;
    }
    if (rows.count > 1)
        qsort_r(rows.segments, (size_t)rows.count, sizeof *rows.segments,
                compare_rows, &context);
    key_ranges_deinit(&cursor->scan.ranges);
    cursor->scan.ranges = rows;
    return SQLITE_OK;
}

int cursor_filter(sqlite3_vtab_cursor *base, int plan_number,
                  const char *plan_text, int argument_count,
                  sqlite3_value **arguments)
{
    struct cursor *cursor = (struct cursor *)base;
    struct plan plan = plan_decode(plan_number);
    int rc;

    (void)plan_text;
    cursor->has_value = false;
    key_ranges_clear(&cursor->scan.ranges);
    rc = build_ranges(cursor, &plan, argument_count, arguments);
    if (rc == SQLITE_OK && plan.is_ordered_after && cursor->scan.ranges.is_wide)
        rc = sort_rows(cursor, &plan);
    if (rc != SQLITE_OK)
        return rc;
    return scan_start(&cursor->scan, plan.is_descending);
}

/* --- Rows ---------------------------------------------------------------- */

int cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;

    cursor->has_value = false;
    return scan_next(&cursor->scan);
}

int cursor_eof(sqlite3_vtab_cursor *base)
{
    return !((struct cursor *)base)->scan.is_at_row;
}

/*
 * The scan may have moved the row's bytes into a copy of its own since the
 * last column, so pointers into them are not kept from call to call.
 */
static int take_key(struct cursor *cursor)
{
    return fail_row(table_of(cursor),
                    row_set_key(&cursor->row, scan_key(&cursor->scan)));
}

static int take_value(struct cursor *cursor)
{
    struct byron_bytes value;
    int rc;

    if (cursor->has_value && !cursor->scan.is_copied)
        return SQLITE_OK;
    rc = scan_value(&cursor->scan, &value);
    if (rc != SQLITE_OK)
        return rc;
    cursor->has_value = true;
    return fail_row(table_of(cursor), row_set_value(&cursor->row, value));
}

/* A hidden column that is there to be written or compared with. */
static bool is_empty(const struct declaration *declaration, int column)
{
    return column >= declaration->column_count &&
           column != declaration->hidden.key;
}

/* The hidden key and the rowid's alias: an UPDATE takes them from the key. */
static bool follows_from_key(const struct table *table, int column)
{
    const struct declaration *declaration = table->declaration;
    return column >= declaration->column_count ||
           (declaration->shape == KEY_ROWID_ALIAS &&
            declaration->key[0].column == column);
}

int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                  int column)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);
    struct field field;
    bool is_known;
    byron_status status;
    int rc = SQLITE_OK;

    /* What an UPDATE leaves as it is, is read now all the same: read later,
     * from a row that the statement itself has replaced by then, it would not
     * fit the columns that were computed now. */
    if (follows_from_key(table, column) && sqlite3_vtab_nochange(context))
        return SQLITE_OK;
    if (is_empty(table->declaration, column))
        return SQLITE_OK;
    rc = take_key(cursor);
    if (rc != SQLITE_OK)
        return rc;
    if (column == table->declaration->hidden.key) {
        sqlite3_result_blob64(context, cursor->row.key.data,
                              cursor->row.key.size, SQLITE_TRANSIENT);
        return SQLITE_OK;
    }
    status = row_key_column(&cursor->row, column, &field, &is_known);
    if (status == BYRON_OK && !is_known) {
        rc = take_value(cursor);
        if (rc != SQLITE_OK)
            return rc;
        status = row_column(&cursor->row, column, &field);
    }
    if (status != BYRON_OK)
        return fail_row(table, status);
    field_result(context, &field);
    return SQLITE_OK;
}

int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);
    int64_t rowid;
    int rc;

    if (table->declaration->shape >= KEY_SINGLE)
        return table_fail(table, SQLITE_ERROR, "no such column: rowid");
    rc = take_key(cursor);
    if (rc != SQLITE_OK)
        return rc;
    rc = fail_row(table, key_codec_read_rowid(cursor->row.key, &rowid));
    if (rc == SQLITE_OK)
        *out = rowid;
    return rc;
}
