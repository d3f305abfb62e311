/*
 * reflection: grpc.reflection.v1 and v1alpha: clients learn what is served.
 */
#ifndef BYROND_SERVICE_REFLECTION_H
#define BYROND_SERVICE_REFLECTION_H

#include "grpc/call.h"

#define REFLECTION_METHODS 2

/* Lends set, a FileDescriptorSet, as long as the methods are used. */
void reflection_methods(struct byron_bytes *set,
                        struct method out[REFLECTION_METHODS]);

#endif
