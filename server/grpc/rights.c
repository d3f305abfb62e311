#include "grpc/rights.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/wire.h"

#define MAX_GRANTS 1024
#define SHOWN      24 /* Bytes of a key in words, at most. */

enum place {
    PLACE_EVERYWHERE,
    PLACE_KEYS,
    PLACE_TABLE,
};

struct grant {
    enum right right;
    enum place place;
    struct bytes first; /* The first key, or the table's name, */
    struct bytes end;   /* and the key behind the last; empty: there is none. */
};

struct rights {
    atomic_uint refs;
    size_t count;
    struct grant *grants;
};

/* --- Life ------------------------------------------------------------------*/

byron_status rights_new(struct rights **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return BYRON_NO_MEMORY;
    atomic_init(&(*out)->refs, 1);
    return BYRON_OK;
}

struct rights *rights_ref(struct rights *rights)
{
    if (rights)
        atomic_fetch_add(&rights->refs, 1);
    return rights;
}

void rights_unref(struct rights *rights)
{
    if (!rights || atomic_fetch_sub(&rights->refs, 1) > 1)
        return;
    for (size_t i = 0; i < rights->count; i++) {
        bytes_deinit(&rights->grants[i].first);
        bytes_deinit(&rights->grants[i].end);
    }
    free(rights->grants);
    free(rights);
}

/* --- Places ----------------------------------------------------------------*/

/* The first key behind all that begin with this; empty: there is none. */
static byron_status end_of_prefix(const struct bytes *prefix, struct bytes *out)
{
    byron_status status = bytes_add(out, prefix->data, prefix->size);

    while (status == BYRON_OK && out->size > 0 &&
           out->data[out->size - 1] == 255)
        out->size--;
    if (status == BYRON_OK && out->size > 0)
        out->data[out->size - 1]++;
    return status;
}

static byron_status read_range(struct byron_bytes text, struct grant *grant)
{
    const char *letters = text.data;
    struct byron_bytes first = {letters, 0};
    struct byron_bytes end = {NULL, 0};
    byron_status status;

    while (first.size + 1 < text.size &&
           (letters[first.size] != '.' || letters[first.size + 1] != '.'))
        first.size++;
    if (first.size + 1 >= text.size)
        return BYRON_MISUSE;
    end.data = letters + first.size + 2;
    end.size = text.size - first.size - 2;
    status = wire_unescape(first, &grant->first);
    if (status == BYRON_OK)
        status = wire_unescape(end, &grant->end);
    if (status == BYRON_OK && grant->end.size > 0 &&
        bytes_compare(bytes_lend(&grant->first), bytes_lend(&grant->end)) >= 0)
        return BYRON_MISUSE;
    return status;
}

static byron_status read_table(struct byron_bytes text, struct grant *grant)
{
    byron_status status = wire_unescape(text, &grant->first);

    grant->place = PLACE_TABLE;
    /* Names are compared as C has them. */
    if (status == BYRON_OK &&
        memchr(grant->first.data, 0, grant->first.size) != NULL)
        return BYRON_MISUSE;
    return status == BYRON_OK ? bytes_add(&grant->first, "", 1) : status;
}

/* True: the text begins so, and has more; what is behind it is left. */
static bool skip(struct byron_bytes *text, const char *head)
{
    size_t size = strlen(head);

    if (text->size <= size || memcmp(text->data, head, size) != 0)
        return false;
    text->data = (const char *)text->data + size;
    text->size -= size;
    return true;
}

static byron_status read_place(struct byron_bytes text, struct grant *grant)
{
    byron_status status;

    grant->place = PLACE_KEYS;
    if (skip(&text, "range="))
        return read_range(text, grant);
    if (skip(&text, "table="))
        return read_table(text, grant);
    if (!skip(&text, "prefix="))
        return BYRON_MISUSE;
    status = wire_unescape(text, &grant->first);
    return status == BYRON_OK ? end_of_prefix(&grant->first, &grant->end)
                              : status;
}

byron_status rights_add(struct rights *rights, enum right right,
                        struct byron_bytes place)
{
    struct grant grant = {.right = right};
    struct grant *grants;
    byron_status status = BYRON_OK;

    if (rights->count == MAX_GRANTS || (place.size > 0 && right == RIGHT_ADMIN))
        return BYRON_MISUSE;
    grants = realloc(rights->grants, (rights->count + 1) * sizeof *grants);
    if (!grants)
        return BYRON_NO_MEMORY;
    rights->grants = grants;
    if (place.size > 0)
        status = read_place(place, &grant);
    if (status == BYRON_OK) {
        grants[rights->count++] = grant;
        return BYRON_OK;
    }
    bytes_deinit(&grant.first);
    bytes_deinit(&grant.end);
    return status;
}

/* --- Questions -------------------------------------------------------------*/

enum right rights_everywhere(const struct rights *rights)
{
    enum right most = rights ? RIGHT_NONE : RIGHT_ADMIN;

