#include "declaration.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "index_definition.h"
#include "parser.h"
#include "try.h"

#define HIDDEN_PREFIX "prefix"
#define HIDDEN_ARG    "arg"

/* --- The parser ---------------------------------------------------------- */

byron_status parser_fail(struct parser *parser, const char *format, ...)
{
    va_list arguments;
    int size;

    free(*parser->message);
    va_start(arguments, format);
    size = vasprintf(parser->message, format, arguments);
    va_end(arguments);
    if (size >= 0)
        return BYRON_MISUSE;
    *parser->message = NULL;
    return BYRON_NO_MEMORY;
}

byron_status parser_fail_here(struct parser *parser)
{
    const struct token *token = &parser->token;
    const char *form = parser->form ? parser->form : "";

    switch (token->kind) {
    case TOKEN_END:
        return parser_fail(parser, "incomplete %s definition%s",
                           parser->form ? "index" : "column", form);
    case TOKEN_ILLEGAL:
        return parser_fail(parser, "unrecognized token: \"%.*s\"%s",
                           (int)token->size, token->start, form);
    default:
        return parser_fail(parser, "near \"%.*s\": syntax error%s",
                           (int)token->size, token->start, form);
    }
}

byron_status parser_take_name(struct parser *parser, char **out)
{
    *out = NULL;
    if (!token_is_name(&parser->token))
        return parser_fail_here(parser);
    *out = token_text(&parser->token, NULL);
    if (!*out)
        return BYRON_NO_MEMORY;
    parser_step(parser);
    return BYRON_OK;
}

static bool is_constraint(const struct token *token)
{
    return token_is_word(token, "CONSTRAINT") ||
           token_is_word(token, "PRIMARY") || token_is_word(token, "UNIQUE") ||
           token_is_word(token, "INDEX") || token_is_word(token, "CHECK") ||
           token_is_word(token, "FOREIGN");
}

byron_status parser_take_constraint(struct parser *parser)
{
    byron_status status = BYRON_OK;

    do {
        free(parser->constraint_name);
        parser->constraint_name = NULL;
        if (!parser_take_word(parser, "CONSTRAINT"))
            break;
        TRY(parser_take_name(parser, &parser->constraint_name));
    } while (token_is_word(&parser->token, "CONSTRAINT"));
out:
    return status;
}

/* WITHOUT ROWID and STRICT, where CREATE TABLE would have them. */
static bool is_table_word(const struct token *token, const struct token *second)
{
    return (token_is_word(token, "WITHOUT") &&
            token_is_word(second, "ROWID")) ||
           (token_is_word(token, "STRICT") && second->kind == TOKEN_END);
}

static void begin_text(struct parser *parser, const char *text)
{
    parser->next = text;
    parser_step(parser);
}

/* No columns: key PRIMARY KEY, value. */
static byron_status add_usual_columns(struct parser *parser)
{
    byron_status status = BYRON_OK;

    if (parser->has_key)
        return parser_fail(parser, "byron: the table has no columns");
    begin_text(parser, "key PRIMARY KEY");
    TRY(column_parse(parser));
    begin_text(parser, "value");
    TRY(column_parse(parser));
out:
    return status;
}

/* An index of a table without columns is on the usual ones. */
static byron_status parse_clause(struct parser *parser, const char *text)
{
    bool is_index = token_is_word(&parser->token, "INDEX") ||
                    token_is_word(&parser->token, "UNIQUE");
    byron_status status = BYRON_OK;

    if (is_index && parser->table->column_count == 0) {
        TRY(add_usual_columns(parser));
        begin_text(parser, text);
    }
    TRY(constraint_parse(parser));
out:
    return status;
}

static byron_status parse_argument(struct parser *parser, const char *text)
{
    const char *rest;
    struct token second;

    begin_text(parser, text);
    rest = parser->next;
    token_next(&rest, &second);
    if (token_is_name(&parser->token) && token_is_mark(&second, '='))
        return option_parse(parser);
    if (is_constraint(&parser->token) || is_table_word(&parser->token, &second))
        return parse_clause(parser, text);
    if (parser->clause)
        return parser_fail(parser, "near \"%.*s\": columns come before %s",
                           (int)parser->token.size, parser->token.start,
                           parser->clause);
    return column_parse(parser);
}

/* --- The whole table ----------------------------------------------------- */

