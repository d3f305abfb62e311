#include "functions.h"

#include "integrity.h"
#include "reply.h"

/* The work waits for the writer to end, and that would be ourselves. */
static bool refuse_writer(sqlite3_context *context, struct lookup *lookup)
{
    if (!lookup->transaction->txn)
        return false;
    reply_failure(context, SQLITE_ERROR,
                  sqlite3_mprintf("byron: not while this connection's "
                                  "transaction has written to the store"));
    lookup_close(lookup);
    return true;
}

static void version(sqlite3_context *context, int count,
                    sqlite3_value **arguments)
{
    (void)count;
    (void)arguments;
    sqlite3_result_text(context, BYRON_VERSION, -1, SQLITE_STATIC);
}

static void flush(sqlite3_context *context, int count,
                  sqlite3_value **arguments)
{
    struct lookup lookup;

    (void)count;
    if (!reply_open(context, arguments[0], &lookup) ||
        refuse_writer(context, &lookup))
        return;
    reply_status(context, byron_flush(lookup.db));
    lookup_close(&lookup);
}

static void compact(sqlite3_context *context, int count,
                    sqlite3_value **arguments)
{
    struct byron_range range;
    struct lookup lookup;
    uint8_t bytes[8];

    (void)count;
    if (!reply_open(context, arguments[0], &lookup) ||
        refuse_writer(context, &lookup))
        return;
    store_table_range(lookup.id, bytes, &range);
    reply_status(context, byron_compact(lookup.db, &range));
    lookup_close(&lookup);
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
