#include "conflict.h"

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

int conflict_unique(struct table *table)
{
    const struct declaration *declaration = table->declaration;
    sqlite3_str *columns = sqlite3_str_new(table->db);
    char *names;
    int rc;

    for (int i = 0; i < declaration->key_count; i++)
        sqlite3_str_appendf(
            columns, "%s%s.%s", i > 0 ? ", " : "", table->name,
            declaration->columns[declaration->key[i].column].name);
    if (declaration->shape == KEY_ROWID_IMPLICIT)
        sqlite3_str_appendf(columns, "%s.rowid", table->name);
    names = sqlite3_str_finish(columns);
    if (!names)
        return SQLITE_NOMEM;
    rc = table_fail(table,
                    declaration->shape == KEY_ROWID_IMPLICIT
                        ? SQLITE_CONSTRAINT_ROWID
                        : SQLITE_CONSTRAINT_PRIMARYKEY,
                    "UNIQUE constraint failed: %s", names);
    sqlite3_free(names);
    return rc;
}

int conflict_not_null(struct table *table, const char *column)
{
    return table_fail(table, SQLITE_CONSTRAINT_NOTNULL,
                      "NOT NULL constraint failed: %s.%s", table->name, column);
}
