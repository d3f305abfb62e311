#include "option.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser.h"
#include "settings.h"

#define MOST_SECONDS 100000000000 /* Of a ttl; three thousand years. */

static byron_status fail_value(struct parser *parser, const char *name,
                               const char *value, const char *expected)
{
    return parser_fail(parser, "byron: option %s cannot be \"%s\"; %s", name,
                       value, expected);
}

/* Digits, and K, M or G with or without B. */
static bool parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMG";
    char *end;
    uint64_t number;
    const char *unit;

    if (*text < '0' || *text > '9')
        return false;
    number = strtoull(text, &end, 10);
    if (number > UINT64_C(1) << 50)
        return false;
    while (*end == ' ')
        end++;
    if (*end && *end != 'b' && *end != 'B') {
        unit = strchr(units, *end & ~0x20);
        if (!unit)
            return false;
        number <<= 10 * (unit - units + 1);
        end++;
    }
    if (*end == 'b' || *end == 'B')
        end++;
    *out = number;
    return *end == '\0' && number <= INT64_MAX;
}

static byron_status set_size(struct parser *parser, const char *name,
                             const char *value, uint64_t *out)
{
    if (!parse_size(value, out) || *out == 0)
        return fail_value(parser, name, value,
                          "a size is bytes, or as in '64KB', '256MB', '1GB'");
    return BYRON_OK;
}

static byron_status set_number(struct parser *parser, const char *name,
                               const char *value, uint32_t *out)
{
    uint64_t number;

    if (strspn(value, "0123456789") != strlen(value) ||
        !parse_size(value, &number) || number > UINT32_MAX)
        return fail_value(parser, name, value, "it is a whole number");
    *out = (uint32_t)number;
    return BYRON_OK;
}

/* One of two words; *out: it was the second. */
static byron_status set_choice(struct parser *parser, const char *name,
                               const char *value, const char *const words[2],
                               bool *out)
{
    *out = strcasecmp(value, words[1]) == 0;
    if (*out || strcasecmp(value, words[0]) == 0)
        return BYRON_OK;
    return parser_fail(parser,
                       "byron: option %s cannot be \"%s\"; it is %s or %s",
                       name, value, words[0], words[1]);
}

static byron_status set_path(struct parser *parser, const char *name,
                             const char *value)
{
    if (!*value)
        return fail_value(parser, name, value, "it names a directory");
    parser->table->settings.path = strdup(value);
    return parser->table->settings.path ? BYRON_OK : BYRON_NO_MEMORY;
}

static byron_status set_memory(struct parser *parser, const char *name,
                               const char *value)
{
    return set_size(parser, name, value,
                    &parser->table->settings.engine.memory);
}

static byron_status set_memtable(struct parser *parser, const char *name,
                                 const char *value)
{
    return set_size(parser, name, value,
                    &parser->table->settings.engine.memtable);
}

static byron_status set_cache(struct parser *parser, const char *name,
                              const char *value)
{
    return set_size(parser, name, value, &parser->table->settings.engine.cache);
}

static byron_status set_file_size(struct parser *parser, const char *name,
                                  const char *value)
{
    return set_size(parser, name, value,
                    &parser->table->settings.engine.file_size);
}

static byron_status set_block_size(struct parser *parser, const char *name,
                                   const char *value)
{
    uint64_t size = 0;
    byron_status status = set_size(parser, name, value, &size);

    if (status == BYRON_OK && size > UINT32_MAX)
        return fail_value(parser, name, value, "it is below 4GB");
    parser->table->settings.engine.block_size = (uint32_t)size;
    return status;
}

static byron_status set_bloom_bits(struct parser *parser, const char *name,
                                   const char *value)
{
    struct byron_options *engine = &parser->table->settings.engine;
    byron_status status = set_number(parser, name, value, &engine->bloom_bits);

    engine->no_bloom = status == BYRON_OK && engine->bloom_bits == 0;
    return status;
}

