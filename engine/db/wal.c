#include "db/wal.h"

#include "db/db_state.h"
#include "db/work.h"

/* Of the memtable's bytes, one in so many is its filter's: about ten bits for
 * an entry of 150 bytes. */
#define FILTER_SHARE 128

byron_status db_new_live(const struct byron_db *db, struct memtable **out)
{
    byron_status status;
    struct memtable *memtable;
    TRY(memtable_new(false, &memtable));
    status = memtable_add_filter(memtable, db->tuning.memtable / FILTER_SHARE);
    if (status != BYRON_OK)
        memtable_unref(memtable);
    else
        *out = memtable;
out:
    return status;
}

/* A reader looks at more lists of range deletes the more there are. */
#define RANGES_MAX 1024

/* A WAL of so many memtables, and a little, is left for the next one. */
#define WAL_FACTOR 4
#define WAL_MIN    ((uint64_t)4 << 20)

/* The header of a WAL that follows what was written so far. Needs mutex. */
static struct log_header next_header(const struct byron_db *db, uint64_t number)
{
    const struct commit *newest = commit_ring_newest(&db->ring);
    struct log_header header = {
        .kind = FILE_WAL,
        .number = number,
        .first_sequence = db->last_sequence + 1,
        .previous_number = db->wal_number,
        .previous_end = db->wal ? log_writer_end(db->wal) : db->wal_end,
        .previous_sequence = db->last_sequence,
        .tip = newest->id,
    };
    if (db->ring.alias != 0 && db->ring.alias_of == newest->id)
        header.alias = db->ring.alias;
    memcpy(header.store_id, db->state.store_id, sizeof header.store_id);
    return header;
}

static void leave_doubt(struct byron_db *db)
{
    struct byron_error first = *error_last();
    struct os_file *file = NULL;
    /* One that cannot be made may be there already. */
    byron_status ignored = db->os->file_create(db->dir, DOUBT_NAME, &file);
    (void)ignored;
    db->os->file_close(file);
    (void)error_restore(&first);
}

/* A sync failed: no commit until reopened. */
static void keep_fatal(struct byron_db *db, byron_status status)
{
    leave_doubt(db);
    mutex_lock(&db->mutex);
    db_keep_fatal(db, status);
    mutex_unlock(&db->mutex);
}

byron_status db_create_wal(struct byron_db *db, struct log_writer **out,
                           uint64_t *number)
{
    byron_status status;
    *number = db_take_number(db);
    mutex_lock(&db->mutex);
    struct log_header header = next_header(db, *number);
    status = db_reserve_wal(db);
    mutex_unlock(&db->mutex);
    if (status != BYRON_OK)
        return status;
    TRY(log_writer_create(db->os, db->dir, &header, out));
    mutex_lock(&db->mutex);
    db_add_wal(db, *number);
    db->told_wal = *number;
    db->told_end = log_writer_end(*out);
    mutex_unlock(&db->mutex);
out:
    return status;
}

/* WALs of an earlier process may not be on the disk yet; what we sync from now
 * on builds on them. Needs work_mutex: a flush of what was recovered would
 * delete them meanwhile. */
static byron_status sync_recovered(struct byron_db *db)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < db->wal_count && status == BYRON_OK; i++) {
        char name[OS_NAME_MAX];
        struct os_file *file = NULL;
        file_name_format(FILE_WAL, db->wals[i], name);
        status = db->os->file_open(db->dir, name, &file);
        if (status != BYRON_OK)
            break;
        status = db->os->file_sync(file);
        if (status != BYRON_OK)
            /* A second try would not tell whether the bytes are safe. */
            keep_fatal(db, status);
        db->os->file_close(file);
    }
    return status;
}

/*
 * Whoever wrote the manifest, or made the store, may have been stopped before
 * it was on the disk. A log that follows tables of which the disk knows nothing
 * would follow nothing after a power cut.
 */
static byron_status confirm_manifest(struct byron_db *db)
{
    byron_status status = BYRON_OK;
    struct version_edit nothing = {0};
    mutex_lock(&db->work_mutex);
    if (!manifest_is_safe(db->manifest))
        status = db_install(db, &nothing, 0);
    mutex_unlock(&db->work_mutex);
    version_edit_deinit(&nothing);
    return status;
}

