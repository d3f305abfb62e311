/*
 * fuzz_declaration: any text as the arguments of CREATE VIRTUAL TABLE, one in
 * each line. What is accepted has a schema, and words for each index; what is
 * refused has a sentence.
 * The same text as a whole CREATE statement, and as an option that changes.
 */
#include <stdlib.h>
#include <string.h>

#include "create_text.h"
#include "declaration.h"
#include "index_definition.h"
#include "option.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define MOST_ARGUMENTS 16

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* An index's words, as byron_index keeps them, say the same again. */
static void check_index(struct declaration *table, int number)
{
    struct index_definition again;
    char *message = NULL;
    char *text = index_definition_text(&table->indexes[number], table);
    char *second;

    require(text != NULL);
    require(index_definition_parse(text, table, &again, &message) == BYRON_OK);
    second = index_definition_text(&again, table);
    require(second != NULL && strcmp(text, second) == 0);
    index_definition_deinit(&again);
    free(second);
    free(text);
}

static void parse(int count, const char *const *arguments)
{
    struct declaration *table = NULL;
    char *message = NULL;
    byron_status status =
        declaration_parse("t", count, arguments, &table, &message);

    require((status == BYRON_OK) == (table != NULL));
    require(status == BYRON_OK || message != NULL);
    if (table) {
        char *schema = declaration_schema(table, "t");

        require(schema != NULL && table->column_count > 0);
        for (int i = 0; i < table->index_count; i++)
            check_index(table, i);
        free(schema);
    }
    declaration_free(table);
    free(message);
}

static void change(const char *text)
{
    struct byron_options options;
    char *message = NULL;
    char *changed;
    int setting;
    byron_status status =
        option_parse_change(text, &options, &setting, &message);

    require((status == BYRON_OK) == (message == NULL));
    if (status == BYRON_OK) {
        changed = settings_change(text, setting, &options);
        require(changed != NULL);
        free(changed);
    }
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *arguments[MOST_ARGUMENTS];
    char *text = malloc(size + 1);
    char *rest = text;
    int count = 0;

    require(text != NULL);
    memcpy(text, bytes, size);
    text[size] = '\0';
    create_text_has_gap(text);
    change(text);
    while (rest && count < MOST_ARGUMENTS)
        arguments[count++] = strsep(&rest, "\n");
    parse(count, arguments);
    free(text);
    return 0;
}
