#include "settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "byron_inspect.h"

enum setting {
    SETTING_MEMORY,
    SETTING_MEMTABLE,
    SETTING_CACHE,
    SETTING_FILE_SIZE,
    SETTING_BLOCK_SIZE,
    SETTING_BLOOM_BITS,
    SETTING_HASH_INDEX,
    SETTING_FANOUT,
    SETTING_COMPRESSION,
    SETTING_THREADS,
    SETTING_MMAP,
    SETTING_COUNT,
};

static const char *const names[SETTING_COUNT] = {
    "memory",      "memtable",   "cache",      "file_size",
    "block_size",  "bloom_bits", "hash_index", "fanout",
    "compression", "threads",    "mmap",
};

/* False where nothing is stated. */
static bool read_setting(const struct byron_options *options,
                         enum setting setting, uint64_t *out)
{
    switch (setting) {
    case SETTING_MEMORY:
        *out = options->memory;
        break;
    case SETTING_MEMTABLE:
        *out = options->memtable;
        break;
    case SETTING_CACHE:
        *out = options->cache;
        break;
    case SETTING_FILE_SIZE:
        *out = options->file_size;
        break;
    case SETTING_BLOCK_SIZE:
        *out = options->block_size;
        break;
    case SETTING_BLOOM_BITS:
        *out = options->no_bloom ? 0 : options->bloom_bits;
        return options->no_bloom || options->bloom_bits > 0;
    case SETTING_HASH_INDEX:
        *out = (uint64_t)options->hash_index;
        break;
    case SETTING_FANOUT:
        *out = options->fanout;
        break;
    case SETTING_COMPRESSION:
        *out = (uint64_t)options->compression;
        break;
    case SETTING_THREADS:
        *out = 0;
        return options->inline_work;
    case SETTING_MMAP:
        *out = options->map_files;
        break;
    case SETTING_COUNT:
        break;
    }
    return *out > 0;
}

static uint32_t small(uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void write_setting(struct byron_options *options, enum setting setting,
                          uint64_t value)
{
    switch (setting) {
    case SETTING_MEMORY:
        options->memory = value;
        break;
    case SETTING_MEMTABLE:
        options->memtable = value;
        break;
    case SETTING_CACHE:
        options->cache = value;
        break;
    case SETTING_FILE_SIZE:
        options->file_size = value;
        break;
    case SETTING_BLOCK_SIZE:
        options->block_size = small(value);
        break;
    case SETTING_BLOOM_BITS:
        options->bloom_bits = small(value);
        options->no_bloom = value == 0;
        break;
    case SETTING_HASH_INDEX:
        if (value <= BYRON_HASH_INDEX_AUTO)
            options->hash_index = (enum byron_hash_index)value;
        break;
    case SETTING_FANOUT:
        options->fanout = small(value);
        break;
    case SETTING_COMPRESSION:
        if (value <= BYRON_COMPRESSION_ZSTD)
            options->compression = (enum byron_compression)value;
        break;
    case SETTING_THREADS:
        options->inline_work = value == 0;
        break;
    case SETTING_MMAP:
        options->map_files = value == 1;
        break;
    case SETTING_COUNT:
        break;
    }
}

static bool find_setting(const char *text, enum setting setting, uint64_t *out)
{
    size_t size = strlen(names[setting]);
    const char *at = text;

    while ((at = strstr(at, names[setting])) != NULL) {
        bool is_whole = at == text || at[-1] == ' ';
        if (is_whole && at[size] == '=') {
            *out = strtoull(at + size + 1, NULL, 10);
            return true;
        }
        at += size;
    }
    return false;
}

/* Writes the settings that value_of finds. */
static char *write_text(bool (*value_of)(const void *context,
                                         enum setting setting, uint64_t *out),
                        const void *context)
{
    char text[SETTING_COUNT * 40];
    size_t size = 0;

    text[0] = 0;
    for (int i = 0; i < SETTING_COUNT; i++) {
        uint64_t value;
        if (value_of(context, (enum setting)i, &value))
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "%s%s=%" PRIu64, size > 0 ? " " : "",
                                     names[i], value);
    }
    return strdup(text);
}

struct source {
    const char *text;
    const struct byron_options *options;
    int named;
};

static bool merged_value(const void *context, enum setting setting,
                         uint64_t *out)
{
    const struct source *source = context;

    return find_setting(source->text, setting, out) ||
           read_setting(source->options, setting, out);
}

static bool changed_value(const void *context, enum setting setting,
                          uint64_t *out)
{
    const struct source *source = context;

    return (int)setting == source->named
               ? read_setting(source->options, setting, out)
               : find_setting(source->text, setting, out);
}

char *settings_merge(const char *text, const struct byron_options *options)
{
    struct source source = {text, options, -1};
    return write_text(merged_value, &source);
}

char *settings_change(const char *text, int index,
                      const struct byron_options *options)
{
    struct source source = {text, options, index};
    return write_text(changed_value, &source);
}

int settings_find(const char *name)
{
    for (int i = 0; i < SETTING_COUNT; i++)
        if (strcasecmp(names[i], name) == 0)
            return i;
    return -1;
}

const char *settings_name(int index)
{
    return index < SETTING_COUNT ? names[index] : NULL;
}

void settings_print(const struct byron_options *derived, int index,
                    char out[32])
{
    static const char *const codecs[] = {
        [BYRON_COMPRESSION_DEFAULT] = "default",
        [BYRON_COMPRESSION_NONE] = "none",
        [BYRON_COMPRESSION_LZ4] = "lz4",
        [BYRON_COMPRESSION_ZSTD] = "zstd",
    };
    static const char *const hash_indexes[] = {
        [BYRON_HASH_INDEX_DEFAULT] = "default",
        [BYRON_HASH_INDEX_OFF] = "off",
        [BYRON_HASH_INDEX_ON] = "on",
        [BYRON_HASH_INDEX_AUTO] = "auto",
    };
    uint64_t value = 0;

    read_setting(derived, (enum setting)index, &value);
    if (index == SETTING_COMPRESSION)
        snprintf(out, 32, "%s", codecs[derived->compression]);
    else if (index == SETTING_HASH_INDEX)
        snprintf(out, 32, "%s", hash_indexes[derived->hash_index]);
    else if (index == SETTING_THREADS)
        snprintf(out, 32, "%d", derived->inline_work ? 0 : 1);
    else if (index == SETTING_MMAP)
        snprintf(out, 32, "%s", derived->map_files ? "on" : "off");
    else
        snprintf(out, 32, "%" PRIu64, value);
}

void settings_apply(const char *text, struct byron_options *out)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        uint64_t value;
        if (find_setting(text, (enum setting)i, &value))
            write_setting(out, (enum setting)i, value);
    }
}

byron_status settings_check(const char *text)
{
    struct byron_options options = {0};
    struct byron_options derived;

    settings_apply(text, &options);
    return byron_derive_options(&options, &derived);
}
