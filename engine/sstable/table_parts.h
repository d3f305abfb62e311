/*
 * table_parts: the fields of a table_reader, for the files of this folder
 * that read tables. Everyone else sees sstable/table_reader.h.
 */
#ifndef BYRON_SSTABLE_TABLE_PARTS_H
#define BYRON_SSTABLE_TABLE_PARTS_H

#include <stdatomic.h>

#include "entry/range_list.h"
#include "sstable/table_filter.h"
#include "sstable/table_hash.h"
#include "sstable/table_index.h"
#include "sstable/table_reader.h"

struct table_reader {
    atomic_uint refs;
    struct table_source source;
    struct table_index index;
    struct table_filter filter;
    struct table_hash hash;
    struct range_list ranges; /* Bounds lie in range_bytes. */
    struct table_facts facts; /* A copy of the manifest's, owned. */
    struct buf range_bytes;
    uint64_t data_end;
    uint64_t block_count;
    uint64_t value_count;
};

#endif
