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

/* What prepare made ready and publish uses. No id: not prepared, all zero. */
struct prepared {
    bool is_ready;
    bool is_recorded;  /* The WAL has it, ready or not. */
    bool is_spilled;   /* As tables, even if none was left to write. */
    uint64_t position; /* Of the last write inside. */
    uint64_t id;
    uint64_t sequence;
    unsigned flags;
    size_t room;      /* For commits that the host's row carries. */
    bool is_log_safe; /* All before it was on the disk. */
    bool is_synced;   /* So is its own record. */
    struct byron_commit_point point;
    struct iter *live; /* Plain: the entries, to be added to the memtable. */
    struct memtable *staged; /* Plain: where range deletes wait; a reference. */
    /* Spilled: the next read state and its parts. */
    struct version_edit edit;
    struct run run; /* The finished tables; references. The first so many */
    size_t adopted; /* are spilled ones that stay as they are. */
    struct memtable *memtable;
    struct read_state *state;   /* With room for all. */
    struct frozen *frozen_live; /* For the live memtable. */
    struct frozen *frozen_run;
    struct log_writer *wal;
    uint64_t wal_number;
};

/*
 * Writes that left memory, with what rollbacks kill of them later. Either one
 * table of entries that ascend in the order in which they were written: as the
 * commit needs it, and positions are counted. Or tables whose entries have
 * positions for sequences, gone when the transaction ends.
 */
struct spill {
    struct table_meta *final; /* NULL: the run. */
    uint64_t after;           /* Its positions are (after, up_to]. */
    uint64_t up_to;
    bool is_adopted; /* By what finish made. */
    uint64_t wal;    /* A record there that is no commit names it; or 0. */
    struct run run;
};

struct byron_txn {
    struct byron_db *db;
    struct commit base;       /* That it builds on. */
    byron_snapshot *snapshot; /* Of base. NULL: a batch's. */
    struct memtable *writes;  /* Positions for sequences. NULL: a batch's. */
    const struct batch *batch;
    uint64_t position;  /* Of the last write. */
    struct buf raw;     /* Of a timed value, to be written. */
    unsigned wal_flags; /* Of its record: what may be among the writes. */
    struct dead_spans dead;
    struct range_set ranges; /* Range deletes; positions for sequences. */
    struct spill *spills;    /* Oldest first; owned, with the tables. */
    size_t spill_count, spill_capacity;
    uint64_t spilled;  /* The position of the last spilled write. */
    bool is_unordered; /* What is spilled now has to be written again. */
    bool fills_up;     /* What is in memory is: it stays until that is full. */
    bool has_token;    /* Until it is published. */
    bool has_log;      /* From prepare to then; a batch's from the start. */
    struct prepared prepared;
};

/* A transaction that has no writes but batch, which the commit needs, in memory
 * of the caller's; it has the log at once. */
BYRON_MUST_CHECK byron_status txn_begin_batch(struct byron_db *db,
                                              const struct batch *batch,
                                              struct byron_txn *out);
/* Whoever else has the log lets go of it soon. Also finds room for the commit
 * among those of late. */
BYRON_MUST_CHECK byron_status txn_take_log(struct byron_txn *txn);
void txn_give_log(struct byron_txn *txn); /* If it has it. */
/* Gives the token back, and the log. Needs mutex. leaves_files: there is
 * something for db_collect. */
void txn_give_all(struct byron_txn *txn, bool leaves_files);
/* Gives back what it still has, and frees what it holds, and txn unless it is a
 * batch's. */
void txn_end(struct byron_txn *txn);
/* Its range deletes at or below limit that live; they may still die. */
struct seen_deletes txn_deletes(const struct byron_txn *txn, uint64_t limit);
/* All that live, added to out as of one commit; bounds are txn's. */
BYRON_MUST_CHECK byron_status txn_take_deletes(const struct byron_txn *txn,
                                               uint64_t sequence,
                                               struct range_deletes *out);
/* That of its commit: nobody else commits meanwhile. */
static inline uint64_t txn_sequence(const struct byron_txn *txn)
{
    return txn->base.sequence + 1;
}
/* The writes that live, at or below limit, as one iterator. */
BYRON_MUST_CHECK byron_status txn_iter_new(struct byron_txn *txn,
                                           uint64_t limit, struct iter **out);

/* --- commit.c --- */
/* Forgets what prepare made. */
void txn_unprepare(struct byron_txn *txn);

#endif
