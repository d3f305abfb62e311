#include <assert.h>

#include "base/alloc.h"
#include "byron_inspect.h"
#include "db/batch.h"
#include "db/group.h"
#include "db/txn.h"
#include "db/wal_record.h"
#include "db/db_state.h"
#include "db/pace.h"
#include "db/spill.h"
#include "db/wal.h"
#include "memtable/memtable_get.h"

static byron_status append_abort(struct byron_db *db)
{
    byron_status status;
    buf_clear(&db->payload);
    TRY(buf_add_u64(&db->payload, db->abort_id));
    TRY(db_append_wal(db, RECORD_ABORT, db->abort_sequence));
    TRY(db_sync_wal(db));
    db->abort_id = 0;
out:
    return status;
}

byron_status db_settle_abort(struct byron_db *db)
{
    byron_status status = BYRON_OK;
    if (db->abort_id == 0)
        return BYRON_OK;
    TRY(db_ensure_wal(db));
    TRY(append_abort(db));
out:
    return status;
}

/* The record would count by itself: take it back, now or, where there is no
 * room, before the next one. If that fails, the log must not go on, or the
 * batch would come alive. */
static void take_back(struct byron_db *db, const struct prepared *prepared)
{
    db->abort_id = prepared->id;
    db->abort_sequence = prepared->sequence;
    byron_status status = append_abort(db);
    if (status == BYRON_OK || status == BYRON_FULL || status == BYRON_NO_MEMORY)
        return;
    mutex_lock(&db->mutex);
    db_keep_fatal(db, status);
    mutex_unlock(&db->mutex);
}

/* The WAL that was to be the next is not: the one in use goes on. It is whole
 * as far as it goes now. */
static void tell_end(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    db->told_wal = db->wal_number;
    db->told_end = log_writer_end(db->wal);
    mutex_unlock(&db->mutex);
}

static void shrink(struct buf *buf)
{
    if (buf->capacity > 1u << 20)
        buf_deinit(buf);
}

/* What prepare_plain made. Needs the log. */
static void free_plain(struct byron_txn *txn)
{
    struct prepared *prepared = &txn->prepared;
    iter_free(prepared->live);
    if (txn->batch)
        shrink(&txn->db->places);
    if (prepared->staged)
        range_set_unstage(memtable_ranges(prepared->staged));
    memtable_unref(prepared->staged);
}

void txn_unprepare(struct byron_txn *txn)
{
    struct prepared *prepared = &txn->prepared;
    if (prepared->id == 0)
        return;
    if (prepared->wal)
        tell_end(txn->db);
    if (prepared->is_recorded && (prepared->flags & BYRON_PREPARE_OWN))
        take_back(txn->db, prepared);
    else if (prepared->is_recorded)
        txn->db->given_up_wal = prepared->id >> 32;
    free_plain(txn);
    txn_spill_unfinish(txn, prepared->is_recorded ? prepared->id >> 32 : 0);
    version_edit_deinit(&prepared->edit);
    memtable_unref(prepared->memtable);
    frozen_unref(prepared->frozen_live);
    frozen_unref(prepared->frozen_run);
    read_state_unref(prepared->state);
    /* A WAL without records does not end the one before it. */
    log_writer_close(prepared->wal);
    *prepared = (struct prepared){0};
}

/* The next commit's id. The WAL's number is never reused, so no id is. */
static uint64_t take_commit_id(struct byron_db *db)
{
    return db->wal_number << 32 | ++db->wal_ordinal;
}

/*
 * What the host's row is to carry: what it has, as long as the log does not
 * have that for sure, and this commit, if it follows at once and finds room.
 * *must_sync: the log has to be durable before the row is written.
 */
static byron_status choose_carried(struct byron_txn *txn, bool *must_sync)
{
    byron_status status = BYRON_OK;
    struct byron_db *db = txn->db;
    const struct prepared *prepared = &txn->prepared;
    struct slice payload = buf_slice(&db->payload);
    bool is_sync = prepared->flags & BYRON_PREPARE_SYNC;
    bool is_next = prepared->is_log_safe;
    carry_clear(&db->carrying);
    *must_sync = is_sync;
    if (prepared->flags & BYRON_PREPARE_OWN)
        goto out; /* The row stays as it is. */
    if (!prepared->is_log_safe && !carry_is_empty(&db->carried)) {
        TRY(carry_copy(&db->carried, &db->carrying));
        is_next = db->carried.last == txn->base.id;
    }
    if (is_sync && is_next && !prepared->is_spilled &&
        carry_has_room(&db->carrying, payload.size, prepared->room)) {
        TRY(carry_add(&db->carrying, prepared->id, prepared->sequence,
                      payload));
        *must_sync = false;
    } else if (is_sync || db->carrying.bytes.size > prepared->room) {
        carry_clear(&db->carrying);
        *must_sync = true;
    }
out:
    return status;
}

