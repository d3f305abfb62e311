/*
 * tokens: who may call what, by a secret that comes with each call.
 *
 * Bytes: a file, for its owner's eyes alone, of lines "RIGHT TOKEN", RIGHT
 * being read or write; "#" begins a comment. A token has 16 to 128 characters
 * that can be seen. Never logged; compared in constant time.
 */
#ifndef BYROND_GRPC_TOKENS_H
#define BYROND_GRPC_TOKENS_H

#include "byron.h"

struct tokens;

enum token_right {
    TOKEN_NONE,
    TOKEN_READ,
    TOKEN_WRITE, /* And read. */
};

#define TOKENS_WORDS_SIZE 256

/* Else words say what is wrong, without a token in them. */
BYRON_MUST_CHECK byron_status tokens_read(const char *path, struct tokens **out,
                                          char words[TOKENS_WORDS_SIZE]);
void tokens_free(struct tokens *tokens); /* NULL is fine. */
/* header: "Bearer TOKEN", as a client sent it. */
enum token_right tokens_right(const struct tokens *tokens,
                              struct byron_bytes header);

#endif
