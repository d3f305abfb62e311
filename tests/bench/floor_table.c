#include "bench/floor_table.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 16

struct floor_table {
    sqlite3_vtab base;
    sqlite3_int64 rows; /* Inserted so far; a scan yields as many. */
    int value_bytes;    /* Of the last row. */
    char *value;
};

struct floor_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_int64 left;
};

static int connect(sqlite3 *db, void *context, int count,
                   const char *const *words, sqlite3_vtab **out, char **error)
{
    struct floor_table *table = calloc(1, sizeof *table);
    int code;

    (void)context, (void)count, (void)words, (void)error;
    code = sqlite3_declare_vtab(db, "CREATE TABLE t(key BLOB PRIMARY KEY, "
                                    "value BLOB) WITHOUT ROWID");
    *out = &table->base;
    return table ? code : SQLITE_NOMEM;
}

static int disconnect(sqlite3_vtab *base)
{
    struct floor_table *table = (struct floor_table *)base;

    free(table->value);
    free(table);
    return SQLITE_OK;
}

/* Equality is one row, a bound or nothing is all of them, in order. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *plan)
{
    (void)base;
    plan->estimatedCost = 1e6;
    plan->estimatedRows = 1000000;
    plan->orderByConsumed = 1;
    for (int i = 0; i < plan->nConstraint; i++) {
        if (!plan->aConstraint[i].usable || plan->aConstraint[i].iColumn != 0)
            continue;
        plan->aConstraintUsage[i].argvIndex = 1;
        plan->aConstraintUsage[i].omit = 1;
        if (plan->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ) {
            plan->idxNum = 1;
            plan->estimatedCost = 1;
            plan->estimatedRows = 1;
            plan->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        }
        break;
    }
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct floor_cursor *cursor = calloc(1, sizeof *cursor);

    (void)base;
    *out = &cursor->base;
    return cursor ? SQLITE_OK : SQLITE_NOMEM;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *words,
                  int count, sqlite3_value **values)
{
    struct floor_cursor *cursor = (struct floor_cursor *)base;
    struct floor_table *table = (struct floor_table *)base->pVtab;

    (void)words, (void)count, (void)values;
    cursor->left = plan == 1 ? 1 : table->rows;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    ((struct floor_cursor *)base)->left--;
    return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base)
{
    return ((struct floor_cursor *)base)->left <= 0;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
    static const char key[KEY_BYTES];
    struct floor_table *table = (struct floor_table *)base->pVtab;

    if (i == 0)
        sqlite3_result_blob(context, key, KEY_BYTES, SQLITE_STATIC);
    else
        sqlite3_result_blob(context, table->value, table->value_bytes,
                            SQLITE_STATIC);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct floor_cursor *)base)->left;
    return SQLITE_OK;
}

static int update(sqlite3_vtab *base, int count, sqlite3_value **values,
                  sqlite3_int64 *out)
{
    struct floor_table *table = (struct floor_table *)base;

    *out = 0;
    if (count == 1 || sqlite3_value_type(values[0]) != SQLITE_NULL)
        return SQLITE_OK;
    table->rows++;
    if (sqlite3_value_bytes(values[3]) != table->value_bytes) {
        table->value_bytes = sqlite3_value_bytes(values[3]);
        free(table->value);
        table->value = calloc(1, (size_t)table->value_bytes + 1);
    }
    return table->value ? SQLITE_OK : SQLITE_NOMEM;
}

static int agree(sqlite3_vtab *base)
{
    (void)base;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xCreate = connect,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = rowid,
    .xUpdate = update,
    .xBegin = agree,
    .xSync = agree,
    .xCommit = agree,
    .xRollback = agree,
};

int floor_table_register(sqlite3 *db)
{
    return sqlite3_create_module(db, "floor", &module, NULL);
}
