/*
 * tables: byron_tables, a table-valued function without arguments: one row a
 * byron table of any schema.
 */
#ifndef BYRON_EXT_TABLES_H
#define BYRON_EXT_TABLES_H

#include "connection.h"

int tables_register(struct connection *connection);

#endif