/* Before the first record of this open. */
static byron_status begin_writing(struct byron_db *db)
{
    byron_status status;
    TRY(confirm_manifest(db));
    mutex_lock(&db->work_mutex);
    status = sync_recovered(db);
    mutex_unlock(&db->work_mutex);
out:
    return status;
}

/* The first WAL of this open, or one in place of a failed one that holds no
 * commit of the live memtable. */
static byron_status start_wal(struct byron_db *db)
{
    struct log_writer *wal;
    uint64_t number;
    byron_status status;
    if (!db->wal)
        TRY(begin_writing(db));
    TRY(db_create_wal(db, &wal, &number));
    log_writer_close(db->wal);
    db->wal = wal;
    db->wal_number = number;
    db->wal_ordinal = 0;
out:
    return status;
}

byron_status db_new_state(struct byron_db *db, struct memtable *live,
                          struct read_state **out)
{
    mutex_lock(&db->mutex);
    /* Others only take frozen sources away meanwhile. */
    size_t room = db->read_state->frozen_count + 2;
    mutex_unlock(&db->mutex);
    return read_state_new_room(live, room, out);
}

/*
 * A host can bring back a commit that it gave up: its WAL stays though the
 * memtable is flushed. Then it must be whole, or the next WAL could not build
 * on it: nobody syncs it later.
 */
static void keep_given_up(struct byron_db *db)
{
    if (db->given_up_wal == 0)
        return;
    byron_status status = db_sync_wal(db);
    if (status != BYRON_OK)
        db->given_up_wal = 0;
}

byron_status db_switch(struct byron_db *db)
{
    byron_status status;
    struct memtable *memtable = NULL;
    struct frozen *frozen = NULL;
    struct read_state *state = NULL;
    struct log_writer *wal;
    uint64_t number;
    if (!db->wal)
        TRY(begin_writing(db));
    keep_given_up(db);
    TRY(db_new_live(db, &memtable));
    TRY(frozen_new(memtable_ref(db->live), NULL, &frozen));
    TRY(db_new_state(db, memtable, &state));
    TRY(db_create_wal(db, &wal, &number));
    mutex_lock(&db->mutex);
    const struct commit *newest = commit_ring_newest(&db->ring);
    frozen->wal = db->wal;
    frozen->wal_floor = db->given_up_wal ? db->given_up_wal : number;
    frozen->last_sequence = newest->sequence;
    frozen->tip = newest->id;
    if (db->ring.alias_of == newest->id)
        frozen->alias = db->ring.alias;
    read_state_refill(state, db->read_state, frozen, NULL);
    db->live = memtable;
    db_publish_state(db, state);
    state = NULL; /* Published. */
    db->wal = wal;
    db->wal_number = number;
    db->wal_ordinal = 0;
    db->work_due = true;
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
out:
    read_state_unref(state);
    frozen_unref(frozen);
    memtable_unref(memtable);
    return status;
}

/* Until fewer than so many frozen sources wait. */
static byron_status wait_for_fewer(struct byron_db *db, size_t count)
{
    byron_status status = BYRON_OK;
    bool did_some;
    mutex_lock(&db->mutex);
    while (db->read_state->frozen_count >= count) {
        if (!db->has_thread) {
            mutex_unlock(&db->mutex);
            status = db_work(db, UINT64_MAX, &did_some);
            mutex_lock(&db->mutex);
            if (status != BYRON_OK)
                break;
        } else if (db->work_status != BYRON_OK) {
            status = error_restore(&db->work_error);
            break;
        } else {
            condition_wait(&db->changed, &db->mutex);
        }
    }
    mutex_unlock(&db->mutex);
    return status;
}

byron_status db_wait_for_flush(struct byron_db *db)
{
    return wait_for_fewer(db, MAX_FROZEN);
}

/*
 * What was recovered gets into tables, and the next WAL needs no other. To sync
 * the old ones would not do: a sync that follows a failed one writes nothing,
 * and what the host's row alone holds is in none of them.
 */
static byron_status flush_recovered(struct byron_db *db)
{
    byron_status status = BYRON_OK;
    if (!db->wal)
        TRY(db_switch(db));
    TRY(wait_for_fewer(db, 1));
    /* Where it cannot be removed, the next open flushes for nothing. */
    byron_status ignored = db->os->file_remove(db->dir, DOUBT_NAME);
    (void)ignored;
    db->is_log_doubtful = false;
    db->has_unlogged = false;
out:
    return status;
}

