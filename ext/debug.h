/*
 * debug: byron_debug(): how this byron was built, and on what it runs.
 */
#ifndef BYRON_EXT_DEBUG_H
#define BYRON_EXT_DEBUG_H

#include "connection.h"

int debug_register(struct connection *connection);

#endif
