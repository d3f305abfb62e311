/*
 * metadata: names and values of a call, in the order in which they came.
 *
 * Values of names that end in -bin are kept as they travel, in base64.
 */
#ifndef BYROND_GRPC_METADATA_H
#define BYROND_GRPC_METADATA_H

#include "http/stream.h"
#include "net/bytes.h"

/* All zero is a valid empty one. */
struct metadata {
    struct bytes text;   /* name value name value ... */
    struct bytes fields; /* struct metadata_field, one after the other. */
};

struct metadata_field {
    size_t name_size;
    size_t value_size;
};

void metadata_deinit(struct metadata *metadata);
BYRON_MUST_CHECK byron_status metadata_add(struct metadata *metadata,
                                           struct byron_bytes name,
                                           struct byron_bytes value);
/* The first value of the name, lent until the next add; false if there is
   none. */
bool metadata_get(const struct metadata *metadata, const char *name,
                  struct byron_bytes *out);
size_t metadata_count(const struct metadata *metadata);
/* At most room of them, lent until the next add; returns how many. */
size_t metadata_list(const struct metadata *metadata, struct http_field *out,
                     size_t room);

#endif
