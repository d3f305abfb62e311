/*
 * wal_record: the payload of a WAL record: one commit.
 *
 * payload = id(u64) previous(u64) flags(u8) body
 * body    = plain entries (entry/entry.h), ascending keys, behind the range
 *           deletes, where flags has RANGES; or, where flags has SPILLED, a
 *           version edit that adds the commit's tables
 * ranges  = count(varint) (lower(varint size, bytes) upper(likewise))*
 * An ABORT has only the id. Bytes: docs/wal-format.md.
 */
#ifndef BYRON_DB_WAL_RECORD_H
#define BYRON_DB_WAL_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "entry/range_list.h"
#include "log/log_reader.h"

#define WAL_SPILLED     1u
#define WAL_TIMED       2u /* There may be entries that expire. */
#define WAL_RANGES      4u /* The body begins with range deletes. */
#define WAL_RECORD_HEAD 17 /* Bytes before the body. */

struct wal_record {
    enum record_type type;
    uint64_t id;
    uint64_t previous;
    uint64_t sequence;
    bool is_spilled;
    bool has_ranges;
    struct slice body; /* Lent from the log record. */
};

/* Starts a payload in out, which is cleared first. */
BYRON_MUST_CHECK byron_status wal_record_begin(uint64_t id, uint64_t previous,
                                               unsigned flags, struct buf *out);
/* Appends range deletes of one commit, which ascend and do not overlap. */
BYRON_MUST_CHECK byron_status
wal_record_add_ranges(const struct range_deletes *deletes, struct buf *out);
/* Takes them off body, adds them to out under sequence; bounds are lent from
 * it. *is_sound is false where the bytes are malformed. */
BYRON_MUST_CHECK byron_status wal_record_read_ranges(struct slice *body,
                                                     uint64_t sequence,
                                                     struct range_deletes *out,
                                                     bool *is_sound);
/* BYRON_CORRUPT names path and the record's offset. */
BYRON_MUST_CHECK byron_status wal_record_decode(const struct log_record *record,
                                                const char *path,
                                                struct wal_record *out);

#endif
