/*
 * version_edit: a change between two states of the store, and its bytes.
 *
 * Bytes: docs/manifest-format.md.
 */
#ifndef BYRON_VERSION_VERSION_EDIT_H
#define BYRON_VERSION_VERSION_EDIT_H

#include "base/buf.h"
#include "sstable/table.h"

struct table_meta;

struct edit_add {
    uint32_t level;
    uint64_t run; /* Id. In levels below 0: 0. */
    uint64_t number;
    uint64_t created_s;
    struct table_facts facts; /* Owned. */
    struct table_meta *meta;  /* Borrowed, where there is one already; not
                                 encoded. NULL: version_apply makes it. */
};

/* A range that nobody reads or writes any more. */
struct drop_range {
    uint64_t wal;     /* The WAL that was open then: entries of it or before
                         may still turn up. */
    struct buf lower; /* Owned; inclusive. */
    struct buf upper; /* Owned; exclusive; empty: no upper bound. */
};

/* All zero is an edit that changes nothing. Moving a table to another level
 * is a remove and an add of the same number. */
struct version_edit {
    struct edit_add *adds;
    size_t add_count, add_capacity;
    uint64_t *removes; /* Numbers. */
    size_t remove_count, remove_capacity;
    struct drop_range *drops;
    size_t drop_count, drop_capacity;
    uint64_t forget_drops;  /* Forget the oldest so many drops. */
    uint64_t wal_floor;     /* 0 = unchanged: WALs below are not needed. */
    uint64_t last_sequence; /* 0 = unchanged. */
    uint64_t next_number;   /* 0 = unchanged. */
    bool has_tip;
    uint64_t tip;   /* The newest commit inside the tables. */
    uint64_t alias; /* What the host calls it, or 0. */
};

void version_edit_deinit(struct version_edit *edit);
/* Takes the buffers of facts (even on failure; facts is zeroed). */
BYRON_MUST_CHECK byron_status version_edit_add(struct version_edit *edit,
                                               uint32_t level, uint64_t run,
                                               uint64_t number,
                                               uint64_t created_s,
                                               struct table_facts *facts);
BYRON_MUST_CHECK byron_status version_edit_remove(struct version_edit *edit,
                                                  uint64_t number);
/* Copies the bounds. */
BYRON_MUST_CHECK byron_status version_edit_drop(struct version_edit *edit,
                                                uint64_t wal,
                                                struct slice lower,
                                                struct slice upper);
/* Appends to out, never nothing. */
BYRON_MUST_CHECK byron_status
version_edit_encode(const struct version_edit *edit, struct buf *out);
/* BYRON_CORRUPT on malformed bytes, BYRON_NEWER_FORMAT on an unknown tag that
 * may not be skipped; path and offset are for the words. edit is all zero
 * before, and deinit-able after, even on failure. */
BYRON_MUST_CHECK byron_status version_edit_decode(struct slice bytes,
                                                  const char *path,
                                                  uint64_t offset,
                                                  struct version_edit *edit);

#endif
