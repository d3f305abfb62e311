/*
 * values: literals with edges, and what a column is likely to hold.
 */
#ifndef BYRON_TESTS_VALUES_H
#define BYRON_TESTS_VALUES_H

#include "differ/generator.h"

const char *value_any(struct generator *g);
/* A unix time that is past all those in the past, and long before the rest. */
#define EXPIRY_BETWEEN "10000000000"
void value_fill_expiry(struct generator *g, struct column *column);
void value_fill_pool(struct generator *g, struct column *column, bool is_rowid);

#endif
