/*
 * report: what byronctl says on standard error, and its exit codes.
 */
#ifndef BYROND_CTL_REPORT_H
#define BYROND_CTL_REPORT_H

#include <stdbool.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_ABSENT = 1,   /* A key is not there, or is there and should not be. */
    EXIT_USAGE = 2,    /* The command line. */
    EXIT_REFUSED = 3,  /* The server's status. */
    EXIT_LOST = 4,     /* The server cannot be reached, or not any more. */
    EXIT_FILE = 5,     /* A file of ours, or what is in it. */
    EXIT_STOPPED = 130 /* By Ctrl-C. */
};

/* From now on failures are told as one line of JSON. */
void report_as_json(void);
/* Says "byronctl: WORDS", and returns the code. name is a word for programs:
   of gRPC's codes, or of ours. */
enum exit_code report_error(enum exit_code code, const char *name,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same without a failure, and not to programs. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program. */
_Noreturn void report_no_memory(void);

#endif
