#include <sys/resource.h>

#include "base/alloc.h"
#include "db/db.h"
#include "db/db_state.h"
#include "db/options.h"
#include "db/orphans.h"
#include "db/recovery.h"
#include "db/snapshot.h"
#include "db/tuning.h"
#include "db/txn.h"
#include "db/wal.h"
#include "sstable/file_pool.h"

/* Open files of tables at once: no more than this, and no more than a part of
 * what the process may have open, since they are not its only files. */
#define OPEN_FILES     256
#define OPEN_FILES_MIN 8

static size_t open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur / 4 >= OPEN_FILES)
        return OPEN_FILES;
    return limit.rlim_cur / 4 < OPEN_FILES_MIN ? OPEN_FILES_MIN
                                               : (size_t)limit.rlim_cur / 4;
}

static byron_status no_store(struct byron_db *db)
{
    return error_set(BYRON_MISSING, db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                     0, "there is no byron store in this directory");
}

static byron_status create_store(struct byron_db *db)
{
    byron_status status;
    TRY(manifest_create(db->os, db->dir, &db->state, &db->manifest));
    db->has_appended = true;
out:
    return status;
}

static byron_status check_id(struct byron_db *db)
{
    const uint8_t *expected = db->options.expected_id;
    if (!expected ||
        memcmp(expected, db->state.store_id, sizeof db->state.store_id) == 0)
        return BYRON_OK;
    return error_set(BYRON_FOREIGN, db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                     0,
                     "the store in this directory belongs to another "
                     "database, or to another backup of it; restore the "
                     "database file and this directory from the same backup");
}

static byron_status load_or_create(struct byron_db *db)
{
    byron_status status =
        manifest_load(db->os, db->dir, &db->env, &db->state, &db->manifest);
    if (status == BYRON_OK && db->options.must_not_exist)
        return error_set(BYRON_FOREIGN, db->os->dir_path(db->dir),
                         BYRON_NO_OFFSET, 0,
                         "the directory has a byron store already");
    if (status == BYRON_OK)
        return check_id(db);
    if (status != BYRON_MISSING)
        return status;
    return db->options.create ? create_store(db) : no_store(db);
}

static byron_status has_others(const char *path)
{
    return error_set(BYRON_BUSY, path, BYRON_NO_OFFSET, 0,
                     "the store is open in another process or handle; "
                     "one at a time may have it");
}

/* Whether a file LOCK may be left there: not where there is no store. */
static byron_status may_lock(struct byron_db *db, bool *out)
{
    byron_status status;
    uint8_t bytes[OS_HEAD_SLOT_SIZE];
    *out = !db->options.read_only;
    if (db->options.read_only || db->options.create)
        return BYRON_OK;
    status = db->os->head_read(db->dir, 0, bytes);
    *out = status != BYRON_MISSING;
    return status == BYRON_MISSING ? BYRON_OK : status;
}

static byron_status open_dir(struct byron_db *db, const char *path,
                             bool *has_lock)
{
    byron_status status;
    TRY(db->os->dir_open(db->os, path, db->options.create, &db->dir));
    if (db->options.like)
        db->os->dir_match(db->dir, db->options.like);
    if (!db->options.read_only && !db->os->dir_is_writable(db->dir))
        return error_set(BYRON_READ_ONLY, path, BYRON_NO_OFFSET, 0,
                         "the store's directory may not be written to");
    TRY(may_lock(db, has_lock));
    status = db->os->dir_lock(db->dir, !db->options.read_only, *has_lock);
    if (status == BYRON_BUSY)
        return has_others(path);
out:
    return status;
}

/* Run ids at level 0 grow with time, over all opens. */
static void find_next_run(struct byron_db *db)
{
    const struct level *level = &db->state.version->levels[0];
    for (size_t i = 0; i < level->count; i++)
        if (level->runs[i].id >= db->next_run)
            db->next_run = level->runs[i].id + 1;
}

static byron_status open_parts(struct byron_db *db, const char *path)
{
    byron_status status;
    bool has_lock = false;
    TRY(open_dir(db, path, &has_lock));
    TRY(block_cache_new(db->options.cache, &db->cache));
    TRY(file_pool_new(db->os, db->dir, open_files(), &db->pool));
    file_pool_set_mapping(db->pool, db->options.map_files);
    table_env_init(&db->env, db->pool, db->cache);
    TRY(load_or_create(db));
    if (!has_lock && !db->is_read_only)
        return has_others(path); /* Who has made it meanwhile. */
    db->next_number = db->state.next_number;
    db->next_run = 1;
    find_next_run(db);
    TRY(db_recover(db));
    db->number_at_open = db->next_number;
    db->work_due = true;
    db_share_memory(db);
    db->pace.window_us = db->flushed_us = db->os->now_us(db->os);
    if (!db->options.inline_work)
        TRY(tuning_start_thread(db));
out:
    return status;
}

