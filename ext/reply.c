#include "reply.h"

#include "status.h"

int reply_register(struct connection *connection,
                   const struct function *functions, size_t count)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
        rc = sqlite3_create_function_v2(
            connection->db, functions[i].name, functions[i].argument_count,
            SQLITE_UTF8 | functions[i].flags, connection, functions[i].run,
            NULL, NULL, NULL);
    return rc;
}

void reply_failure(sqlite3_context *context, int rc, char *message)
{
    if (message)
        sqlite3_result_error(context, message, -1);
    sqlite3_result_error_code(context, rc);
    sqlite3_free(message);
}

void reply_table_failure(sqlite3_context *context, struct table *table, int rc)
{
    char *message = table->base.zErrMsg;

    table->base.zErrMsg = NULL;
    reply_failure(context, rc, message);
}

void reply_status(sqlite3_context *context, byron_status status)
{
    char *message = NULL;
    int rc = status_message(status, &message);

    if (rc == SQLITE_OK)
        sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
    else
        reply_failure(context, rc, message);
}

static bool open_by(sqlite3_context *context, sqlite3_value *value,
                    struct lookup *out,
                    int (*open)(struct connection *, const char *,
                                struct lookup *, char **))
{
    struct connection *connection = sqlite3_user_data(context);
    const char *name = (const char *)sqlite3_value_text(value);
    char *message = NULL;
    int rc;

    if (!name) {
        reply_failure(context, SQLITE_ERROR,
                      sqlite3_mprintf("byron: the argument is a table's name"));
        return false;
    }
    rc = open(connection, name, out, &message);
    if (rc != SQLITE_OK)
        reply_failure(context, rc, message);
    return rc == SQLITE_OK;
}

bool reply_open(sqlite3_context *context, sqlite3_value *name,
                struct lookup *out)
{
    return open_by(context, name, out, lookup_open);
}

bool reply_open_table(sqlite3_context *context, sqlite3_value *name,
                      struct lookup *out)
{
    return open_by(context, name, out, lookup_open_table);
}
