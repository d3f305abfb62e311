/*
 * tokenizer: SQL text -> tokens, as SQLite cuts them. Pure.
 */
#ifndef BYRON_EXT_TOKENIZER_H
#define BYRON_EXT_TOKENIZER_H

#include "byron.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* Keyword or plain identifier. */
    TOKEN_QUOTED, /* "a" `a` [a] */
    TOKEN_STRING, /* 'a' */
    TOKEN_BLOB,   /* x'00' */
    TOKEN_INTEGER,
    TOKEN_REAL,
    TOKEN_MARK,    /* Any other single character. */
    TOKEN_ILLEGAL, /* Cut off or malformed. */
};

struct token {
    enum token_kind kind;
    const char *start; /* Borrowed from the text. */
    size_t size;
};

/* Cuts the next token off *text, past space and comments. */
void token_next(const char **text, struct token *out);
bool token_is_word(const struct token *token, const char *word);
bool token_is_mark(const struct token *token, char mark);
/* A name: word, quoted or string. */
bool token_is_name(const struct token *token);
/* Without quotes (malloc'd); NULL if out of memory. *size may be NULL. */
char *token_text(const struct token *token, size_t *size);

#endif
