#include "functions.h"

#include "integrity.h"
#include "reply.h"
#include "upkeep.h"

static void version(sqlite3_context *context, int count,
                    sqlite3_value **arguments)
{
    (void)count;
    (void)arguments;
    sqlite3_result_text(context, BYRON_VERSION, -1, SQLITE_STATIC);
}

static void keep_up(sqlite3_context *context, sqlite3_value *name,
                    int (*work)(struct table *table))
{
    struct lookup lookup;
    int rc;

    if (!reply_open_table(context, name, &lookup))
        return;
    rc = work(lookup.table);
    if (rc == SQLITE_OK)
        sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
    else
        reply_table_failure(context, lookup.table, rc);
    lookup_close(&lookup);
}

static void flush(sqlite3_context *context, int count,
                  sqlite3_value **arguments)
{
    (void)count;
    keep_up(context, arguments[0], upkeep_flush);
}

static void compact(sqlite3_context *context, int count,
                    sqlite3_value **arguments)
{
    (void)count;
    keep_up(context, arguments[0], upkeep_compact);
}

static void check(sqlite3_context *context, int count,
                  sqlite3_value **arguments)
{
    struct findings findings = {0};
    struct lookup lookup;
    int rc;

    (void)count;
    if (!reply_open_table(context, arguments[0], &lookup))
        return;
    rc = check_table(lookup.table, &findings);
    if (findings.count > 0 && findings.words)
        sqlite3_result_text(context, findings.words, -1, SQLITE_TRANSIENT);
    else if (findings.count > 0)
        sqlite3_result_error_nomem(context);
    else if (rc == SQLITE_OK)
        sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
    else
        reply_table_failure(context, lookup.table, rc);
    findings_deinit(&findings);
    lookup_close(&lookup);
}

int functions_register(struct connection *connection)
{
    static const struct function functions[] = {
        {"byron_version", 0, SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, version},
        {"byron_flush", 1, SQLITE_DIRECTONLY, flush},
        {"byron_compact", 1, SQLITE_DIRECTONLY, compact},
        {"byron_check", 1, SQLITE_DIRECTONLY, check},
    };

    return reply_register(connection, functions,
                          sizeof functions / sizeof *functions);
}
