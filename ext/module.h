/*
 * module: what SQLite calls to make, find, rename and drop byron tables, and
 * the table of all methods.
 */
#ifndef BYRON_EXT_MODULE_H
#define BYRON_EXT_MODULE_H

#include "connection.h"

/* Registers `byron` at the connection, which takes it. */
int module_register(struct connection *connection);

#endif
