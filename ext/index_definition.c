#include "index_definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser.h"
#include "try.h"

void index_definition_deinit(struct index_definition *definition)
{
    free(definition->name);
    free(definition->columns);
    memset(definition, 0, sizeof *definition);
}

/* --- Parsing ------------------------------------------------------------- */

static bool is_operator(const struct token *token)
{
    return token->kind == TOKEN_MARK && !token_is_mark(token, ',') &&
           !token_is_mark(token, ')');
}

/* Before a function is looked up as a column. */
static byron_status refuse_expression(struct parser *parser)
{
    const char *rest = parser->next;
    struct token second;

    token_next(&rest, &second);
    if (!is_operator(&parser->token) && !is_operator(&second))
        return BYRON_OK;
    return parser_fail(parser,
                       "byron: an index is on columns, not on expressions");
}

static byron_status add_column(struct parser *parser,
                               struct index_definition *definition)
{
    struct key_column column;
    struct key_column *columns;
    int count = definition->column_count;
    byron_status status = refuse_expression(parser);

    if (status == BYRON_OK)
        status = key_column_parse(parser, &column);
    if (status != BYRON_OK)
        return status;
    for (int i = 0; i < count; i++)
        if (definition->columns[i].column == column.column)
            return parser_fail(parser, "byron: column %s is in %s twice",
                               parser->table->columns[column.column].name,
                               definition->name ? definition->name : "UNIQUE");
    if (count == INDEX_MOST_COLUMNS)
        return parser_fail(parser,
                           "byron: an index has no more than %d "
                           "columns",
                           INDEX_MOST_COLUMNS);
    columns =
        realloc(definition->columns, sizeof *columns * ((size_t)count + 1));
    if (!columns)
        return BYRON_NO_MEMORY;
    columns[count] = column;
    definition->columns = columns;
    definition->column_count = count + 1;
    return BYRON_OK;
}

static byron_status parse_columns(struct parser *parser,
                                  struct index_definition *definition)
{
    byron_status status;

    if (!token_is_mark(&parser->token, '('))
        return parser_fail_here(parser);
    do {
        parser_step(parser);
        TRY(add_column(parser, definition));
    } while (token_is_mark(&parser->token, ','));
    if (!parser_take_mark(parser, ')'))
        return parser_fail_here(parser);
out:
    return status;
}

/* All of it, up to the end of the text. */
static byron_status parse_definition(struct parser *parser,
                                     struct index_definition *out)
{
    byron_status status = BYRON_OK;

    out->is_unique = parser_take_word(parser, "UNIQUE");
    parser_take_word(parser, "INDEX");
    if (token_is_name(&parser->token))
        TRY(parser_take_name(parser, &out->name));
    else if (!out->is_unique && token_is_mark(&parser->token, '('))
        return parser_fail(parser, "byron: an index has a name: INDEX "
                                   "name(column, ...)");
    TRY(parse_columns(parser, out));
    if (out->is_unique)
        TRY(conflict_parse(parser, &out->conflict));
    if (token_is_word(&parser->token, "WHERE"))
        return parser_fail(parser, "byron: an index holds all rows; WHERE is "
                                   "not supported");
    if (parser->token.kind != TOKEN_END)
        return parser_fail_here(parser);
out:
    return status;
}

byron_status index_definition_parse(const char *text, struct declaration *table,
                                    struct index_definition *out,
                                    char **message)
{
    struct parser parser = {
        .next = text,
        .table = table,
        .form = "; an index is name(column, ...) or UNIQUE name(column, ...)",
        .message = message};
    byron_status status;

    *message = NULL;
    memset(out, 0, sizeof *out);
    parser_step(&parser);
    status = parse_definition(&parser, out);
    if (status != BYRON_OK)
        index_definition_deinit(out);
    return status;
}

/* --- In a table's declaration -------------------------------------------- */

/* Takes definition, also on failure. */
static byron_status add_index(struct parser *parser,
                              struct index_definition *definition)
{
    struct declaration *table = parser->table;
    size_t count = (size_t)table->index_count;
    struct index_definition *indexes =
        realloc(table->indexes, sizeof *indexes * (count + 1));

    if (!indexes) {
        index_definition_deinit(definition);
        return BYRON_NO_MEMORY;
    }
    if (!definition->name) {
        definition->name = parser->constraint_name;
        parser->constraint_name = NULL;
    }
    definition->is_before_key = !parser->has_key;
    indexes[count] = *definition;
    table->indexes = indexes;
    table->index_count++;
    return BYRON_OK;
}

