/*
 * snapshots: OpenSnapshot, RenewSnapshot and CloseSnapshot of byron.v1.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_SNAPSHOTS_H
#define BYROND_SERVICE_SNAPSHOTS_H

#include "service/store_parts.h"

#define SNAPSHOTS_METHODS 3

void snapshots_methods(struct method out[SNAPSHOTS_METHODS]);

#endif
