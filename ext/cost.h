/*
 * cost: how many rows a choice meets, and what that costs: estimated from the
 * store's manifest, memtables and indexes.
 */
#ifndef BYRON_EXT_COST_H
#define BYRON_EXT_COST_H

#include "choice.h"

/* After constraints, order and limit: fills rows and cost. */
void cost_estimate(struct choice *choice);
/* Whether the choice meets one row at most. */
bool cost_is_unique(const struct choice *choice);
/* For comparing the table's own choices: with what SQLite adds for sorting. */
double cost_with_sort(const struct choice *choice);

#endif
