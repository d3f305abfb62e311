/*
 * salvage: byron_salvage('t', 'other.t'): what can be read of a table whose
 * store is damaged, into another table, and what cannot.
 */
#ifndef BYRON_EXT_SALVAGE_H
#define BYRON_EXT_SALVAGE_H

#include "connection.h"

int salvage_register(struct connection *connection);

#endif
