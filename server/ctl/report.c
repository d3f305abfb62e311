#include "ctl/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"

static bool is_json;

void report_as_json(void)
{
    is_json = true;
}

enum exit_code report_error(enum exit_code code, const char *name,
                            const char *format, ...)
{
    char words[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    fflush(stdout);
    /* Names and the server's words may have what terminals obey. */
    for (char *at = words; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            *at = ' ';
    if (!is_json) {
        fprintf(stderr, "byronctl: %s\n", words);
        return code;
    }
    fprintf(stderr, "{\"error\":\"%s\",\"words\":", name);
    text_print_json(stderr, NOTATION_TEXT, bytes_of_text(words));
    fputs("}\n", stderr);
    return code;
}

void report_note(const char *format, ...)
{
    va_list arguments;

    if (is_json)
        return;
    fflush(stdout);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void report_no_memory(void)
{
    fputs("byronctl: out of memory\n", stderr);
    exit(EXIT_FILE);
}
