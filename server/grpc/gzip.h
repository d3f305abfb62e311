/*
 * gzip: message compression, by zlib.
 */
#ifndef BYROND_GRPC_GZIP_H
#define BYROND_GRPC_GZIP_H

#include "net/bytes.h"

/* Appends to out. */
BYRON_MUST_CHECK byron_status gzip_compress(struct byron_bytes message,
                                            struct bytes *out);
/* Appends to out. CORRUPT: no gzip stream, or bytes after it; TOO_BIG: it is
   longer than limit (no more than that is ever made room for). */
BYRON_MUST_CHECK byron_status gzip_expand(struct byron_bytes message,
                                          size_t limit, struct bytes *out);

#endif
