/*
 * conflict: what to do about a row that breaks a constraint, and SQLite's
 * words for it.
 */
#ifndef BYRON_EXT_CONFLICT_H
#define BYRON_EXT_CONFLICT_H

#include "vtab.h"

/*
 * The mode in force inside xUpdate: the statement's OR clause, else the one
 * that the constraint declares, else ABORT. SQLite tells OR ABORT and no
 * clause apart from each other in no way.
 */
enum conflict conflict_of(struct table *table, enum conflict declared);
/* Set the table's message and return SQLite's code. */
int conflict_unique(struct table *table);
int conflict_index(struct table *table, const struct index *index);
int conflict_not_null(struct table *table, const char *column);

#endif