byron_status db_ensure_wal(struct byron_db *db)
{
    if (atomic_load(&db->wal_fatal) != BYRON_OK) {
        mutex_lock(&db->mutex);
        byron_status fatal = error_restore(&db->wal_error);
        mutex_unlock(&db->mutex);
        return fatal;
    }
    if (db->is_log_doubtful || db->has_unlogged) {
        byron_status status = flush_recovered(db);
        if (status != BYRON_OK)
            return status;
    }
    if (db->wal && log_writer_poison(db->wal) == BYRON_OK)
        return BYRON_OK;
    if (!db->wal || log_writer_synced(db->wal) == log_writer_end(db->wal))
        return start_wal(db);
    /* The failed WAL goes with its memtable, so that a sync still knows what
     * is not yet safe. */
    byron_status status = db_wait_for_flush(db);
    return status == BYRON_OK ? db_switch(db) : status;
}

/* Commits that were prepared and given up fill a WAL, yet no memtable. */
static bool is_wal_full(const struct byron_db *db)
{
    return db->wal &&
           log_writer_end(db->wal) > WAL_MIN + WAL_FACTOR * db->tuning.memtable;
}

byron_status db_make_room(struct byron_db *db)
{
    bool is_full = memtable_count(db->live) > 0 &&
                   db_memtable_size(db->live) >= db->tuning.memtable;
    is_full |= range_set_count(memtable_ranges(db->live)) >= RANGES_MAX;
    if (!is_full && !is_wal_full(db))
        return BYRON_OK;
    byron_status status = db_wait_for_flush(db);
    if (status != BYRON_OK)
        return status;
    return db_switch(db);
}

byron_status db_append_wal(struct byron_db *db, enum record_type type,
                           uint64_t sequence)
{
    uint64_t before = log_writer_end(db->wal);
    struct slice payload = buf_slice(&db->payload);
    byron_status status =
        log_writer_append(db->wal, type, sequence, &payload, 1);
    atomic_fetch_add_explicit(&db->wal_bytes_written,
                              log_writer_end(db->wal) - before,
                              memory_order_relaxed);
    return status;
}

static byron_status sync_one(struct byron_db *db, struct log_writer *wal)
{
    if (log_writer_synced(wal) == log_writer_end(wal))
        return BYRON_OK;
    if (log_writer_poison(wal) != BYRON_OK &&
        log_writer_poison(wal) != BYRON_FULL)
        return error_set(log_writer_poison(wal), db->os->dir_path(db->dir),
                         BYRON_NO_OFFSET, 0,
                         "an earlier write to the log failed; commits can be "
                         "made durable again once its memtable is flushed");
    byron_status status = log_writer_sync(wal);
    mutex_lock(&db->mutex);
    db->stats.syncs++;
    mutex_unlock(&db->mutex);
    if (status != BYRON_OK)
        keep_fatal(db, status);
    return status;
}

static bool is_safe(const struct log_writer *wal)
{
    return log_writer_synced(wal) == log_writer_end(wal);
}

bool db_is_log_safe(struct byron_db *db)
{
    bool answer = true;
    if (!is_safe(db->wal))
        return false;
    mutex_lock(&db->mutex);
    const struct read_state *state = db->read_state;
    for (size_t i = 0; i < state->frozen_count && answer; i++)
        answer = !state->frozen[i]->wal || is_safe(state->frozen[i]->wal);
    mutex_unlock(&db->mutex);
    return answer;
}

byron_status db_sync_wal(struct byron_db *db)
{
    byron_status status = BYRON_OK;
    mutex_lock(&db->mutex);
    struct read_state *state = read_state_ref(db->read_state);
    mutex_unlock(&db->mutex);
    /* Oldest first: a record that is safe proves all before it. */
    for (size_t i = 0; i < state->frozen_count && status == BYRON_OK; i++)
        if (state->frozen[i]->wal)
            status = sync_one(db, state->frozen[i]->wal);
    read_state_unref(state);
    if (status == BYRON_OK)
        status = sync_one(db, db->wal);
    return status;
}
