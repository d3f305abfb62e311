#include "cursor.h"

#include <stdlib.h>
#include <string.h>

#include "loans.h"
#include "row.h"
#include "sorting.h"
#include "status.h"
#include "walk.h"

#define MOST_RANGES 10000 /* That several lists are combined to. */

struct cursor {
    sqlite3_vtab_cursor base; /* First: SQLite casts. */
    struct walk walk;
    struct row row;   /* Of the table. */
    struct row entry; /* Of the index that is walked last; may be zero. */
    struct key_argument arguments[PLAN_MOST_ARGUMENTS];
    sqlite3_value *prefix; /* Owned; what the hidden column was compared to. */
    unsigned has; /* What row and entry have been given of the walk's row. */
    unsigned filters; /* Since it was opened. */
};

/* Bits of has. */
enum {
    HAS_KEY = 1,
    HAS_VALUE = 2,
    HAS_ENTRY_KEY = 4,
    HAS_ENTRY_VALUE = 8,
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

static inline int fail_row(struct table *table, byron_status status)
{
    if (status == BYRON_OK)
        return SQLITE_OK;
    if (status == BYRON_CORRUPT)
        return fail_damaged(table);
    return status_fail(table, status);
}

static void cursor_free(struct cursor *cursor)
{
    if (!cursor)
        return;
    walk_deinit(&cursor->walk);
    row_deinit(&cursor->row);
    row_deinit(&cursor->entry);
    sqlite3_value_free(cursor->prefix);
    free(cursor);
}

static struct cursor *cursor_new(struct table *table)
{
    struct cursor *cursor = calloc(1, sizeof *cursor);

    if (!cursor)
        return NULL;
    walk_init(&cursor->walk, table);
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
    cursor->has = 0;
    cursor->filters = 0;
    *out = &cursor->base;
    return SQLITE_OK;
}

int cursor_close(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);

