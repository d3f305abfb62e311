#include "parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "index_definition.h"
#include "try.h"

/* --- Types --------------------------------------------------------------- */

/* SQLite's rules for a column's affinity, in their order of strength. */
static enum affinity affinity_of(const char *type)
{
    if (!*type)
        return AFFINITY_BLOB;
    if (strcasestr(type, "INT"))
        return AFFINITY_INTEGER;
    if (strcasestr(type, "CHAR") || strcasestr(type, "CLOB") ||
        strcasestr(type, "TEXT"))
        return AFFINITY_TEXT;
    if (strcasestr(type, "BLOB"))
        return AFFINITY_BLOB;
    if (strcasestr(type, "REAL") || strcasestr(type, "FLOA") ||
        strcasestr(type, "DOUB"))
        return AFFINITY_REAL;
    return AFFINITY_NUMERIC;
}

static bool begins_constraint(const struct token *token)
{
    static const char *const words[] = {
        "CONSTRAINT", "DEFAULT",    "NULL",    "NOT",       "PRIMARY",
        "UNIQUE",     "CHECK",      "COLLATE", "GENERATED", "AS",
        "REFERENCES", "DEFERRABLE", "ON",
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (token_is_word(token, words[i]))
            return true;
    return false;
}

/* (n) or (n, m), numbers with a sign if need be; *end is behind it. */
static byron_status skip_size(struct parser *parser, const char **end)
{
    do {
        parser_step(parser);
        if (token_is_mark(&parser->token, '-') ||
            token_is_mark(&parser->token, '+'))
            parser_step(parser);
        if (parser->token.kind != TOKEN_INTEGER &&
            parser->token.kind != TOKEN_REAL)
            return parser_fail_here(parser);
        parser_step(parser);
    } while (token_is_mark(&parser->token, ','));
    *end = parser->token.start + parser->token.size;
    if (!parser_take_mark(parser, ')'))
        return parser_fail_here(parser);
    return BYRON_OK;
}

static byron_status parse_type(struct parser *parser, struct column *column)
{
    struct token first = parser->token;
    const char *end = first.start;
    int words = 0;

    while (token_is_name(&parser->token) &&
           !begins_constraint(&parser->token)) {
        end = parser->token.start + parser->token.size;
        words++;
        parser_step(parser);
    }
    if (words > 0 && token_is_mark(&parser->token, '(')) {
        byron_status status = skip_size(parser, &end);

        if (status != BYRON_OK)
            return status;
        words++;
    }
    if (words != 1)
        first.kind = TOKEN_MARK; /* As it stands, quotes and all. */
    first.size = (size_t)(end - first.start);
    column->type = token_text(&first, NULL);
    if (!column->type)
        return BYRON_NO_MEMORY;
    if (strcasestr(column->type, "hidden"))
        return parser_fail(parser, "byron: a column cannot be HIDDEN");
    column->affinity = affinity_of(column->type);
    return BYRON_OK;
}

/* --- Clauses that columns and tables share ------------------------------- */

static byron_status parse_collation(struct parser *parser, enum collation *out)
{
    static const char *const names[] = {
        [COLLATION_BINARY] = "BINARY",
        [COLLATION_NOCASE] = "NOCASE",
        [COLLATION_RTRIM] = "RTRIM",
    };
    char *name;
    byron_status status = parser_take_name(parser, &name);

    if (status != BYRON_OK)
        return status;
    for (int i = COLLATION_BINARY; i <= COLLATION_RTRIM; i++)
        if (strcasecmp(name, names[i]) == 0) {
            *out = (enum collation)i;
            free(name);
            return BYRON_OK;
        }
    status = parser_fail(parser,
                         "byron: collation \"%s\" is not supported; BINARY, "
                         "NOCASE and RTRIM are",
                         name);
    free(name);
    return status;
}

byron_status conflict_parse(struct parser *parser, enum conflict *out)
{
    static const char *const words[] = {
        [CONFLICT_ROLLBACK] = "ROLLBACK", [CONFLICT_ABORT] = "ABORT",
        [CONFLICT_FAIL] = "FAIL",         [CONFLICT_IGNORE] = "IGNORE",
        [CONFLICT_REPLACE] = "REPLACE",
    };

    if (!parser_take_word(parser, "ON"))
        return BYRON_OK;
    if (!parser_take_word(parser, "CONFLICT"))
        return parser_fail_here(parser);
    for (int i = CONFLICT_ROLLBACK; i <= CONFLICT_REPLACE; i++)
        if (parser_take_word(parser, words[i])) {
            *out = (enum conflict)i;
            return BYRON_OK;
        }
    return parser_fail_here(parser);
}

static byron_status refuse(struct parser *parser)
{
    static const struct {
        const char *word;
        const char *sentence;
    } refusals[] = {
        {"CHECK", "byron: CHECK constraints are not supported"},
        {"REFERENCES", "byron: foreign keys (REFERENCES) are not supported"},
        {"FOREIGN", "byron: FOREIGN KEY constraints are not supported"},
        {"GENERATED", "byron: generated columns are not supported"},
        {"AS", "byron: generated columns are not supported"},
        {"AUTOINCREMENT", "byron: AUTOINCREMENT is not supported; INTEGER "
                          "PRIMARY KEY numbers new rows without it"},
        {"DEFERRABLE", "byron: foreign keys (DEFERRABLE) are not supported"},
        {"WITHOUT", "byron: WITHOUT ROWID is implied by a PRIMARY KEY and "
                    "cannot be written"},
        {"STRICT", "byron: STRICT tables are not supported"},
    };

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (token_is_word(&parser->token, refusals[i].word))
            return parser_fail(parser, "%s", refusals[i].sentence);
    return parser_fail_here(parser);
}

static byron_status add_key_column(struct declaration *table, int column,
                                   enum collation collation, bool is_descending)
{
    struct key_column *key =
        realloc(table->key, sizeof *key * ((size_t)table->key_count + 1));

    if (!key)
        return BYRON_NO_MEMORY;
    table->key = key;
    key[table->key_count++] =
        (struct key_column){column, collation, is_descending};
    return BYRON_OK;
}

static byron_status begin_key(struct parser *parser)
{
    if (parser->has_key)
        return parser_fail(parser, "table has more than one primary key");
    parser->has_key = true;
    return BYRON_OK;
}

/* --- Columns ------------------------------------------------------------- */

/* The collation of the key is the column's, which may still follow. */
static byron_status parse_column_key(struct parser *parser, int index)
{
    struct declaration *table = parser->table;
    const char *type = table->columns[index].type;
    bool is_descending;
    byron_status status = begin_key(parser);

    if (status != BYRON_OK)
        return status;
    parser->is_key_of_column = true;
    if (!parser_take_word(parser, "KEY"))
        return parser_fail_here(parser);
    is_descending = parser_take_word(parser, "DESC");
    if (!is_descending)
        parser_take_word(parser, "ASC");
    status = conflict_parse(parser, &table->key_conflict);
    if (status != BYRON_OK)
        return status;
    if (token_is_word(&parser->token, "AUTOINCREMENT"))
        return refuse(parser);
    table->shape = KEY_SINGLE;
    /* DESC makes no alias: an old rule of SQLite's. */
    if (strcasecmp(type, "INTEGER") == 0 && !is_descending)
        table->shape = KEY_ROWID_ALIAS;
    return add_key_column(table, index, COLLATION_BINARY, is_descending);
}

static byron_status parse_default(struct parser *parser, struct column *column)
{
    free(column->default_value.bytes);
    memset(&column->default_value, 0, sizeof column->default_value);
    column->has_default = true;
    return literal_parse(parser, &column->default_value);
}

static byron_status parse_column_constraint(struct parser *parser, int index)
{
    struct column *column = &parser->table->columns[index];
    enum conflict ignored;

    if (parser_take_word(parser, "NOT")) {
        if (!parser_take_word(parser, "NULL"))
            return parser_fail_here(parser);
        column->is_not_null = true;
        return conflict_parse(parser, &column->not_null_conflict);
    }
    if (parser_take_word(parser, "NULL"))
        return conflict_parse(parser, &ignored);
    if (parser_take_word(parser, "PRIMARY"))
        return parse_column_key(parser, index);
    if (parser_take_word(parser, "DEFAULT"))
        return parse_default(parser, column);
    if (parser_take_word(parser, "COLLATE"))
        return parse_collation(parser, &column->collation);
    if (token_is_word(&parser->token, "UNIQUE"))
        return index_of_column_parse(parser, index);
    return refuse(parser);
}

static byron_status add_column(struct declaration *table, char *name)
{
    struct column *columns = realloc(
        table->columns, sizeof *columns * ((size_t)table->column_count + 1));

    if (!columns) {
        free(name);
        return BYRON_NO_MEMORY;
    }
    table->columns = columns;
    columns[table->column_count++] =
        (struct column){.name = name, .key_index = -1, .slot = -1};
    return BYRON_OK;
}

static byron_status parse_name(struct parser *parser)
{
    struct declaration *table = parser->table;
    char *name;
    byron_status status = parser_take_name(parser, &name);

    if (status != BYRON_OK)
        return status;
    for (int i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0) {
            status = parser_fail(parser, "duplicate column name: %s", name);
            free(name);
            return status;
        }
    return add_column(table, name);
}

byron_status column_parse(struct parser *parser)
{
    struct column *column;
    int index = parser->table->column_count;
    byron_status status;

    TRY(parse_name(parser));
    TRY(parse_type(parser, &parser->table->columns[index]));
    while (parser->token.kind != TOKEN_END) {
        TRY(parser_take_constraint(parser));
        if (parser->token.kind != TOKEN_END)
            TRY(parse_column_constraint(parser, index));
    }
    column = &parser->table->columns[index];
    if (column->has_default)
        TRY(literal_convert(&column->default_value, column->affinity));
out:
    return status;
}

/* --- Table constraints --------------------------------------------------- */

static int find_column(const struct declaration *table, const char *name)
{
    for (int i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return i;
    return -1;
}

byron_status key_column_parse(struct parser *parser, struct key_column *out)
{
    struct declaration *table = parser->table;
    char *name = NULL;
    byron_status status;

    TRY(parser_take_name(parser, &name));
    out->column = find_column(table, name);
    if (out->column < 0) {
        status = parser_fail(parser, "no such column: %s", name);
        goto out;
    }
    out->collation = table->columns[out->column].collation;
    if (parser_take_word(parser, "COLLATE"))
        TRY(parse_collation(parser, &out->collation));
    out->is_descending = parser_take_word(parser, "DESC");
    if (!out->is_descending)
        parser_take_word(parser, "ASC");
out:
    free(name);
    return status;
}

static byron_status parse_key_column(struct parser *parser)
{
    struct declaration *table = parser->table;
    struct key_column key;
    byron_status status = key_column_parse(parser, &key);

    if (status != BYRON_OK)
        return status;
    for (int i = 0; i < table->key_count; i++)
        if (table->key[i].column == key.column) {
            if (table->key[i].collation == key.collation)
                return BYRON_OK; /* Of no effect, as in SQLite. */
            return parser_fail(parser,
                               "byron: column %s is in the PRIMARY KEY twice",
                               table->columns[key.column].name);
        }
    return add_key_column(table, key.column, key.collation, key.is_descending);
}

static void choose_shape(struct declaration *table)
{
    struct key_column *only = &table->key[0];

    table->shape = KEY_COMPOSITE;
    if (table->key_count > 1)
        return;
    table->shape = KEY_SINGLE;
    /* In this clause even DESC makes an alias. */
    if (strcasecmp(table->columns[only->column].type, "INTEGER") == 0) {
        table->shape = KEY_ROWID_ALIAS;
        only->is_descending = false;
    }
}

byron_status constraint_parse(struct parser *parser)
{
    byron_status status;

    TRY(parser_take_constraint(parser));
    if (token_is_word(&parser->token, "UNIQUE") ||
        token_is_word(&parser->token, "INDEX"))
        return index_clause_parse(parser);
    if (!parser_take_word(parser, "PRIMARY"))
        return refuse(parser);
    TRY(begin_key(parser));
    parser->clause = "PRIMARY KEY(...)";
    if (!parser_take_word(parser, "KEY") || !token_is_mark(&parser->token, '('))
        return parser_fail_here(parser);
    do {
        parser_step(parser);
        TRY(parse_key_column(parser));
    } while (token_is_mark(&parser->token, ','));
    if (token_is_word(&parser->token, "AUTOINCREMENT"))
        return refuse(parser);
    if (!parser_take_mark(parser, ')'))
        return parser_fail_here(parser);
    TRY(conflict_parse(parser, &parser->table->key_conflict));
    if (parser->token.kind != TOKEN_END)
        return refuse(parser);
    choose_shape(parser->table);
out:
    return status;
}
