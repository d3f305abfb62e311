/*
 * status: byron_status -> SQLite's code and message, in one place.
 */
#ifndef BYRON_EXT_STATUS_H
#define BYRON_EXT_STATUS_H

#include "vtab.h"

/* SQLITE_OK for BYRON_OK; NOT_FOUND is the caller's to handle. */
int status_code(byron_status status);
/* Code and, from byron_last_error, the message of table. */
int status_fail(struct table *table, byron_status status);
/* The same for places without a table: *message is sqlite3_mprintf'd. */
int status_message(byron_status status, char **message);

#endif
