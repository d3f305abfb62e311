/*
 * stats: byron_stats('t'), a table-valued function: one row a figure.
 */
#ifndef BYRON_EXT_STATS_H
#define BYRON_EXT_STATS_H

#include "connection.h"

int stats_register(struct connection *connection);

#endif
