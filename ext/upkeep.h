/*
 * upkeep: flush and compact, for the functions and the commands of these
 * names.
 */
#ifndef BYRON_EXT_UPKEEP_H
#define BYRON_EXT_UPKEEP_H

#include "vtab.h"

/* SQLite's code, with the table's message. Refused where this connection's
 * transaction has written: its rows are not there to be flushed. */
int upkeep_flush(struct table *table);
/* Also the table's indexes. */
int upkeep_compact(struct table *table);

#endif
