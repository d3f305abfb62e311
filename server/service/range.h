/*
 * range: Range of byron.v1: rows in order, some to a message, at the pace of
 * the client.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_RANGE_H
#define BYROND_SERVICE_RANGE_H

#include "service/store_parts.h"

#define RANGE_METHODS 1

void range_methods(struct method out[RANGE_METHODS]);

#endif
