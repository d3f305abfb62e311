/*
 * numbering: the numbers of tables and indexes, with which all keys of one
 * begin. No store gives a number out twice.
 */
#ifndef BYRON_EXT_NUMBERING_H
#define BYRON_EXT_NUMBERING_H

#include "connection.h"

/*
 * A number that no key bears. row->next_table is behind it then, which the
 * caller writes to the host; that the number came into use is noted. On
 * failure the table's message is set.
 */
int numbering_take(struct table *table, struct store_row *row, uint32_t *out);

#endif
