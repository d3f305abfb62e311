#include "support/failing_malloc.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct {
    unsigned long left; /* Until one fails; 0: none will. */
    bool goes_on;
    bool has_failed;
} state;

static bool fails(void)
{
    if (state.left == 0 || --state.left > 0)
        return false;
    state.has_failed = true;
    if (state.goes_on)
        state.left = 1;
    errno = ENOMEM;
    return true;
}

void failing_malloc_arm(unsigned long nth, bool and_all_after)
{
    state.left = nth;
    state.goes_on = and_all_after;
    state.has_failed = false;
}

bool failing_malloc_disarm(void)
{
    state.left = 0;
    return state.has_failed;
}

/* --- the C library ---------------------------------------------------------
 * Linked with --wrap=NAME, a call of NAME comes to __wrap_NAME. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *bytes, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
FILE *__real_open_memstream(char **text, size_t *size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
FILE *__wrap_open_memstream(char **text, size_t *size);
int __wrap_vasprintf(char **out, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int __real_vasprintf(char **out, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *bytes, size_t size)
{
    return fails() ? NULL : __real_realloc(bytes, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    return fails() ? NULL : __real_strndup(text, most);
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return fails() ? NULL : __real_open_memstream(text, size);
}

int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
    /* What out holds after a failure is undefined: make that seen. */
    *out = (char *)1;
    return fails() ? -1 : __real_vasprintf(out, format, arguments);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = __wrap_vasprintf(out, format, arguments);
    va_end(arguments);
    return size;
}

/* --- SQLite ----------------------------------------------------------------
 */

static sqlite3_mem_methods original;

static void *allocate(int size)
{
    return fails() ? NULL : original.xMalloc(size);
}

static void *reallocate(void *bytes, int size)
{
    return fails() ? NULL : original.xRealloc(bytes, size);
}

void failing_malloc_install(void)
{
    sqlite3_mem_methods methods;

    sqlite3_shutdown();
    if (!original.xMalloc)
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original);
    methods = original;
    methods.xMalloc = allocate;
    methods.xRealloc = reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}
