#include "torture/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "torture/storage.h"

static char place[400];

void report_at(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
}

void report_failure(const char *format, ...)
{
    va_list arguments;

    storage_watch("");
    fflush(stdout);
    fprintf(stderr, "torture: %s: ", place);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}