byron_status index_clause_parse(struct parser *parser)
{
    struct index_definition definition = {0};
    byron_status status;

    parser->clause =
        token_is_word(&parser->token, "INDEX") ? "INDEX" : "UNIQUE(...)";
    status = parse_definition(parser, &definition);
    if (status == BYRON_OK)
        return add_index(parser, &definition);
    index_definition_deinit(&definition);
    return status;
}

byron_status index_of_column_parse(struct parser *parser, int column)
{
    struct index_definition definition = {.is_unique = true,
                                          .is_of_column = true};
    byron_status status;

    parser_step(parser);
    status = conflict_parse(parser, &definition.conflict);
    if (status != BYRON_OK)
        return status;
    definition.columns = malloc(sizeof *definition.columns);
    if (!definition.columns)
        return BYRON_NO_MEMORY;
    definition.columns[0] =
        (struct key_column){column, COLLATION_BINARY, false};
    definition.column_count = 1;
    return add_index(parser, &definition);
}

/* --- The end of the declaration ------------------------------------------ */

static bool have_same_columns(const struct key_column *a, int a_count,
                              const struct key_column *b, int b_count)
{
    if (a_count != b_count)
        return false;
    for (int i = 0; i < a_count; i++)
        if (a[i].column != b[i].column || a[i].collation != b[i].collation)
            return false;
    return true;
}

#define OF_KEY  (-1)
#define OF_NONE (-2)

/* Which UNIQUE before it an index repeats. */
static int find_same(const struct declaration *table, int index)
{
    const struct index_definition *definition = &table->indexes[index];

    if (!definition->is_unique)
        return OF_NONE;
    if (have_same_columns(definition->columns, definition->column_count,
                          table->key, table->key_count))
        return OF_KEY;
    for (int i = 0; i < index; i++)
        if (table->indexes[i].is_unique &&
            have_same_columns(definition->columns, definition->column_count,
                              table->indexes[i].columns,
                              table->indexes[i].column_count))
            return i;
    return OF_NONE;
}

/*
 * The key of a table that has it as its rowid is no UNIQUE constraint to
 * SQLite, which looks at it first and by its own ON CONFLICT. Only REPLACE
 * waits until the constraints were looked at.
 */
static void merge_into_rowid(struct declaration *table, enum conflict conflict)
{
    if (table->key_conflict != CONFLICT_REPLACE)
        return;
    table->key_conflict =
        conflict == CONFLICT_DEFAULT ? CONFLICT_ABORT : conflict;
}

/* Of two that are one the earlier, whose ON CONFLICT is *same, gets what the
 * later says of it. */
static byron_status merge_conflict(struct parser *parser, enum conflict *same,
                                   enum conflict conflict)
{
    if (*same == CONFLICT_DEFAULT)
        *same = conflict;
    else if (conflict != CONFLICT_DEFAULT && conflict != *same)
        return parser_fail(parser, "conflicting ON CONFLICT clauses specified");
    return BYRON_OK;
}

/*
 * Where the key stands among the constraints, for the order in which they are
 * checked: where its columns were first said to be UNIQUE; or, since one with
 * ON CONFLICT REPLACE is checked among others such, where that was first said.
 */
struct key_place {
    bool is_met;
    bool is_replacing;
    int place; /* So many definitions come before. */
};

static void note_key(struct key_place *key, int place, enum conflict conflict)
{
    bool is_replacing = conflict == CONFLICT_REPLACE;

    if (!key->is_met || (is_replacing && !key->is_replacing))
        key->place = place;
    key->is_met = true;
    key->is_replacing |= is_replacing;
}

/* Definition index, which repeats an earlier one, goes; or, where only it says
 * ON CONFLICT REPLACE, the earlier one comes to its place. */
static void remove_repeated(struct declaration *table, int index, int same,
                            bool is_moved, struct key_place *key)
{
    struct index_definition *definition = &table->indexes[index];
    bool is_before_key = definition->is_before_key;
    int place = index;

    index_definition_deinit(definition);
    if (is_moved) {
        *definition = table->indexes[same];
        definition->is_before_key = is_before_key;
        place = same;
        if (key->is_met && same < key->place)
            key->place--;
    }
    table->index_count--;
    definition = &table->indexes[place];
    memmove(definition, definition + 1,
            sizeof *definition * (size_t)(table->index_count - place));
}

static byron_status merge_one(struct parser *parser, int index, int same,
                              enum conflict *of_key, struct key_place *key)
{
    struct declaration *table = parser->table;
    enum conflict conflict = table->indexes[index].conflict;
    enum conflict *earlier =
        same == OF_KEY ? of_key : &table->indexes[same].conflict;
    bool is_moved = same != OF_KEY && *earlier == CONFLICT_DEFAULT &&
                    conflict == CONFLICT_REPLACE;
    byron_status status = merge_conflict(parser, earlier, conflict);

