#include "functions.h"

#include <stdlib.h>
#include <string.h>

#include "index_check.h"
#include "lookup.h"
#include "status.h"

static void answer_failure(sqlite3_context *context, int rc, char *message)
{
    if (message)
        sqlite3_result_error(context, message, -1);
    sqlite3_result_error_code(context, rc);
    sqlite3_free(message);
}

/* The table that the argument names, or the failure as the result. */
static bool open_argument(sqlite3_context *context, sqlite3_value **arguments,
                          struct lookup *out)
{
    struct connection *connection = sqlite3_user_data(context);
    const char *name = (const char *)sqlite3_value_text(arguments[0]);
    char *message = NULL;
    int rc;

    if (!name) {
        answer_failure(
            context, SQLITE_ERROR,
            sqlite3_mprintf("byron: the argument is a table's name"));
        return false;
    }
    rc = lookup_open(connection, name, out, &message);
    if (rc != SQLITE_OK)
        answer_failure(context, rc, message);
    return rc == SQLITE_OK;
}

/* The work waits for the writer to end, and that would be ourselves. */
static bool refuse_writer(sqlite3_context *context, struct lookup *lookup)
{
    if (!lookup->transaction->txn)
        return false;
    answer_failure(context, SQLITE_ERROR,
                   sqlite3_mprintf("byron: not while this connection's "
                                   "transaction has written to the store"));
    lookup_close(lookup);
    return true;
}

static void answer(sqlite3_context *context, byron_status status)
{
    char *message = NULL;
    int rc = status_message(status, &message);

    if (rc == SQLITE_OK)
        sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
    else
        answer_failure(context, rc, message);
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
    if (!open_argument(context, arguments, &lookup) ||
        refuse_writer(context, &lookup))
        return;
    answer(context, byron_flush(lookup.db));
    lookup_close(&lookup);
}

static void compact(sqlite3_context *context, int count,
                    sqlite3_value **arguments)
{
    struct byron_range range;
    struct lookup lookup;
    uint8_t bytes[8];

    (void)count;
    if (!open_argument(context, arguments, &lookup) ||
        refuse_writer(context, &lookup))
        return;
    store_table_range(lookup.id, bytes, &range);
    answer(context, byron_compact(lookup.db, &range));
    lookup_close(&lookup);
}

struct report {
    sqlite3_str *words;
    unsigned count;
};

static void report_damage(void *context, const char *words)
{
    struct report *report = context;
    if (++report->count <= 100)
        sqlite3_str_appendf(report->words, "%s%s",
                            report->count > 1 ? "\n" : "", words);
}

/* False: it failed, and the answer is given. */
static bool check_indexes(sqlite3_context *context, struct lookup *lookup,
                          struct report *report, uint64_t *findings)
{
    sqlite3_stmt *keep;
    struct table *table = lookup_table(lookup, &keep);
    int rc = SQLITE_ERROR;

    if (table)
        rc = index_check(table, report_damage, report, findings);
    if (rc != SQLITE_OK) {
        const char *words =
            table ? table->base.zErrMsg
                  : sqlite3_errmsg(lookup->transaction->connection->db);
        answer_failure(context, rc,
                       words ? sqlite3_mprintf("%s", words) : NULL);
    }
    sqlite3_finalize(keep);
    return rc == SQLITE_OK;
}

static void check(sqlite3_context *context, int count,
                  sqlite3_value **arguments)
{
    struct report report = {NULL, 0};
    struct lookup lookup;
    uint64_t damages = 0;
    byron_status status;
    char *words;

    (void)count;
    if (!open_argument(context, arguments, &lookup))
        return;
    report.words = sqlite3_str_new(lookup.transaction->connection->db);
    status = byron_verify(lookup.db, report_damage, &report, &damages);
    if (status == BYRON_OK && damages == 0 &&
        !check_indexes(context, &lookup, &report, &damages)) {
        sqlite3_free(sqlite3_str_finish(report.words));
        lookup_close(&lookup);
        return;
    }
    words = sqlite3_str_finish(report.words);
    if (damages > 0 && words)
        sqlite3_result_text(context, words, -1, SQLITE_TRANSIENT);
    else if (damages > 0)
        sqlite3_result_error_nomem(context);
    else
        answer(context, status);
    sqlite3_free(words);
    lookup_close(&lookup);
}

int functions_register(struct connection *connection)
{
    static const struct {
        const char *name;
        int argument_count;
        int flags;
        void (*run)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"byron_version", 0, SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC, version},
        {"byron_flush", 1, SQLITE_DIRECTONLY, flush},
        {"byron_compact", 1, SQLITE_DIRECTONLY, compact},
        {"byron_check", 1, SQLITE_DIRECTONLY, check},
    };
    int rc = SQLITE_OK;

    for (size_t i = 0;
         i < sizeof functions / sizeof *functions && rc == SQLITE_OK; i++)
        rc = sqlite3_create_function_v2(
            connection->db, functions[i].name, functions[i].argument_count,
            SQLITE_UTF8 | functions[i].flags, connection, functions[i].run,
            NULL, NULL, NULL);
    return rc;
}
