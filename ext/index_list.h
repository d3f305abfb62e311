/*
 * index_list: the indexes that a table has, and the order in which SQLite
 * would check its constraints.
 *
 * Those are the key and the UNIQUE indexes: of a table whose key is a rowid
 * that first; then the newest first, but those ON CONFLICT REPLACE last.
 * table->checks has their numbers in table->indexes, and -1 for the key.
 */
#ifndef BYRON_EXT_INDEX_LIST_H
#define BYRON_EXT_INDEX_LIST_H

#include "connection.h"
#include "index.h"

/* All functions set the table's message on failure. */

/* At CREATE: the declared ones. row is the store's, whose next_table moves. */
int index_list_create(struct table *table, struct store_row *row);
/* At connect: as the host's table byron_index says. */
int index_list_load(struct table *table);
/*
 * Adds or removes one. What was lent out of table->indexes stays where it is
 * until the table is freed: a statement that runs may use it. Takes index.
 */
int index_list_add(struct table *table, struct index *index);
int index_list_remove(struct table *table, const struct index *index);
/* Takes back the last of either. */
void index_list_undo(struct table *table);
void index_list_free(struct table *table);
/* NULL if there is none of this name. */
const struct index *index_list_find(const struct table *table,
                                    const char *name);

#endif
