/*
 * txn: struct byron_txn, shared by the files that write one: txn.c (reads and
 * writes), spill.c (larger than memory), commit.c (prepare and publish).
 */
#ifndef BYRON_DB_TXN_H
#define BYRON_DB_TXN_H

#include "db/batch.h"
#include "db/db.h"
#include "db/snapshot.h"
#include "merge/cover_iter.h"
#include "merge/live_iter.h"
#include "merge/merge_iter.h"

/* What prepare made ready and publish uses. All zero: not prepared. */
struct prepared {
    bool is_ready;
    bool is_recorded;  /* The WAL has it, ready or not. */
    bool is_spilled;   /* As tables, even if none was left to write. */
    uint64_t position; /* Of the last write inside. */
    uint64_t id;
    uint64_t sequence;
    unsigned flags;
    struct byron_commit_point point;
    struct iter *live; /* Plain: the entries, to be added to the memtable. */
    struct memtable *staged; /* Plain: where range deletes wait; a reference. */
    /* Spilled: the next read state and its parts. */
    struct version_edit edit;
    struct run run; /* The finished tables; references. */
    struct memtable *memtable;
    struct read_state *state;   /* With room for all. */
    struct frozen *frozen_live; /* For the live memtable. */
    struct frozen *frozen_run;
    struct log_writer *wal;
    uint64_t wal_number;
};

struct byron_txn {
    struct byron_db *db;
    byron_snapshot *snapshot;
    struct memtable *writes; /* Positions for sequences. NULL: a batch's. */
    const struct batch *batch;
    uint64_t position;  /* Of the last write. */
    struct buf raw;     /* Of a timed value, to be written. */
    unsigned wal_flags; /* Of its record: what may be among the writes. */
    struct dead_spans dead;
    struct range_set ranges; /* Range deletes; positions for sequences. */
    struct run *spills;      /* Oldest first; owned, with the tables. */
    size_t spill_count, spill_capacity;
    bool has_log; /* From prepare on. */
    struct prepared prepared;
};

/* A transaction that has no writes but batch, which the commit needs; with NULL
 * byron_begin. */
BYRON_MUST_CHECK byron_status txn_begin(struct byron_db *db,
                                        uint32_t timeout_ms,
                                        const struct batch *batch,
                                        struct byron_txn **out);
/* Whoever else has the log lets go of it soon. */
void txn_take_log(struct byron_txn *txn);
void txn_give_log(struct byron_txn *txn); /* If it has it. */
/* Frees txn and what it holds, and gives the log and the token back. */
void txn_end(struct byron_txn *txn);
/* Its range deletes at or below limit that live; they may still die. */
struct seen_deletes txn_deletes(const struct byron_txn *txn, uint64_t limit);
/* All that live, added to out as of one commit; bounds are txn's. */
BYRON_MUST_CHECK byron_status txn_take_deletes(const struct byron_txn *txn,
                                               uint64_t sequence,
                                               struct range_deletes *out);
/* The writes that live, at or below limit, as one iterator. */
BYRON_MUST_CHECK byron_status txn_iter_new(struct byron_txn *txn,
                                           uint64_t limit, struct iter **out);

/* --- spill.c --- */
/* Moves writes to table files and starts an empty memtable. */
BYRON_MUST_CHECK byron_status txn_spill(struct byron_txn *txn);
/* The newest live spilled version of key; BYRON_NOT_FOUND. */
BYRON_MUST_CHECK byron_status txn_spill_get(struct byron_txn *txn,
                                            struct slice key,
                                            struct table_found *out);
/* All writes as finished tables, listed in prepared.edit and prepared.run. */
BYRON_MUST_CHECK byron_status txn_spill_finish(struct byron_txn *txn);
/* The files go with the last reference. */
void txn_spill_discard(struct run *run);

/* --- commit.c --- */
/* Forgets what prepare made. */
void txn_unprepare(struct byron_txn *txn);

#endif
