/*
 * view: which of the engine's states a statement reads.
 *
 * Also the road to the store for all of a transaction's calls: it opens the
 * store where that was not possible before.
 */
#ifndef BYRON_EXT_VIEW_H
#define BYRON_EXT_VIEW_H

#include "connection.h"

/* The table's store is open and usable. Else the table's message is set. */
int view_ready(struct table *table);
/* The commit point that the host's snapshot shows. */
int view_host_point(struct table *table, struct byron_commit_point *out);
/* The pager's counter of changes: as long as it stays, so does the host. */
unsigned view_data_version(struct transaction *transaction);
/* The engine's transaction is about to go: its cursors are told. */
void view_end_all(struct transaction *transaction);

#endif
