#include "statement.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

int statement_prepare(sqlite3 *db, const char *schema, const char *format,
                      sqlite3_stmt **out)
{
    char *sql = sqlite3_mprintf(format, schema, schema);
    int rc;

    *out = NULL;
    if (!sql)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return rc;
}

int statement_finish(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? end : rc;
}

int statement_execute(sqlite3 *db, const char *schema, const char *format)
{
    sqlite3_stmt *statement;
    int rc = statement_prepare(db, schema, format, &statement);
    return rc == SQLITE_OK ? statement_finish(statement) : rc;
}

char *statement_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return strdup(text ? text : "");
}

int statement_has_table(sqlite3 *db, const char *schema, const char *table,
                        const char *column, bool *out)
{
    int rc = sqlite3_table_column_metadata(db, schema, table, column, NULL,
                                           NULL, NULL, NULL, NULL);

    *out = rc == SQLITE_OK;
    /* This is how it says no. A schema that cannot be read is no answer. */
    return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

const char *statement_words(sqlite3 *db, int rc)
{
    int last = sqlite3_extended_errcode(db);

    return (last & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db)
                                        : sqlite3_errstr(rc);
}
