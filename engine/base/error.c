#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct byron_error last;

const char *byron_status_words(byron_status status)
{
    switch (status) {
#define WORDS_CASE(name, number, words)                                        \
    case BYRON_##name:                                                         \
        return words;
        BYRON_STATUS_LIST(WORDS_CASE)
#undef WORDS_CASE
    }
    return "unknown status";
}

void byron_last_error(struct byron_error *out)
{
    *out = last;
}

/* Appends to a text of fixed capacity; what does not fit is cut. */
__attribute__((format(printf, 3, 0))) static void
add_words_list(char *text, size_t capacity, const char *format, va_list list)
{
    size_t size = strlen(text);
    vsnprintf(text + size, capacity - size, format, list);
}

__attribute__((format(printf, 3, 4))) static void
add_words(char *text, size_t capacity, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add_words_list(text, capacity, format, list);
    va_end(list);
}

static void add_errno(char *text, size_t capacity, int system_errno)
{
    char buffer[128];
#ifdef __GLIBC__
    const char *words = strerror_r(system_errno, buffer, sizeof buffer);
#else
    const char *words = buffer;
    if (strerror_r(system_errno, buffer, sizeof buffer) != 0)
        snprintf(buffer, sizeof buffer, "errno %d", system_errno);
#endif
    add_words(text, capacity, ": %s", words);
}

/* Built aside: path and the words' arguments may lie in the last error. */
__attribute__((format(printf, 5, 0))) static byron_status
record(byron_status code, const char *path, uint64_t offset, int system_errno,
       const char *format, va_list list)
{
    struct byron_error error = {
        .code = code, .system_errno = system_errno, .offset = offset};

    if (path)
        add_words(error.path, sizeof error.path, "%s", path);
    add_words_list(error.words, sizeof error.words, format, list);
    if (path && !strstr(error.words, path))
        add_words(error.words, sizeof error.words, ": %s", path);
    if (offset != BYRON_NO_OFFSET)
        add_words(error.words, sizeof error.words, " at offset %llu",
                  (unsigned long long)offset);
    if (system_errno != 0)
        add_errno(error.words, sizeof error.words, system_errno);
    last = error;
    return code;
}

byron_status error_set(byron_status code, const char *path, uint64_t offset,
                       int system_errno, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(code, path, offset, system_errno, format, list);
    va_end(list);
    return code;
}

byron_status error_no_memory(void)
{
    memset(&last, 0, sizeof last);
    last.code = BYRON_NO_MEMORY;
    last.offset = BYRON_NO_OFFSET;
    memcpy(last.words, "out of memory", sizeof "out of memory");
    return BYRON_NO_MEMORY;
}

byron_status error_corrupt(const char *path, uint64_t offset,
                           const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(BYRON_CORRUPT, path, offset, 0, format, list);
    va_end(list);
    return BYRON_CORRUPT;
}

byron_status error_restore(const struct byron_error *error)
{
    if (error != &last)
        last = *error;
    return error->code;
}

const struct byron_error *error_last(void)
{
    return &last;
}