static byron_status set_fanout(struct parser *parser, const char *name,
                               const char *value)
{
    return set_number(parser, name, value,
                      &parser->table->settings.engine.fanout);
}

static byron_status set_compression(struct parser *parser, const char *name,
                                    const char *value)
{
    static const char *const words[] = {
        [BYRON_COMPRESSION_DEFAULT] = "default",
        [BYRON_COMPRESSION_NONE] = "none",
        [BYRON_COMPRESSION_LZ4] = "lz4",
        [BYRON_COMPRESSION_ZSTD] = "zstd",
    };

    for (int i = BYRON_COMPRESSION_DEFAULT; i <= BYRON_COMPRESSION_ZSTD; i++)
        if (strcasecmp(value, words[i]) == 0) {
            parser->table->settings.engine.compression =
                (enum byron_compression)i;
            return BYRON_OK;
        }
    return fail_value(parser, name, value, "it is none, lz4 or zstd");
}

static byron_status set_hash_index(struct parser *parser, const char *name,
                                   const char *value)
{
    static const char *const words[] = {
        [BYRON_HASH_INDEX_OFF] = "off",
        [BYRON_HASH_INDEX_ON] = "on",
        [BYRON_HASH_INDEX_AUTO] = "auto",
    };

    for (int i = BYRON_HASH_INDEX_OFF; i <= BYRON_HASH_INDEX_AUTO; i++)
        if (strcasecmp(value, words[i]) == 0) {
            parser->table->settings.engine.hash_index =
                (enum byron_hash_index)i;
            return BYRON_OK;
        }
    return fail_value(parser, name, value, "it is on, off or auto");
}

static byron_status set_commit(struct parser *parser, const char *name,
                               const char *value)
{
    static const char *const words[] = {"host", "own"};

    return set_choice(parser, name, value, words,
                      &parser->table->settings.is_own_commit);
}

static byron_status set_conflict(struct parser *parser, const char *name,
                                 const char *value)
{
    static const char *const words[] = {"abort", "replace"};

    return set_choice(parser, name, value, words,
                      &parser->table->settings.is_replace);
}

static byron_status set_threads(struct parser *parser, const char *name,
                                const char *value)
{
    static const char *const words[] = {"1", "0"};

    return set_choice(parser, name, value, words,
                      &parser->table->settings.engine.inline_work);
}

static byron_status set_mmap(struct parser *parser, const char *name,
                             const char *value)
{
    static const char *const words[] = {"off", "on"};

    return set_choice(parser, name, value, words,
                      &parser->table->settings.engine.map_files);
}

/* What it names is known when all columns are. */
static byron_status set_ttl(struct parser *parser, const char *name,
                            const char *value)
{
    if (!*value)
        return fail_value(parser, name, value, "it is seconds, or a column");
    parser->table->settings.ttl = strdup(value);
    return parser->table->settings.ttl ? BYRON_OK : BYRON_NO_MEMORY;
}

byron_status option_finish(struct parser *parser)
{
    struct declaration *table = parser->table;
    const char *text = table->settings.ttl;
    struct ttl *ttl = &table->ttl;

    if (!text)
        return BYRON_OK;
    if (strspn(text, "0123456789") == strlen(text)) {
        ttl->kind = TTL_SECONDS;
        ttl->seconds = strtoull(text, NULL, 10);
        if (ttl->seconds > 0 && ttl->seconds <= MOST_SECONDS)
            return BYRON_OK;
        return fail_value(parser, "ttl", text,
                          "seconds are from 1 to 100000000000");
    }
    ttl->kind = TTL_COLUMN;
    for (ttl->column = 0; ttl->column < table->column_count; ttl->column++)
        if (strcasecmp(table->columns[ttl->column].name, text) == 0)
            return BYRON_OK;
    return fail_value(parser, "ttl", text,
                      "it is seconds, or a column of the table");
}

