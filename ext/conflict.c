#include "conflict.h"

#include "index.h"

enum conflict conflict_of(struct table *table, enum conflict declared)
{
    switch (sqlite3_vtab_on_conflict(table->db)) {
    case SQLITE_ROLLBACK:
        return CONFLICT_ROLLBACK;
    case SQLITE_IGNORE:
        return CONFLICT_IGNORE;
    case SQLITE_FAIL:
        return CONFLICT_FAIL;
    case SQLITE_REPLACE:
        return CONFLICT_REPLACE;
    default:
        return declared == CONFLICT_DEFAULT ? CONFLICT_ABORT : declared;
    }
}

/* The first count columns of key; none: the rowid. */
static int fail_unique(struct table *table, int code,
                       const struct key_column *key, int count)
{
    sqlite3_str *columns = sqlite3_str_new(table->db);
    char *names;
    int rc;

    for (int i = 0; i < count; i++)
        sqlite3_str_appendf(columns, "%s%s.%s", i > 0 ? ", " : "", table->name,
                            table->declaration->columns[key[i].column].name);
    if (count == 0)
        sqlite3_str_appendf(columns, "%s.rowid", table->name);
    names = sqlite3_str_finish(columns);
    if (!names)
        return SQLITE_NOMEM;
    rc = table_fail(table, code, "UNIQUE constraint failed: %s", names);
    sqlite3_free(names);
    return rc;
}

int conflict_unique(struct table *table)
{
    const struct declaration *declaration = table->declaration;

    return fail_unique(table,
                       declaration->shape == KEY_ROWID_IMPLICIT
                           ? SQLITE_CONSTRAINT_ROWID
                           : SQLITE_CONSTRAINT_PRIMARYKEY,
                       declaration->key, declaration->key_count);
}

int conflict_index(struct table *table, const struct index *index)
{
    return fail_unique(table, SQLITE_CONSTRAINT_UNIQUE, index->entry->key,
                       index->column_count);
}

int conflict_not_null(struct table *table, const char *column)
{
    return table_fail(table, SQLITE_CONSTRAINT_NOTNULL,
                      "NOT NULL constraint failed: %s.%s", table->name, column);
}
