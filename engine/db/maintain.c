#include "base/patience.h"
#include "compaction/overlap.h"
#include "db/db_state.h"
#include "db/wait.h"
#include "db/wal.h"
#include "db/work.h"
#include "memtable/memtable_iter.h"
#include "sstable/file_pool.h"

static bool is_flushed(const struct byron_db *db)
{
    return db->read_state->frozen_count == 0;
}

/* For one more frozen memtable. */
static bool has_room(const struct byron_db *db)
{
    return db->read_state->frozen_count < MAX_FROZEN;
}

static bool is_compacted(const struct byron_db *db)
{
    return !db->has_compact;
}

static bool is_settled(const struct byron_db *db)
{
    return !db->work_due && !db->is_working &&
           db->read_state->frozen_count == 0;
}

/* Waits for one state of the database; works itself without a thread. */
static byron_status wait_until(struct byron_db *db,
                               bool (*is_done)(const struct byron_db *db),
                               const struct byron_patience *patience)
{
    byron_status status = BYRON_OK;
    bool is_flush = is_done == is_flushed || is_done == has_room;
    mutex_lock(&db->mutex);
    uint64_t failures = db->failures;
    while (status == BYRON_OK && !is_done(db)) {
        bool has_failed =
            is_flush ? db->work_status != BYRON_OK : db->failures != failures;
        if (has_failed) {
            status = error_restore(&db->work_error);
        } else if (db->has_thread) {
            status = wait_for(db, &db->changed, patience);
        } else {
            bool did_some;
            mutex_unlock(&db->mutex);
            status = patience_ask(patience);
            if (status == BYRON_OK)
                status = db_work(db, (uint64_t)1 << 20, &did_some);
            mutex_lock(&db->mutex);
        }
    }
    mutex_unlock(&db->mutex);
    return status;
}

/* A new attempt: an error of the last one is no answer to this one. */
static void wake_work(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    db->work_status = BYRON_OK;
    db->demands++;
    db->retry_us = 0;
    db->work_due = true;
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
}

/* The log, and room to freeze the live memtable. */
static byron_status take_log(struct byron_db *db,
                             const struct byron_patience *patience)
{
    byron_status status;
    bool is_ready = false;
    while (!is_ready) {
        TRY(wait_until(db, has_room, patience));
        TRY(wait_take_log(db, patience));
        mutex_lock(&db->mutex);
        is_ready = has_room(db);
        mutex_unlock(&db->mutex);
        if (!is_ready)
            wait_give_log(db);
    }
out:
    return status;
}

/* Freezes what is in the live memtable. An open transaction has nothing there
 * before it is prepared. */
static byron_status freeze_live(struct byron_db *db,
                                const struct byron_patience *patience)
{
    byron_status status = take_log(db, patience);
    if (status != BYRON_OK)
        return status;
    if (memtable_count(db->live) > 0)
        status = db_switch(db);
    wait_give_log(db);
    return status;
}

static byron_status refuse_read_only(const struct byron_db *db)
{
    return error_set(BYRON_READ_ONLY, db->os->dir_path(db->dir),
                     BYRON_NO_OFFSET, 0, "the store is open for reading only");
}

byron_status byron_flush_within(byron_db *db,
                                const struct byron_patience *patience)
{
    byron_status status;
    if (db->is_read_only)
        return refuse_read_only(db);
    wake_work(db);
    TRY(freeze_live(db, patience));
    TRY(wait_until(db, is_flushed, patience));
out:
    return status;
}

byron_status byron_settle(byron_db *db)
{
    if (db->is_read_only)
        return BYRON_OK;
    mutex_lock(&db->mutex);
    db->settlers++;
    mutex_unlock(&db->mutex);
    wake_work(db);
    byron_status status = wait_until(db, is_settled, NULL);
    mutex_lock(&db->mutex);
    db->settlers--;
    mutex_unlock(&db->mutex);
    return status;
}

