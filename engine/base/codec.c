#include "base/codec.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#ifdef BYRON_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef BYRON_HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/alloc.h"
#include "base/error.h"

#define ZSTD_LEVEL 3

bool codec_is_built_in(enum codec codec)
{
    switch (codec) {
    case CODEC_NONE:
        return true;
    case CODEC_LZ4:
#ifdef BYRON_HAVE_LZ4
        return true;
#else
        return false;
#endif
    case CODEC_ZSTD:
#ifdef BYRON_HAVE_ZSTD
        return true;
#else
        return false;
#endif
    }
    return false;
}

const char *codec_name(enum codec codec)
{
    switch (codec) {
    case CODEC_NONE:
        return "none";
    case CODEC_LZ4:
        return "lz4";
    case CODEC_ZSTD:
        return "zstd";
    }
    return "unknown";
}

static byron_status not_built_in(enum codec codec)
{
    return error_set(BYRON_NEWER_FORMAT, NULL, BYRON_NO_OFFSET, 0,
                     "compression codec %s (%d) is not built into this library",
                     codec_name(codec), (int)codec);
}

#ifdef BYRON_HAVE_LZ4
static void lz4_compress(struct slice raw, struct buf *out, size_t limit)
{
    int size;

    if (raw.size > LZ4_MAX_INPUT_SIZE)
        return;
    size = LZ4_compress_default((const char *)raw.data, (char *)out->data,
                                (int)raw.size, (int)limit);
    out->size = size > 0 ? (size_t)size : 0;
}

static byron_status lz4_decompress(struct slice packed, uint8_t *raw,
                                   size_t raw_size)
{
    int size;

    if (packed.size > INT_MAX || raw_size > INT_MAX)
        return BYRON_CORRUPT;
    size = LZ4_decompress_safe((const char *)packed.data, (char *)raw,
                               (int)packed.size, (int)raw_size);
    return size >= 0 && (size_t)size == raw_size ? BYRON_OK : BYRON_CORRUPT;
}
#endif

#ifdef BYRON_HAVE_ZSTD
/* Contexts cost more than a block to make: each thread keeps its own. */
struct contexts {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
};
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key;

static void contexts_free(void *argument)
{
    struct contexts *contexts = argument;

    ZSTD_freeCCtx(contexts->compress);
    ZSTD_freeDCtx(contexts->decompress);
    free(contexts);
}

static void contexts_key_make(void)
{
    if (pthread_key_create(&contexts_key, contexts_free) != 0)
        abort();
}

/* NULL without memory. Not counted by alloc: it lives as long as the thread. */
static struct contexts *contexts_get(void)
{
    struct contexts *contexts;

    pthread_once(&contexts_once, contexts_key_make);
    contexts = pthread_getspecific(contexts_key);
    if (contexts)
        return contexts;
    contexts = calloc(1, sizeof *contexts);
    if (contexts && pthread_setspecific(contexts_key, contexts) != 0) {
        free(contexts);
        return NULL;
    }
    return contexts;
}

static byron_status zstd_compress(struct slice raw, struct buf *out,
                                  size_t limit)
{
    struct contexts *contexts = contexts_get();
    size_t size;

    if (contexts && !contexts->compress)
        contexts->compress = ZSTD_createCCtx();
    if (!contexts || !contexts->compress)
        return error_no_memory();
    size = ZSTD_compressCCtx(contexts->compress, out->data, limit, raw.data,
                             raw.size, ZSTD_LEVEL);
    out->size = ZSTD_isError(size) ? 0 : size;
    return BYRON_OK;
}

static byron_status zstd_decompress(struct slice packed, uint8_t *raw,
                                    size_t raw_size)
{
    struct contexts *contexts = contexts_get();
    size_t size;

    if (contexts && !contexts->decompress)
        contexts->decompress = ZSTD_createDCtx();
    if (!contexts || !contexts->decompress)
        return error_no_memory();
    size = ZSTD_decompressDCtx(contexts->decompress, raw, raw_size, packed.data,
                               packed.size);
    return size == raw_size ? BYRON_OK : BYRON_CORRUPT;
}
#endif

byron_status codec_compress(enum codec codec, struct slice raw, struct buf *out,
                            bool *shrank)
{
    /* The compressor stops by itself where the result grows beyond this. */
    size_t limit = raw.size - raw.size / 8;
    byron_status status;

    buf_clear(out);
    *shrank = false;
    if (codec == CODEC_NONE || raw.size == 0)
        return BYRON_OK;
    if (!codec_is_built_in(codec))
        return not_built_in(codec);
    status = buf_reserve(out, limit);
    if (status != BYRON_OK)
        return status;
#ifdef BYRON_HAVE_LZ4
    if (codec == CODEC_LZ4)
        lz4_compress(raw, out, limit);
#endif
#ifdef BYRON_HAVE_ZSTD
    if (codec == CODEC_ZSTD)
        status = zstd_compress(raw, out, limit);
#endif
    *shrank = out->size > 0;
    return status;
}

byron_status codec_decompress(enum codec codec, struct slice packed,
                              uint8_t *raw, size_t raw_size)
{
    if (!codec_is_built_in(codec))
        return not_built_in(codec);
#ifdef BYRON_HAVE_LZ4
    if (codec == CODEC_LZ4)
        return lz4_decompress(packed, raw, raw_size);
#endif
#ifdef BYRON_HAVE_ZSTD
    if (codec == CODEC_ZSTD)
        return zstd_decompress(packed, raw, raw_size);
#endif
    if (packed.size != raw_size)
        return BYRON_CORRUPT;
    if (raw_size > 0)
        memcpy(raw, packed.data, raw_size);
    return BYRON_OK;
}