    walk_reset(&cursor->walk);
    row_reset(&cursor->row);
    row_reset(&cursor->entry);
    sqlite3_value_free(cursor->prefix);
    cursor->prefix = NULL;
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

/*
 * Does the value compare as one without affinity? Literals and parameters have
 * none, but SQLite gives out as such also what comes of their CAST, what has
 * gone into the rowid of a trigger's NEW, and what stands for a column that is
 * equal to them. So a number is never bare. A text of a column that holds
 * texts compares as a bare one. A prefix is not checked by SQLite: what stands
 * before it means itself.
 */
static bool is_bare(const struct plan *plan, int index, sqlite3_value *value)
{
    if (plan->pattern == PATTERN_PREFIX)
        return true;
    return sqlite3_value_type(value) == SQLITE_TEXT &&
           (plan->literals >> index & 1 || sqlite3_value_frombind(value));
}

/* Adds the ranges for the arguments as they are now. */
static int add_ranges(struct cursor *cursor, const struct plan *plan)
{
    const struct path *path = &cursor->walk.path;

    return status_fail(table_of(cursor),
                       key_ranges_add(&cursor->walk.scan.ranges, path->entry,
                                      path->id, plan, cursor->arguments));
}

/* Lists whose values are combined may make too many ranges; one may not. */
static bool is_too_long(const struct cursor *cursor, const struct plan *plan)
{
    return (plan->lists & (plan->lists - 1)) != 0 &&
           plan->pattern != PATTERN_PREFIX &&
           cursor->walk.scan.ranges.count > MOST_RANGES;
}

/* The ranges for each value of the lists from this column on in turn; stops
 * when it is too long. */
static int add_lists(struct cursor *cursor, const struct plan *plan,
                     sqlite3_value **values, int from)
{
    sqlite3_value *value;
    int rc;

    while (from < plan->equal_count && !(plan->lists >> from & 1))
        from++;
    if (from == plan->equal_count)
        return add_ranges(cursor, plan);
    rc = sqlite3_vtab_in_first(values[from], &value);
    while (rc == SQLITE_OK && value) {
        rc = key_argument_read(value, plan->pattern == PATTERN_PREFIX,
                               cursor->walk.path.entry, from,
                               &cursor->arguments[from]);
        if (rc == SQLITE_OK)
            rc = add_lists(cursor, plan, values, from + 1);
        if (rc != SQLITE_OK || is_too_long(cursor, plan))
            return rc;
        rc = sqlite3_vtab_in_next(values[from], &value);
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The part of a plan that has only the first of its lists. SQLite checks the
 * others again. */
static struct plan first_list_only(const struct plan *plan)
{
    struct plan part = *plan;
    unsigned first = plan->lists & -plan->lists;

    part.equal_count = __builtin_ctz(plan->lists & ~first);
    part.lists = first;
    part.lower = BOUND_NONE;
    part.upper = BOUND_NONE;
    part.pattern = PATTERN_NONE;
    return part;
}

static int add_all_lists(struct cursor *cursor, const struct plan *plan,
                         sqlite3_value **values)
{
    struct key_ranges *ranges = &cursor->walk.scan.ranges;
    int rc = add_lists(cursor, plan, values, 0);

    if (rc == SQLITE_OK && is_too_long(cursor, plan)) {
        struct plan part = first_list_only(plan);

        key_ranges_clear(ranges);
        rc = add_lists(cursor, &part, values, 0);
    }
    if (rc == SQLITE_OK)
        key_ranges_sort(ranges);
    return rc;
}

static int read_argument(struct cursor *cursor, const struct plan *plan,
                         int index, sqlite3_value *value)
{
    int key_index = index < plan->equal_count ? index : plan->equal_count;

    if (index == plan_bound_count(plan) - 1 && plan->pattern != PATTERN_NONE)
        return key_pattern_read(value, &cursor->arguments[index]);
    return key_argument_read(value, is_bare(plan, index, value),
                             cursor->walk.path.entry, key_index,
                             &cursor->arguments[index]);
}

static int build_ranges(struct cursor *cursor, const struct plan *plan,
                        sqlite3_value **values)
{
    for (int i = 0; i < plan_bound_count(plan); i++) {
        int rc;

        if (i < plan->equal_count && (plan->lists >> i & 1))
            continue;
        rc = read_argument(cursor, plan, i, values[i]);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (plan->lists != 0)
        return add_all_lists(cursor, plan, values);
    return add_ranges(cursor, plan);
}

/* The reader of the index's entries; the last one is likely to do again. */
static int prepare_entry(struct cursor *cursor)
{
    const struct path *path = &cursor->walk.path;

    if (!path->index || cursor->entry.table == path->entry)
        return SQLITE_OK;
    row_deinit(&cursor->entry);
    return status_fail(table_of(cursor), row_init(&cursor->entry, path->entry));
}

/* Reading the hidden column shows it, where SQLite checks it again. */
static int keep_prefix(struct cursor *cursor, const struct plan *plan,
                       sqlite3_value **arguments)
{
    sqlite3_value_free(cursor->prefix);
    cursor->prefix = NULL;
    if (plan->pattern != PATTERN_PREFIX)
        return SQLITE_OK;
    cursor->prefix = sqlite3_value_dup(arguments[plan_bound_count(plan) - 1]);
    return cursor->prefix ? SQLITE_OK : SQLITE_NOMEM;
}

int cursor_filter(sqlite3_vtab_cursor *base, int plan_number,
                  const char *plan_text, int argument_count,
                  sqlite3_value **arguments)
{
    struct cursor *cursor = (struct cursor *)base;
    struct plan plan;
    int64_t limit = -1;
    int64_t offset = 0;
    int rc;

    (void)plan_number;
    plan_read(plan_text, &plan);
    cursor->has = 0;
    cursor->filters++;
    rc = walk_set_plan(&cursor->walk, &plan);
    if (rc == SQLITE_OK)
        rc = prepare_entry(cursor);
    if (rc == SQLITE_OK)
        rc = keep_prefix(cursor, &plan, arguments);
    if (rc == SQLITE_OK)
        rc = build_ranges(cursor, &plan, arguments);
    if (rc == SQLITE_OK && plan.is_ordered_after &&
        cursor->walk.scan.ranges.is_wide)
        rc = sorting_apply(&cursor->walk.scan, &cursor->walk.path,
                           plan.equal_count);
    if (rc != SQLITE_OK)
        return rc;
    if (plan.has_offset)
        offset = sqlite3_value_int64(arguments[--argument_count]);
    if (plan.has_limit)
        limit = sqlite3_value_int64(arguments[--argument_count]);
    return walk_start(&cursor->walk, limit, offset);
}

/* --- Rows ---------------------------------------------------------------- */

int cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;

    if (walk_next_unseen(&cursor->walk))
        return SQLITE_OK;
    cursor->has = 0;
    if (walk_next_ready(&cursor->walk))
        return SQLITE_OK;
    return walk_next(&cursor->walk);
}

int cursor_eof(sqlite3_vtab_cursor *base)
{
    return !((struct cursor *)base)->walk.is_at_row;
}

/*
 * The walk may have moved the row's bytes into a copy of its own since the
 * last column: then pointers into them do not last from call to call.
 */
static inline bool has_still(const struct cursor *cursor, unsigned what)
{
    return (cursor->has & what) && !walk_is_copied(&cursor->walk);
}

static inline int note(struct cursor *cursor, unsigned what,
                       byron_status status)
{
    if (status != BYRON_OK)
        return fail_row(table_of(cursor), status);
    cursor->has |= what;
    return SQLITE_OK;
}

static int take_key(struct cursor *cursor)
{
    const struct byron_pair *ready = walk_ready_row(&cursor->walk);
    struct byron_bytes key;
    int rc;

    if (has_still(cursor, HAS_KEY))
        return SQLITE_OK;
    if (ready)
        return note(cursor, HAS_KEY, row_set_key(&cursor->row, ready->key));
    rc = walk_row_key(&cursor->walk, &key);
    if (rc != SQLITE_OK)
        return rc;
    return note(cursor, HAS_KEY, row_set_key(&cursor->row, key));
}

static int take_value(struct cursor *cursor)
{
    const struct byron_pair *ready = walk_ready_row(&cursor->walk);
    struct byron_bytes key;
    struct byron_bytes value;
    int rc;

    if (has_still(cursor, HAS_VALUE))
        return SQLITE_OK;
    if (ready)
        return note(cursor, HAS_VALUE,
                    row_set_value(&cursor->row, ready->value));
    rc = walk_row(&cursor->walk, &key, &value);
    if (rc != SQLITE_OK)
        return rc;
    return note(cursor, HAS_VALUE, row_set_value(&cursor->row, value));
}

/* The same of the index's entry. */
static int take_entry_key(struct cursor *cursor)
{
    struct byron_bytes key;

    if (has_still(cursor, HAS_ENTRY_KEY))
        return SQLITE_OK;
    key = scan_key(&cursor->walk.scan);
    return note(cursor, HAS_ENTRY_KEY, row_set_key(&cursor->entry, key));
}

static int take_entry_value(struct cursor *cursor)
{
    struct byron_bytes value;
    int rc;

    if (has_still(cursor, HAS_ENTRY_VALUE))
        return SQLITE_OK;
    rc = scan_value(&cursor->walk.scan, &value);
    if (rc != SQLITE_OK)
        return rc;
    return note(cursor, HAS_ENTRY_VALUE, row_set_value(&cursor->entry, value));
}

/* Whether the entry itself answers for SQLite's column (-1: the rowid). */
static bool is_in_entry(const struct cursor *cursor, int column)
{
    return cursor->walk.path.index && !cursor->walk.is_fetching &&
           index_holds(cursor->walk.path.index, column);
}

/* Requires: it is in the entry. */
static int read_entry(struct cursor *cursor, int column, struct field *out)
{
    struct row *entry = &cursor->entry;
    bool is_known = false;
    int rc = SQLITE_OK;

    out->kind = FIELD_IN_KEY;
    if (row_is_in_key(entry, column)) {
        rc = take_entry_key(cursor);
        if (rc == SQLITE_OK)
            rc = fail_row(table_of(cursor),
                          row_key_column(entry, column, out, &is_known));
    }
    if (rc == SQLITE_OK && !is_known) {
        rc = take_entry_value(cursor);
        if (rc == SQLITE_OK)
            rc = fail_row(table_of(cursor), row_column(entry, column, out));
    }
    walk_note_column(&cursor->walk, column, is_known);
    return rc;
}

static int read_row(struct cursor *cursor, int column, struct field *out)
{
    struct row *row = &cursor->row;
    bool is_known = false;
    int rc = SQLITE_OK;

    out->kind = FIELD_IN_KEY;
    if (row_is_in_key(row, column)) {
        rc = take_key(cursor);
        if (rc == SQLITE_OK)
            rc = fail_row(table_of(cursor),
                          row_key_column(row, column, out, &is_known));
    }
    if (rc == SQLITE_OK && !is_known) {
        rc = take_value(cursor);
        if (rc == SQLITE_OK)
            rc = fail_row(table_of(cursor), row_column(row, column, out));
    }
    walk_note_column(&cursor->walk, column, is_known);
    return rc;
}

/* The hidden key and the rowid's alias: an UPDATE takes them from the key. */
static bool follows_from_key(const struct table *table, int column)
{
    const struct declaration *declaration = table->declaration;
    return column >= declaration->column_count ||
           (declaration->shape == KEY_ROWID_ALIAS &&
            declaration->key[0].column == column);
}

static int result_hidden(struct cursor *cursor, sqlite3_context *context,
                         int column)
{
    const struct hidden_columns *hidden =
        &table_of(cursor)->declaration->hidden;
    int rc = SQLITE_OK;

    if (column == hidden->prefix && cursor->prefix) {
        sqlite3_result_value(context, cursor->prefix);
    } else if (column == hidden->prefix && cursor->walk.plan.is_prefix_asked) {
        rc = table_fail(table_of(cursor), SQLITE_ERROR,
                        "byron: %s.prefix can only be searched by: prefix = "
                        "..., joined to the rest by AND",
                        table_of(cursor)->name);
    } else if (column == hidden->key) {
        cursor->walk.is_whole = true;
        rc = scan_look(&cursor->walk.scan);
        if (rc == SQLITE_OK)
            rc = take_key(cursor);
        if (rc == SQLITE_OK)
            sqlite3_result_blob64(context, cursor->row.key.data,
                                  cursor->row.key.size, SQLITE_TRANSIENT);
    }
    return rc;
}

/* Whether no other row is to come: for many SQLite has one room in turn. */
static bool is_alone(const struct cursor *cursor)
{
    const struct key_ranges *ranges = &cursor->walk.scan.ranges;

    return cursor->filters == 1 && ranges->count == 1 &&
           ranges->segments[0].is_point;
}

static void give_result(struct cursor *cursor, sqlite3_context *context,
                        const struct field *field)
{
    struct table *table = table_of(cursor);

    if (!table->loans && is_alone(cursor))
        table->loans = loans_new();
    if (table->loans && is_alone(cursor))
        field_lend(context, field, table->loans);
    else
        field_result(context, field);
}

int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                  int column)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);
    struct field field;
    int rc;

