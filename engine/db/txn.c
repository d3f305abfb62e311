#include "db/txn.h"

#include "base/alloc.h"
#include "base/integer.h"
#include "db/spill.h"
#include "db/wait.h"
#include "db/wal_record.h"
#include "memtable/memtable_get.h"
#include "memtable/memtable_iter.h"

/* So many spills of a load have what one memtable holds: of 32 MB, each just
 * fits into one piece of huge pages. */
#define SMALL_SPILLS 5
/* A table costs some hundred bytes of its own. */
#define SMALLEST_SPILL ((uint64_t)16 * 1024)

/* Needs mutex, which it lets go of while it waits. */
static byron_status wait_for_token(struct byron_db *db, uint32_t timeout_ms)
{
    uint64_t deadline = 0; /* Set when there is something to wait for. */
    while (db->token_taken) {
        uint64_t now = db->os->now_us(db->os);
        if (deadline == 0)
            deadline = now + 1000u * (uint64_t)timeout_ms;
        if (now >= deadline)
            return error_set(BYRON_BUSY, db->os->dir_path(db->dir),
                             BYRON_NO_OFFSET, 0,
                             "another transaction is writing to the store");
        condition_wait_us(&db->token_free, &db->mutex, deadline - now);
    }
    return BYRON_OK;
}

/* Needs mutex. Nobody else has the token. */
static void take_token(struct byron_txn *txn)
{
    struct byron_db *db = txn->db;
    txn->base = *commit_ring_newest(&db->ring);
    txn->has_token = true;
    db->token_taken = true;
    db->open_txns++;
}

/* Needs mutex, which it lets go of while it waits. */
static byron_status take_log(struct byron_txn *txn)
{
    struct byron_db *db = txn->db;
    while (db->log_taken && !txn->has_log)
        condition_wait(&db->log_free, &db->mutex);
    db->log_taken = true;
    txn->has_log = true;
    /* Nobody else adds a commit meanwhile. */
    return commit_ring_reserve(&db->ring);
}

static byron_status refuse_read_only(const struct byron_db *db)
{
    return error_set(BYRON_READ_ONLY, db->os->dir_path(db->dir),
                     BYRON_NO_OFFSET, 0, "the store is open for reading only");
}

byron_status byron_begin(byron_db *db, uint32_t timeout_ms, byron_txn **out)
{
    byron_status status;
    if (db->is_read_only)
        return refuse_read_only(db);
    byron_txn *txn = alloc_zeroed(1, sizeof *txn);
    if (!txn)
        return error_no_memory();
    txn->db = db;
    mutex_lock(&db->mutex);
    status = wait_for_token(db, timeout_ms);
    if (status == BYRON_OK)
        status = snapshot_open_newest(db, &txn->snapshot);
    if (status == BYRON_OK)
        take_token(txn);
    mutex_unlock(&db->mutex);
    if (status == BYRON_OK)
        status = memtable_new(false, &txn->writes);
    if (status == BYRON_OK)
        *out = txn;
    else
        byron_txn_abort(txn);
    return status;
}

byron_status txn_begin_batch(struct byron_db *db, const struct batch *batch,
                             struct byron_txn *out)
{
    *out = (struct byron_txn){.db = db, .batch = batch};
    if (db->is_read_only)
        return refuse_read_only(db);
    mutex_lock(&db->mutex);
    byron_status status = wait_for_token(db, UINT32_MAX);
    if (status == BYRON_OK) {
        take_token(out);
        status = take_log(out);
    }
    mutex_unlock(&db->mutex);
    return status;
}
byron_status txn_take_log(struct byron_txn *txn)
{
    if (txn->has_log) /* And room in the ring. */
        return BYRON_OK;
    mutex_lock(&txn->db->mutex);
    byron_status status = take_log(txn);
    mutex_unlock(&txn->db->mutex);
    return status;
}

void txn_give_log(struct byron_txn *txn)
{
    if (txn->has_log)
        wait_give_log(txn->db);
    txn->has_log = false;
}

void txn_give_all(struct byron_txn *txn, bool leaves_files)
{
    struct byron_db *db = txn->db;
    if (leaves_files) {
        db->work_due = true;
        condition_wake_all(&db->changed);
    }
    if (txn->has_log)
        wait_log_is_free(db);
    txn->has_log = false;
    txn->has_token = false;
    db->token_taken = false;
    db->prepared_id = 0;
    db->open_txns--;
    condition_wake_all(&db->token_free);
}