static byron_status take_compact(struct byron_db *db,
                                 const struct byron_patience *patience)
{
    uint64_t deadline_us = wait_deadline(db, patience);
    byron_status status = BYRON_OK;
    mutex_lock(&db->mutex);
    while (db->compact_taken && status == BYRON_OK)
        status = wait_for_others(db, &db->changed, patience, deadline_us,
                                 "another compact is running");
    if (status == BYRON_OK)
        db->compact_taken = true;
    mutex_unlock(&db->mutex);
    return status;
}

static void give_compact(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    db->compact_taken = false;
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
}

/* Needs both mutexes. */
static byron_status want_compact(struct byron_db *db,
                                 const struct byron_range *range)
{
    byron_status status;
    buf_clear(&db->compact_lower);
    buf_clear(&db->compact_upper);
    TRY(buf_add(&db->compact_lower, range->lower.data, range->lower.size));
    TRY(buf_add(&db->compact_upper, range->upper.data, range->upper.size));
    db->compact_has_lower = range->lower.data != NULL;
    db->compact_has_upper = range->upper.data != NULL;
    db->compact_status = BYRON_OK;
    db->has_compact = true;
    db->work_due = true;
    condition_wake_all(&db->changed);
out:
    return status;
}

static byron_status compact(struct byron_db *db,
                            const struct byron_range *range,
                            const struct byron_patience *patience)
{
    mutex_lock(&db->work_mutex);
    mutex_lock(&db->mutex);
    byron_status status = want_compact(db, range);
    mutex_unlock(&db->mutex);
    mutex_unlock(&db->work_mutex);
    if (status != BYRON_OK)
        return status;
    status = wait_until(db, is_compacted, patience);
    if (status == BYRON_INTERRUPTED)
        db_give_up_compact(db);
    mutex_lock(&db->mutex);
    if (status == BYRON_OK && db->compact_status != BYRON_OK)
        status = error_restore(&db->compact_error);
    mutex_unlock(&db->mutex);
    return status;
}

/* No job touches a table that is known to be damaged: what could not be done
 * must not pass for done. */
static byron_status tell_damaged(struct byron_db *db,
                                 const struct byron_range *range)
{
    byron_status status = BYRON_OK;
    mutex_lock(&db->mutex);
    struct read_state *state = read_state_ref(db->read_state);
    mutex_unlock(&db->mutex);
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < state->version->levels[l].count; r++) {
            const struct run *run = &state->version->levels[l].runs[r];
            size_t at, end;
            run_overlap(run, slice_from(range->lower), slice_from(range->upper),
                        &at, &end);
            for (; at < end && status == BYRON_OK; at++)
                if (table_is_corrupt(run->tables[at]))
                    status = file_pool_corrupt(
                        db->pool, run->tables[at]->number, BYRON_NO_OFFSET,
                        "a table is damaged, so it was not compacted");
        }
    read_state_unref(state);
    return status;
}

byron_status byron_compact_within(byron_db *db, const struct byron_range *range,
                                  const struct byron_patience *patience)
{
    static const struct byron_range all;
    byron_status status;
    TRY(byron_flush_within(db, patience));
    TRY(take_compact(db, patience));
    status = compact(db, range ? range : &all, patience);
    give_compact(db);
    if (status == BYRON_OK)
        status = tell_damaged(db, range ? range : &all);
out:
    return status;
}

static void count_host_commit(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    db->host_commits++;
    mutex_unlock(&db->mutex);
}

/* The newest log that a commit so far is from. Where the host's row alone had
 * the last ones, that log may be none of those that were recovered. */
static uint64_t newest_wal(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    uint64_t wal = commit_ring_newest(&db->ring)->id >> 32;
    mutex_unlock(&db->mutex);
    return wal > db->wal_number ? wal : db->wal_number;
}

