/*
 * indexes: clauses, commands and CREATE INDEX, the same for both sides.
 */
#ifndef BYRON_TESTS_INDEXES_H
#define BYRON_TESTS_INDEXES_H

#include "differ/generator.h"

/* INDEX clauses, for byron; index_create makes them for the ordinary side.
 * They are numbered on from the last; returns how many. */
int index_say_clauses(struct generator *g, struct table *table);
void index_create(struct generator *g, const struct table *table, int count);

/* CREATE INDEX on the ordinary side, the command on byron's. */
void index_add(struct generator *g);
void index_drop(struct generator *g);

#endif
