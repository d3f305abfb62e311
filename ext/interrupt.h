/*
 * interrupt: was sqlite3_interrupt called? For long work inside one call of
 * SQLite's.
 */
#ifndef BYRON_EXT_INTERRUPT_H
#define BYRON_EXT_INTERRUPT_H

#include "vtab.h"

/* Starts as zeros but for db. */
struct interrupt {
    sqlite3 *db;
    sqlite3_stmt *statement; /* Private. */
    unsigned calls;          /* Private. */
};

/* SQLITE_INTERRUPT if so. Cheap: looks now and then. */
int interrupt_check(struct interrupt *interrupt);
void interrupt_deinit(struct interrupt *interrupt);

#endif
