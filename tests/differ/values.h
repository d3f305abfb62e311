/*
 * values: literals with edges, and what a column is likely to hold.
 */
#ifndef BYRON_TESTS_VALUES_H
#define BYRON_TESTS_VALUES_H

#include "differ/generator.h"

const char *value_any(struct generator *g);
void value_fill_pool(struct generator *g, struct column *column, bool is_rowid);

#endif
