/*
 * sstables: byron_sstables('t'), a table-valued function: one row a file that
 * may hold rows of the table or entries of its indexes.
 */
#ifndef BYRON_EXT_SSTABLES_H
#define BYRON_EXT_SSTABLES_H

#include "connection.h"

int sstables_register(struct connection *connection);

#endif