byron_status byron_drop(byron_db *db, const struct byron_range *range)
{
    byron_status status;
    struct version_edit edit = {0};
    bool has_log = false;
    if (db->is_read_only)
        return refuse_read_only(db);
    if (!range->upper.data)
        return error_set(BYRON_MISUSE, db->os->dir_path(db->dir),
                         BYRON_NO_OFFSET, 0,
                         "a range to drop needs an upper bound");
    TRY(wait_take_log(db, NULL));
    has_log = true;
    TRY(version_edit_drop(&edit, newest_wal(db), slice_from(range->lower),
                          slice_from(range->upper)));
    mutex_lock(&db->work_mutex);
    /* That the range is gone is itself what the host has committed. */
    count_host_commit(db);
    status = db_barrier(db);
    if (status == BYRON_OK)
        status = db_install(db, &edit, 0);
    mutex_unlock(&db->work_mutex);
    if (status == BYRON_OK)
        wake_work(db);
out:
    version_edit_deinit(&edit);
    if (has_log)
        wait_give_log(db);
    return status;
}

/* Whether range deletes leave the entry that iter stands on. */
static bool is_left(const struct iter *iter, const struct range_list *hidden)
{
    const struct range_piece *piece = range_list_find(hidden, iter->key);
    return !piece || piece->sequences[0] <= iter->sequence;
}

/* Live keys of a memtable in the range: exact if few, a guess otherwise. */
static byron_status estimate_memtable(struct memtable *memtable,
                                      struct slice lower, struct slice upper,
                                      const struct range_list *hidden,
                                      uint64_t *rows)
{
    enum { ENOUGH = 64 };
    byron_status status;
    bool is_more = false;
    struct iter *iter;
    uint64_t count = 0;
    uint64_t steps = 0;
    TRY(memtable_iter_new(memtable, &iter));
    status =
        lower.data ? iter_seek(iter, lower, SEQUENCE_MAX) : iter_first(iter);
    for (; status == BYRON_OK && iter->valid; status = iter_next(iter)) {
        if (upper.data && slice_compare(iter->key, upper) >= 0)
            break;
        is_more = steps == ENOUGH;
        if (is_more)
            break;
        count += iter->kind != ENTRY_DELETE && is_left(iter, hidden);
        steps++;
    }
    /* As many of the rest live as of these. */
    if (is_more)
        count += memtable_iter_left(iter, upper) * count / ENOUGH;
    *rows += count;
    iter_free(iter);
out:
    return status;
}

byron_status byron_estimate(byron_db *db, const struct byron_range *range,
                            uint64_t *rows, uint64_t *bytes)
{
    byron_status status;
    struct slice lower = slice_from(range->lower);
    struct slice upper = slice_from(range->upper);
    mutex_lock(&db->mutex);
    struct read_state *state = read_state_ref(db->read_state);
    uint64_t sequence = db->last_sequence;
    mutex_unlock(&db->mutex);
    struct range_deletes deletes = {0};
    struct range_list hidden = {0};
    *rows = 0;
    *bytes = 0;
    TRY(read_state_collect_ranges(state, lower, upper, sequence, &deletes));
    TRY(range_list_build(&hidden, &deletes));
    TRY(version_estimate(state->version, lower, upper,
                         hidden.count ? &hidden : NULL, rows, bytes));
    TRY(estimate_memtable(state->live, lower, upper, &hidden, rows));
    for (size_t i = 0; i < state->frozen_count; i++) {
        const struct frozen *frozen = state->frozen[i];
        if (frozen->memtable)
            TRY(estimate_memtable(frozen->memtable, lower, upper, &hidden,
                                  rows));
        if (frozen->run.count > 0)
            TRY(run_estimate(&frozen->run, lower, upper,
                             hidden.count ? &hidden : NULL, rows, bytes));
    }
out:
    range_list_deinit(&hidden);
    range_deletes_deinit(&deletes);
    read_state_unref(state);
    return status;
}
