/*
 * statements: random queries, changes and conditions.
 */
#ifndef BYRON_TESTS_STATEMENTS_H
#define BYRON_TESTS_STATEMENTS_H

#include "differ/generator.h"

/* conditions.c: one condition; is_plain keeps COLLATE out of it. */
void say_condition(struct generator *g, const struct source *sources, int count,
                   int depth, bool is_plain);
/* WHERE and conditions, or nothing. */
void say_where(struct generator *g, const struct source *sources, int count);
/* An equality between columns of two sources. */
void say_link(struct generator *g, const struct source *left,
              const struct source *right);

/* queries.c */
void draw_query(struct generator *g);
/* " ORDER BY " the whole key, so that no two rows are equal. */
void say_key_order(struct generator *g, const struct source *source,
                   bool is_reversed);
void say_limit(struct generator *g);

/* groups.c: aggregates, DISTINCT, compounds, windows, WITH. */
void draw_grouping(struct generator *g);

/* changes.c */
void draw_change(struct generator *g);
/* INSERT of many rows. */
void draw_filling(struct generator *g, const struct table *table, int rows);

#endif
