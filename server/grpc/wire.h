/*
 * wire: the small texts of gRPC's protocol: time-outs and status messages.
 *
 * Bytes: PROTOCOL-HTTP2.md of gRPC. Pure.
 */
#ifndef BYROND_GRPC_WIRE_H
#define BYROND_GRPC_WIRE_H

#include "net/bytes.h"

/* "100m" -> 100. At most 8 digits and a unit of HMSmun; rounds up to whole
   milliseconds. MISUSE: not a time-out. */
BYRON_MUST_CHECK byron_status wire_parse_timeout(struct byron_bytes text,
                                                 uint64_t *out_ms);
/* Appends text with what is not printable ASCII, and %, as %XX. */
BYRON_MUST_CHECK byron_status wire_encode_message(const char *text,
                                                  struct bytes *out);
/* Appends text with its %XX as bytes; a % that begins none stays. */
BYRON_MUST_CHECK byron_status wire_decode_message(struct byron_bytes text,
                                                  struct bytes *out);
/* The same, strictly. MISUSE: a % without two digits behind it. */
BYRON_MUST_CHECK byron_status wire_unescape(struct byron_bytes text,
                                            struct bytes *out);
/* application/grpc, perhaps with + or ; and more. */
bool wire_is_grpc(struct byron_bytes content_type);
/* Whether a list "identity, gzip" has the word. */
bool wire_list_has(struct byron_bytes list, const char *word);

#endif