static bool has_column(const struct declaration *table, const char *name)
{
    for (int i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

/* SQLite cannot do without this one: it evades. */
static byron_status name_hidden_key(struct declaration *table, const char *own)
{
    char name[64] = "_key";

    while ((has_column(table, name) || strcasecmp(name, own) == 0) &&
           strlen(name) < sizeof name - 1)
        strcat(name, "_");
    table->hidden_name = strdup(name);
    return table->hidden_name ? BYRON_OK : BYRON_NO_MEMORY;
}

/* The number of the next hidden column; -1 where its name is taken. */
static int place_hidden(struct declaration *table, const char *name)
{
    if (has_column(table, name))
        return -1;
    return table->column_count + table->hidden.count++;
}

/* In a table that is itself called prefix or arg, one column is both. */
static byron_status place_all_hidden(struct declaration *table, const char *own)
{
    struct hidden_columns *hidden = &table->hidden;
    byron_status status = BYRON_OK;

    hidden->prefix = place_hidden(table, HIDDEN_PREFIX);
    hidden->key = -1;
    if (table->shape == KEY_COMPOSITE) {
        TRY(name_hidden_key(table, own));
        hidden->key = place_hidden(table, table->hidden_name);
    }
    if (strcasecmp(own, HIDDEN_PREFIX) == 0)
        hidden->command = hidden->prefix;
    else
        hidden->command = place_hidden(table, own);
    if (strcasecmp(own, HIDDEN_ARG) == 0)
        hidden->arg = hidden->command;
    else
        hidden->arg = place_hidden(table, HIDDEN_ARG);
out:
    return status;
}

/* The row's value: the columns outside the key, then the key's own. */
static void place_fields(struct declaration *table)
{
    if (table->shape == KEY_ROWID_ALIAS)
        table->columns[table->key[0].column].key_index = 0;
    else
        for (int i = 0; i < table->key_count; i++) {
            struct column *column = &table->columns[table->key[i].column];

            column->key_index = i;
            column->is_not_null = true; /* As in a WITHOUT ROWID table. */
        }
    for (int i = 0; i < table->column_count; i++)
        if (table->columns[i].key_index < 0)
            table->columns[i].slot = table->slot_count++;
    if (table->shape == KEY_ROWID_ALIAS)
        return;
    for (int i = 0; i < table->key_count; i++)
        table->columns[table->key[i].column].slot = table->slot_count++;
}

static byron_status finish(struct parser *parser, const char *name)
{
    struct declaration *table = parser->table;
    byron_status status = BYRON_OK;

    if (table->column_count == 0)
        TRY(add_usual_columns(parser));
    if (parser->is_key_of_column)
        table->key[0].collation =
            table->columns[table->key[0].column].collation;
    TRY(option_finish(parser));
    TRY(place_all_hidden(table, name));
    TRY(index_definitions_finish(parser));
    place_fields(table);
out:
    return status;
}

byron_status declaration_parse(const char *table, int count,
                               const char *const *arguments,
                               struct declaration **out, char **message)
{
    struct parser parser = {.message = message};
    byron_status status = BYRON_OK;

    *message = NULL;
    *out = NULL;
    parser.table = calloc(1, sizeof *parser.table);
    if (!parser.table)
        return BYRON_NO_MEMORY;
    parser.table->shape = KEY_ROWID_IMPLICIT;
    for (int i = 0; i < count; i++) {
        const char *rest = arguments[i];
        struct token first;

        token_next(&rest, &first);
        if (first.kind == TOKEN_END && count == 1)
            continue; /* USING byron() */
        TRY(parse_argument(&parser, arguments[i]));
    }
    TRY(finish(&parser, table));
    *out = parser.table;
    parser.table = NULL;
out:
    free(parser.constraint_name);
    declaration_free(parser.table);
    return status;
}

void declaration_free(struct declaration *declaration)
{
    if (!declaration)
        return;
    for (int i = 0; i < declaration->column_count; i++) {
        free(declaration->columns[i].name);
        free(declaration->columns[i].type);
        free(declaration->columns[i].default_value.bytes);
    }
    for (int i = 0; i < declaration->index_count; i++)
        index_definition_deinit(&declaration->indexes[i]);
    free(declaration->indexes);
    free(declaration->columns);
    free(declaration->key);
    free(declaration->hidden_name);
    free(declaration->settings.path);
    free(declaration->settings.ttl);
    free(declaration);
}

/* --- The text for SQLite ------------------------------------------------- */

static void print_quoted(FILE *to, const char *text, size_t size, char quote)
{
    fputc(quote, to);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == quote)
            fputc(quote, to);
        fputc(text[i], to);
    }
    fputc(quote, to);
}

