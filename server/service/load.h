/*
 * load: Load of byron.v1: batches one after the other, at the store's pace.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_LOAD_H
#define BYROND_SERVICE_LOAD_H

#include "service/store_parts.h"

#define LOAD_METHODS 1

void load_methods(struct method out[LOAD_METHODS]);

#endif
