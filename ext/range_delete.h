/*
 * range_delete: 'delete-all', and byron_delete_range('t', [equal, ...] lo, hi):
 * many rows by one small write.
 */
#ifndef BYRON_EXT_RANGE_DELETE_H
#define BYRON_EXT_RANGE_DELETE_H

#include "connection.h"

int range_delete_register(struct connection *connection);

/* Of byron_delete_range, on its way through xUpdate. */
struct range_request;
/* What stands in the column arg; NULL: no request. */
const struct range_request *range_request_of(sqlite3_value *argument);
/* Both are for xUpdate. SQLite's code, with the table's message. */
int range_delete_run(struct table *table, const struct range_request *request);
int range_delete_all(struct table *table);

#endif
