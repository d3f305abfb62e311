/*
 * hash: XXH3 for checksums, filters and caches.
 */
#ifndef BYRON_BASE_HASH_H
#define BYRON_BASE_HASH_H

#include "base/slice.h"

uint64_t hash_bytes(struct slice bytes, uint64_t seed);
/* Of first and then second, as if they stood side by side. */
uint64_t hash_pair(struct slice first, struct slice second, uint64_t seed);

/* Of a stream, for whole files. All zero is not valid: begin first. */
struct hash_stream;
BYRON_MUST_CHECK byron_status hash_stream_new(uint64_t seed,
                                              struct hash_stream **out);
void hash_stream_free(struct hash_stream *stream); /* NULL is fine. */
void hash_stream_add(struct hash_stream *stream, struct slice bytes);
uint64_t hash_stream_value(const struct hash_stream *stream);

#endif
