/*
 * functions: byron_version(), byron_flush('t'), byron_compact('t'),
 * byron_check('t').
 */
#ifndef BYRON_EXT_FUNCTIONS_H
#define BYRON_EXT_FUNCTIONS_H

#include "connection.h"

int functions_register(struct connection *connection);

#endif
