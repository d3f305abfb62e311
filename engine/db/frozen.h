/*
 * frozen: what waits to enter the version, a full memtable or the tables of a
 * transaction that was larger than memory. Counted; immutable, but for the
 * WAL, which the writer may still have to sync.
 */
#ifndef BYRON_DB_FROZEN_H
#define BYRON_DB_FROZEN_H

#include "log/log_writer.h"
#include "memtable/memtable.h"
#include "version/run_iter.h"

struct frozen {
    atomic_uint refs;
    struct memtable *memtable; /* NULL: tables. */
    struct run run;            /* The tables, if memtable is NULL. */
    struct log_writer *wal;    /* Of the memtable; NULL if recovered. The
                                  writer's to sync. */
    uint64_t wal_floor;        /* WALs below are not needed once it is in. */
    uint64_t last_sequence;    /* Of the newest commit in it. */
    uint64_t tip;
    uint64_t alias;
};

struct frozen *frozen_ref(struct frozen *frozen);
void frozen_unref(struct frozen *frozen); /* NULL is fine. Closes the WAL. */
/* Takes memtable's reference and wal; even on failure. */
BYRON_MUST_CHECK byron_status frozen_new(struct memtable *memtable,
                                         struct log_writer *wal,
                                         struct frozen **out);

#endif