static byron_status remove_one(void *context, const char *name)
{
    struct byron_db *db = context;
    enum file_kind kind;
    uint64_t number;
    if (file_name_parse(name, &kind, &number) || strcmp(name, "HEAD") == 0 ||
        strcmp(name, "LOCK") == 0 || strcmp(name, DOUBT_NAME) == 0) {
        byron_status ignored = db->os->file_remove(db->dir, name);
        (void)ignored;
    }
    return BYRON_OK;
}

/* A private store goes with its handle. */
static void remove_store(struct byron_db *db)
{
    if (db->dir && db->options.remove_at_close) {
        byron_status ignored = db->os->dir_list(db->dir, remove_one, db);
        ignored = db->os->dir_remove(db->dir);
        (void)ignored;
    }
}

/* What the log holds becomes durable, and says so: from then on damage to its
 * last record is told from a torn tail. */
static void seal_wal(struct byron_db *db)
{
    if (!db->wal || db->wal_fatal != BYRON_OK || db->options.remove_at_close)
        return;
    byron_status status = db_settle_abort(db);
    if (status == BYRON_OK)
        status = log_writer_poison(db->wal);
    if (status == BYRON_OK)
        status = db_sync_wal(db);
    if (status == BYRON_OK)
        status = log_writer_seal(db->wal);
    /* Nothing is lost by a failure: a close promises no more than a kill. */
    (void)status;
}

static void free_db(struct byron_db *db)
{
    tuning_stop_thread(db);
    seal_wal(db);
    job_free(db->flush);
    job_free(db->job);
    log_writer_close(db->wal);
    read_state_unref(db->read_state);
    store_state_deinit(&db->state);
    manifest_close(db->manifest);
    if (db->env.pool) {
        if (!db->is_read_only)
            db_collect(db);
        table_env_deinit(&db->env);
    }
    file_pool_free(db->pool);
    block_cache_free(db->cache);
    remove_store(db);
    if (db->dir)
        db->os->dir_close(db->dir);
    commit_ring_deinit(&db->ring);
    carry_deinit(&db->carried);
    carry_deinit(&db->carrying);
    buf_deinit(&db->payload);
    buf_deinit(&db->places);
    buf_deinit(&db->compact_lower);
    buf_deinit(&db->compact_upper);
    alloc_free(db->spare_snapshot);
    alloc_free(db->orphans);
    alloc_free(db->wals);
    condition_deinit(&db->token_free);
    condition_deinit(&db->log_free);
    condition_deinit(&db->changed);
    group_deinit(&db->group);
    mutex_deinit(&db->tuning_mutex);
    mutex_deinit(&db->work_mutex);
    mutex_deinit(&db->mutex);
    alloc_free(db);
}

byron_status byron_open(const char *path, const struct byron_options *options,
                        byron_db **out)
{
    byron_status status;
    struct byron_db *db = alloc_zeroed(1, sizeof *db);
    if (!db)
        return error_no_memory();
    mutex_init(&db->mutex);
    mutex_init(&db->work_mutex);
    mutex_init(&db->tuning_mutex);
    group_init(&db->group);
    condition_init(&db->changed);
    condition_init(&db->token_free);
    condition_init(&db->log_free);
    atomic_init(&db->age, 1);
    TRY(db_derive_options(options, path, &db->options));
    db->os = db->options.os;
    store_clock_init(&db->clock, db->os);
    db->is_read_only = db->options.read_only;
    tuning_set(db, options, &db->options);
    TRY(open_parts(db, path));
    /* Borrowed for the call only. */
    db->options.commit_point = NULL;
    db->options.carried = (struct byron_bytes){0};
    db->options.expected_id = NULL;
    *out = db;
out:
    if (status != BYRON_OK) {
        struct byron_error error = *error_last();
        db->options.remove_at_close = false;
        free_db(db);
        status = error_restore(&error);
    }
    return status;
}

byron_status byron_close(byron_db *db)
{
    mutex_lock(&db->mutex);
    snapshots_renew(db);
    uint64_t open = db->open_snapshots + db->open_txns;
    mutex_unlock(&db->mutex);
    if (open > 0)
        return error_set(BYRON_MISUSE, db->os->dir_path(db->dir),
                         BYRON_NO_OFFSET, 0,
                         "%llu transactions and snapshots are still open",
                         (unsigned long long)open);
    free_db(db);
    return BYRON_OK;
}

void byron_store_id(const byron_db *db, uint8_t out[16])
{
    memcpy(out, db->state.store_id, sizeof db->state.store_id);
}

void byron_commit_point(byron_db *db, struct byron_commit_point *out)
{
    mutex_lock(&db->mutex);
    *out = db->point;
    mutex_unlock(&db->mutex);
}