static byron_status append_record(struct byron_txn *txn)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    enum record_type type =
        prepared->flags & BYRON_PREPARE_OWN ? RECORD_BATCH : RECORD_PREPARE;
    bool must_sync;
    prepared->is_log_safe = db_is_log_safe(db);
    TRY(choose_carried(txn, &must_sync));
    TRY(db_append_wal(db, type, prepared->sequence));
    prepared->is_recorded = true;
    if (must_sync)
        TRY(db_sync_wal(db));
    prepared->is_synced = must_sync;
out:
    shrink(&db->payload);
    return status;
}

/* The range deletes into the payload, and ready to get into the memtable. */
static byron_status prepare_ranges(struct byron_txn *txn)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct range_deletes deletes = {0};
    TRY(txn_take_deletes(txn, txn->prepared.sequence, &deletes));
    TRY(wal_record_add_ranges(&deletes, &db->payload));
    if (deletes.count > 0) {
        TRY(range_set_stage(memtable_ranges(db->live), &deletes));
        txn->prepared.staged = memtable_ref(db->live);
    }
out:
    range_deletes_deinit(&deletes);
    return status;
}

/* The entries into the payload; room for them in the live memtable. */
static byron_status prepare_plain(struct byron_txn *txn)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    size_t count = 0;
    TRY(wal_record_begin(prepared->id, txn->base.id, txn->wal_flags,
                         &db->payload));
    if (txn->wal_flags & WAL_RANGES)
        TRY(prepare_ranges(txn));
    if (txn->batch)
        TRY(batch_iter_init(txn->batch->ops, txn->batch->count, &db->places,
                            &prepared->live));
    else
        TRY(txn_iter_new(txn, txn->position, &prepared->live));
    TRY(iter_first(prepared->live));
    while (prepared->live->valid) {
        struct entry entry = {.key = prepared->live->key,
                              .kind = prepared->live->kind};
        TRY(iter_value(prepared->live, &entry.value));
        TRY(entry_encode(&entry, &db->payload));
        /* It comes while the log is written. */
        memtable_expect(db->live, table_key_hash(entry.key));
        count++;
        TRY(iter_next(prepared->live));
    }
    TRY(memtable_reserve(db->live, count, db->payload.size));
    TRY(append_record(txn));
out:
    return status;
}

/* What publish_spilled swaps in: nothing of it can fail then. */
static byron_status prepare_parts(struct byron_txn *txn)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    TRY(db_new_live(db, &prepared->memtable));
    TRY(frozen_new(memtable_ref(db->live), NULL, &prepared->frozen_live));
    TRY(frozen_new(NULL, NULL, &prepared->frozen_run));
    TRY(db_new_state(db, prepared->memtable, &prepared->state));
    TRY(db_create_wal(db, &prepared->wal, &prepared->wal_number));
out:
    return status;
}

static byron_status prepare_spilled(struct byron_txn *txn)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    TRY(db_wait_for_flush(db));
    TRY(txn_spill_finish(txn));
    TRY(wal_record_begin(prepared->id, txn->base.id, WAL_SPILLED,
                         &db->payload));
    struct buf edit = {0};
    status = version_edit_encode(&prepared->edit, &edit);
    if (status == BYRON_OK)
        status = buf_add(&db->payload, edit.data, edit.size);
    buf_deinit(&edit);
    if (status != BYRON_OK)
        goto out;
    TRY(append_record(txn));
    /* The WAL ends with this record, whether it commits or not. Synced, so
     * that the writer of it need not be kept for a later sync. */
    TRY(db_sync_wal(db));
    TRY(prepare_parts(txn));
out:
    return status;
}

static byron_status prepare_room(struct byron_txn *txn, unsigned flags)
{
    byron_status status;
    struct byron_db *db = txn->db;
    db_pace(db,
            txn->batch ? txn->batch->bytes : memtable_data_bytes(txn->writes));
    TRY(db_make_room(db));
    TRY(db_ensure_wal(db));
    TRY(db_settle_abort(db));
    /* It is as durable as the host's commit that it stands on. */
    if ((flags & BYRON_PREPARE_OWN) && (flags & BYRON_PREPARE_SYNC))
        TRY(db_barrier(db));
out:
    return status;
}

