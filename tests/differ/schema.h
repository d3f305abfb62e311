/*
 * schema: random tables, and the steps that create them.
 */
#ifndef BYRON_TESTS_SCHEMA_H
#define BYRON_TESTS_SCHEMA_H

#include "differ/generator.h"

/* Two ordinary tables at most, o always, and one or two of byron's. */
void schema_draw(struct generator *g);
void schema_create(struct generator *g, const struct table *table);
/* CREATE INDEX on the ordinary side, the command on byron's. */
void schema_add_index(struct generator *g);
void schema_drop_index(struct generator *g);

/* A table; of byron, if any is. */
const struct table *schema_pick(struct generator *g);
const struct table *schema_any(struct generator *g);
const struct column *schema_column(struct generator *g,
                                   const struct table *table);
/* More often one of the key. */
const struct column *schema_likely(struct generator *g,
                                   const struct table *table);

#endif
