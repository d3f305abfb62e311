/*
 * integrity: is anything damaged? The store file by file, and the table row by
 * row. For byron_check, 'integrity-check' and PRAGMA integrity_check.
 */
#ifndef BYRON_EXT_INTEGRITY_H
#define BYRON_EXT_INTEGRITY_H

#include "vtab.h"

/* All zero is valid: nothing was found. */
struct findings {
    char *words; /* sqlite3_mprintf'd; a line for each of the first hundred. */
    uint64_t count;
};

void findings_deinit(struct findings *findings);
/* Adds one sentence. Fits byron_verify. */
void findings_add(void *findings, const char *words);

/* What is damaged goes to findings; a failure is what kept it from looking:
 * SQLite's code, with the table's message. */
int check_table(struct table *table, struct findings *findings);

#endif