void txn_end(struct byron_txn *txn)
{
    struct byron_db *db = txn->db;
    bool leaves_files = txn->spill_count > 0;
    memtable_unref(txn->writes);
    txn_spill_end(txn);
    dead_spans_deinit(&txn->dead);
    range_set_deinit(&txn->ranges);
    buf_deinit(&txn->raw);
    byron_snapshot *snapshot = txn->snapshot;
    bool is_let_go = snapshot_let_go(snapshot);
    if (is_let_go || txn->has_token) {
        mutex_lock(&db->mutex);
        if (is_let_go)
            snapshot_forget(snapshot);
        if (txn->has_token)
            txn_give_all(txn, leaves_files);
        mutex_unlock(&db->mutex);
    }
    if (!txn->batch)
        alloc_free(txn);
}

uint64_t byron_txn_base(const byron_txn *txn)
{
    return txn->base.id;
}

uint64_t byron_txn_mark(const byron_txn *txn)
{
    return txn->position;
}

void byron_txn_rollback_to(byron_txn *txn, uint64_t mark)
{
    if (mark < txn->position)
        dead_spans_add(&txn->dead, mark, txn->position);
}

static byron_status check_value(struct byron_bytes value, size_t most)
{
    if (value.size <= most)
        return BYRON_OK;
    return error_set(BYRON_TOO_BIG, NULL, BYRON_NO_OFFSET, 0,
                     "a value of %zu bytes is beyond the limit of %zu",
                     value.size, most);
}

/*
 * What was written in order is its commit's as it is, however little it is, and
 * memory that is used again needs no fresh pages. But what the log may well
 * hold is not worth the syncs of a table.
 */
static uint64_t spill_size(const byron_txn *txn)
{
    uint64_t full = txn->db->tuning.memtable;
    uint64_t small = full / (txn->spill_count > 0 ? SMALL_SPILLS : 2);
    if (txn->fills_up || txn->is_unordered || full <= SMALLEST_SPILL)
        return full;
    return small > SMALLEST_SPILL ? small : SMALLEST_SPILL;
}

static byron_status write_one(byron_txn *txn, enum entry_kind kind,
                              struct byron_bytes key, struct byron_bytes value)
{
    byron_status status;
    struct entry entry = {.key = slice_from(key),
                          .value = slice_from(value),
                          .sequence = txn->position + 1,
                          .kind = kind};
    TRY(check_key(key));
    TRY(check_value(value, BYRON_MAX_VALUE));
    /* So that a rollback cannot fail. */
    TRY(dead_spans_reserve(&txn->dead));
    if (db_memtable_size(txn->writes) >= spill_size(txn))
        TRY(txn_spill(txn));
    TRY(memtable_add(txn->writes, &entry));
    txn->position++;
out:
    return status;
}

byron_status byron_txn_put(byron_txn *txn, struct byron_bytes key,
                           struct byron_bytes value)
{
    return write_one(txn, ENTRY_PUT, key, value);
}

byron_status byron_txn_put_until(byron_txn *txn, struct byron_bytes key,
                                 struct byron_bytes value, uint64_t expires_ms)
{
    byron_status status;
    struct buf *raw = &txn->raw;
    if (expires_ms == 0)
        return byron_txn_put(txn, key, value);
    TRY(check_value(value, BYRON_MAX_VALUE - TIMED_HEAD));
    buf_clear(raw);
    TRY(buf_reserve(raw, TIMED_HEAD + value.size));
    TRY(buf_add_u64(raw, expires_ms));
    TRY(buf_add(raw, value.data, value.size));
    TRY(write_one(txn, ENTRY_TIMED, key, slice_bytes(buf_slice(raw))));
    txn->wal_flags |= WAL_TIMED;
out:
    return status;
}

uint64_t byron_time(byron_snapshot *snapshot, byron_txn *txn)
{
    return moment_ms(txn ? &txn->snapshot->moment : &snapshot->moment);
}

byron_status byron_txn_delete(byron_txn *txn, struct byron_bytes key)
{
    struct byron_bytes none = {0};
    return write_one(txn, ENTRY_DELETE, key, none);
}

byron_status byron_txn_delete_range(byron_txn *txn,
                                    const struct byron_range *range)
{
    byron_status status;
    struct range_delete delete = {slice_from(range->lower),
                                  slice_from(range->upper), txn->position + 1};
    struct range_deletes deletes = {.items = &delete, .count = 1};
    if (!range->upper.data)
        return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                         "a range to delete needs an upper bound");
    TRY(check_key(range->lower));
    TRY(check_key(range->upper));
    if (slice_compare(delete.lower, delete.upper) >= 0)
        return BYRON_OK;
    /* So that a rollback cannot fail. */
    TRY(dead_spans_reserve(&txn->dead));
    TRY(range_set_stage(&txn->ranges, &deletes));
    range_set_publish(&txn->ranges);
    txn->wal_flags |= WAL_RANGES;
    txn->position++;
out:
    return status;
}

static void release_memtable(void *owner)
{
    memtable_unref(owner);
}

