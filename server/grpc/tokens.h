/*
 * tokens: who may call what, by a secret that comes with each call, or by a
 * name in a client's certificate.
 *
 * Bytes: a file, for its owner's eyes alone, of lines
 *
 *     RIGHT TOKEN [PLACE...]
 *     RIGHT certificate NAME [PLACE...]
 *
 * RIGHT being read, write or admin, and PLACE as rights.h has it; none is
 * everywhere. Lines of one token, or name, add up; "#" begins a comment. A
 * token has 16 to 128 characters that can be seen; in a name, a byte may be
 * written as %XX. Tokens are never logged, and compared in constant time.
 * Shared, and never changed once it is read.
 */
#ifndef BYROND_GRPC_TOKENS_H
#define BYROND_GRPC_TOKENS_H

#include "grpc/rights.h"

struct tokens;

#define TOKENS_WORDS_SIZE 256

/* Else words say what is wrong, and in which line, without a token in them. */
BYRON_MUST_CHECK byron_status tokens_read(const char *path, struct tokens **out,
                                          char words[TOKENS_WORDS_SIZE]);
/* From any thread. NULL is fine. */
struct tokens *tokens_ref(struct tokens *tokens);
void tokens_unref(struct tokens *tokens);
/* header: "Bearer TOKEN", as a client sent it. NULL: it is none of these. Lent,
   as below. */
struct rights *tokens_by_secret(const struct tokens *tokens,
                                struct byron_bytes header);
/* Those of the first name in the file of which has_name says yes; or NULL. */
struct rights *tokens_by_name(const struct tokens *tokens,
                              bool (*has_name)(const void *context,
                                               struct byron_bytes name),
                              const void *context);
/* How many names of certificates there are. */
size_t tokens_name_count(const struct tokens *tokens);

#endif
