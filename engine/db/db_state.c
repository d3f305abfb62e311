#include "db/db_state.h"

#include <assert.h>

#include "base/alloc.h"
#include "db/orphans.h"
#include "db/snapshot.h"

/* Room for what writers freeze while one edit gets to the disk. With MAX_FROZEN
 * waiting they wait; a large transaction freezes two at once. */
#define FROZEN_ROOM 16

uint64_t db_take_number(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    uint64_t number = db->next_number++;
    mutex_unlock(&db->mutex);
    return number;
}

void db_keep_error(byron_status status, byron_status *kept,
                   struct byron_error *error)
{
    *kept = status;
    *error = *error_last();
    error->code = status;
}

void db_keep_fatal(struct byron_db *db, byron_status status)
{
    db_keep_error(status, &status, &db->wal_error);
    atomic_store(&db->wal_fatal, status);
}

byron_status db_copy_facts(const struct table_facts *facts,
                           struct table_facts *out)
{
    byron_status status;
    *out = *facts;
    out->smallest = (struct buf){0};
    out->largest = (struct buf){0};
    TRY(buf_add(&out->smallest, facts->smallest.data, facts->smallest.size));
    TRY(buf_add(&out->largest, facts->largest.data, facts->largest.size));
out:
    if (status != BYRON_OK)
        table_facts_deinit(out);
    return status;
}

byron_status db_reserve_wal(struct byron_db *db)
{
    if (db->wal_count < db->wal_capacity)
        return BYRON_OK;
    size_t capacity = db->wal_capacity ? 2 * db->wal_capacity : 8;
    uint64_t *wals = alloc_resize(db->wals, capacity * sizeof *wals);
    if (!wals)
        return error_no_memory();
    db->wals = wals;
    db->wal_capacity = capacity;
    return BYRON_OK;
}

void db_add_wal(struct byron_db *db, uint64_t number)
{
    assert(db->wal_count < db->wal_capacity);
    db->wals[db->wal_count++] = number;
}

/* WALs below the floor go on the list of orphans. */
static void retire_wals(struct byron_db *db, uint64_t floor)
{
    mutex_lock(&db->mutex);
    size_t kept = 0;
    for (size_t i = 0; i < db->wal_count; i++) {
        /* One that finds no room on the list is an orphan of the next open. */
        if (db->wals[i] < floor &&
            db_add_orphan(db, FILE_WAL, db->wals[i], 0) == BYRON_OK)
            continue;
        db->wals[kept++] = db->wals[i];
    }
    db->wal_count = kept;
    mutex_unlock(&db->mutex);
}

/* What is on the disk is in doubt. Needs mutex. */
static void end_work(struct byron_db *db, byron_status status)
{
    db->is_work_over = true;
    db_keep_error(status, &status, &db->work_error);
}

byron_status db_barrier(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    uint64_t host_commits = db->host_commits;
    bool is_needed = db->options.barrier && host_commits != db->host_synced;
    byron_status status = BYRON_OK;
    if (is_needed && db->is_host_doubtful)
        status = error_restore(&db->work_error);
    mutex_unlock(&db->mutex);
    if (!is_needed || status != BYRON_OK)
        return status;
    status = db->options.barrier(db->options.barrier_context);
    if (status != BYRON_OK)
        status =
            error_set(status, db->os->dir_path(db->dir), BYRON_NO_OFFSET, 0,
                      "the files of the host database cannot be synced");
    mutex_lock(&db->mutex);
    /* A second sync that succeeds would not tell what the first one lost. */
    if (status == BYRON_IO) {
        db->is_host_doubtful = true;
        end_work(db, status);
    } else if (status == BYRON_OK && db->is_host_doubtful) {
        status = error_restore(&db->work_error);
    }
    /* Those that came meanwhile may have missed it. */
    if (status == BYRON_OK && db->host_synced < host_commits)
        db->host_synced = host_commits;
    mutex_unlock(&db->mutex);
    return status;
}

void db_publish_state(struct byron_db *db, struct read_state *state)
{
    struct read_state *old = db->read_state;
    db->read_state = state;
    snapshots_renew(db);
    read_state_unref(old);
}

void db_share_memory(struct byron_db *db)
{
    const struct read_state *state = db->read_state;
    uint64_t memory = db->tuning.memory;
    /* Always room for the writes of one transaction. */
    uint64_t taken = db->tuning.memtable + memtable_footprint(state->live);
    for (size_t i = 0; i < state->frozen_count; i++)
        if (state->frozen[i]->memtable)
            taken += memtable_footprint(state->frozen[i]->memtable);
    /* Not for every little growth: shards have to be walked. */
    uint64_t step = memory / 64;
    if (db->tuning.is_cache_fixed ||
        (taken < db->shared + step && db->shared < taken + step))
        return;
    db->shared = taken;
    uint64_t least = memory / 8;
    block_cache_set_capacity(db->cache,
                             memory > taken + least ? memory - taken : least);
}