/* The newest write of key that lives. */
static byron_status get_own(byron_txn *txn, struct slice key,
                            struct table_found *out)
{
    struct entry entry;
    uint64_t limit = txn->position;
    while (memtable_get_before_add(txn->writes, key, limit, &entry)) {
        if (!dead_spans_has(&txn->dead, entry.sequence)) {
            *out = (struct table_found){.kind = entry.kind,
                                        .sequence = entry.sequence};
            out->value.bytes = entry.value;
            out->value.owner = memtable_ref(txn->writes);
            out->value.release = release_memtable;
            return BYRON_OK;
        }
        limit = entry.sequence - 1;
    }
    return txn_spill_get(txn, key, out);
}

/* The newest write of key that lives, range deletes included. */
static byron_status get_written(byron_txn *txn, struct slice key,
                                struct table_found *out)
{
    byron_status status = get_own(txn, key, out);
    struct seen_deletes deletes = txn_deletes(txn, txn->position);
    uint64_t deleted = deletes.lists ? seen_deletes_newest(&deletes, key) : 0;
    if (deleted == 0 || (status != BYRON_OK && status != BYRON_NOT_FOUND) ||
        (status == BYRON_OK && out->sequence > deleted))
        return status;
    if (status == BYRON_OK)
        pin_release(&out->value);
    *out = (struct table_found){.kind = ENTRY_DELETE, .sequence = deleted};
    return BYRON_OK;
}

byron_status byron_txn_get(byron_txn *txn, struct byron_bytes key,
                           struct byron_value *out)
{
    struct table_found found = {.skips_large = !out};
    byron_status status;
    if (out)
        *out = (struct byron_value){0};
    TRY(check_key(key));
    status = get_written(txn, slice_from(key), &found);
    if (status == BYRON_OK)
        return value_from(&found, &txn->snapshot->moment, out);
    if (status == BYRON_NOT_FOUND)
        status = snapshot_get(txn->snapshot, slice_from(key), out);
out:
    return status;
}

struct seen_deletes txn_deletes(const struct byron_txn *txn, uint64_t limit)
{
    return (struct seen_deletes){range_set_lists(&txn->ranges), limit,
                                 &txn->dead};
}

/* Those of one list that live, each as a delete of the commit. */
static byron_status take_from_list(const struct byron_txn *txn,
                                   const struct range_list *list,
                                   uint64_t sequence, struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < list->count; i++) {
        const struct range_piece *piece = &list->pieces[i];
        struct range_delete delete = {piece->lower, piece->upper, sequence};
        bool lives = false;
        for (size_t j = 0; j < piece->count && !lives; j++)
            lives = !dead_spans_has(&txn->dead, piece->sequences[j]);
        if (lives)
            TRY(range_deletes_add(out, &delete));
    }
out:
    return status;
}

byron_status txn_take_deletes(const struct byron_txn *txn, uint64_t sequence,
                              struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    struct range_lists *lists = range_set_lists(&txn->ranges);
    struct range_deletes all = {0};
    struct range_list list = {0};
    for (size_t i = 0; lists && i < lists->count; i++)
        TRY(take_from_list(txn, lists->lists[i], sequence, &all));
    /* Those that overlap become one. */
    TRY(range_list_build(&list, &all));
    TRY(range_list_collect(&list, slice_of(NULL, 0), slice_of(NULL, 0),
                           sequence, out));
out:
    range_deletes_deinit(&all);
    range_list_deinit(&list);
    return status;
}

byron_status txn_iter_new(struct byron_txn *txn, uint64_t limit,
                          struct iter **out)
{
    byron_status status;
    size_t count = 0;
    struct iter *merged = NULL;
    struct iter **iters =
        alloc_zeroed(txn->spill_count + 1, sizeof(struct iter *));
    if (!iters)
        return error_no_memory();
    TRY(memtable_iter_new(txn->writes, &iters[count]));
    count++;
    for (size_t i = txn->spill_count; i-- > 0;) {
        TRY(txn_spill_iter_new(&txn->spills[i], &iters[count]));
        count++;
    }
    size_t taken = count;
    count = 0; /* The merge takes them, even if it fails. */
    TRY(merge_iter_new(iters, taken, &merged));
    struct cover cover = {.deletes = txn_deletes(txn, limit)};
    if (cover.deletes.lists)
        TRY(cover_iter_new(merged, &cover, COVER_ANY_SEQUENCE, &merged));
    TRY(live_iter_new(merged, &txn->dead, limit, out));
out:
    while (count > 0)
        iter_free(iters[--count]);
    alloc_free(iters);
    return status;
}

void byron_txn_abort(byron_txn *txn)
{
    if (!txn)
        return;
    txn_unprepare(txn);
    txn_end(txn);
}
