/*
 * table: what writer and reader of an SSTable share with the layers above.
 */
#ifndef BYRON_SSTABLE_TABLE_H
#define BYRON_SSTABLE_TABLE_H

#include "base/buf.h"
#include "base/codec.h"
#include "base/integer.h"
#include "base/os.h"

struct table_options {
    uint32_t block_size; /* Raw bytes of a data block, a target, 64 to 16 M. */
    uint32_t bloom_bits; /* Per key; 0 = no filter. */
    enum codec codec;
    bool hash_index; /* In place of a filter, where it is possible. */
    bool is_passing; /* Nobody looks for the file after a crash: not synced. */
    bool is_awaited; /* Somebody waits for it: each piece begins to be synced
                        as it is written. */
};

/* What is known of a finished table. The manifest keeps it. */
struct table_facts {
    uint64_t uid;     /* Random; seeds every checksum of the file. */
    uint64_t size;    /* Of the file. */
    uint64_t entries; /* Tombstones included. */
    uint64_t tombstones;
    uint64_t timed;       /* Entries that expire: */
    uint64_t earliest_ms; /* the first of them, and */
    uint64_t latest_ms;   /* the last. */
    uint64_t ranges;      /* Pieces of range deletes. */
    uint64_t hidden;      /* Entries of older tables that they hide, about, when
                             the table was written. Not in the file. */
    uint64_t superseded;  /* Entries after newer ones of their keys in the
                             table. Not in the file. */
    uint64_t raw_bytes;   /* Key and value bytes. */
    uint64_t min_sequence;
    uint64_t max_sequence;
    uint64_t file_hash;  /* XXH3 of the whole file, seed uid. */
    struct buf smallest; /* Owned. */
    struct buf largest;  /* Owned. */
    bool is_open; /* largest itself is not in the table: a range ends there. */
};

/* One more entry that expires, when its raw value says. Requires: it does. */
static inline void table_facts_count_timed(struct table_facts *facts,
                                           struct slice raw)
{
    uint64_t expires_ms = load_u64(raw.data);

    if (facts->timed == 0 || expires_ms < facts->earliest_ms)
        facts->earliest_ms = expires_ms;
    if (expires_ms > facts->latest_ms)
        facts->latest_ms = expires_ms;
    facts->timed++;
}

static inline void table_facts_deinit(struct table_facts *facts)
{
    buf_deinit(&facts->smallest);
    buf_deinit(&facts->largest);
}

#endif
