/*
 * db: struct byron_db, with the lock that each field needs.
 *
 * Locks, taken in this order: the writer token, the log, work_mutex, mutex.
 * Only this folder decides when things happen; the layers below answer what.
 */
#ifndef BYRON_DB_DB_H
#define BYRON_DB_DB_H

#include "base/try.h"
#include "base/thread.h"
#include "compaction/job.h"
#include "db/carry.h"
#include "db/commit_ring.h"
#include "db/group.h"
#include "db/read_state.h"
#include "entry/timed.h"
#include "log/log_writer.h"

/* Frozen memtables that may wait for their flush. */
#define MAX_FROZEN 2

/* A file that no version needs, nor, once the floor is above wal, recovery;
 * recovery never did if wal is 0. */
struct orphan {
    enum file_kind kind;
    uint64_t number;
    uint64_t wal;
};

/* Pace of writers under compaction debt. Needs mutex; to see whether there is a
 * rate needs none. */
struct pace {
    _Atomic uint64_t rate; /* Bytes per second that commits may bring; 0 = as
                              many as they like. */
    uint64_t next_us;      /* Before this moment no commit may start. */
    double pressure;       /* 0 = free, 1 = at the limit; as last measured. */
    uint64_t window_us;    /* Start of the window that measures the intake. */
    uint64_t window_bytes;
    uint64_t intake; /* Bytes per second, as last measured. */
};

/* Options that can change while the store is open. Each is read by itself. */
struct tuning {
    _Atomic uint64_t memory;
    _Atomic uint64_t memtable;
    _Atomic uint64_t file_size;
    _Atomic uint32_t fanout;
    _Atomic uint32_t block_size;
    _Atomic uint32_t bloom_bits;
    _Atomic int compression;
    _Atomic int hash_index;
    atomic_bool is_cache_fixed; /* Memtables do not take from it. */
};

/* No number of bytes that memtables can have taken. */
#define DB_SHARED_UNKNOWN (UINT64_MAX / 2)

struct byron_db {
    /* Set at open, then constant. */
    struct byron_os *os;
    struct store_clock clock; /* Any thread may look. */
    struct os_dir *dir;
    struct byron_options options; /* Derived, as opened; see tuning. */
    struct block_cache *cache;
    struct file_pool *pool;
    struct table_env env;
    bool is_read_only;

    struct tuning tuning;      /* Any thread may look. */
    struct mutex tuning_mutex; /* One changes it at a time; taken before all. */
    struct thread thread;      /* Needs tuning_mutex. */
    atomic_bool has_thread;    /* Written with both mutexes. */

    /* The writer token: whoever set token_taken is the writer. */
    struct condition token_free; /* With mutex. */
    bool token_taken;            /* Needs mutex. */

    /* The log: whoever set log_taken may write to it, and replace it. A writer
     * has it from prepare to its end. */
    struct condition log_free; /* With mutex. */
    bool log_taken;            /* Needs mutex. */

    /* Need the log. */
    struct memtable *live;  /* The read state's; it holds the reference. */
    struct log_writer *wal; /* NULL before the first write. */
    uint64_t wal_number;    /* Of wal, or the last of recovery; 0 = none. */
    uint64_t wal_end;       /* Its end, while wal is NULL. */
    uint64_t wal_ordinal;   /* Prepares in wal so far. */
    bool is_log_doubtful;   /* Recovered logs may not be what the disk has. */
    bool has_unlogged;      /* Commits were recovered that only the host's row
                               holds: they have to be in tables before it changes. */
    struct carry carried;   /* By the host's row, of the newest commit. */
    struct carry carrying;  /* By the row that is being prepared. */
    struct buf payload;     /* Of the WAL record being written. */
    struct buf places;      /* Of the batch that is being committed. */
    uint64_t abort_id;      /* A batch to take back before the next record. */
    uint64_t abort_sequence;
    uint64_t given_up_wal; /* Of the last commit that was prepared and given
                              up since one was published; 0 = none. */

