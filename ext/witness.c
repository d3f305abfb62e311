#include "witness.h"

#include <string.h>

static int page_writes(sqlite3 *db)
{
    int current = 0;
    int highest = 0;
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0);
    return current;
}

void witness_begin(struct witness *witness, sqlite3 *db, bool is_autocommit)
{
    if (!is_autocommit)
        return; /* Ordinary tables may have been changed before. */
    witness->page_writes = page_writes(db);
    witness->served = 0;
}

void witness_end(struct witness *witness, sqlite3 *db, bool is_autocommit,
                 bool is_sure)
{
    witness->page_writes = page_writes(db);
    witness->changes = sqlite3_total_changes64(db);
    /* The count of a statement that commits itself is added later. */
    if (is_autocommit)
        witness->changes += witness->served;
    witness->served = 0;
    witness->is_known = is_sure;
}

bool witness_is_pure(struct witness *witness, sqlite3 *db, bool is_autocommit)
{
    if (!is_autocommit && !witness->is_known)
        return false;
    if (sqlite3_db_cacheflush(db) != SQLITE_OK)
        return false;
    if (page_writes(db) != witness->page_writes)
        return false;
    /* The count of a statement that commits itself is added later. */
    if (is_autocommit)
        return true;
    return sqlite3_total_changes64(db) - witness->changes == witness->served;
}

static int read_cookie(sqlite3 *db, const char *schema, const char *name,
                       sqlite3_stmt **statement, int *out)
{
    int rc = SQLITE_OK;

    if (!*statement) {
        char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", schema, name);
        if (!sql)
            return SQLITE_NOMEM;
        rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                statement, NULL);
        sqlite3_free(sql);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (sqlite3_step(*statement) == SQLITE_ROW)
        *out = sqlite3_column_int(*statement, 0);
    return sqlite3_reset(*statement);
}

bool cookies_are_same(struct cookies *cookies, sqlite3 *db, const char *schema,
                      unsigned version)
{
    static const char *const names[WITNESS_COOKIES] = {
        "schema_version", "user_version", "application_id"};
    bool is_same;

    for (int i = 0; i < WITNESS_COOKIES; i++) {
        int rc = read_cookie(db, schema, names[i], &cookies->statements[i],
                             &cookies->pending[i]);
        if (rc != SQLITE_OK)
            return false;
    }
    is_same =
        cookies->is_known && cookies->version == version &&
        memcmp(cookies->values, cookies->pending, sizeof cookies->values) == 0;
    cookies->is_pending = true;
    return is_same;
}

void cookies_commit(struct cookies *cookies, unsigned before, unsigned after)
{
    if (cookies->is_pending) {
        memcpy(cookies->values, cookies->pending, sizeof cookies->values);
        cookies->is_known = true;
        cookies->version = after;
    } else if (cookies->is_known && cookies->version == before) {
        cookies->version = after;
    }
    cookies->is_pending = false;
}

void cookies_finalize(struct cookies *cookies)
{
    for (int i = 0; i < WITNESS_COOKIES; i++) {
        sqlite3_finalize(cookies->statements[i]);
        cookies->statements[i] = NULL;
    }
}
