/*
 * read_request: Get and MultiGet of byron.v1: checked, read, answered.
 *
 * Inside service/ only. Its bytes stay in the message that the client sent.
 */
#ifndef BYROND_SERVICE_READ_REQUEST_H
#define BYROND_SERVICE_READ_REQUEST_H

#include "service/store_parts.h"

#define READ_METHODS 2

void read_methods(struct method out[READ_METHODS]);

#endif
