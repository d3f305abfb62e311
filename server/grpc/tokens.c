#include "grpc/tokens.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grpc/wire.h"

#define MIN_TOKEN   16
#define MAX_TOKEN   128
#define MAX_HOLDERS 1024
#define LINE_SIZE   4096

/* Who has rights: who knows a token, or shows a certificate of this name. */
struct holder {
    bool is_name;
    uint8_t size;
    char text[MAX_TOKEN]; /* Zeros behind it. */
};

struct tokens {
    atomic_uint refs;
    size_t count;
    size_t name_count;
    struct holder holders[MAX_HOLDERS];
    struct rights *rights[MAX_HOLDERS];
};

/* --- Holders ---------------------------------------------------------------*/

/* 1 or 0; over all of the room, whatever the two have in common. */
static unsigned is_same(const struct holder *a, const struct holder *b)
{
    volatile unsigned differs =
        (unsigned)(a->size ^ b->size) | (unsigned)(a->is_name ^ b->is_name);

    for (size_t i = 0; i < MAX_TOKEN; i++)
        differs |= (unsigned)((uint8_t)a->text[i] ^ (uint8_t)b->text[i]);
    return differs == 0;
}

/* Of count holders the number of this one, from 1; 0: it is none of them. It
   takes the same time for each. */
static size_t find(const struct tokens *tokens, const struct holder *shown)
{
    size_t found = 0;

    for (size_t i = 0; i < tokens->count; i++)
        found |= (i + 1) & (0 - (size_t)is_same(shown, &tokens->holders[i]));
    return found;
}

