#include "db/options.h"

#include "byron_inspect.h"

#define KB ((uint64_t)1 << 10)
#define MB ((uint64_t)1 << 20)

static byron_status out_of_range(const char *path, const char *name,
                                 uint64_t value, uint64_t low, uint64_t high)
{
    return error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                     "option %s is %llu, but must be from %llu to %llu", name,
                     (unsigned long long)value, (unsigned long long)low,
                     (unsigned long long)high);
}

/* The value given, or the default where none was; refused out of range. */
#define DERIVE(field, fallback, low, high)                                     \
    do {                                                                       \
        out->field = given->field ? given->field : (fallback);                 \
        if (out->field < (low) || out->field > (high))                         \
            return out_of_range(path, #field, out->field, low, high);          \
    } while (0)

static byron_status derive_compression(const char *path,
                                       struct byron_options *options)
{
    static const enum codec codecs[] = {
        [BYRON_COMPRESSION_NONE] = CODEC_NONE,
        [BYRON_COMPRESSION_LZ4] = CODEC_LZ4,
        [BYRON_COMPRESSION_ZSTD] = CODEC_ZSTD,
    };
    if (options->compression == BYRON_COMPRESSION_DEFAULT)
        options->compression = codec_is_built_in(CODEC_LZ4)
                                   ? BYRON_COMPRESSION_LZ4
                                   : BYRON_COMPRESSION_NONE;
    if (options->compression > BYRON_COMPRESSION_ZSTD)
        return error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                         "compression %d is unknown",
                         (int)options->compression);
    enum codec codec = codecs[options->compression];
    if (!codec_is_built_in(codec))
        return error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                         "compression %s is not in this build of byron",
                         codec_name(codec));
    return BYRON_OK;
}

static byron_status derive_hash_index(const char *path,
                                      struct byron_options *options)
{
    if (options->hash_index == BYRON_HASH_INDEX_DEFAULT)
        options->hash_index = BYRON_HASH_INDEX_AUTO;
    if (options->hash_index > BYRON_HASH_INDEX_AUTO)
        return error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                         "hash_index %d is unknown", (int)options->hash_index);
    return BYRON_OK;
}

byron_status db_derive_options(const struct byron_options *given,
                               const char *path, struct byron_options *out)
{
    static const struct byron_options none;
    if (!given)
        given = &none;
    *out = *given;
    DERIVE(memory, 64 * MB, 64 * KB, (uint64_t)1 << 46);
    DERIVE(memtable, out->memory / 8, 4 * KB, (uint64_t)1 << 34);
    if (out->memtable > out->memory)
        out->memtable = out->memory;
    DERIVE(file_size, 32 * MB, 4 * KB, (uint64_t)1 << 34);
    DERIVE(block_size, 4096, 64, 1 << 20);
    DERIVE(fanout, 8, 2, 100);
    if (given->no_bloom)
        out->bloom_bits = 0;
    else if (given->bloom_bits == 0)
        out->bloom_bits = 10;
    if (out->bloom_bits > 64)
        return out_of_range(path, "bloom_bits", out->bloom_bits, 0, 64);
    DERIVE(retain_ms, 1000, 1, 3600 * 1000);
    /* At first; then it has what the memtables leave: db_share_memory. */
    DERIVE(cache,
           out->memory - out->memory / 8 > out->memtable
               ? out->memory - out->memtable
               : out->memory / 8,
           1, (uint64_t)1 << 46);
    if (!out->os)
        out->os = os_posix();
    byron_status status = derive_hash_index(path, out);
    return status == BYRON_OK ? derive_compression(path, out) : status;
}

byron_status byron_derive_options(const struct byron_options *given,
                                  struct byron_options *out)
{
    return db_derive_options(given, NULL, out);
}
