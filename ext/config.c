#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "byron_inspect.h"
#include "option.h"
#include "reply.h"
#include "set_option.h"
#include "settings.h"
#include "status.h"

/* The options of the store as this transaction sees them in its row. */
static int read_options(struct table *table, struct byron_options *out)
{
    struct byron_options options = {0};
    struct store_row row;
    int rc = catalog_store(table->db, table->schema, table->transaction->number,
                           &row);

    if (rc != SQLITE_OK)
        return table_fail(table, rc, "byron: byron_store: %s",
                          sqlite3_errmsg(table->db));
    if (row.options)
        settings_apply(row.options, &options);
    catalog_store_deinit(&row);
    return status_fail(table, byron_derive_options(&options, out));
}

/* Those that are the table's own. NULL: there is none of this name. */
static const char *own_option(const struct table *table, const char *name)
{
    const struct table_settings *settings = &table->declaration->settings;

    if (sqlite3_stricmp(name, "path") == 0)
        return table->transaction->directory ? table->transaction->directory
                                             : "";
    if (sqlite3_stricmp(name, "commit") == 0)
        return settings->is_own_commit ? "own" : "host";
    if (sqlite3_stricmp(name, "conflict") == 0)
        return settings->is_replace ? "replace" : "abort";
    if (sqlite3_stricmp(name, "ttl") == 0)
        return settings->ttl ? settings->ttl : "";
    return NULL;
}

/* As an integer where it reads as one. */
static void reply_value(sqlite3_context *context, const char *value)
{
    if (*value && strspn(value, "0123456789") == strlen(value))
        sqlite3_result_int64(context, strtoll(value, NULL, 10));
    else
        sqlite3_result_text(context, value, -1, SQLITE_TRANSIENT);
}

static void tell_option(sqlite3_context *context, struct table *table,
                        const char *name)
{
    struct byron_options options;
    char value[32];
    int setting = settings_find(name);
    int rc;

    if (setting < 0 && own_option(table, name)) {
        sqlite3_result_text(context, own_option(table, name), -1,
                            SQLITE_TRANSIENT);
        return;
    }
    rc = setting < 0 ? table_fail(table, SQLITE_ERROR, OPTION_UNKNOWN, name)
                     : read_options(table, &options);
    if (rc != SQLITE_OK) {
        reply_table_failure(context, table, rc);
        return;
    }
    settings_print(&options, setting, value);
    reply_value(context, value);
}

/* All of them, in the form of a declaration. */
static void tell_all(sqlite3_context *context, struct table *table)
{
    struct byron_options options;
    sqlite3_str *words = sqlite3_str_new(table->db);
    int rc = read_options(table, &options);
    char *text;

    for (int i = 0; rc == SQLITE_OK && settings_name(i); i++) {
        char value[32];

        settings_print(&options, i, value);
        sqlite3_str_appendf(words, "%s=%s, ", settings_name(i), value);
    }
    sqlite3_str_appendf(words, "path=%Q, commit=%s, conflict=%s",
                        own_option(table, "path"), own_option(table, "commit"),
                        own_option(table, "conflict"));
    if (table->declaration->settings.ttl)
        sqlite3_str_appendf(words, ", ttl=%Q", own_option(table, "ttl"));
    text = sqlite3_str_finish(words);
    if (rc != SQLITE_OK)
        reply_table_failure(context, table, rc);
    else if (text)
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(text);
}

/* One argument, or two. */
static void tell(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const char *name = NULL;
    struct lookup lookup;

    if (!reply_open_table(context, arguments[0], &lookup))
        return;
    if (count > 1)
        name = (const char *)sqlite3_value_text(arguments[1]);
    if (count > 1)
        tell_option(context, lookup.table, name ? name : "");
    else
        tell_all(context, lookup.table);
    lookup_close(&lookup);
}

static int change_to(struct table *table, const char *name, const char *value)
{
    char *text = sqlite3_mprintf("\"%w\" = %Q", name, value ? value : "");
    int rc = text ? set_option(table, text) : SQLITE_NOMEM;

    sqlite3_free(text);
    return rc;
}

static void change(sqlite3_context *context, int count,
                   sqlite3_value **arguments)
{
    bool is_blob = sqlite3_value_type(arguments[2]) == SQLITE_BLOB;
    const char *name = (const char *)sqlite3_value_text(arguments[1]);
    struct lookup lookup;
    int rc;

    (void)count;
    if (!reply_open_table(context, arguments[0], &lookup))
        return;
    rc = is_blob
             ? table_fail(lookup.table, SQLITE_ERROR,
                          "byron: option %s cannot be a blob", name ? name : "")
             : change_to(lookup.table, name ? name : "",
                         (const char *)sqlite3_value_text(arguments[2]));
    if (rc == SQLITE_OK)
        tell_option(context, lookup.table, name);
    else
        reply_table_failure(context, lookup.table, rc);
    lookup_close(&lookup);
}

int config_register(struct connection *connection)
{
    static const struct function functions[] = {
        {"byron_config", 1, 0, tell},
        {"byron_config", 2, 0, tell},
        {"byron_config", 3, SQLITE_DIRECTONLY, change},
    };

    return reply_register(connection, functions,
                          sizeof functions / sizeof *functions);
}
