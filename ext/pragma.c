#include "pragma.h"

/* SQLITE_ROW, or why not. */
static int read(sqlite3 *db, const char *schema, const char *name,
                sqlite3_stmt **out)
{
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", schema, name);
    int rc = SQLITE_NOMEM;

    *out = NULL;
    if (sql)
        rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? sqlite3_step(*out) : rc;
}

int pragma_integer(sqlite3 *db, const char *schema, const char *name,
                   int fallback)
{
    sqlite3_stmt *statement;
    int value = fallback;

    if (read(db, schema, name, &statement) == SQLITE_ROW)
        value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* SQLITE_DONE where SQLite has no such pragma. */
static int is_word(sqlite3 *db, const char *schema, const char *name,
                   const char *word, bool *out)
{
    sqlite3_stmt *statement;
    int rc = read(db, schema, name, &statement);
    const char *text = NULL;

    *out = false;
    if (rc == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(statement, 0);
        rc = text ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (text)
        *out = sqlite3_stricmp(text, word) == 0;
    sqlite3_finalize(statement);
    return rc;
}

bool pragma_is_wal(sqlite3 *db, const char *schema)
{
    bool is_wal;

    return is_word(db, schema, "journal_mode", "wal", &is_wal) == SQLITE_OK &&
           is_wal;
}

int pragma_is_utf8(sqlite3 *db, const char *schema, bool *out)
{
    int rc = is_word(db, schema, "encoding", "UTF-8", out);

    if (rc != SQLITE_DONE)
        return rc;
    *out = true; /* SQLITE_OMIT_UTF16 leaves the pragma out. */
    return SQLITE_OK;
}
