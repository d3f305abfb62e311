#include "grpc/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIN_TOKEN  16
#define MAX_TOKEN  128
#define MAX_TOKENS 1024

struct token {
    enum token_right right;
    uint8_t size;
    char text[MAX_TOKEN]; /* Zeros behind it. */
};

struct tokens {
    size_t count;
    struct token tokens[MAX_TOKENS];
};

/* Over all of the room, whatever the two have in common. */
static bool is_same(const struct token *a, const struct token *b)
{
    volatile unsigned differs = (unsigned)(a->size ^ b->size);

    for (size_t i = 0; i < MAX_TOKEN; i++)
        differs |= (unsigned)((uint8_t)a->text[i] ^ (uint8_t)b->text[i]);
    return differs == 0;
}

static bool set_token(struct token *token, const char *text, size_t size)
{
    memset(token, 0, sizeof *token);
    if (size < MIN_TOKEN || size > MAX_TOKEN)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    memcpy(token->text, text, size);
    token->size = (uint8_t)size;
    return true;
}

/* False: the line is none of ours. */
static bool read_line(struct tokens *tokens, char *line)
{
    struct token *token = &tokens->tokens[tokens->count];
    const char *text = line + strspn(line, " \t");
    size_t size = strcspn(text, " \t\r\n");
    enum token_right right = TOKEN_NONE;

    if (*text == '#' || size == 0)
        return true;
    if (size == 4 && memcmp(text, "read", 4) == 0)
        right = TOKEN_READ;
    if (size == 5 && memcmp(text, "write", 5) == 0)
        right = TOKEN_WRITE;
    text += size;
    text += strspn(text, " \t");
    size = strcspn(text, " \t\r\n");
    if (right == TOKEN_NONE || tokens->count == MAX_TOKENS ||
        text[size + strspn(text + size, " \t\r\n")] ||
        !set_token(token, text, size))
        return false;
    token->right = right;
    tokens->count++;
    return true;
}

static const char *read_all(FILE *file, struct tokens *tokens)
{
    char line[512];
    struct stat found;
    const char *wrong = NULL;

    if (fstat(fileno(file), &found) != 0 || !S_ISREG(found.st_mode) ||
        (found.st_mode & 077) != 0)
        return "not a file for its owner's eyes alone (mode 0600)";
    while (!wrong && fgets(line, sizeof line, file))
        /* The rest of a long one would be taken for another. */
        if ((!strchr(line, '\n') && !feof(file)) || !read_line(tokens, line))
            wrong = "a line is not \"read TOKEN\" or \"write TOKEN\", a token "
                    "having 16 to 128 characters";
    explicit_bzero(line, sizeof line);
    return wrong || tokens->count > 0 ? wrong : "no token is in it";
}

byron_status tokens_read(const char *path, struct tokens **out,
                         char words[TOKENS_WORDS_SIZE])
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    FILE *file = fopen(path, "re");
    const char *wrong = "cannot be read";

    if (tokens && file)
        wrong = read_all(file, tokens);
    if (file)
        fclose(file);
    if (tokens && !wrong) {
        *out = tokens;
        return BYRON_OK;
    }
    snprintf(words, TOKENS_WORDS_SIZE, "%.120s: %.120s", path, wrong);
    tokens_free(tokens);
    return BYRON_MISUSE;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens)
        explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
}

enum token_right tokens_right(const struct tokens *tokens,
                              struct byron_bytes header)
{
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    unsigned right = TOKEN_NONE;
    struct token shown;

    if (header.size < skip || memcmp(header.data, scheme, skip) != 0 ||
        !set_token(&shown, (const char *)header.data + skip,
                   header.size - skip))
        return TOKEN_NONE;
    for (size_t i = 0; i < tokens->count; i++)
        right |= is_same(&shown, &tokens->tokens[i])
                     ? (unsigned)tokens->tokens[i].right
                     : 0;
    explicit_bzero(&shown, sizeof shown);
    return right & TOKEN_WRITE ? TOKEN_WRITE : (enum token_right)right;
}
