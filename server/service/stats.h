/*
 * stats: Stats of byron.v1: the figures of metrics, as a message.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_STATS_H
#define BYROND_SERVICE_STATS_H

#include "service/store_parts.h"

#define STATS_METHODS 1

void stats_methods(struct method out[STATS_METHODS]);

#endif