static const struct {
    const char *name;
    byron_status (*set)(struct parser *parser, const char *name,
                        const char *value);
} options[] = {
    {"path", set_path},
    {"memory", set_memory},
    {"memtable", set_memtable},
    {"cache", set_cache},
    {"block_size", set_block_size},
    {"bloom_bits", set_bloom_bits},
    {"hash_index", set_hash_index},
    {"compression", set_compression},
    {"file_size", set_file_size},
    {"fanout", set_fanout},
    {"commit", set_commit},
    {"conflict", set_conflict},
    {"threads", set_threads},
    {"mmap", set_mmap},
    {"ttl", set_ttl},
};

#define OPTION_COUNT (sizeof options / sizeof *options)

/* The one token after the = sign. */
static byron_status take_value(struct parser *parser, const char *name,
                               char **out)
{
    const struct token *token = &parser->token;

    if (token->kind == TOKEN_END || token->kind == TOKEN_MARK ||
        token->kind == TOKEN_ILLEGAL || token->kind == TOKEN_BLOB)
        return parser_fail(parser,
                           "byron: option %s needs a value: a word, a size "
                           "such as 64KB, or a text in quotes",
                           name);
    *out = token_text(token, NULL);
    if (!*out)
        return BYRON_NO_MEMORY;
    parser_step(parser);
    if (token->kind == TOKEN_END)
        return BYRON_OK;
    free(*out);
    *out = NULL;
    return parser_fail(
        parser, "byron: option %s has more than a value; quote it", name);
}

static byron_status set_by_name(struct parser *parser, const char *name)
{
    size_t index = 0;
    char *value = NULL;
    byron_status status;

    while (index < OPTION_COUNT && strcasecmp(options[index].name, name) != 0)
        index++;
    if (index == OPTION_COUNT)
        return parser_fail(parser, OPTION_UNKNOWN, name);
    if (parser->options_seen & 1U << index)
        return parser_fail(parser, "byron: option given twice: \"%s\"", name);
    parser->options_seen |= 1U << index;
    status = take_value(parser, name, &value);
    if (status == BYRON_OK)
        status = options[index].set(parser, options[index].name, value);
    free(value);
    return status;
}

byron_status option_parse(struct parser *parser)
{
    char *name;
    byron_status status = parser_take_name(parser, &name);

    if (status != BYRON_OK)
        return status;
    parser_step(parser); /* The = sign. */
    status = set_by_name(parser, name);
    free(name);
    return status;
}

/* Those of a table, as against those of the store, are part of its text. */
static byron_status find_setting(struct parser *parser, int *out)
{
    char *name = NULL;
    const char *rest = parser->next;
    struct token token = parser->token;
    byron_status status = parser_take_name(parser, &name);

    if (status == BYRON_NO_MEMORY)
        return status;
    if (status != BYRON_OK)
        return parser_fail(parser, "byron: 'set' needs name=value, as in "
                                   "'memory=256MB'");
    if (!token_is_mark(&parser->token, '='))
        status = parser_fail(parser, "byron: 'set' needs name=value, as in "
                                     "'memory=256MB'");
    *out = settings_find(name);
    for (size_t i = 0; i < OPTION_COUNT && status == BYRON_OK; i++)
        if (*out < 0 && strcasecmp(options[i].name, name) == 0)
            status = parser_fail(parser,
                                 "byron: option %s is fixed when the table is "
                                 "created",
                                 options[i].name);
    free(name);
    parser->next = rest;
    parser->token = token;
    return status;
}

byron_status option_parse_change(const char *text, struct byron_options *out,
                                 int *setting, char **message)
{
    struct declaration scratch = {0};
    struct parser parser = {
        .next = text, .table = &scratch, .message = message};
    byron_status status;

    *message = NULL;
    parser_step(&parser);
    status = find_setting(&parser, setting);
    if (status == BYRON_OK)
        status = option_parse(&parser);
    *out = scratch.settings.engine;
    if (status == BYRON_OK && *setting == settings_find("fanout") &&
        out->fanout == 0)
        status = fail_value(&parser, "fanout", "0",
                            "it is a whole number from 2 to 100");
    free(scratch.settings.path);
    free(scratch.settings.ttl);
    return status;
}