    if (status != BYRON_OK)
        return status;
    if (same == OF_KEY)
        note_key(key, index, conflict);
    remove_repeated(table, index, same, is_moved, key);
    return BYRON_OK;
}

/* As SQLite does: what is said twice is one, and may have one ON CONFLICT. */
static byron_status merge_repeated(struct parser *parser)
{
    struct declaration *table = parser->table;
    bool has_rowid = table->shape == KEY_ROWID_ALIAS;
    enum conflict own = table->key_conflict;
    enum conflict of_rowid = CONFLICT_DEFAULT;
    struct key_place key = {.is_met = false};
    bool is_rowid_unique = false;
    bool is_passed = false;
    int index = 0;
    byron_status status = BYRON_OK;

    while (index < table->index_count) {
        int same = find_same(table, index);

        if (!is_passed && !table->indexes[index].is_before_key) {
            note_key(&key, index, own);
            is_passed = true;
        }
        if (same == OF_NONE) {
            index++;
            continue;
        }
        is_rowid_unique |= has_rowid && same == OF_KEY;
        TRY(merge_one(parser, index, same,
                      has_rowid ? &of_rowid : &table->key_conflict, &key));
    }
    if (!is_passed)
        note_key(&key, table->index_count, own);
    for (int i = 0; i < table->index_count && !has_rowid; i++)
        table->indexes[i].is_before_key = i < key.place;
    if (is_rowid_unique)
        merge_into_rowid(table, of_rowid);
out:
    return status;
}

static bool is_taken(const struct declaration *table, int index,
                     const char *name)
{
    for (int i = 0; i < table->index_count; i++)
        if (i != index && table->indexes[i].name &&
            strcasecmp(table->indexes[i].name, name) == 0)
            return true;
    return false;
}

/* A number behind the name, until nobody else has it. */
static byron_status make_name(struct declaration *table, int index)
{
    struct index_definition *definition = &table->indexes[index];

    for (int number = 1; !definition->name; number++) {
        char *name = index_definition_name(definition, table, number);

        if (!name)
            return BYRON_NO_MEMORY;
        if (is_taken(table, index, name))
            free(name);
        else
            definition->name = name;
    }
    return BYRON_OK;
}

byron_status index_definitions_finish(struct parser *parser)
{
    struct declaration *table = parser->table;
    byron_status status = BYRON_OK;

    for (int i = 0; i < table->index_count; i++) {
        struct key_column *first = &table->indexes[i].columns[0];

        if (table->indexes[i].is_of_column)
            first->collation = table->columns[first->column].collation;
    }
    TRY(merge_repeated(parser));
    for (int i = 0; i < table->index_count; i++) {
        if (table->indexes[i].name &&
            is_taken(table, i, table->indexes[i].name))
            return parser_fail(parser, "index %s already exists",
                               table->indexes[i].name);
        TRY(make_name(table, i));
    }
out:
    return status;
}

/* --- Words --------------------------------------------------------------- */

char *index_definition_name(const struct index_definition *definition,
                            const struct declaration *table, int number)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    fputs("unique", to);
    for (int i = 0; i < definition->column_count; i++)
        fprintf(to, "_%s", table->columns[definition->columns[i].column].name);
    if (number > 1)
        fprintf(to, "_%d", number);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void print_quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void print_column(FILE *to, const struct key_column *key,
                         const struct declaration *table)
{
    static const char *const collations[] = {
        [COLLATION_BINARY] = "BINARY",
        [COLLATION_NOCASE] = "NOCASE",
        [COLLATION_RTRIM] = "RTRIM",
    };

    print_quoted(to, table->columns[key->column].name);
    fprintf(to, " COLLATE %s%s", collations[key->collation],
            key->is_descending ? " DESC" : "");
}

char *index_definition_text(const struct index_definition *definition,
                            const struct declaration *table)
{
    static const char *const words[] = {
        [CONFLICT_DEFAULT] = "",
        [CONFLICT_ROLLBACK] = " ON CONFLICT ROLLBACK",
        [CONFLICT_ABORT] = " ON CONFLICT ABORT",
        [CONFLICT_FAIL] = " ON CONFLICT FAIL",
        [CONFLICT_IGNORE] = " ON CONFLICT IGNORE",
        [CONFLICT_REPLACE] = " ON CONFLICT REPLACE",
    };
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (!to)
        return NULL;
    fputs(definition->is_unique ? "UNIQUE INDEX " : "INDEX ", to);
    print_quoted(to, definition->name);
    for (int i = 0; i < definition->column_count; i++) {
        fputs(i == 0 ? "(" : ", ", to);
        print_column(to, &definition->columns[i], table);
    }
    fprintf(to, ")%s", words[definition->conflict]);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