    /* Work: one flush or compaction step at a time. */
    struct mutex work_mutex;
    struct job *flush;         /* Needs work_mutex. A flush under way. */
    struct job *job;           /* Needs work_mutex. A compaction under way. */
    bool is_job_manual;        /* Needs work_mutex. It was asked for. */
    uint64_t job_bytes_seen;   /* Needs work_mutex. Counted in statistics. */
    struct manifest *manifest; /* Needs work_mutex. */
    struct store_state state;  /* Writes need both mutexes; reads, one. */
    struct orphan *orphans;    /* Needs work_mutex. To delete. */
    size_t orphan_count, orphan_capacity;
    bool has_appended; /* Needs work_mutex. The manifest knows
                          next_number: orphans may go. */

    struct group group; /* Who wants to write durably. Its own mutex. */
    struct mutex mutex;
    struct condition changed;      /* Work was done, or is due. With mutex. */
    struct read_state *read_state; /* Needs mutex; the object is shared. */
    struct commit_ring ring;       /* Needs mutex. */
    uint64_t next_number;          /* Needs mutex. Files so far. */
    uint64_t number_at_open;       /* That, after recovery. */
    uint64_t next_run;             /* Needs mutex. */
    uint64_t last_sequence;        /* Needs mutex. Published. */
    uint64_t window; /* Needs mutex. No job kept what only older readers saw. */
    uint64_t shared; /* Needs mutex. Memtable bytes taken from the cache. */
    struct byron_commit_point point; /* Of the newest commit. Needs the log;
                                        written with mutex. */
    uint64_t prepared_id;            /* Needs mutex. Not yet published; or 0. */
    uint64_t *wals;                  /* Needs mutex. Those that exist. */
    size_t wal_count, wal_capacity;
    _Atomic byron_status wal_fatal; /* Written with mutex. A sync failed: no
                                       commit until reopened. */
    struct byron_error wal_error;   /* Needs mutex. */
    uint64_t told_wal;     /* Needs mutex. The newest made since open, or 0, */
    uint64_t told_end;     /* and where its last published commit ends. */
    uint64_t host_commits; /* Needs mutex. Those that the host, not we, made
                              since open, and those found in the logs. */
    uint64_t host_synced;  /* Needs mutex. So many when it last synced. */
    bool is_host_doubtful; /* Needs mutex. It failed to: what it has on the disk
                              is not known until reopened. */
    bool stop;             /* Needs mutex. */
    bool work_due;         /* Needs mutex. Maybe: work will look. */
    bool is_working;       /* Needs mutex. A unit of work is being done. */
    bool compact_taken;    /* Needs mutex. Somebody is in byron_compact. */
    bool has_compact;      /* Needs mutex. A manual compaction. */
    struct buf compact_lower, compact_upper;
    bool compact_has_lower, compact_has_upper;
    byron_status compact_status;
    struct byron_error compact_error;
    byron_status work_status; /* Needs mutex. Of the last flush; OK = fine. */
    struct byron_error work_error; /* Needs mutex. The last that failed. */
    uint64_t failures; /* Needs mutex. Attempts at work that failed. */
    uint64_t demands;  /* Needs mutex. For a new one, whatever the last said. */
    bool is_work_over; /* Needs mutex. What the disk has is in doubt: nothing is
                          flushed or compacted until reopened. */
    uint64_t retry_us; /* Needs mutex. No work before, after a failure. */
    uint64_t flushed_us; /* Needs mutex. When level 0 last got a run. */
    uint64_t quiet_us;   /* Needs mutex. No work for want of writers before. */
    size_t settlers;     /* Needs mutex. Calls that wait for all that is due. */
    struct pace pace;
    uint64_t open_snapshots;          /* Needs mutex. Some may be idle. */
    byron_snapshot *spare_snapshot;   /* Needs mutex. Memory of one closed. */
    struct idle_shelf idle_snapshots; /* Of the newest commit. */
    atomic_uint_least64_t age; /* Goes up when that, or the state, changes. */
    uint64_t open_txns;        /* Needs mutex. */
    struct byron_stats stats;  /* Needs mutex. The counters among them, */
    atomic_uint_least64_t wal_bytes_written; /* but this one. */
};

/*
 * Bytes that a memtable stands for, nodes included. Not its footprint: that
 * counts the room reserved ahead, which would fill a tiny memtable at once.
 */
static inline uint64_t db_memtable_size(const struct memtable *memtable)
{
    return memtable_data_bytes(memtable) + 64 * memtable_count(memtable);
}

#endif
