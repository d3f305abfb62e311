#include "status.h"

#include <stdarg.h>

int status_code(byron_status status)
{
    switch (status) {
    case BYRON_OK:
        return SQLITE_OK;
    case BYRON_NOT_FOUND:
        return SQLITE_NOTFOUND;
    case BYRON_NO_MEMORY:
        return SQLITE_NOMEM;
    case BYRON_IO:
        return SQLITE_IOERR;
    case BYRON_CORRUPT:
        return SQLITE_CORRUPT_VTAB;
    case BYRON_BUSY:
        return SQLITE_BUSY;
    case BYRON_BUSY_SNAPSHOT:
        return SQLITE_BUSY_SNAPSHOT;
    case BYRON_READ_ONLY:
        return SQLITE_READONLY;
    case BYRON_FULL:
        return SQLITE_FULL;
    case BYRON_TOO_BIG:
        return SQLITE_TOOBIG;
    case BYRON_MISSING:
    case BYRON_FOREIGN:
        return SQLITE_CANTOPEN;
    case BYRON_NEWER_FORMAT:
        return SQLITE_NOTADB;
    case BYRON_INTERRUPTED:
        return SQLITE_INTERRUPT;
    case BYRON_MISUSE:
        break; /* A wrong option, say: an error in the user's SQL. */
    }
    return SQLITE_ERROR;
}

/* What the engine said last, if it said it of this status. */
static char *words_of(byron_status status)
{
    struct byron_error error;

    byron_last_error(&error);
    if (error.code == status && error.words[0])
        return sqlite3_mprintf("byron: %s", error.words);
    return sqlite3_mprintf("byron: %s", byron_status_words(status));
}

int status_fail(struct table *table, byron_status status)
{
    if (status == BYRON_OK)
        return SQLITE_OK;
    return status_message(status, &table->base.zErrMsg);
}

int status_message(byron_status status, char **message)
{
    sqlite3_free(*message);
    *message = NULL;
    /* SQLite's own words for this one need no memory. */
    if (status != BYRON_OK && status != BYRON_NO_MEMORY)
        *message = words_of(status);
    return status_code(status);
}

int table_fail(struct table *table, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sqlite3_free(table->base.zErrMsg);
    table->base.zErrMsg = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return code;
}
