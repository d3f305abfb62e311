/*
 * statistics: how many rows are in key ranges, and how many share the first
 * columns of a key, as the store's own figures tell.
 */
#ifndef BYRON_EXT_STATISTICS_H
#define BYRON_EXT_STATISTICS_H

#include "key_range.h"

/* Rows of a table about which nothing is known. */
double statistics_unknown(void);
double statistics_rows(struct table *table, const struct key_ranges *ranges);
/*
 * Of rows that are alike in the first known columns of a path's key, how many
 * are alike in the first wanted ones.
 */
double statistics_share(struct table *table, int path, int known, int wanted,
                        double rows);
void statistics_free(struct statistics *statistics); /* NULL is fine. */

#endif
