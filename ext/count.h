/*
 * count: byron_count('t' [, 'approx']).
 */
#ifndef BYRON_EXT_COUNT_H
#define BYRON_EXT_COUNT_H

#include "connection.h"

int count_register(struct connection *connection);

#endif
