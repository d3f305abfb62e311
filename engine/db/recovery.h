/*
 * recovery: the logs that are still needed -> memtables. Writes nothing.
 *
 * wal_chain: which WALs count, oldest first, and where each ends.
 * commit_chain: which commits of them count, seen from the host's.
 */
#ifndef BYRON_DB_RECOVERY_H
#define BYRON_DB_RECOVERY_H

#include "db/db.h"
#include "db/wal_record.h"

/* The database as its logs left it. Writes nothing. */
BYRON_MUST_CHECK byron_status db_recover(struct byron_db *db);

/* One WAL that counts. */
struct chain_wal {
    uint64_t number;
    uint64_t end_at; /* Where its successor says that it ends. */
    uint64_t end;    /* Where its last whole record ended. */
    uint64_t tip;    /* From its header. */
    uint64_t alias;
};

/* One commit record of them. */
struct chain_commit {
    uint64_t id;
    uint64_t previous;
    uint64_t sequence;
    enum record_type type;
    bool is_aborted;
    bool is_chosen; /* On the way back from the host's commit. */
};

struct chain {
    struct chain_wal *wals; /* Oldest first. */
    size_t wal_count;
    struct chain_commit *commits; /* In the order of the logs. */
    size_t count, capacity;
    size_t logged;        /* So many of them are in the logs, */
    struct slice carried; /* the others are these; lent from the options. */
    bool has_target;
    uint64_t target; /* The newest commit that the host vouches for. */
    uint64_t alias;  /* What the host calls it, if not that; or 0. */
};

void chain_deinit(struct chain *chain);
/* Reads the headers of numbers (ascending, all WALs at or above the floor) and
 * follows the newest one's predecessors. */
BYRON_MUST_CHECK byron_status chain_find_wals(struct byron_db *db,
                                              const uint64_t *numbers,
                                              size_t count,
                                              struct chain *chain);
/* Reads the commits, without their entries; cuts the chain where a WAL that
 * was never synced is shorter than its successor says. */
BYRON_MUST_CHECK byron_status chain_read_commits(struct byron_db *db,
                                                 struct chain *chain);
/* Finds the target from the host's point and marks what leads to it. */
BYRON_MUST_CHECK byron_status chain_choose(struct byron_db *db,
                                           struct chain *chain);
/* Whether the commit at index follows tip and counts. is_past: the target was
 * reached, or there is none. */
bool chain_counts(const struct chain *chain, size_t index, uint64_t tip,
                  bool is_past);

#endif
