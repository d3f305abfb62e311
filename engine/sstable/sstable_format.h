/*
 * sstable_format: the fixed pieces of a table file: header, footer, block
 * handles, properties. Bytes: docs/sstable-format.md.
 *
 * Shared by writer and reader, so that neither can drift.
 */
#ifndef BYRON_SSTABLE_SSTABLE_FORMAT_H
#define BYRON_SSTABLE_SSTABLE_FORMAT_H

#include "base/buf.h"
#include "base/codec.h"
#include "sstable/hash_lines.h"

#define TABLE_FORMAT       1u
#define TABLE_HEADER_SIZE  64u
#define TABLE_FOOTER_SIZE  128u
#define BLOCK_TRAILER_SIZE 16u
#define BLOCK_HANDLE_SIZE  16u
#define INDEX_VALUE_SIZE   24u
#define INDEX_BLOCK_SIZE   2048u      /* Target of one index block. */
#define FILTER_CHUNK_SIZE  16384u     /* Filter bytes under one checksum. */
#define BLOCK_RAW_MAX      (1u << 30) /* No block is larger when unpacked. */

/* What a block holds; in its trailer, so that none passes for another. */
enum block_kind {
    BLOCK_DATA = 1,
    BLOCK_VALUE = 2, /* One large value, nothing else. */
    BLOCK_FILTER = 3,
    BLOCK_INDEX = 4,
    BLOCK_PROPERTIES = 5,
    BLOCK_RANGES = 6, /* Range deletes. */
    BLOCK_HASH_LINES = 7,
    BLOCK_HANDLES = 8, /* Of data blocks, by their numbers. */
};

/* Where a block is. */
struct block_handle {
    uint64_t offset;
    uint32_t disk_size; /* With its trailer. */
    uint32_t raw_size;  /* Of its body, unpacked. */
};

void block_handle_encode(const struct block_handle *handle,
                         uint8_t to[BLOCK_HANDLE_SIZE]);
void block_handle_decode(const uint8_t *from, struct block_handle *out);

/* What an index entry says of a data block, or of an index block. */
struct index_value {
    struct block_handle block;
    uint64_t ordinal; /* Entries of the table before its first. */
};

void index_value_encode(const struct index_value *value,
                        uint8_t to[INDEX_VALUE_SIZE]);
void index_value_decode(const uint8_t *from, struct index_value *out);

struct table_header {
    uint64_t uid;
    uint64_t number;
};

void table_header_encode(const struct table_header *header,
                         uint8_t to[TABLE_HEADER_SIZE]);
/* NULL, or what is wrong with the bytes; *is_newer if a later format's. */
const char *table_header_decode(const uint8_t *from, struct table_header *out,
                                bool *is_newer);

/* A stretch of the file; size 0 where there is none. */
struct table_section {
    uint64_t offset;
    uint32_t size;
};

/* What a reader has to know of, or it would misread the table. */
enum table_features {
    TABLE_HAS_TIMED = 1,  /* Entries that expire. */
    TABLE_HAS_RANGES = 2, /* Range deletes. */
};

/* What a reader may pass over. */
enum table_extras {
    TABLE_HAS_HASH_INDEX = 1,
};

struct table_footer {
    struct table_section index; /* The top index block. */
    struct table_section filter;
    struct table_section properties;
    struct table_section hash_index; /* Size 0: none. */
    struct table_section ranges;     /* Size 0: none. */
    uint32_t features;               /* enum table_features */
    uint32_t extras;                 /* enum table_extras */
    uint32_t index_levels;           /* 1 or 2 */
    uint64_t data_end;               /* Data and value blocks end here. */
    uint64_t file_size;
    uint64_t uid;
};

void table_footer_encode(const struct table_footer *footer,
                         uint8_t to[TABLE_FOOTER_SIZE]);
/* As table_header_decode. */
const char *table_footer_decode(const uint8_t *from, struct table_footer *out,
                                bool *is_newer);

struct table_properties {
    uint64_t entries;
    uint64_t tombstones;
    uint64_t raw_bytes;
    uint64_t min_sequence;
    uint64_t max_sequence;
    uint64_t block_count;
    uint64_t value_count;   /* Values in blocks of their own. */
    uint64_t tombstone_run; /* Longest run of tombstones. */
    uint32_t filter_lines;  /* 64 bytes each; 0 = no filter. */
    uint32_t filter_probes; /* Bits per key in its line. */
    uint64_t timed;         /* As in struct table_facts. */
    uint64_t earliest_ms;
    uint64_t latest_ms;
    uint64_t ranges;
    bool is_open;
    uint64_t hash_keys; /* Slots of the hash index that are not empty. */
    struct hash_shape hash_shape;
    struct slice smallest; /* Borrowed or lent, as the call says. */
    struct slice largest;
};

BYRON_MUST_CHECK byron_status table_properties_encode(
    const struct table_properties *properties, struct buf *out);
/* Lends the keys from bytes, of the table with this footer. False where they
 * are malformed. */
bool table_properties_decode(struct slice bytes,
                             const struct table_footer *footer,
                             struct table_properties *out);

#endif
