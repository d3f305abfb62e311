/*
 * carry: small commits that the host's row carries besides its commit point,
 * so that the host's own sync makes row and commit durable together.
 *
 * bytes  = checksum(u64) tip(u64) size(u32) record*
 * record = size(u32) sequence(u64) payload
 *
 * checksum is of all behind it, with the store's id; tip is the commit that
 * the row names; size is that of all records. A record is a PREPARE of the log
 * (db/wal_record.h). The first follows a commit that was durable in the store,
 * each other one the record before it. Bytes: docs/wal-format.md.
 */
#ifndef BYRON_DB_CARRY_H
#define BYRON_DB_CARRY_H

#include "base/buf.h"
#include "base/error.h"
#include "log/log_reader.h"

#define CARRY_HEAD        20 /* Bytes before the records. */
#define CARRY_RECORD_HEAD 12 /* Bytes of a record before its payload. */

/* All zero: nothing is carried. */
struct carry {
    struct buf bytes; /* Head and records; may be empty. */
    uint64_t last;    /* The newest commit among them; 0 = none. */
};

void carry_deinit(struct carry *carry);
/* Nothing is carried from now on. */
void carry_clear(struct carry *carry);
static inline bool carry_is_empty(const struct carry *carry)
{
    return carry->last == 0;
}
/* to becomes what from is. */
BYRON_MUST_CHECK byron_status carry_copy(const struct carry *from,
                                         struct carry *to);
/* Whether a record of so many bytes still finds room in so many. */
bool carry_has_room(const struct carry *carry, size_t payload_size,
                    size_t room);
/* Behind the others. */
BYRON_MUST_CHECK byron_status carry_add(struct carry *carry, uint64_t id,
                                        uint64_t sequence,
                                        struct slice payload);
/* Finishes the head for a row that names tip. Requires: not empty. */
void carry_seal(struct carry *carry, const uint8_t store_id[16], uint64_t tip);

/* What a row that names tip carries: *records is lent, empty where nothing is
 * carried. BYRON_CORRUPT names path. */
BYRON_MUST_CHECK byron_status carry_open(struct slice bytes,
                                         const uint8_t store_id[16],
                                         uint64_t tip, const char *path,
                                         struct slice *records);
/* Takes the next record off records, which must not be empty. */
BYRON_MUST_CHECK byron_status carry_next(struct slice *records,
                                         const char *path,
                                         struct log_record *out);

#endif
