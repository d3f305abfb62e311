/*
 * interrupt: was sqlite3_interrupt called, or has a progress handler had
 * enough? For long work inside one call of SQLite's.
 */
#ifndef BYRON_EXT_INTERRUPT_H
#define BYRON_EXT_INTERRUPT_H

#include "vtab.h"

/* Starts as zeros but for db. */
struct interrupt {
    sqlite3 *db;
    sqlite3_stmt *statement; /* Private. */
    unsigned calls;          /* Private. */
    int rc;                  /* Private. Of the last look. */
};

/* SQLITE_INTERRUPT if so. Cheap: looks now and then. */
int interrupt_check(struct interrupt *interrupt);
/* What the engine asks, and how long it waits: PRAGMA busy_timeout. Lends
 * interrupt to it. */
struct byron_patience interrupt_patience(struct interrupt *interrupt);
/* The code of what the engine was asked to do so, with the table's message. */
int interrupt_fail(struct interrupt *interrupt, struct table *table,
                   byron_status status);
void interrupt_deinit(struct interrupt *interrupt);

#endif