static void fill_point(struct byron_txn *txn, struct byron_commit_point *out)
{
    struct byron_db *db = txn->db;
    const struct prepared *prepared = &txn->prepared;
    /* Nobody can ask for the id of an own commit yet. */
    if (!(prepared->flags & BYRON_PREPARE_OWN)) {
        mutex_lock(&db->mutex);
        db->prepared_id = prepared->id;
        mutex_unlock(&db->mutex);
    }
    for (size_t i = 1; i < BYRON_RECENT_COMMITS; i++)
        out->recent[i] = db->point.recent[i - 1];
    out->recent[0] = prepared->id;
    out->synced = prepared->is_synced     ? prepared->id
                  : prepared->is_log_safe ? txn->base.id
                                          : db->point.synced;
    if (!carry_is_empty(&db->carrying))
        carry_seal(&db->carrying, db->state.store_id, prepared->id);
}

/* What carries is changed only by who has the token. */
bool byron_txn_is_carried(const byron_txn *txn, size_t room)
{
    const struct carry *carried = &txn->db->carried;
    size_t size = memtable_data_bytes(txn->writes) +
                  ENTRY_HEAD_MAX * memtable_count(txn->writes);
    return carried->last == txn->base.id && !carry_is_empty(carried) &&
           txn->spill_count == 0 && !(txn->wal_flags & WAL_RANGES) &&
           carry_has_room(carried, WAL_RECORD_HEAD + size, room);
}

byron_status byron_txn_prepare_in(byron_txn *txn, unsigned flags, size_t room,
                                  struct byron_commit_point *out,
                                  struct byron_bytes *carried)
{
    byron_status status;
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    TRY(txn_take_log(txn));
    txn_unprepare(txn);
    TRY(prepare_room(txn, flags));
    prepared->flags = flags;
    prepared->room = room;
    prepared->position = txn->position;
    prepared->id = take_commit_id(db);
    prepared->sequence = txn_sequence(txn);
    prepared->is_spilled = txn->spill_count > 0;
    TRY(prepared->is_spilled ? prepare_spilled(txn) : prepare_plain(txn));
    prepared->is_ready = true;
    fill_point(txn, &prepared->point);
    if (out)
        *out = prepared->point;
    if (carried)
        *carried = slice_bytes(buf_slice(&db->carrying.bytes));
out:
    if (status != BYRON_OK) {
        struct byron_error first = *error_last();
        txn_unprepare(txn);
        txn_give_log(txn);
        (void)error_restore(&first);
    }
    return status;
}

/* Adds the entries to the live memtable, under the commit's sequence. */
static uint64_t publish_plain(struct byron_txn *txn)
{
    struct iter *live = txn->prepared.live;
    byron_status status = iter_first(live);
    uint64_t bytes = 0;
    if (txn->prepared.staged)
        range_set_publish(memtable_ranges(txn->prepared.staged));
    while (status == BYRON_OK && live->valid) {
        struct entry entry = {.key = live->key,
                              .sequence = txn->prepared.sequence,
                              .kind = live->kind};
        status = iter_value(live, &entry.value);
        if (status == BYRON_OK)
            status = memtable_add_later(txn->db->live, &entry);
        bytes += entry.key.size + entry.value.size;
        if (status == BYRON_OK)
            status = iter_next(live);
    }
    memtable_settle(txn->db->live);
    /* The room is reserved, and the writes are in memory. */
    assert(status == BYRON_OK);
    return bytes;
}

/* Freezes the live memtable and puts the finished tables above it. */
static void publish_spilled(struct byron_txn *txn)
{
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    const struct commit *newest = commit_ring_newest(&db->ring);
    struct read_state *state = prepared->state;
    struct read_state *old = db->read_state;
    struct frozen *live = prepared->frozen_live;
    struct frozen *run = prepared->frozen_run;
    live->wal_floor = db->wal_number;
    live->last_sequence = newest->sequence;
    live->tip = newest->id;
    run->run = prepared->run;
    run->wal_floor = prepared->wal_number;
    run->last_sequence = prepared->sequence;
    run->tip = prepared->id;
    if (db->ring.alias_of == live->tip)
        live->alias = db->ring.alias;
    /* From here on the name is the new commit's. */
    if (prepared->flags & BYRON_PREPARE_OWN) {
        commit_ring_pass_name(&db->ring, prepared->id);
        run->alias = db->ring.alias;
    }
    txn_spill_publish(txn);
    read_state_refill(state, old, live, run);
    log_writer_close(db->wal);
    db->wal = prepared->wal;
    prepared->wal = NULL;
    db->wal_number = prepared->wal_number;
    db->wal_ordinal = 0;
    db->live = prepared->memtable;
    prepared->state = NULL;
    db_publish_state(db, state);
}

static void count_commit(struct byron_db *db, const struct prepared *prepared,
                         uint64_t bytes)
{
    db->stats.commits++;
    db->stats.user_bytes += bytes;
    db->pace.window_bytes += bytes;
    if (!(prepared->flags & BYRON_PREPARE_OWN))
        db->host_commits++;
}

