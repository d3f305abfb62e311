#include "db/snapshot.h"

#include <assert.h>

#include "base/alloc.h"

/* --- Idle ones ----------------------------------------------------------- */

/* Needs mutex. */
static void free_idle(struct byron_db *db)
{
    byron_snapshot *snapshot;
    while ((snapshot = (byron_snapshot *)idle_take(&db->idle_snapshots))) {
        assert(db->open_snapshots > 0);
        db->open_snapshots--;
        read_state_unref(snapshot->state);
        alloc_free(snapshot);
    }
}

void snapshots_renew(struct byron_db *db)
{
    atomic_fetch_add(&db->age, 1);
    free_idle(db);
}

static byron_snapshot *take_idle(struct byron_db *db)
{
    byron_snapshot *snapshot = (byron_snapshot *)idle_take(&db->idle_snapshots);
    if (snapshot)
        moment_init(&snapshot->moment, &db->clock);
    return snapshot;
}

/* NULL is not. */
static bool is_newest(const byron_snapshot *snapshot)
{
    return snapshot && snapshot->age == atomic_load(&snapshot->db->age);
}

/*
 * False: it is still the caller's. Who renews the age looks for idle ones
 * afterwards, and who leaves one looks at the age afterwards: so one of the two
 * sees the other.
 */
static bool leave_idle(byron_snapshot *snapshot)
{
    struct byron_db *db = snapshot->db;
    uint64_t age = snapshot->age;
    if (age == 0 || atomic_load(&db->age) != age ||
        !idle_put(&db->idle_snapshots, &snapshot->idle))
        return false;
    if (atomic_load(&db->age) != age) {
        mutex_lock(&db->mutex);
        free_idle(db);
        mutex_unlock(&db->mutex);
    }
    return true;
}

/* --- Opening ------------------------------------------------------------- */

/* Needs mutex. */
static byron_status open_at(struct byron_db *db, const struct commit *commit,
                            byron_snapshot **out)
{
    byron_snapshot *snapshot = db->spare_snapshot;
    db->spare_snapshot = NULL;
    if (!snapshot)
        snapshot = alloc_bytes(sizeof *snapshot);
    if (!snapshot)
        return error_no_memory();
    snapshot->db = db;
    snapshot->state = read_state_ref(db->read_state);
    snapshot->sequence = commit->sequence;
    snapshot->commit = commit->id;
    snapshot->age =
        commit == commit_ring_newest(&db->ring) ? atomic_load(&db->age) : 0;
    moment_init(&snapshot->moment, &db->clock);
    db->open_snapshots++;
    *out = snapshot;
    return BYRON_OK;
}

byron_status byron_snapshot_open(byron_db *db, byron_snapshot **out)
{
    *out = take_idle(db);
    if (is_newest(*out))
        return BYRON_OK;
    byron_snapshot_close(*out);
    mutex_lock(&db->mutex);
    byron_status status = open_at(db, commit_ring_newest(&db->ring), out);
    mutex_unlock(&db->mutex);
    return status;
}

byron_status snapshot_open_newest(struct byron_db *db, byron_snapshot **out)
{
    *out = take_idle(db);
    if (is_newest(*out))
        return BYRON_OK;
    if (*out) {
        read_state_unref((*out)->state);
        snapshot_forget(*out);
    }
    return open_at(db, commit_ring_newest(&db->ring), out);
}

