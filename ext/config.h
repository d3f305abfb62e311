/*
 * config: byron_config('t' [, option [, value]]).
 */
#ifndef BYRON_EXT_CONFIG_H
#define BYRON_EXT_CONFIG_H

#include "connection.h"

int config_register(struct connection *connection);

#endif
