/*
 * constraint: which terms of WHERE a path's key answers, and as which
 * arguments they come to xFilter.
 */
#ifndef BYRON_EXT_CONSTRAINT_H
#define BYRON_EXT_CONSTRAINT_H

#include "choice.h"

/* A term on the hidden column prefix: only the primary key answers those. */
bool constraint_has_prefix(const struct table *table,
                           const sqlite3_index_info *info);
/* Fills plan and arguments. False: no such plan may be made. */
bool constraint_choose(struct choice *choice);
/* After the order is known: limit and offset, where that is exact. */
void constraint_choose_limit(struct choice *choice);
/* The choice is the plan: tells SQLite. */
void constraint_pass(const struct choice *choice);
/* The literal on the right side; NULL if it is none. */
sqlite3_value *constraint_literal(const struct choice *choice, int constraint);

#endif
