#include "range_delete.h"

#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "interrupt.h"
#include "key_range.h"
#include "reply.h"
#include "row.h"
#include "status.h"
#include "transaction.h"

#define POINTER "byron_delete_range"

/* Arguments behind the table's name. */
struct range_request {
    sqlite3_value **values; /* Lent. */
    int count;
};

/* --- Rows ----------------------------------------------------------------- */

/* One row, or what is left of a range, ends where the table ends. */
static byron_status delete_range(struct table *table, byron_txn *txn,
                                 const struct byron_range *range)
{
    struct byron_range whole;
    uint8_t bytes[8];

    store_table_range(table->id, bytes, &whole);
    if (range->upper.data)
        whole.upper = range->upper;
    whole.lower = range->lower;
    return byron_txn_delete_range(txn, &whole);
}

/* Of the row that the cursor is at. */
static int delete_entries(struct entries *entries, struct row *row,
                          struct field *fields, byron_cursor *rows)
{
    struct table *table = entries->table;
    struct byron_bytes value;
    byron_status status = byron_cursor_value(rows, &value);

    if (status == BYRON_OK)
        status = row_set_key(row, byron_cursor_key(rows));
    if (status == BYRON_OK)
        status = row_set_value(row, value);
    if (status == BYRON_OK)
        status = entries_read(table, row, fields);
    if (status == BYRON_CORRUPT)
        return table_fail(table, SQLITE_CORRUPT_VTAB,
                          "byron: a row of %s is damaged", table->name);
    if (status != BYRON_OK)
        return status_fail(table, status);
    entries->old_expires_ms = byron_cursor_expiry(rows);
    return entries_change(entries, fields, NULL);
}

static int walk_entries(struct entries *entries, struct row *row,
                        struct field *fields, byron_cursor *rows)
{
    struct interrupt interrupt = {.db = entries->table->db};
    byron_status status = byron_cursor_first(rows);
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && status == BYRON_OK && byron_cursor_valid(rows)) {
        rc = interrupt_check(&interrupt);
        if (rc != SQLITE_OK)
            table_fail(entries->table, rc, "interrupted");
        else
            rc = delete_entries(entries, row, fields, rows);
        if (rc == SQLITE_OK)
            status = byron_cursor_next(rows);
    }
    interrupt_deinit(&interrupt);
    return rc == SQLITE_OK ? status_fail(entries->table, status) : rc;
}

/* Those of the range lie here and there in an index: each has to be found. */
static int delete_all_entries(struct table *table, byron_txn *txn,
                              const struct byron_range *range)
{
    size_t count = entries_field_count(table);
    struct field *fields = malloc(2 * count * sizeof *fields);
    struct entries entries = {.table = table, .txn = txn};
    byron_cursor *rows = NULL;
    struct row row;
    int rc;

    if (!fields)
        return SQLITE_NOMEM;
    entries.slots = fields + count;
    rc = status_fail(table, row_init(&row, table->declaration));
    if (rc == SQLITE_OK) {
        rc = status_fail(table, byron_cursor_open(NULL, txn, range, &rows));
        if (rc == SQLITE_OK)
            rc = walk_entries(&entries, &row, fields, rows);
        row_deinit(&row);
    }
    byron_cursor_close(rows);
    entries_deinit(&entries);
    free(fields);
    return rc;
}

static int delete_segment(struct table *table, byron_txn *txn,
                          struct key_ranges *ranges, int index)
{
    struct byron_range range = {key_ranges_lower(ranges, index),
                                key_ranges_upper(ranges, index)};
    struct bytes next = {0};
    byron_status status = BYRON_OK;
    int rc = SQLITE_OK;

    /* A key and nothing else: up to the next key there can be. */
    if (ranges->segments[index].is_point) {
        status = bytes_add(&next, range.lower.data, range.lower.size);
        if (status == BYRON_OK)
            status = bytes_add_u8(&next, 0);
        range.upper = bytes_view(&next);
    }
    if (status == BYRON_OK && table->index_count > 0)
        rc = delete_all_entries(table, txn, &range);
    if (rc == SQLITE_OK && status == BYRON_OK)
        status = delete_range(table, txn, &range);
    bytes_deinit(&next);
    return rc == SQLITE_OK ? status_fail(table, status) : rc;
}

/* --- What is asked for ---------------------------------------------------- */

static int key_count(const struct table *table)
{
    const struct declaration *declaration = table->declaration;

    return declaration->shape < KEY_SINGLE ? 1 : declaration->key_count;
}

/* lo and hi are of the column behind those that have to be equal. */
static int make_plan(struct table *table, const struct range_request *request,
                     struct plan *plan, struct key_argument *arguments)
{
    int equals = request->count - 2;
    int count = 0;
    int rc = SQLITE_OK;

