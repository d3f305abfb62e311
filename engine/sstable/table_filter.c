#include "sstable/table_filter.h"

#include "base/try.h"

#define LINES_PER_CHUNK (FILTER_CHUNK_SIZE / BLOOM_LINE_SIZE)

static uint64_t count_chunks(const struct table_properties *properties)
{
    uint64_t lines = properties->filter_lines;

    return (lines + LINES_PER_CHUNK - 1) / LINES_PER_CHUNK;
}

const char *table_filter_flaw(const struct table_section *section,
                              const struct table_properties *properties)
{
    uint64_t lines = properties->filter_lines;

    if (section->size !=
        lines * BLOOM_LINE_SIZE + count_chunks(properties) * BLOCK_TRAILER_SIZE)
        return "the filter has the wrong size";
    if (properties->filter_probes > BLOOM_PROBES_MAX)
        return "the filter has too many probes";
    return NULL;
}

byron_status table_filter_open(struct table_filter *filter,
                               const struct table_section *section,
                               const struct table_properties *properties)
{
    filter->offset = section->offset;
    filter->shape.lines = properties->filter_lines;
    filter->shape.probes = properties->filter_probes;
    return kept_blocks_init(&filter->chunks, count_chunks(properties));
}

void table_filter_close(struct table_filter *filter,
                        const struct table_source *source)
{
    kept_blocks_deinit(&filter->chunks, source);
}

void table_filter_prefetch(const struct table_filter *filter, uint64_t hash)
{
    uint32_t line = bloom_line(&filter->shape, hash);
    struct slice chunk;

    if (filter->shape.lines == 0)
        return;
    chunk = kept_blocks_at(&filter->chunks, line / LINES_PER_CHUNK);
    if (chunk.data)
        __builtin_prefetch(chunk.data +
                           (line % LINES_PER_CHUNK) * BLOOM_LINE_SIZE);
}

byron_status table_filter_probe(const struct table_filter *filter,
                                const struct table_source *source,
                                uint64_t hash, bool *may_have)
{
    byron_status status;
    uint32_t line = bloom_line(&filter->shape, hash);
    uint32_t chunk = line / LINES_PER_CHUNK;
    uint32_t lines = filter->shape.lines - chunk * LINES_PER_CHUNK;
    struct cached_block *pin;
    struct block_handle handle;
    struct slice body;

    *may_have = true;
    if (filter->shape.lines == 0)
        return BYRON_OK;
    if (lines > LINES_PER_CHUNK)
        lines = LINES_PER_CHUNK;
    handle.offset = filter->offset +
                    (uint64_t)chunk * (FILTER_CHUNK_SIZE + BLOCK_TRAILER_SIZE);
    handle.raw_size = lines * BLOOM_LINE_SIZE;
    handle.disk_size = handle.raw_size + BLOCK_TRAILER_SIZE;
    TRY(kept_blocks_load(&filter->chunks, chunk, source, &handle, BLOCK_FILTER,
                         &body, &pin));
    *may_have =
        bloom_line_has(body.data + (line % LINES_PER_CHUNK) * BLOOM_LINE_SIZE,
                       filter->shape.probes, hash);
    cached_block_unpin(pin);
out:
    return status;
}
