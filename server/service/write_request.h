/*
 * write_request: Put, Delete and Write of byron.v1: checked, given to the
 * committer, answered.
 *
 * Inside service/ only. Its bytes stay in the message that the client sent.
 */
#ifndef BYROND_SERVICE_WRITE_REQUEST_H
#define BYROND_SERVICE_WRITE_REQUEST_H

#include "byron/v1/byron.pb-c.h"
#include "service/store_parts.h"

#define WRITE_METHODS 3

void write_methods(struct method out[WRITE_METHODS]);
/* NULL, or what is wrong with one of them. Borrows what they name. */
const char *write_read_ops(Byron__V1__Op *const *from, size_t count,
                           struct byron_op *to);

#endif
