/*
 * error: where a failure is put into words, once, at its birth.
 *
 * Each thread keeps its last error. The status travels up unchanged.
 */
#ifndef BYRON_BASE_ERROR_H
#define BYRON_BASE_ERROR_H

#include "byron.h"

/*
 * Records an error of this thread and returns its code. path may be NULL;
 * offset BYRON_NO_OFFSET if unknown; system_errno 0 if none. The sentence is
 * completed with path, offset and strerror.
 */
byron_status error_set(byron_status code, const char *path, uint64_t offset,
                       int system_errno, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Out of memory, with no words to make. Always BYRON_NO_MEMORY. */
byron_status error_no_memory(void);
/* A file whose bytes are wrong at offset. Always BYRON_CORRUPT. */
byron_status error_corrupt(const char *path, uint64_t offset,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts a saved error back as this thread's last; returns its code. */
byron_status error_restore(const struct byron_error *error);
/* This thread's last error; lent until the next failure on it. */
const struct byron_error *error_last(void);

#endif
