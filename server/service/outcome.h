/*
 * outcome: what the engine says, as gRPC says it.
 */
#ifndef BYROND_SERVICE_OUTCOME_H
#define BYROND_SERVICE_OUTCOME_H

#include "byron.h"
#include "grpc/code.h"

/* All zero is OK. */
struct outcome {
    enum grpc_code code;
    const char *words; /* Never freed; NULL where the code is OK. */
};

/* Of what a call of this thread returned just now. What is wrong with our files
   goes to standard error: it is not for clients. */
struct outcome outcome_of(byron_status status);

#endif
