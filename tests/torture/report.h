/*
 * report: what was being done when something failed.
 */
#ifndef BYRON_TESTS_TORTURE_REPORT_H
#define BYRON_TESTS_TORTURE_REPORT_H

/* What the program does from now on. */
void report_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program, and leaves the files as they are. */
_Noreturn void report_failure(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
