#include "salvage_source.h"

#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "statement.h"
#include "tokenizer.h"

/* --- The words of CREATE VIRTUAL TABLE ------------------------------------ */

static int add_argument(struct salvage_source *source, const char *start,
                        const char *end)
{
    char **grown =
        realloc(source->arguments,
                sizeof *grown * ((size_t)source->argument_count + 1));

    if (!grown)
        return SQLITE_NOMEM;
    source->arguments = grown;
    grown[source->argument_count] = strndup(start, (size_t)(end - start));
    if (!grown[source->argument_count])
        return SQLITE_NOMEM;
    source->argument_count++;
    return SQLITE_OK;
}

/* USING byron() has none. */
static bool is_blank(const char *start, const char *end)
{
    struct token token;

    token_next(&start, &token);
    return token.start >= end;
}

/* The parts between commas, as SQLite hands them to xCreate. */
static int cut_arguments(struct salvage_source *source, const char *sql)
{
    struct token token;
    const char *start = NULL;
    int depth = 0;
    int rc = SQLITE_OK;

    do
        token_next(&sql, &token);
    while (token.kind != TOKEN_END && !token_is_word(&token, "USING"));
    while (token.kind != TOKEN_END && rc == SQLITE_OK) {
        token_next(&sql, &token);
        if (token_is_mark(&token, '(') && depth++ == 0) {
            start = sql;
            continue;
        }
        if (token_is_mark(&token, ')'))
            depth--;
        if (!start || (depth > 0 && (depth > 1 || !token_is_mark(&token, ','))))
            continue;
        if (depth > 0 || !is_blank(start, token.start))
            rc = add_argument(source, start, token.start);
        if (depth == 0)
            break;
        start = sql;
    }
    return rc;
}

bool salvage_source_is_option(const char *argument, const char *option)
{
    struct token token;

    token_next(&argument, &token);
    if (!token_is_word(&token, option))
        return false;
    token_next(&argument, &token);
    return token_is_mark(&token, '=');
}

static int parse(struct salvage_source *source, char **message)
{
    char *words = NULL;
    byron_status status = declaration_parse(
        source->name, source->argument_count,
        (const char *const *)source->arguments, &source->declaration, &words);

    if (words)
        *message = sqlite3_mprintf("byron: the declaration of %s: %s",
                                   source->name, words);
    free(words);
    if (status == BYRON_NO_MEMORY)
        return SQLITE_NOMEM;
    return status == BYRON_OK ? SQLITE_OK : SQLITE_ERROR;
}

static int read_declaration(sqlite3 *db, struct salvage_source *source,
                            char **message)
{
    sqlite3_stmt *statement = NULL;
    int rc = statement_prepare(db, source->schema,
                               "SELECT sql FROM \"%w\".sqlite_master WHERE "
                               "type = 'table' AND name = ?1 COLLATE NOCASE",
                               &statement);
    int end;

    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(statement, 1, source->name, -1, SQLITE_STATIC);
    rc = SQLITE_ERROR;
    if (sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_column_text(statement, 0))
        rc = cut_arguments(source,
                           (const char *)sqlite3_column_text(statement, 0));
    else
        *message = sqlite3_mprintf("byron: the schema has no declaration of %s",
                                   source->name);
    end = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        rc = end;
    return rc == SQLITE_OK ? parse(source, message) : rc;
}

/* --- Where it is ------------------------------------------------------------
 */

bool salvage_source_split(sqlite3 *db, const char *name, char **schema,
                          char **table)
{
    const char *dot = strchr(name, '.');
    bool is_schema;

    *schema = dot ? strndup(name, (size_t)(dot - name)) : strdup("main");
    is_schema = *schema && dot && sqlite3_db_readonly(db, *schema) >= 0;
    if (*schema && dot && !is_schema) {
        free(*schema);
        *schema = strdup("main");
    }
    *table = strdup(is_schema ? dot + 1 : name);
    if (*schema && *table)
        return true;
    free(*schema);
    free(*table);
    *schema = NULL;
    *table = NULL;
    return false;
}

/* Another schema than main, where that has no such table. */
static int find_elsewhere(sqlite3 *db, struct salvage_source *source,
                          struct table_row *row)
{
    sqlite3_stmt *statement = NULL;
    int rc =
        sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &statement, NULL);
    int end;

    while (rc == SQLITE_OK && row->store == 0 &&
           sqlite3_step(statement) == SQLITE_ROW) {
        char *schema = statement_text(statement, 1);
        if (!schema) {
            rc = SQLITE_NOMEM;
            break;
        }
        free(source->schema);
        source->schema = schema;
        rc = catalog_table(db, schema, source->name, row);
    }
    end = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? end : rc;
}

static int find_store(sqlite3 *db, struct salvage_source *source,
                      const struct table_row *table, char **message)
{
    struct store_row row;
    int rc = catalog_store(db, source->schema, table->store, &row);

    if (rc != SQLITE_OK)
        return rc;
    if (row.number == 0) {
        *message = sqlite3_mprintf("byron: byron_store has no row of the store "
                                   "of %s",
                                   source->name);
        return SQLITE_ERROR;
    }
    source->directory = connection_directory(db, source->schema, row.path);
    memcpy(source->store_id, row.id, sizeof source->store_id);
    catalog_store_deinit(&row);
    if (!source->directory) {
        *message = sqlite3_mprintf("byron: %s has no file to be salvaged from",
                                   source->name);
        return SQLITE_ERROR;
    }
    rc = commit_point_newest(db, source->schema, table->store, &source->point,
                             &source->carried);
    if (rc == SQLITE_NOTFOUND || rc == SQLITE_CORRUPT)
        *message = sqlite3_mprintf("byron: byron_store has no commit point of "
                                   "the store of %s",
                                   source->name);
    return rc == SQLITE_NOTFOUND ? SQLITE_ERROR : rc;
}

static int open_parts(sqlite3 *db, struct salvage_source *source,
                      const char *name, char **message)
{
    struct table_row table;
    int rc = catalog_table(db, source->schema, source->name, &table);

    if (rc == SQLITE_OK && table.store == 0 && !strchr(name, '.'))
        rc = find_elsewhere(db, source, &table);
    if (rc != SQLITE_OK)
        return rc;
    if (table.store == 0) {
        *message = sqlite3_mprintf("byron: no such byron table: %s", name);
        return SQLITE_ERROR;
    }
    source->id = table.id;
    rc = read_declaration(db, source, message);
    if (rc == SQLITE_OK)
        rc = find_store(db, source, &table, message);
    if (rc == SQLITE_OK)
        rc = index_catalog_read(db, source->schema, source->name,
                                &source->indexes, &source->index_count);
    return rc;
}

int salvage_source_open(sqlite3 *db, const char *name,
                        struct salvage_source *out, char **message)
{
    int rc = SQLITE_NOMEM;

    memset(out, 0, sizeof *out);
    if (salvage_source_split(db, name, &out->schema, &out->name))
        rc = open_parts(db, out, name, message);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM && !*message)
        *message = sqlite3_mprintf("byron: %s", statement_words(db, rc));
    if (rc != SQLITE_OK)
        salvage_source_close(out);
    return rc;
}

void salvage_source_close(struct salvage_source *source)
{
    free(source->schema);
    free(source->name);
    free(source->directory);
    for (int i = 0; i < source->argument_count; i++)
        free(source->arguments[i]);
    free(source->arguments);
    declaration_free(source->declaration);
    index_catalog_free(source->indexes, source->index_count);
    sqlite3_free(source->carried.data);
    memset(source, 0, sizeof *source);
}
