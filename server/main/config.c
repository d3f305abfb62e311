#include "main/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE   ((size_t)64 * 1024)
#define WORDS_SIZE 256 /* Of what is wrong with a value. */

static const char spaces[] = " \t\r";

/* NULL: words say why. */
static char *read_text(const char *path, char *words, size_t size)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(MAX_SIZE + 1);
    size_t length = file && text ? fread(text, 1, MAX_SIZE + 1, file) : 0;
    const char *wrong = NULL;

    if (!file || !text || ferror(file))
        wrong = "cannot be read";
    else if (length > MAX_SIZE)
        wrong = "has more than 64 KiB";
    else if (memchr(text, 0, length))
        wrong = "is no text";
    if (file)
        fclose(file);
    if (!wrong) {
        text[length] = 0;
        return text;
    }
    snprintf(words, size, "%.150s: %s", path, wrong);
    free(text);
    return NULL;
}

static char *trim(char *text)
{
    size_t size;

    text += strspn(text, spaces);
    size = strlen(text);
    while (size > 0 && strchr(spaces, text[size - 1]))
        size--;
    text[size] = 0;
    return text;
}

static byron_status take(const struct config_taker *taker, char *line,
                         char *words)
{
    char *value = strchr(line, '=');

    line = trim(line);
    if (!*line || *line == '#')
        return BYRON_OK;
    if (!value) {
        snprintf(words, WORDS_SIZE, "a line is \"name = value\"");
        return BYRON_MISUSE;
    }
    *value++ = 0;
    return taker->set(taker->context, trim(line), trim(value), words,
                      WORDS_SIZE);
}

byron_status config_read(const char *path, const struct config_taker *taker,
                         char **out, char *words, size_t size)
{
    char wrong[WORDS_SIZE] = "";
    byron_status status = BYRON_OK;
    unsigned number = 1;
    char *line;
    char *next;

    *out = line = read_text(path, words, size);
    if (!line)
        return BYRON_MISUSE;
    for (; line && status == BYRON_OK; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        status = take(taker, line, wrong);
        if (status != BYRON_OK)
            snprintf(words, size, "%.150s:%u: %s", path, number, wrong);
    }
    return status;
}