    for (size_t i = 0; rights && i < rights->count; i++)
        if (rights->grants[i].place == PLACE_EVERYWHERE &&
            rights->grants[i].right > most)
            most = rights->grants[i].right;
    return most;
}

enum right rights_somewhere(const struct rights *rights,
                            enum rights_space space)
{
    enum place other = space == RIGHTS_KEYS ? PLACE_TABLE : PLACE_KEYS;
    enum right most = rights ? RIGHT_NONE : RIGHT_ADMIN;

    for (size_t i = 0; rights && i < rights->count; i++)
        if (rights->grants[i].place != other && rights->grants[i].right > most)
            most = rights->grants[i].right;
    return most;
}

static bool has(const struct grant *grant, struct byron_bytes key)
{
    return bytes_compare(bytes_lend(&grant->first), key) <= 0 &&
           (grant->end.size == 0 ||
            bytes_compare(key, bytes_lend(&grant->end)) < 0);
}

/* Of those that have the key, the one that goes on for longest; or NULL. */
static const struct grant *widest(const struct rights *rights, enum right right,
                                  struct byron_bytes key)
{
    const struct grant *best = NULL;

    for (size_t i = 0; i < rights->count; i++) {
        const struct grant *grant = &rights->grants[i];
        if (grant->place != PLACE_KEYS || grant->right < right ||
            !has(grant, key))
            continue;
        if (grant->end.size == 0)
            return grant;
        if (!best ||
            bytes_compare(bytes_lend(&grant->end), bytes_lend(&best->end)) > 0)
            best = grant;
    }
    return best;
}

bool rights_on_keys(const struct rights *rights, enum right right,
                    struct byron_bytes start, struct byron_bytes end)
{
    const struct grant *grant;

    if (rights_everywhere(rights) >= right)
        return true;
    /* From one to the next, as long as they touch; each goes beyond the last.
     */
    while ((grant = widest(rights, right, start)) != NULL) {
        start = bytes_lend(&grant->end);
        if (start.size == 0 || (end.size > 0 && bytes_compare(start, end) >= 0))
            return true;
    }
    return false;
}

bool rights_on_key(const struct rights *rights, enum right right,
                   struct byron_bytes key)
{
    return rights_everywhere(rights) >= right || widest(rights, right, key);
}

static bool is_same_name(const char *a, const char *b)
{
    size_t i = 0;

    for (; a[i] && b[i]; i++) {
        char first = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] | 32) : a[i];
        char second = b[i] >= 'A' && b[i] <= 'Z' ? (char)(b[i] | 32) : b[i];
        if (first != second)
            return false;
    }
    return a[i] == b[i];
}

bool rights_on_table(const struct rights *rights, enum right right,
                     const char *table)
{
    if (rights_everywhere(rights) >= right)
        return true;
    for (size_t i = 0; i < rights->count; i++)
        if (rights->grants[i].place == PLACE_TABLE &&
            rights->grants[i].right >= right &&
            is_same_name((const char *)rights->grants[i].first.data, table))
            return true;
    return false;
}

static uint64_t digest(uint64_t before, const struct bytes *bytes)
{
    uint64_t sum = (before ^ bytes->size) * 0x100000001b3u;

    for (size_t i = 0; i < bytes->size; i++)
        sum = (sum ^ bytes->data[i]) * 0x100000001b3u;
    return sum;
}

uint64_t rights_scope(const struct rights *rights)
{
    uint64_t sum = 1;

    if (rights_everywhere(rights) >= RIGHT_WRITE)
        return 0;
    for (size_t i = 0; i < rights->count; i++) {
        const struct grant *grant = &rights->grants[i];
        /* A sum: their order does not count. */
        if (grant->place == PLACE_KEYS && grant->right >= RIGHT_WRITE)
            sum +=
                digest(digest(0xcbf29ce484222325u, &grant->first), &grant->end);
    }
    return sum ? sum : 1;
}

/* --- Words -----------------------------------------------------------------*/

static void add_shown(char *words, struct byron_bytes bytes)
{
    const uint8_t *byte = bytes.data;
    size_t size = strlen(words);

    words[size++] = '"';
    for (size_t i = 0; i < bytes.size && i < SHOWN; i++) {
        bool is_plain =
            byte[i] > ' ' && byte[i] < 127 && byte[i] != '%' && byte[i] != '"';
        size += (size_t)snprintf(words + size, 4, is_plain ? "%c" : "%%%02x",
                                 byte[i]);
    }
    snprintf(words + size, 5, "%s\"", bytes.size > SHOWN ? "..." : "");
}

void rights_words(char words[RIGHTS_WORDS_SIZE], enum right right,
                  const char *of_what, struct byron_bytes first,
                  struct byron_bytes last)
{
    static const char *const names[] = {"call", "read", "write", "administer"};

    snprintf(words, RIGHTS_WORDS_SIZE, "the right to %s is missing for %.40s ",
             names[right], of_what);
    add_shown(words, first);
    if (!last.data)
        return;
    strcat(words, " to ");
    add_shown(words, last);
}
