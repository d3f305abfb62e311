/*
 * dump: byron_dump('t'), a table-valued function: SQL text, one row a
 * statement, that makes the table again with all its rows.
 */
#ifndef BYRON_EXT_DUMP_H
#define BYRON_EXT_DUMP_H

#include "connection.h"

int dump_register(struct connection *connection);

#endif
