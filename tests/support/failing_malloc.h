/*
 * failing_malloc: allocations of this thread that fail, one by one: those of
 * the C library that our code asks for (the linker leads them here), and those
 * of SQLite.
 */
#ifndef BYRON_TESTS_SUPPORT_FAILING_MALLOC_H
#define BYRON_TESTS_SUPPORT_FAILING_MALLOC_H

#include <stdbool.h>

/* Before the first connection: SQLite's allocations can fail, too, and small
 * ones are no exception. */
void failing_malloc_install(void);
/* The nth allocation from now on fails (1 = the next); and all after it. */
void failing_malloc_arm(unsigned long nth, bool and_all_after);
/* None fails any more. Did one? */
bool failing_malloc_disarm(void);

#endif
