/*
 * set_option: a new value of one option, in the store's row. It counts from
 * the moment on at which the host commits it.
 */
#ifndef BYRON_EXT_SET_OPTION_H
#define BYRON_EXT_SET_OPTION_H

#include "vtab.h"

/* text as in 'memory=256MB'. SQLite's code, with the table's message. */
int set_option(struct table *table, const char *text);

/* In xSync: takes down what is being committed. */
int set_option_sync(struct transaction *transaction);
/* After the commit: the store goes by it. */
void set_option_commit(struct transaction *transaction);
void set_option_forget(struct transaction *transaction);
/* Where the end of the transaction was not told. */
void set_option_settle(struct transaction *transaction);

#endif
