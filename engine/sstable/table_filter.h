/*
 * table_filter: whether a table may hold a key, by its filter.
 *
 * The filter's lines come in chunks through the cache, each under a checksum
 * of its own; one probe touches one chunk.
 */
#ifndef BYRON_SSTABLE_TABLE_FILTER_H
#define BYRON_SSTABLE_TABLE_FILTER_H

#include "sstable/bloom.h"
#include "sstable/kept_blocks.h"

struct table_filter {
    uint64_t offset; /* Of the first chunk. */
    struct bloom_shape shape;
    struct kept_blocks chunks;
};

/* NULL, or what is wrong with the filter's place and shape. */
const char *table_filter_flaw(const struct table_section *section,
                              const struct table_properties *properties);
/* Requires: no flaw. */
BYRON_MUST_CHECK byron_status table_filter_open(
    struct table_filter *filter, const struct table_section *section,
    const struct table_properties *properties);
void table_filter_close(struct table_filter *filter,
                        const struct table_source *source);
/* Starts to fetch what a probe will look at. */
void table_filter_prefetch(const struct table_filter *filter, uint64_t hash);
/* *may_have is true without a filter. */
BYRON_MUST_CHECK byron_status table_filter_probe(
    const struct table_filter *filter, const struct table_source *source,
    uint64_t hash, bool *may_have);

#endif
