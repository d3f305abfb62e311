/*
 * extras: what byron has and SQLite has not, beside SQL that means the same.
 */
#ifndef BYRON_TESTS_EXTRAS_H
#define BYRON_TESTS_EXTRAS_H

#include "differ/generator.h"

/* byron_delete_range, delete-all, prefix, byron_count, byron_check, or what is
 * refused. */
void draw_extra(struct generator *g);
/* byron_backup, and all rows of the copy. */
void draw_copy(struct generator *g);

#endif
