#include "pragma.h"

/* Its first step: SQLITE_DONE where SQLite has no such pragma. */
static int ask(sqlite3 *db, const char *schema, const char *name,
               sqlite3_stmt **out)
{
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", schema, name);
    int rc;

    *out = NULL;
    if (!sql)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? sqlite3_step(*out) : rc;
}

static sqlite3_stmt *read(sqlite3 *db, const char *schema, const char *name)
{
    sqlite3_stmt *statement;

    if (ask(db, schema, name, &statement) == SQLITE_ROW)
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

static bool is_word(sqlite3_stmt *statement, const char *word)
{
    return sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0),
                           word) == 0;
}

bool pragma_is_wal(sqlite3 *db, const char *schema)
{
    sqlite3_stmt *statement = read(db, schema, "journal_mode");
    bool is_wal = statement && is_word(statement, "wal");

    sqlite3_finalize(statement);
    return is_wal;
}

/* SQLITE_OMIT_UTF16 leaves the pragma out. */
bool pragma_is_utf8(sqlite3 *db, const char *schema)
{
    sqlite3_stmt *statement;
    int rc = ask(db, schema, "encoding", &statement);
    bool is_utf8 =
        rc == SQLITE_DONE || (rc == SQLITE_ROW && is_word(statement, "UTF-8"));

    sqlite3_finalize(statement);
    return is_utf8;
}
