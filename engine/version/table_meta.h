/*
 * table_meta: one SSTable as a version knows it.
 *
 * Counted and, but for its lazily opened reader, immutable. When the last
 * reference goes and the table was marked obsolete, its number is put on the
 * environment's list of the dead, for the database to delete the file.
 */
#ifndef BYRON_VERSION_TABLE_META_H
#define BYRON_VERSION_TABLE_META_H

#include <stdatomic.h>

#include "base/thread.h"
#include "sstable/table_reader.h"

/* What all tables of a store share. */
struct table_env {
    struct file_pool *pool;    /* Borrowed. */
    struct block_cache *cache; /* Borrowed. */
    struct mutex mutex;        /* For the dead, and for opening readers. */
    uint64_t *dead;            /* Numbers of files to delete; owned. */
    size_t dead_count;
    size_t dead_capacity; /* Room for every table that lives: dying is safe. */
    size_t live_count;
};
void table_env_init(struct table_env *env, struct file_pool *pool,
                    struct block_cache *cache);
void table_env_deinit(struct table_env *env); /* Requires: no table lives. */
/* Moves up to max dead numbers to numbers; returns how many. */
size_t table_env_bury(struct table_env *env, uint64_t *numbers, size_t max);

struct table_meta {
    struct table_env *env;
    atomic_uint refs;
    uint64_t number;
    struct table_facts facts; /* Owned. */
    uint64_t created_s;       /* Wall clock; for the age trigger and stats. */
    _Atomic(struct table_reader *) reader; /* NULL until first needed. */
    atomic_bool is_obsolete;
    atomic_bool is_corrupt; /* Found damaged: never compact, never delete. */
};

/* Takes the buffers of facts (even on failure; facts is zeroed). */
BYRON_MUST_CHECK byron_status table_meta_new(struct table_env *env,
                                             uint64_t number,
                                             struct table_facts *facts,
                                             uint64_t created_s,
                                             struct table_meta **out);
struct table_meta *table_meta_ref(struct table_meta *meta);
void table_meta_unref(struct table_meta *meta); /* NULL is fine. */
/* Lends the reader, opened on first use; marks is_corrupt where that fails
 * with BYRON_CORRUPT or BYRON_MISSING. */
BYRON_MUST_CHECK byron_status table_meta_reader(struct table_meta *meta,
                                                struct table_reader **out);
/* Passes on the status of a read of the table; CORRUPT marks it corrupt. */
static inline byron_status table_meta_judge(struct table_meta *meta,
                                            byron_status status)
{
    if (status == BYRON_CORRUPT)
        atomic_store(&meta->is_corrupt, true);
    return status;
}
static inline struct slice table_meta_smallest(const struct table_meta *meta)
{
    return buf_slice(&meta->facts.smallest);
}
/* Not in the table itself where facts.is_open. */
static inline struct slice table_meta_largest(const struct table_meta *meta)
{
    return buf_slice(&meta->facts.largest);
}
/* Whether all of meta's keys are below key. */
static inline bool table_meta_ends_before(const struct table_meta *meta,
                                          struct slice key)
{
    return slice_compare(table_meta_largest(meta), key) <
           (int)meta->facts.is_open;
}

#endif
