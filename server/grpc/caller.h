/*
 * caller: who sends a call, and what he may do.
 */
#ifndef BYROND_GRPC_CALLER_H
#define BYROND_GRPC_CALLER_H

#include "grpc/call.h"

/* When the metadata is there. False: he has no rights at all. Who has shown a
   certificate has every right, unless names of certificates have some. */
bool caller_find_rights(struct call *call);
/* As tokens are now; NULL: every right. Lent until it is asked for again, or
   closed. For events of the client's. */
struct rights *caller_rights(struct call *call);

#endif
