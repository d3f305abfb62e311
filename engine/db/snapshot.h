/*
 * snapshot: a read state and a sequence: what a reader sees.
 */
#ifndef BYRON_DB_SNAPSHOT_H
#define BYRON_DB_SNAPSHOT_H

#include "db/db.h"
#include "entry/timed.h"

/*
 * One of the newest commit that is closed waits for whoever opens the next, who
 * then needs neither mutex nor reference. It holds nothing that the store does
 * not hold anyway: snapshots_renew, called whenever there is something newer,
 * frees what waits.
 */
struct byron_snapshot {
    struct idle idle; /* First. */
    struct byron_db *db;
    struct read_state *state; /* A reference. */
    uint64_t sequence;
    uint64_t commit;
    uint64_t age; /* The store's when it was of the newest commit; or 0. */
    struct moment moment; /* What has expired. */
};

/* What waits is no longer the newest, or the store is about to be closed, or
 * counts what is open. Needs mutex. */
void snapshots_renew(struct byron_db *db);
/* Of the newest commit. Needs mutex. */
BYRON_MUST_CHECK byron_status snapshot_open_newest(struct byron_db *db,
                                                   byron_snapshot **out);
/* byron_snapshot_close in two steps, for who takes the mutex anyway: if this
 * one, without it, says true, snapshot_forget is to follow. NULL is fine. */
bool snapshot_let_go(byron_snapshot *snapshot);
void snapshot_forget(byron_snapshot *snapshot); /* Needs mutex. */
/* value <- a put that was found; NOT_FOUND for a tombstone, and for what has
 * expired at moment. Takes found. out NULL: only that. */
BYRON_MUST_CHECK byron_status value_from(struct table_found *found,
                                         struct moment *moment,
                                         struct byron_value *out);
/* out NULL: whether it is there. */
BYRON_MUST_CHECK byron_status snapshot_get(byron_snapshot *snapshot,
                                           struct slice key,
                                           struct byron_value *out);
/* Refuses what is beyond BYRON_MAX_KEY, in words. */
BYRON_MUST_CHECK byron_status check_key(struct byron_bytes key);

#endif
