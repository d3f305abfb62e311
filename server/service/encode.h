/*
 * encode: protobuf's wire format, where messages are made row by row.
 *
 * Bytes: protobuf's "Encoding". Inside service/ only.
 */
#ifndef BYROND_SERVICE_ENCODE_H
#define BYROND_SERVICE_ENCODE_H

#include "net/bytes.h"

/* What encode_bytes adds. */
size_t encode_bytes_size(size_t size);
/* A field of bytes, text or a message. Its number is below 16. */
BYRON_MUST_CHECK byron_status encode_bytes(struct bytes *out, unsigned number,
                                           struct byron_bytes value);
/* The beginning of one, of size bytes, which the caller adds. */
BYRON_MUST_CHECK byron_status encode_head(struct bytes *out, unsigned number,
                                          size_t size);
BYRON_MUST_CHECK byron_status encode_number(struct bytes *out, unsigned number,
                                            uint64_t value);
BYRON_MUST_CHECK byron_status encode_double(struct bytes *out, unsigned number,
                                            double value);

#endif