/* What readers of the newest commit see from now on. Needs mutex. */
static void count_in(struct byron_txn *txn, const struct commit *commit,
                     uint64_t bytes)
{
    struct byron_db *db = txn->db;
    const struct prepared *prepared = &txn->prepared;
    if (prepared->is_spilled)
        publish_spilled(txn);
    else if (prepared->flags & BYRON_PREPARE_OWN)
        commit_ring_pass_name(&db->ring, commit->id);
    commit_ring_add(&db->ring, commit);
    snapshots_renew(db);
    db->last_sequence = commit->sequence;
    db->point = prepared->point;
    if (db->wal && db->wal_number == db->told_wal)
        db->told_end = log_writer_end(db->wal);
    count_commit(db, prepared, bytes);
    db_share_memory(db);
    if (prepared->is_spilled) {
        db->work_due = true;
        condition_wake_all(&db->changed);
    }
}

/* The host's row has what it was to carry. Needs the log. */
static void keep_carried(struct byron_db *db)
{
    struct carry old = db->carried;
    db->carried = db->carrying;
    db->carrying = old;
    /* The host's own log has gone on: what it gave up does not return. */
    db->given_up_wal = 0;
}

void byron_txn_publish(byron_txn *txn)
{
    struct byron_db *db = txn->db;
    struct prepared *prepared = &txn->prepared;
    bool is_spilled = prepared->is_spilled;
    assert(prepared->is_ready && prepared->position == txn->position);
    uint64_t bytes = is_spilled ? prepared->run.bytes : publish_plain(txn);
    struct commit commit = {.id = prepared->id,
                            .sequence = prepared->sequence,
                            .published_us = db->os->now_us(db->os)};
    if (!(prepared->flags & BYRON_PREPARE_OWN))
        keep_carried(db);
    if (!is_spilled)
        free_plain(txn);
    /* Outside the mutex: the last reference may free a whole memtable. */
    if (txn->snapshot)
        read_state_unref(txn->snapshot->state);
    mutex_lock(&db->mutex);
    count_in(txn, &commit, bytes);
    if (txn->snapshot)
        snapshot_forget(txn->snapshot);
    txn->snapshot = NULL;
    if (!is_spilled)
        txn_give_all(txn, txn->spill_count > 0);
    mutex_unlock(&db->mutex);
    if (is_spilled) {
        /* Nothing to take back any more. */
        prepared->is_ready = false;
        prepared->is_recorded = false;
        txn_unprepare(txn);
    }
    txn_end(txn);
}

byron_status byron_txn_commit(byron_txn *txn, bool sync)
{
    unsigned flags = BYRON_PREPARE_OWN | (sync ? BYRON_PREPARE_SYNC : 0u);
    byron_status status = byron_txn_prepare(txn, flags, NULL);
    if (status == BYRON_OK)
        byron_txn_publish(txn);
    return status;
}

/* One by one, for what is no batch. */
static byron_status add_ops(byron_txn *txn, const struct byron_op *ops,
                            size_t count)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < count; i++) {
        struct byron_range range = {ops[i].key, ops[i].value};
        if (ops[i].kind == BYRON_OP_DELETE_RANGE)
            TRY(byron_txn_delete_range(txn, &range));
        else if (ops[i].kind == BYRON_OP_DELETE)
            TRY(byron_txn_delete(txn, ops[i].key));
        else
            TRY(byron_txn_put_until(txn, ops[i].key, ops[i].value,
                                    ops[i].expires_ms));
    }
out:
    return status;
}

byron_status batch_commit(byron_db *db, const struct batch *batch, bool sync)
{
    struct byron_txn txn;
    byron_status status = txn_begin_batch(db, batch, &txn);
    if (status == BYRON_OK)
        status = byron_txn_commit(&txn, sync);
    if (status != BYRON_OK)
        byron_txn_abort(&txn);
    return status;
}

static byron_status write_ops(byron_db *db, const struct byron_op *ops,
                              size_t count, bool sync)
{
    byron_status status;
    byron_txn *txn = NULL;
    TRY(byron_begin(db, UINT32_MAX, &txn));
    TRY(add_ops(txn, ops, count));
    TRY(byron_txn_commit(txn, sync));
    txn = NULL; /* Committed and freed. */
out:
    byron_txn_abort(txn);
    return status;
}

byron_status byron_write(byron_db *db, const struct byron_op *ops, size_t count,
                         bool sync)
{
    struct batch batch = {.ops = ops, .count = count};
    /* One that would fill the memtable may have to spill. */
    if (!batch_suits(ops, count, &batch.bytes) ||
        batch.bytes + 64 * count >= db->tuning.memtable)
        return write_ops(db, ops, count, sync);
    return sync ? group_write(db, &batch) : batch_commit(db, &batch, false);
}
