/*
 * fuzz_declaration: any text as the arguments of CREATE VIRTUAL TABLE, one in
 * each line. What is accepted has a schema; what is refused has a sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "declaration.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define MOST_ARGUMENTS 16

static void require(bool holds)
{
    if (!holds)
        abort();
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
        free(schema);
    }
    declaration_free(table);
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
    while (rest && count < MOST_ARGUMENTS)
        arguments[count++] = strsep(&rest, "\n");
    parse(count, arguments);
    free(text);
    return 0;
}
