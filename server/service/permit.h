/*
 * permit: whether who calls may do it to these keys.
 *
 * Inside service/ only. Each function: true, or the call has been answered,
 * with PERMISSION_DENIED and what is missing.
 */
#ifndef BYROND_SERVICE_PERMIT_H
#define BYROND_SERVICE_PERMIT_H

#include "grpc/caller.h"

bool permit_key(struct call *call, enum right right, struct byron_bytes key);
/* As rights_on_keys. */
bool permit_keys(struct call *call, enum right right, struct byron_bytes start,
                 struct byron_bytes end);
/* To write what they write. */
bool permit_ops(struct call *call, const struct byron_op *ops, size_t count);
/* To read some key; some table. */
bool permit_some(struct call *call, enum rights_space space);
/* To read everything. */
bool permit_all(struct call *call);

#endif
