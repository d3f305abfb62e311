/*
 * snapshot: a read state and a sequence: what a reader sees.
 */
#ifndef BYRON_DB_SNAPSHOT_H
#define BYRON_DB_SNAPSHOT_H

#include "db/db.h"
#include "entry/timed.h"

struct byron_snapshot {
    struct byron_db *db;
    struct read_state *state; /* A reference. */
    uint64_t sequence;
    uint64_t commit;
    struct moment moment; /* What has expired. */
};

/* value <- a put that was found; NOT_FOUND for a tombstone, and for what has
 * expired at moment. Takes found. */
BYRON_MUST_CHECK byron_status value_from(struct table_found *found,
                                         struct moment *moment,
                                         struct byron_value *out);
BYRON_MUST_CHECK byron_status snapshot_get(byron_snapshot *snapshot,
                                           struct slice key,
                                           struct byron_value *out);
/* Refuses what is beyond BYRON_MAX_KEY, in words. */
BYRON_MUST_CHECK byron_status check_key(struct byron_bytes key);

#endif
