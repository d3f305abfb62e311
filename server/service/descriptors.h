/*
 * descriptors: what a compiled set of .proto files declares.
 *
 * Bytes: FileDescriptorSet of protobuf's descriptor.proto, as protoc writes it.
 * Borrows them for ever; walks them at each question, which is rare.
 */
#ifndef BYROND_SERVICE_DESCRIPTORS_H
#define BYROND_SERVICE_DESCRIPTORS_H

#include "byron.h"

/* The file's FileDescriptorProto, lent by the set; false: there is none. */
bool descriptors_find_file(struct byron_bytes set, const char *name,
                           struct byron_bytes *out);
/* The file that declares a message, enum, service or method, by full name. */
bool descriptors_find_symbol(struct byron_bytes set, const char *symbol,
                             struct byron_bytes *out);
/* Calls visit with package and name of each service. */
void descriptors_list_services(struct byron_bytes set,
                               void (*visit)(void *context,
                                             struct byron_bytes package,
                                             struct byron_bytes name),
                               void *context);

#endif