static void print_real(FILE *to, double real)
{
    char digits[32];
    char *comma;

    if (isinf(real)) {
        fputs(real < 0 ? "-9e999" : "9e999", to);
        return;
    }
    snprintf(digits, sizeof digits, "%.17g", real);
    comma = strchr(digits, ','); /* Of a locale. */
    if (comma)
        *comma = '.';
    fputs(digits, to);
    if (!strpbrk(digits, ".e"))
        fputs(".0", to);
}

static void print_default(FILE *to, const struct literal *literal)
{
    fputs(" DEFAULT ", to);
    switch (literal->kind) {
    case LITERAL_INTEGER:
        fprintf(to, "%" PRId64, literal->integer);
        break;
    case LITERAL_REAL:
        print_real(to, literal->real);
        break;
    case LITERAL_TEXT:
        print_quoted(to, literal->bytes, strlen(literal->bytes), '\'');
        break;
    case LITERAL_BLOB:
        fputs("x'", to);
        for (size_t i = 0; i < literal->size; i++)
            fprintf(to, "%02x", (unsigned char)literal->bytes[i]);
        fputc('\'', to);
        break;
    default:
        fputs("NULL", to);
        break;
    }
}

/* Quoted, since a type may be any words at all. */
static void print_type(FILE *to, const char *type)
{
    if (!*type)
        return;
    fputc(' ', to);
    print_quoted(to, type, strlen(type), '"');
}

static const char *collation_clause(enum collation collation)
{
    static const char *const clauses[] = {
        [COLLATION_BINARY] = " COLLATE BINARY",
        [COLLATION_NOCASE] = " COLLATE NOCASE",
        [COLLATION_RTRIM] = " COLLATE RTRIM",
    };

    return clauses[collation];
}

static void print_column(FILE *to, const struct column *column)
{
    print_quoted(to, column->name, strlen(column->name), '"');
    print_type(to, column->type);
    if (column->collation != COLLATION_BINARY)
        fputs(collation_clause(column->collation), to);
    if (column->is_not_null)
        fputs(" NOT NULL", to);
    if (column->has_default)
        print_default(to, &column->default_value);
}

static void print_hidden(FILE *to, const struct declaration *table,
                         const char *own)
{
    const struct hidden_columns *hidden = &table->hidden;

    for (int i = 0; i < hidden->count; i++) {
        int column = table->column_count + i;
        const char *name = own;

        if (column == hidden->prefix)
            name = HIDDEN_PREFIX;
        else if (column == hidden->key)
            name = table->hidden_name;
        else if (column == hidden->arg)
            name = HIDDEN_ARG;
        fputs(", ", to);
        print_quoted(to, name, strlen(name), '"');
        fputs(column == hidden->key ? " BLOB HIDDEN" : " HIDDEN", to);
    }
}

/* With the key's own collation, by which SQLite gathers rows to delete. */
static void print_key(FILE *to, const struct declaration *table)
{
    const struct key_column *key = &table->key[0];
    const char *name = table->shape == KEY_COMPOSITE
                           ? table->hidden_name
                           : table->columns[key->column].name;

    fputs(", PRIMARY KEY(", to);
    print_quoted(to, name, strlen(name), '"');
    if (table->shape == KEY_SINGLE) {
        fputs(collation_clause(key->collation), to);
        fputs(key->is_descending ? " DESC" : "", to);
    }
    fputc(')', to);
}

char *declaration_schema(const struct declaration *declaration,
                         const char *table)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    fputs("CREATE TABLE ", to);
    print_quoted(to, table, strlen(table), '"');
    for (int i = 0; i < declaration->column_count; i++) {
        fputs(i == 0 ? "(" : ", ", to);
        print_column(to, &declaration->columns[i]);
    }
    print_hidden(to, declaration, table);
    if (declaration->shape != KEY_ROWID_IMPLICIT)
        print_key(to, declaration);
    fputs(declaration->shape >= KEY_SINGLE ? ") WITHOUT ROWID" : ")", to);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
