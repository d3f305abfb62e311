/*
 * interop_service: grpc.testing.TestService, which the official interop clients
 * call. For tests only.
 */
#ifndef BYROND_TESTS_INTEROP_SERVICE_H
#define BYROND_TESTS_INTEROP_SERVICE_H

#include "grpc/call.h"

#define INTEROP_METHODS 5

void interop_methods(struct method out[INTEROP_METHODS]);

#endif
