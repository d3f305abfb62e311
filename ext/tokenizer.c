#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* SQLite's identifiers: letters, digits, _, $ and every byte above ASCII. */
static bool is_word_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_blank(const char *at)
{
    for (;;) {
        if (is_space(*at)) {
            at++;
        } else if (at[0] == '-' && at[1] == '-') {
            while (*at && *at != '\n')
                at++;
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");

            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* Past the closing quote; NULL if there is none. */
static const char *skip_quoted(const char *at)
{
    char quote = *at == '[' ? ']' : *at;

    for (at++; *at; at++) {
        if (*at != quote)
            continue;
        if (quote == ']' || at[1] != quote)
            return at + 1;
        at++;
    }
    return NULL;
}

static const char *skip_number(const char *at, enum token_kind *kind)
{
    *kind = TOKEN_INTEGER;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && is_hex(at[2])) {
        at += 2;
        while (is_hex(*at))
            at++;
        return at;
    }
    while (is_digit(*at))
        at++;
    if (*at == '.') {
        *kind = TOKEN_REAL;
        at++;
        while (is_digit(*at))
            at++;
    }
    if (*at == 'e' || *at == 'E') {
        const char *digits = at + 1;

        if (*digits == '+' || *digits == '-')
            digits++;
        if (is_digit(*digits)) {
            *kind = TOKEN_REAL;
            at = digits;
            while (is_digit(*at))
                at++;
        }
    }
    return at;
}

static const char *skip_word(const char *at)
{
    while (is_word_char(*at))
        at++;
    return at;
}

static bool is_blob(const struct token *token)
{
    if (token->size % 2 != 1)
        return false;
    for (size_t i = 2; i + 1 < token->size; i++)
        if (!is_hex(token->start[i]))
            return false;
    return true;
}

static const char *cut_number(const char *at, struct token *out)
{
    const char *end = skip_number(at, &out->kind);

    /* 64KB: no number of SQL's, but a word of ours in option values. */
    if (is_word_char(*end)) {
        end = skip_word(end);
        out->kind = TOKEN_WORD;
    }
    return end;
}

void token_next(const char **text, struct token *out)
{
    const char *at = skip_blank(*text);
    const char *end = at + 1;

    out->start = at;
    if (*at == '\0') {
        out->kind = TOKEN_END;
        end = at;
    } else if (*at == '\'' || *at == '"' || *at == '`' || *at == '[') {
        out->kind = *at == '\'' ? TOKEN_STRING : TOKEN_QUOTED;
        end = skip_quoted(at);
    } else if ((*at == 'x' || *at == 'X') && at[1] == '\'') {
        out->kind = TOKEN_BLOB;
        end = skip_quoted(at + 1);
    } else if (is_digit(*at) || (*at == '.' && is_digit(at[1]))) {
        end = cut_number(at, out);
    } else if (is_word_char(*at)) {
        out->kind = TOKEN_WORD;
        end = skip_word(at);
    } else {
        out->kind = TOKEN_MARK;
    }
    if (!end) {
        out->kind = TOKEN_ILLEGAL;
        end = at + strlen(at);
    }
    out->size = (size_t)(end - at);
    if (out->kind == TOKEN_BLOB && !is_blob(out))
        out->kind = TOKEN_ILLEGAL;
    *text = end;
}

bool token_is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->size == strlen(word) &&
           strncasecmp(token->start, word, token->size) == 0;
}

bool token_is_mark(const struct token *token, char mark)
{
    return token->kind == TOKEN_MARK && *token->start == mark;
}

bool token_is_name(const struct token *token)
{
    return (token->kind == TOKEN_WORD && !is_digit(*token->start)) ||
           token->kind == TOKEN_QUOTED || token->kind == TOKEN_STRING;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

static size_t copy_blob(const struct token *token, char *to)
{
    size_t size = 0;

    for (size_t i = 2; i + 2 < token->size; i += 2)
        to[size++] = (char)(hex_value(token->start[i]) * 16 +
                            hex_value(token->start[i + 1]));
    return size;
}

static size_t copy_quoted(const struct token *token, char *to)
{
    char quote = *token->start == '[' ? ']' : *token->start;
    size_t size = 0;

    for (size_t i = 1; i + 1 < token->size; i++) {
        to[size++] = token->start[i];
        if (token->start[i] == quote)
            i++; /* Doubled inside. */
    }
    return size;
}

char *token_text(const struct token *token, size_t *size)
{
    char *text = malloc(token->size + 1);
    size_t length = token->size;

    if (!text)
        return NULL;
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED)
        length = copy_quoted(token, text);
    else if (token->kind == TOKEN_BLOB)
        length = copy_blob(token, text);
    else
        memcpy(text, token->start, token->size);
    text[length] = '\0';
    if (size)
        *size = length;
    return text;
}
