/*
 * schema: random tables, and the steps that create them.
 */
#ifndef BYRON_TESTS_SCHEMA_H
#define BYRON_TESTS_SCHEMA_H

#include "differ/generator.h"

/* One to four tables of byron's, in main, an attached database and temp, and o,
 * the ordinary one. */
void schema_draw(struct generator *g);
void schema_create(struct generator *g, const struct table *table);
/* What a connection needs before all else: ATTACH, its temp table. */
void schema_attach(struct generator *g);

/* A table; of byron, if any is. */
const struct table *schema_pick(struct generator *g);
const struct table *schema_any(struct generator *g);
const struct column *schema_column(struct generator *g,
                                   const struct table *table);
/* A table, or a view: rows without a key. */
const struct table *schema_relation(struct generator *g);
/* More often one of the key. */
const struct column *schema_likely(struct generator *g,
                                   const struct table *table);

#endif
