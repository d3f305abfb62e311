/*
 * table_index: from a key to the data block that may hold it.
 *
 * The top block stays pinned as long as the table is open (it is one block of
 * a few kilobytes at most, but for huge tables); the lower level, where there
 * is one, comes through the cache and is kept where that has room.
 */
#ifndef BYRON_SSTABLE_TABLE_INDEX_H
#define BYRON_SSTABLE_TABLE_INDEX_H

#include "sstable/block.h"
#include "sstable/kept_blocks.h"

struct table_index {
    const struct table_source *source; /* Borrowed. */
    struct cached_block *pin;
    struct block top;
    uint32_t levels; /* 1 or 2 */
    struct kept_blocks leaves;
};

BYRON_MUST_CHECK byron_status
table_index_open(struct table_index *index, const struct table_source *source,
                 const struct table_section *top, uint32_t levels);
void table_index_close(struct table_index *index); /* All zero is fine. */
/* The data block that holds the first entry at or after (key, sequence), if
 * it holds key at all. *found is false where all entries come before. */
BYRON_MUST_CHECK byron_status table_index_find(const struct table_index *index,
                                               struct slice key,
                                               uint64_t sequence,
                                               struct index_value *out,
                                               bool *found);

/*
 * A place in the index: one data block. Steps over index blocks. Where it is
 * bulk it leaves the cache alone.
 */
struct index_cursor {
    const struct table_index *index; /* Borrowed. */
    bool is_bulk;
    bool valid;
    uint32_t top_at;
    uint32_t at;       /* In the leaf; with one level, the top is the leaf. */
    uint32_t asked;    /* Leaves before this one were prefetched. */
    struct block leaf; /* A view of one of the three below, or of the top. */
    bool has_leaf;
    uint64_t leaf_offset;
    struct cached_block *pin;
    struct buf disk;
    struct buf room;
};

void index_cursor_init(struct index_cursor *cursor,
                       const struct table_index *index, bool is_bulk);
/* Makes it one over another index, as if it were new. */
void index_cursor_switch(struct index_cursor *cursor,
                         const struct table_index *index);
void index_cursor_deinit(struct index_cursor *cursor);
/* To the first block whose separator is at or after (key, sequence). */
BYRON_MUST_CHECK byron_status index_cursor_seek(struct index_cursor *cursor,
                                                struct slice key,
                                                uint64_t sequence);
BYRON_MUST_CHECK byron_status index_cursor_first(struct index_cursor *cursor);
BYRON_MUST_CHECK byron_status index_cursor_last(struct index_cursor *cursor);
/* Require: valid. */
BYRON_MUST_CHECK byron_status index_cursor_next(struct index_cursor *cursor);
BYRON_MUST_CHECK byron_status index_cursor_prev(struct index_cursor *cursor);
/* What the index says of this block. Requires: valid. */
void index_cursor_value(const struct index_cursor *cursor,
                        struct index_value *out);

#endif