    /* What an UPDATE leaves as it is, is read now all the same: read later,
     * from a row that the statement itself has replaced by then, it would not
     * fit the columns that were computed now. */
    if (follows_from_key(table, column) && sqlite3_vtab_nochange(context))
        return SQLITE_OK;
    if (column >= table->declaration->column_count)
        return result_hidden(cursor, context, column);
    rc = scan_look(&cursor->walk.scan);
    if (rc != SQLITE_OK)
        return rc;
    rc = is_in_entry(cursor, column) ? read_entry(cursor, column, &field)
                                     : read_row(cursor, column, &field);
    if (rc == SQLITE_OK)
        give_result(cursor, context, &field);
    return rc;
}

int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    struct cursor *cursor = (struct cursor *)base;
    struct table *table = table_of(cursor);
    int64_t rowid;
    int rc;

    if (table->declaration->shape >= KEY_SINGLE)
        return table_fail(table, SQLITE_ERROR, "no such column: rowid");
    cursor->walk.is_whole = true;
    rc = scan_look(&cursor->walk.scan);
    if (rc == SQLITE_OK)
        rc = take_key(cursor);
    if (rc != SQLITE_OK)
        return rc;
    rc = fail_row(table, key_codec_read_rowid(cursor->row.key, &rowid));
    if (rc == SQLITE_OK)
        *out = rowid;
    return rc;
}
