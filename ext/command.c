#include "command.h"

#include "index_build.h"
#include "integrity.h"
#include "range_delete.h"
#include "set_option.h"
#include "transaction.h"
#include "upkeep.h"

/* --- What there is ------------------------------------------------------- */

static int flush(struct table *table, const char *argument)
{
    (void)argument;
    return upkeep_flush(table);
}

static int compact(struct table *table, const char *argument)
{
    (void)argument;
    return upkeep_compact(table);
}

static int check(struct table *table, const char *argument)
{
    struct findings findings = {0};
    int rc = check_table(table, &findings);

    (void)argument;
    if (findings.count > 0)
        rc =
            table_fail(table, SQLITE_CORRUPT_VTAB, "byron: %s: %s", table->name,
                       findings.words ? findings.words : "damaged");
    findings_deinit(&findings);
    return rc;
}

static int delete_all(struct table *table, const char *argument)
{
    (void)argument;
    return range_delete_all(table);
}

/* --- Commands ------------------------------------------------------------- */

static const struct {
    const char *name;
    bool has_argument;
    int (*run)(struct table *table, const char *argument);
} commands[] = {
    {"compact", false, compact},       {"flush", false, flush},
    {"integrity-check", false, check}, {"set", true, set_option},
    {"add-index", true, index_add},    {"drop-index", true, index_drop},
    {"delete-all", false, delete_all},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* Arguments of xUpdate: the old key, the new rowid, then every column. */
#define OLD_KEY      0
#define FIRST_COLUMN 2

bool command_is_given(const struct table *table, int argument_count,
                      sqlite3_value **arguments)
{
    int number = table->declaration->hidden.command;

    return argument_count > 1 && number >= 0 &&
           sqlite3_value_type(arguments[OLD_KEY]) == SQLITE_NULL &&
           sqlite3_value_type(arguments[FIRST_COLUMN + number]) != SQLITE_NULL;
}

/* A command is no row: nothing else may be given. */
static int check_columns(struct table *table, sqlite3_value **columns)
{
    const struct declaration *declaration = table->declaration;
    int count = declaration->column_count + declaration->hidden.count;

    for (int i = 0; i < count; i++)
        if (i != declaration->hidden.command && i != declaration->hidden.arg &&
            sqlite3_value_type(columns[i]) != SQLITE_NULL)
            return table_fail(table, SQLITE_ERROR,
                              "byron: a command takes no columns but %s and "
                              "arg",
                              table->name);
    return SQLITE_OK;
}

static int fail_unknown(struct table *table, const char *name)
{
    sqlite3_str *known = sqlite3_str_new(table->db);
    char *words;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        sqlite3_str_appendf(known, "%s%s", i > 0 ? ", " : "", commands[i].name);
    words = sqlite3_str_finish(known);
    table_fail(table, SQLITE_ERROR, "byron: unknown command '%s'; there are %s",
               name, words ? words : "others");
    sqlite3_free(words);
    return SQLITE_ERROR;
}

/* byron_delete_range comes this way. */
static const struct range_request *request_of(const struct table *table,
                                              sqlite3_value **columns)
{
    int number = table->declaration->hidden.arg;

    return number < 0 ? NULL : range_request_of(columns[number]);
}

/* In a table named arg, the command's column is that of the argument. */
static const char *argument_of(const struct table *table,
                               sqlite3_value **columns)
{
    const struct hidden_columns *hidden = &table->declaration->hidden;

    if (hidden->arg < 0 || hidden->arg == hidden->command)
        return NULL;
    return (const char *)sqlite3_value_text(columns[hidden->arg]);
}

static int run(struct table *table, sqlite3_value **columns)
{
    sqlite3_value *value = columns[table->declaration->hidden.command];
    const char *name = (const char *)sqlite3_value_text(value);
    const char *argument = argument_of(table, columns);
    const struct range_request *request = request_of(table, columns);
    size_t index = 0;
    int rc = check_columns(table, columns);

    if (rc != SQLITE_OK)
        return rc;
    if (request)
        return range_delete_run(table, request);
    if (!name)
        return SQLITE_NOMEM;
    while (index < COMMAND_COUNT &&
           sqlite3_stricmp(commands[index].name, name) != 0)
        index++;
    if (index == COMMAND_COUNT)
        return fail_unknown(table, name);
    if (commands[index].has_argument && !argument)
        return table_fail(table, SQLITE_ERROR,
                          "byron: command '%s' needs an argument: INSERT INTO "
                          "%s(%s, arg) VALUES('%s', ...)",
                          name, table->name, table->name, name);
    if (!commands[index].has_argument && argument)
        return table_fail(table, SQLITE_ERROR,
                          "byron: command '%s' takes no argument", name);
    return commands[index].run(table, argument);
}

int command_run(struct table *table, sqlite3_value **arguments,
                sqlite3_int64 *rowid)
{
    int rc;

    *rowid = sqlite3_last_insert_rowid(table->db);
    rc = run(table, arguments + FIRST_COLUMN);
    if (rc == SQLITE_OK)
        transaction_count_change(table);
    else
        transaction_note_failure(table);
    return rc;
}
