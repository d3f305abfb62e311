#include "soak/soak_sql.h"

#include <stdarg.h>
#include <stdio.h>

static int stop_waiting(void *context, int count)
{
    struct soak *soak = context;

    (void)soak;
    if (count > 60000)
        return 0;
    sqlite3_sleep(1);
    return 1;
}

sqlite3 *soak_connect(struct soak *soak, const char *path)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK) {
        soak_fail(soak, "cannot open %s", path);
        return db;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_handler(db, stop_waiting, soak);
    sqlite3_enable_load_extension(db, 1);
    if (sqlite3_load_extension(db, soak->extension, NULL, &message) !=
        SQLITE_OK)
        soak_fail(soak, "cannot load: %s", message);
    sqlite3_free(message);
    soak_run(soak, db, "PRAGMA synchronous = NORMAL");
    return db;
}

/* Who came too late tries again. */
static bool is_refusal(int rc)
{
    return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED ||
           (rc & 0xff) == SQLITE_SCHEMA;
}

static bool judge(struct soak *soak, sqlite3 *db, int rc, const char *sql)
{
    if (rc == SQLITE_OK)
        return true;
    if (is_refusal(rc))
        atomic_fetch_add(&soak->refused, 1);
    else
        soak_fail(soak, "%s: %s (%d)", sql, sqlite3_errmsg(db), rc);
    return false;
}

bool soak_run(struct soak *soak, sqlite3 *db, const char *sql, ...)
{
    va_list words;
    char *text;
    bool is_well;

    va_start(words, sql);
    text = sqlite3_vmprintf(sql, words);
    va_end(words);
    is_well = judge(soak, db, sqlite3_exec(db, text, NULL, NULL, NULL), text);
    sqlite3_free(text);
    return is_well;
}

int64_t soak_ask(struct soak *soak, sqlite3 *db, const char *sql, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list words;
    int64_t answer = 0;
    char *text;
    int rc;
    int end;

    va_start(words, sql);
    text = sqlite3_vmprintf(sql, words);
    va_end(words);
    rc = sqlite3_prepare_v2(db, text, -1, &statement, NULL);
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    end = sqlite3_finalize(statement);
    judge(soak, db, rc != SQLITE_OK ? rc : end, text);
    sqlite3_free(text);
    return answer;
}
