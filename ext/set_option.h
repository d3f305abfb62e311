/*
 * set_option: a new value of one option, in the store's row. It counts from
 * the store's next opening on.
 */
#ifndef BYRON_EXT_SET_OPTION_H
#define BYRON_EXT_SET_OPTION_H

#include "vtab.h"

/* text as in 'memory=256MB'. SQLite's code, with the table's message. */
int set_option(struct table *table, const char *text);

#endif
