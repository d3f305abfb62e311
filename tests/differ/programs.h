/*
 * programs: views, and triggers that write byron tables.
 */
#ifndef BYRON_TESTS_PROGRAMS_H
#define BYRON_TESTS_PROGRAMS_H

#include "differ/generator.h"

/* One to two, of one table or of two that are joined. */
void view_create(struct generator *g);
/* On o, or INSTEAD OF on the first view. */
void trigger_create(struct generator *g);
/* INSERT, UPDATE or DELETE that wakes it. */
void draw_view_change(struct generator *g);

#endif
