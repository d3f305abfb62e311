/*
 * torn_table: what can be read of one table file, in the order of its keys.
 *
 * Blocks are found by the index as far as that can be read, else by their
 * checksums (block_scan.h). Each one is believed only as table_source believes
 * it; what it hides or lacks is told to the wreck.
 */
#ifndef BYRON_SALVAGE_TORN_TABLE_H
#define BYRON_SALVAGE_TORN_TABLE_H

#include "entry/entry.h"
#include "entry/range_list.h"
#include "salvage/wreck.h"
#include "sstable/block.h"
#include "sstable/table_source.h"

struct block_place {
    uint64_t offset;
    uint32_t disk_size;
};

/* On an entry while it is valid; its fields are lent until it moves. */
struct torn_table {
    bool valid;
    enum entry_kind kind;
    uint64_t sequence;
    struct slice key;
    struct range_list ranges; /* Its range deletes, as far as known. */

    /* Private. */
    struct wreck *wreck;
    struct table_source source;
    uint64_t size;
    bool is_indexed;            /* The index told of all blocks. */
    struct block_place *places; /* Of the data blocks that may matter. */
    size_t place_count, place_capacity, next_place;
    struct block block;
    uint32_t at;
    bool has_block;
    bool has_last;
    struct buf disk, room, key_bytes, last_key;
    uint64_t last_sequence;
    struct buf value_disk, value_room;
    struct buf ranges_disk, ranges_room;
};

/* uid: as the manifest knows it; 0: not known. Before the first entry. A file
 * of which nothing can be read is an empty table. */
BYRON_MUST_CHECK byron_status torn_table_open(struct wreck *wreck,
                                              uint64_t number, uint64_t uid,
                                              struct torn_table **out);
void torn_table_close(struct torn_table *table); /* NULL is fine. */
/* To the first, or the next entry that is wanted and can be read. */
BYRON_MUST_CHECK byron_status torn_table_next(struct torn_table *table);
/* Lends the raw value until the table moves. Damage is not told yet. */
BYRON_MUST_CHECK byron_status torn_table_value(struct torn_table *table,
                                               struct slice *out);

#endif