byron_status byron_snapshot_at(byron_db *db, uint64_t id, uint32_t timeout_ms,
                               byron_snapshot **out)
{
    byron_status status;
    uint64_t deadline = 0; /* Set when there is something to wait for. */
    *out = take_idle(db);
    /* An older one may have become the name of a newer commit of our own. */
    if (is_newest(*out) && (*out)->commit == id)
        return BYRON_OK;
    byron_snapshot_close(*out);
    *out = NULL;
    mutex_lock(&db->mutex);
    for (;;) {
        const struct commit *commit = commit_ring_find(&db->ring, id);
        if (commit) {
            status = open_at(db, commit, out);
            break;
        }
        uint64_t now = db->os->now_us(db->os);
        if (deadline == 0)
            deadline = now + 1000u * (uint64_t)timeout_ms;
        /* The host has committed it; to publish it is a moment's work. */
        if (id == db->prepared_id && id != 0 && now < deadline) {
            condition_wait_us(&db->token_free, &db->mutex, deadline - now);
            continue;
        }
        status = error_set(BYRON_BUSY_SNAPSHOT, db->os->dir_path(db->dir),
                           BYRON_NO_OFFSET, 0,
                           "the state after commit %llu is no longer held; "
                           "start the transaction again",
                           (unsigned long long)id);
        break;
    }
    mutex_unlock(&db->mutex);
    return status;
}

bool snapshot_let_go(byron_snapshot *snapshot)
{
    if (!snapshot || leave_idle(snapshot))
        return false;
    /* Outside the mutex: the last reference may free a whole memtable. */
    read_state_unref(snapshot->state);
    return true;
}

void snapshot_forget(byron_snapshot *snapshot)
{
    struct byron_db *db = snapshot->db;
    assert(db->open_snapshots > 0);
    db->open_snapshots--;
    if (!db->spare_snapshot)
        db->spare_snapshot = snapshot;
    else
        alloc_free(snapshot);
}

void byron_snapshot_close(byron_snapshot *snapshot)
{
    if (!snapshot_let_go(snapshot))
        return;
    struct byron_db *db = snapshot->db;
    mutex_lock(&db->mutex);
    snapshot_forget(snapshot);
    mutex_unlock(&db->mutex);
}

void byron_value_release(struct byron_value *value)
{
    if (value->unpin)
        value->unpin(value->pin);
    *value = (struct byron_value){0};
}

/* Takes the expiry off the value; NOT_FOUND where it has passed. */
static byron_status part_timed(struct table_found *found, struct moment *moment,
                               uint64_t *expires_ms)
{
    struct slice *bytes = &found->value.bytes;
    byron_status status = timed_split(*bytes, expires_ms, bytes);
    if (status == BYRON_OK && !timed_lives(*expires_ms, moment_ms(moment)))
        status = BYRON_NOT_FOUND;
    return status;
}

byron_status value_from(struct table_found *found, struct moment *moment,
                        struct byron_value *out)
{
    byron_status status = BYRON_OK;
    uint64_t expires_ms = 0;
    if (found->kind != ENTRY_PUT)
        status = found->kind == ENTRY_TIMED
                     ? part_timed(found, moment, &expires_ms)
                     : BYRON_NOT_FOUND;
    if (status != BYRON_OK || !out) {
        pin_release(&found->value);
        if (out)
            *out = (struct byron_value){0};
        return status;
    }
    out->expires_ms = expires_ms;
    /* An empty value is told from an absent one by its pointer. */
    out->data = found->value.bytes.data ? (const void *)found->value.bytes.data
                                        : (const void *)"";
    out->size = found->value.bytes.size;
    out->pin = found->value.owner;
    out->unpin = found->value.release;
    return BYRON_OK;
}

byron_status check_key(struct byron_bytes key)
{
    if (key.size <= BYRON_MAX_KEY)
        return BYRON_OK;
    return error_set(BYRON_TOO_BIG, NULL, BYRON_NO_OFFSET, 0,
                     "a key of %zu bytes is beyond the limit of %zu", key.size,
                     BYRON_MAX_KEY);
}

byron_status snapshot_get(byron_snapshot *snapshot, struct slice key,
                          struct byron_value *out)
{
    struct table_found found = {.skips_large = !out};
    byron_status status =
        read_state_get(snapshot->state, key, snapshot->sequence, NULL, &found);
    if (status != BYRON_OK)
        return status;
    return value_from(&found, &snapshot->moment, out);
}

