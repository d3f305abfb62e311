/*
 * index_check: has every row exactly its entries in the table's indexes, and
 * has every entry its row?
 */
#ifndef BYRON_EXT_INDEX_CHECK_H
#define BYRON_EXT_INDEX_CHECK_H

#include "vtab.h"

/*
 * Reads all rows and entries that a statement would see now. Calls report for
 * each finding (words lent for the call), and adds their number to *findings.
 * On failure SQLite's code, and the table's message.
 */
int index_check(struct table *table,
                void (*report)(void *context, const char *words), void *context,
                uint64_t *findings);

#endif
