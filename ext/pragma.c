#include "pragma.h"

static sqlite3_stmt *read(sqlite3 *db, const char *schema, const char *name)
{
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", schema, name);
    sqlite3_stmt *statement = NULL;

    if (!sql)
        return NULL;
    sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (statement && sqlite3_step(statement) == SQLITE_ROW)
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

int pragma_integer(sqlite3 *db, const char *schema, const char *name,
                   int fallback)
{
    sqlite3_stmt *statement = read(db, schema, name);
    int value = fallback;

    if (statement)
        value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool is_word(sqlite3 *db, const char *schema, const char *name,
                    const char *word)
{
    sqlite3_stmt *statement = read(db, schema, name);
    bool is_it =
        statement &&
        sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0),
                        word) == 0;

    sqlite3_finalize(statement);
    return is_it;
}

bool pragma_is_wal(sqlite3 *db, const char *schema)
{
    return is_word(db, schema, "journal_mode", "wal");
}

bool pragma_is_utf8(sqlite3 *db, const char *schema)
{
    return is_word(db, schema, "encoding", "UTF-8");
}