byron_status byron_get(byron_db *db, byron_snapshot *snapshot,
                       struct byron_bytes key, struct byron_value *out)
{
    byron_status status;
    byron_snapshot *own = NULL;
    if (out)
        *out = (struct byron_value){0};
    TRY(check_key(key));
    if (!snapshot) {
        TRY(byron_snapshot_open(db, &own));
        snapshot = own;
    }
    TRY(snapshot_get(snapshot, slice_from(key), out));
out:
    byron_snapshot_close(own);
    return status;
}

/* Memory is asked so many keys ahead for where a get begins, and a third less
 * each for where that leads, and for what is there. */
#define KEYS_AHEAD  12
#define STAGE_AHEAD (KEYS_AHEAD / 3)

struct multi_get {
    byron_snapshot *snapshot;
    size_t count;
    const struct byron_bytes *keys;
    struct byron_value *values;              /* NULL: not asked for, */
    bool *is_there;                          /* as this. */
    struct version_ahead aheads[KEYS_AHEAD]; /* Of key i at i % KEYS_AHEAD. */
};

static void go_on(const struct multi_get *gets, size_t index,
                  enum table_ahead what)
{
    if (index < gets->count)
        version_ahead_prefetch(&gets->aheads[index % KEYS_AHEAD], what);
}

static byron_status multi_get_one(const struct multi_get *gets, size_t index)
{
    byron_snapshot *snapshot = gets->snapshot;
    struct byron_value *value = gets->values ? &gets->values[index] : NULL;
    struct table_found found = {.skips_large = !value};
    byron_status status;

    TRY(check_key(gets->keys[index]));
    status = read_state_get(snapshot->state, slice_from(gets->keys[index]),
                            snapshot->sequence,
                            &gets->aheads[index % KEYS_AHEAD], &found);
    if (status == BYRON_OK)
        status = value_from(&found, &snapshot->moment, value);
    if (gets->is_there)
        gets->is_there[index] = status == BYRON_OK;
    if (status == BYRON_NOT_FOUND)
        status = BYRON_OK;
out:
    return status;
}

/* Step step of a multi-get: a get, and what those to come need. */
static byron_status multi_get_step(struct multi_get *gets, size_t step)
{
    byron_status status = BYRON_OK;

    /* Of the first steps what lies back is far beyond count. */
    if (step - KEYS_AHEAD < gets->count)
        status = multi_get_one(gets, step - KEYS_AHEAD);
    go_on(gets, step - 2 * STAGE_AHEAD, TABLE_AHEAD_ENTRY);
    go_on(gets, step - STAGE_AHEAD, TABLE_AHEAD_WHERE);
    if (step < gets->count)
        read_state_look_ahead(gets->snapshot->state,
                              slice_from(gets->keys[step]),
                              &gets->aheads[step % KEYS_AHEAD]);
    return status;
}

byron_status byron_multi_get(byron_db *db, byron_snapshot *snapshot,
                             size_t count, const struct byron_bytes *keys,
                             struct byron_value *values, bool *is_there)
{
    byron_status status = BYRON_OK;
    byron_snapshot *own = NULL;
    struct multi_get gets; /* Large: aheads is filled as it is used. */

    for (size_t i = 0; values && i < count; i++)
        values[i] = (struct byron_value){0};
    if (!snapshot) {
        TRY(byron_snapshot_open(db, &own));
        snapshot = own;
    }
    gets.snapshot = snapshot;
    gets.count = count;
    gets.keys = keys;
    gets.values = values;
    gets.is_there = is_there;
    for (size_t step = 0; step < count + KEYS_AHEAD; step++)
        TRY(multi_get_step(&gets, step));
out:
    if (status != BYRON_OK)
        for (size_t i = 0; values && i < count; i++)
            byron_value_release(&values[i]);
    byron_snapshot_close(own);
    return status;
}