static bool set_token(struct holder *holder, struct byron_bytes token)
{
    const char *text = token.data;

    memset(holder, 0, sizeof *holder);
    if (token.size < MIN_TOKEN || token.size > MAX_TOKEN)
        return false;
    for (size_t i = 0; i < token.size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    memcpy(holder->text, text, token.size);
    holder->size = (uint8_t)token.size;
    return true;
}

static bool set_name(struct holder *holder, struct byron_bytes name)
{
    struct bytes plain = {0};
    bool is_good = wire_unescape(name, &plain) == BYRON_OK && plain.size > 0 &&
                   plain.size <= MAX_TOKEN;

    memset(holder, 0, sizeof *holder);
    if (is_good)
        memcpy(holder->text, plain.data, plain.size);
    holder->is_name = true;
    holder->size = is_good ? (uint8_t)plain.size : 0;
    bytes_deinit(&plain);
    return is_good;
}

/* --- The file --------------------------------------------------------------*/

/* The next word of a line, which it leaves; size 0: there is none. */
static struct byron_bytes next_word(const char **line)
{
    struct byron_bytes word;

    *line += strspn(*line, " \t\r\n");
    word.data = *line;
    word.size = strcspn(*line, " \t\r\n");
    *line += word.size;
    return word;
}

static enum right right_of(struct byron_bytes word)
{
    static const char *const names[] = {"", "read", "write", "admin"};

    for (int i = RIGHT_READ; i <= RIGHT_ADMIN; i++)
        if (bytes_equal(word, names[i]))
            return (enum right)i;
    return RIGHT_NONE;
}

/* The rights of a holder, which may be a new one. */
static byron_status add_holder(struct tokens *tokens,
                               const struct holder *holder, struct rights **out)
{
    size_t number = find(tokens, holder);
    byron_status status = BYRON_OK;

    if (number == 0 && tokens->count == MAX_HOLDERS)
        return BYRON_MISUSE;
    if (number == 0) {
        status = rights_new(&tokens->rights[tokens->count]);
        if (status != BYRON_OK)
            return status;
        tokens->holders[tokens->count++] = *holder;
        tokens->name_count += holder->is_name;
        number = tokens->count;
    }
    *out = tokens->rights[number - 1];
    return BYRON_OK;
}

static byron_status add_places(struct rights *rights, enum right right,
                               const char *line)
{
    struct byron_bytes place = next_word(&line);
    byron_status status = rights_add(rights, right, place);

    while (status == BYRON_OK && place.size > 0) {
        place = next_word(&line);
        if (place.size > 0)
            status = rights_add(rights, right, place);
    }
    return status;
}

static byron_status read_line(struct tokens *tokens, const char *line)
{
    struct byron_bytes word = next_word(&line);
    enum right right = right_of(word);
    struct rights *rights = NULL;
    struct holder holder;
    byron_status status;
    bool is_good;

    if (word.size == 0 || *(const char *)word.data == '#')
        return BYRON_OK;
    word = next_word(&line);
    if (bytes_equal(word, "certificate"))
        is_good = set_name(&holder, next_word(&line));
    else
        is_good = set_token(&holder, word);
    status = is_good && right != RIGHT_NONE
                 ? add_holder(tokens, &holder, &rights)
                 : BYRON_MISUSE;
    explicit_bzero(&holder, sizeof holder);
    return status == BYRON_OK ? add_places(rights, right, line) : status;
}

static const char *read_all(FILE *file, struct tokens *tokens, unsigned *number)
{
    char line[LINE_SIZE];
    struct stat found;
    byron_status status = BYRON_OK;

    if (fstat(fileno(file), &found) != 0 || !S_ISREG(found.st_mode) ||
        (found.st_mode & 077) != 0)
        return "not a file for its owner's eyes alone (mode 0600)";
    while (status == BYRON_OK && fgets(line, sizeof line, file)) {
        ++*number;
        /* The rest of a long one would be taken for another. */
        status = strchr(line, '\n') || feof(file) ? read_line(tokens, line)
                                                  : BYRON_MISUSE;
    }
    explicit_bzero(line, sizeof line);
    if (status == BYRON_NO_MEMORY)
        return "out of memory";
    if (status != BYRON_OK)
        return "not \"RIGHT TOKEN\" or \"RIGHT certificate NAME\" and places "
               "(prefix=, range=, table=)";
    *number = 0;
    if (ferror(file))
        return "cannot be read";
    return tokens->count > 0 ? NULL : "no token is in it";
}

byron_status tokens_read(const char *path, struct tokens **out,
                         char words[TOKENS_WORDS_SIZE])
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    FILE *file = fopen(path, "re");
    const char *wrong = "cannot be read";
    unsigned line = 0;

    if (tokens)
        atomic_init(&tokens->refs, 1);
    if (tokens && file)
        wrong = read_all(file, tokens, &line);
    if (file)
        fclose(file);
    if (tokens && !wrong) {
        *out = tokens;
        return BYRON_OK;
    }
    if (line > 0)
        snprintf(words, TOKENS_WORDS_SIZE, "%.100s, line %u: %.120s", path,
                 line, wrong);
    else
        snprintf(words, TOKENS_WORDS_SIZE, "%.120s: %.120s", path, wrong);
    tokens_unref(tokens);
    return BYRON_MISUSE;
}

struct tokens *tokens_ref(struct tokens *tokens)
{
    if (tokens)
        atomic_fetch_add(&tokens->refs, 1);
    return tokens;
}

void tokens_unref(struct tokens *tokens)
{
    if (!tokens || atomic_fetch_sub(&tokens->refs, 1) > 1)
        return;
    for (size_t i = 0; i < tokens->count; i++)
        rights_unref(tokens->rights[i]);
    explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
}

/* --- Questions -------------------------------------------------------------*/

struct rights *tokens_by_secret(const struct tokens *tokens,
                                struct byron_bytes header)
{
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    struct byron_bytes token;
    struct holder shown;
    size_t number;

    if (header.size < skip || memcmp(header.data, scheme, skip) != 0)
        return NULL;
    token.data = (const char *)header.data + skip;
    token.size = header.size - skip;
    if (!set_token(&shown, token))
        return NULL;
    number = find(tokens, &shown);
    explicit_bzero(&shown, sizeof shown);
    return number > 0 ? tokens->rights[number - 1] : NULL;
}

struct rights *tokens_by_name(const struct tokens *tokens,
                              bool (*has_name)(const void *context,
                                               struct byron_bytes name),
                              const void *context)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct holder *holder = &tokens->holders[i];
        struct byron_bytes name = {holder->text, holder->size};
        if (holder->is_name && has_name(context, name))
            return tokens->rights[i];
    }
    return NULL;
}

size_t tokens_name_count(const struct tokens *tokens)
{
    return tokens->name_count;
}
