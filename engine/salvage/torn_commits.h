/*
 * torn_commits: the commits of all logs that can be read, and which of them
 * count.
 *
 * Where the host says what it committed, what its newest commit follows is the
 * truth, as in recovery. Before a gap in that chain, and without a host, a
 * prepared record counts if another record, a log or the host names it, or if
 * the sequences prove it; and none counts whose sequence was used again.
 */
#ifndef BYRON_SALVAGE_TORN_COMMITS_H
#define BYRON_SALVAGE_TORN_COMMITS_H

#include "db/wal_record.h"
#include "memtable/memtable.h"
#include "salvage/torn_log.h"

struct torn_commit {
    uint64_t id;
    uint64_t previous;
    uint64_t sequence;
    uint64_t offset; /* In its log, or among the carried ones. */
    size_t log;      /* Index; TORN_CARRIED. */
    bool is_batch, is_spilled;
    bool is_aborted;
    bool is_named; /* Something that was made later stands on it. */
    bool counts;
};
#define TORN_CARRIED SIZE_MAX

/* A table that a commit larger than memory made. */
struct torn_spilled {
    uint64_t number;
    uint64_t uid;
    bool counts;
};

struct torn_commits {
    struct wreck *wreck;
    struct torn_log **logs; /* Ascending by the number of their headers. */
    size_t log_count;
    struct torn_commit *commits; /* By id, once they are read. */
    size_t count, capacity;
    struct slice carried;         /* Records; lent by the caller. */
    struct torn_spilled *spilled; /* After torn_commits_load. */
    size_t spilled_count, spilled_capacity;
    bool has_gap; /* A log that another names is missing. */
};

/* What the tables are known to hold. */
struct torn_base {
    uint64_t wal_floor;
    uint64_t last_sequence;
    uint64_t tip, alias;
};

/* commits is all zero before. Reads the WALs of these names; those that are
 * older than the floor are let alone. */
BYRON_MUST_CHECK byron_status torn_commits_read(struct torn_commits *commits,
                                                struct wreck *wreck,
                                                const uint64_t *numbers,
                                                size_t count,
                                                const struct torn_base *base);
/* What the host's row carries. */
BYRON_MUST_CHECK byron_status torn_commits_carry(struct torn_commits *commits,
                                                 struct slice bytes,
                                                 const uint8_t store_id[16],
                                                 uint64_t tip);
/* point NULL: there is no host that would know. */
void torn_commits_choose(struct torn_commits *commits,
                         const struct byron_commit_point *point,
                         const struct torn_base *base);
/* Adds what counts and is wanted to memtable; counts the others. */
BYRON_MUST_CHECK byron_status torn_commits_load(struct torn_commits *commits,
                                                struct memtable *memtable);
void torn_commits_deinit(struct torn_commits *commits);

#endif
