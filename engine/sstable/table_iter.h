/*
 * table_iter: the iterator over one table, which may go on to another.
 *
 * Made by table_reader_iter_new. To make one costs more than most searches
 * do, so who is done with a table keeps its iterator for the next.
 */
#ifndef BYRON_SSTABLE_TABLE_ITER_H
#define BYRON_SSTABLE_TABLE_ITER_H

#include "sstable/table_reader.h"

/* Makes iter (not bulk) one over reader, as if it were new. */
void table_iter_switch(struct iter *iter, struct table_reader *reader);
/* Entries of the table before the one that it stands on. Requires: valid. */
uint64_t table_iter_ordinal(const struct iter *iter);
/* It will not be moved for a while: lets go of large values and blocks. */
void table_iter_rest(struct iter *iter);

#endif
