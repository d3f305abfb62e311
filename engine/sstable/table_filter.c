#include "sstable/table_filter.h"

#include "base/try.h"

#define LINES_PER_CHUNK (FILTER_CHUNK_SIZE / BLOOM_LINE_SIZE)

const char *table_filter_open(struct table_filter *filter,
                              const struct table_section *section,
                              const struct table_properties *properties)
{
    uint64_t lines = properties->filter_lines;
    uint64_t chunks = (lines + LINES_PER_CHUNK - 1) / LINES_PER_CHUNK;

    filter->offset = section->offset;
    filter->shape.lines = properties->filter_lines;
    filter->shape.probes = properties->filter_probes;
    if (section->size != lines * BLOOM_LINE_SIZE + chunks * BLOCK_TRAILER_SIZE)
        return "the filter has the wrong size";
    if (filter->shape.probes > BLOOM_PROBES_MAX)
        return "the filter has too many probes";
    return NULL;
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

    *may_have = true;
    if (filter->shape.lines == 0)
        return BYRON_OK;
    if (lines > LINES_PER_CHUNK)
        lines = LINES_PER_CHUNK;
    handle.offset = filter->offset +
                    (uint64_t)chunk * (FILTER_CHUNK_SIZE + BLOCK_TRAILER_SIZE);
    handle.raw_size = lines * BLOOM_LINE_SIZE;
    handle.disk_size = handle.raw_size + BLOCK_TRAILER_SIZE;
    TRY(table_source_load(source, &handle, BLOCK_FILTER, &pin));
    *may_have = bloom_line_has(cached_block_bytes(pin).data +
                                   (line % LINES_PER_CHUNK) * BLOOM_LINE_SIZE,
                               filter->shape.probes, hash);
    cached_block_unpin(pin);
out:
    return status;
}