    memset(plan, 0, sizeof *plan);
    if (equals >= key_count(table) || equals > PLAN_MOST_EQUALS)
        return table_fail(table, SQLITE_ERROR,
                          "byron: the key of %s has %d column%s; "
                          "byron_delete_range takes the first ones and bounds "
                          "for the next",
                          table->name, key_count(table),
                          key_count(table) == 1 ? "" : "s");
    plan->id = table->id;
    plan->equal_count = equals;
    for (int i = 0; i < request->count && rc == SQLITE_OK; i++) {
        sqlite3_value *value = request->values[i];

        if (i >= equals && sqlite3_value_type(value) == SQLITE_NULL)
            continue; /* No bound. */
        if (i == equals)
            plan->lower = BOUND_CLOSED;
        else if (i > equals)
            plan->upper = BOUND_OPEN;
        rc = key_argument_read(value, true, table->declaration,
                               i < equals ? i : equals, &arguments[count++]);
    }
    return rc;
}

int range_delete_run(struct table *table, const struct range_request *request)
{
    struct key_argument arguments[PLAN_MOST_ARGUMENTS];
    struct key_ranges ranges = {0};
    struct plan plan;
    byron_txn *txn;
    uint64_t mark;
    int rc = make_plan(table, request, &plan, arguments);

    if (rc == SQLITE_OK)
        rc = status_fail(table, key_ranges_add(&ranges, table->declaration,
                                               table->id, &plan, arguments));
    if (rc == SQLITE_OK)
        rc = transaction_write(table, &txn);
    if (rc == SQLITE_OK) {
        mark = byron_txn_mark(txn);
        for (int i = 0; i < ranges.count && rc == SQLITE_OK; i++)
            rc = delete_segment(table, txn, &ranges, i);
        if (rc != SQLITE_OK)
            byron_txn_rollback_to(txn, mark);
    }
    key_ranges_deinit(&ranges);
    return rc;
}

int range_delete_all(struct table *table)
{
    byron_txn *txn;
    byron_status status = BYRON_OK;
    uint64_t mark;
    int rc = transaction_write(table, &txn);

    if (rc != SQLITE_OK)
        return rc;
    mark = byron_txn_mark(txn);
    for (int i = -1; i < table->index_count && status == BYRON_OK; i++) {
        struct byron_range range;
        uint8_t bytes[8];

        store_table_range(i < 0 ? table->id : table->indexes[i].id, bytes,
                          &range);
        status = byron_txn_delete_range(txn, &range);
    }
    if (status != BYRON_OK)
        byron_txn_rollback_to(txn, mark);
    return status_fail(table, status);
}

/* --- The function ----------------------------------------------------------
 */

const struct range_request *range_request_of(sqlite3_value *argument)
{
    return sqlite3_value_pointer(argument, POINTER);
}

/*
 * Through an INSERT of SQLite's, which begins and ends the transaction as for
 * any other write. The request goes along as a pointer, which no SQL can make.
 */
static int insert_request(struct table *table, struct range_request *request)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf("INSERT INTO \"%w\".\"%w\"(\"%w\", arg) "
                                "VALUES('delete-range', ?1)",
                                table->schema, table->name, table->name);
    int rc = SQLITE_NOMEM;

    if (sql)
        rc = sqlite3_prepare_v2(table->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_pointer(statement, 1, request, POINTER, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_step(statement);
        rc = sqlite3_finalize(statement);
    } else {
        sqlite3_finalize(statement);
    }
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    return table_fail(table, rc, "%s", sqlite3_errmsg(table->db));
}

static void run(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    struct range_request request = {arguments + 1, count - 1};
    struct lookup lookup;
    int rc;

    if (count < 3) {
        reply_failure(context, SQLITE_ERROR,
                      sqlite3_mprintf("byron: byron_delete_range needs a table "
                                      "and two bounds; NULL is no bound"));
        return;
    }
    if (!reply_open_table(context, arguments[0], &lookup))
        return;
    if (lookup.table->declaration->hidden.command < 0 ||
        lookup.table->declaration->hidden.arg < 0)
        rc = table_fail(lookup.table, SQLITE_ERROR,
                        "byron: a column of %s has the name that commands "
                        "need, %s or arg",
                        lookup.table->name, lookup.table->name);
    else
        rc = insert_request(lookup.table, &request);
    if (rc == SQLITE_OK)
        sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
    else
        reply_table_failure(context, lookup.table, rc);
    lookup_close(&lookup);
}

int range_delete_register(struct connection *connection)
{
    static const struct function functions[] = {
        {"byron_delete_range", -1, SQLITE_DIRECTONLY, run},
    };

    return reply_register(connection, functions, 1);
}