static bool is_added(const struct version_edit *edit, uint64_t number)
{
    for (size_t i = 0; i < edit->add_count; i++)
        if (edit->adds[i].number == number)
            return true;
    return false;
}

static bool is_removed(const struct version_edit *edit, uint64_t number)
{
    for (size_t i = 0; i < edit->remove_count; i++)
        if (edit->removes[i] == number)
            return !is_added(edit, number);
    return false;
}

/* From now on the last reference to each deletes its file. */
static void mark_obsolete(struct version *version,
                          const struct version_edit *edit)
{
    for (size_t l = 0; l < BYRON_LEVELS && edit->remove_count > 0; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            struct run *run = &version->levels[l].runs[r];
            for (size_t t = 0; t < run->count; t++)
                if (is_removed(edit, run->tables[t]->number))
                    atomic_store(&run->tables[t]->is_obsolete, true);
        }
}

/* Memory for what follows the edit: taken before it is on disk, or the disk
 * could be ahead of memory for lack of it. */
struct successor {
    struct store_change change;
    struct read_state *state;
};

static void successor_deinit(struct successor *successor)
{
    store_change_deinit(&successor->change);
    read_state_unref(successor->state);
}

/* Needs work_mutex. */
static byron_status plan(struct byron_db *db, const struct version_edit *edit,
                         struct successor *out)
{
    byron_status status;
    mutex_lock(&db->mutex);
    /* A writer may freeze more until the edit is on disk. */
    size_t room = 2 * db->read_state->frozen_count + FROZEN_ROOM;
    mutex_unlock(&db->mutex);
    TRY(store_state_plan(&db->state, edit, &db->env, &out->change));
    TRY(read_state_new_room(NULL, room, &out->state));
out:
    return status;
}

/* The edit is on disk: memory follows. Needs both mutexes. */
static byron_status apply(struct byron_db *db, struct version_edit *edit,
                          size_t flushed, struct successor *successor)
{
    byron_status status = BYRON_OK;
    struct read_state *old = db->read_state;
    struct read_state *next = successor->state;
    struct frozen *const *frozen = old->frozen + flushed;
    size_t count = old->frozen_count - flushed;
    struct version *before = version_ref(db->state.version);
    assert(flushed <= old->frozen_count);
    successor->state = NULL;
    store_state_take(&db->state, edit, &successor->change);
    if (next->room < count) {
        read_state_unref(next);
        TRY(read_state_new_room(NULL, count, &next));
    }
    read_state_fill(next, old->live, frozen, count, db->state.version);
    mark_obsolete(before, edit);
    db_publish_state(db, next);
    db_share_memory(db);
out:
    version_unref(before);
    return status;
}

/*
 * Nothing of the edit is in force, but that is sure only once a later one is:
 * until then its files stay, as all orphans do.
 */
static void give_up_added(struct byron_db *db, const struct version_edit *edit)
{
    struct byron_error first = *error_last();
    for (size_t i = 0; i < edit->add_count; i++) {
        if (edit->adds[i].meta)
            continue; /* Something else names it. */
        /* What finds no room on the list is an orphan of the next open. */
        byron_status ignored =
            db_add_orphan(db, FILE_TABLE, edit->adds[i].number, 0);
        (void)ignored;
    }
    db->has_appended = false;
    (void)error_restore(&first);
}

byron_status db_install(struct byron_db *db, struct version_edit *edit,
                        size_t flushed)
{
    byron_status status;
    struct successor successor = {0};
    uint64_t number = db_take_number(db);
    uint64_t next = number;
    edit->next_number = number + 1;
    status = plan(db, edit, &successor);
    if (status == BYRON_OK)
        status = manifest_append(db->manifest, &db->state, edit, &next);
    mutex_lock(&db->mutex);
    if (status == BYRON_OK) {
        db->has_appended = true;
        status = apply(db, edit, flushed, &successor);
        if (status != BYRON_OK) {
            /* Disk is ahead of memory: only a reopen brings them together. */
            db_keep_fatal(db, status);
            end_work(db, status);
        }
    } else if (status == BYRON_FULL || status == BYRON_NO_MEMORY) {
        give_up_added(db, edit);
    } else {
        end_work(db, status);
    }
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
    successor_deinit(&successor);
    if (status == BYRON_OK && edit->wal_floor != 0)
        retire_wals(db, edit->wal_floor);
    return status;
}
