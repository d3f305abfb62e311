/*
 * index_build: indexes that come and go while the table has rows, inside the
 * transaction that is open: ROLLBACK and ROLLBACK TO undo them.
 *
 * Both are called from xUpdate. On failure the table's message is set, and
 * nothing has changed. Other connections learn of it by the schema's cookie.
 */
#ifndef BYRON_EXT_INDEX_BUILD_H
#define BYRON_EXT_INDEX_BUILD_H

#include "vtab.h"

/* definition: index_definition.h, as in 'UNIQUE by_name(name, id DESC)'. */
int index_add(struct table *table, const char *definition);
/* Not for a UNIQUE of the table's declaration. */
int index_drop(struct table *table, const char *name);

#endif
