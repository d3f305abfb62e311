#include "db/tuning.h"

#include "db/db_state.h"
#include "db/options.h"
#include "db/work.h"
#include "sstable/file_pool.h"

void tuning_set(struct byron_db *db, const struct byron_options *given,
                const struct byron_options *derived)
{
    struct tuning *tuning = &db->tuning;
    tuning->memory = derived->memory;
    tuning->memtable = derived->memtable;
    tuning->file_size = derived->file_size;
    tuning->fanout = derived->fanout;
    tuning->block_size = derived->block_size;
    tuning->bloom_bits = derived->bloom_bits;
    tuning->compression = (int)derived->compression;
    tuning->hash_index = (int)derived->hash_index;
    tuning->is_cache_fixed = given && given->cache > 0;
}

struct table_options tuning_table_options(const struct byron_db *db)
{
    static const enum codec codecs[] = {
        [BYRON_COMPRESSION_NONE] = CODEC_NONE,
        [BYRON_COMPRESSION_LZ4] = CODEC_LZ4,
        [BYRON_COMPRESSION_ZSTD] = CODEC_ZSTD,
    };
    int compression = db->tuning.compression;
    return (struct table_options){
        .block_size = db->tuning.block_size,
        .bloom_bits = db->tuning.bloom_bits,
        .codec = codecs[compression],
    };
}

byron_status tuning_start_thread(struct byron_db *db)
{
    if (db->has_thread || db->is_read_only)
        return BYRON_OK;
    byron_status status = thread_start(&db->thread, db_thread_run, db);
    if (status == BYRON_OK)
        db->has_thread = true;
    return status;
}

void tuning_stop_thread(struct byron_db *db)
{
    if (!db->has_thread)
        return;
    mutex_lock(&db->mutex);
    db->stop = true;
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
    thread_join(&db->thread);
    mutex_lock(&db->mutex);
    db->stop = false;
    db->has_thread = false;
    /* Whoever waits for its work does it now. */
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
}

/* The cache has what is left of the new budget, or what was asked for. */
static void share_anew(struct byron_db *db, uint64_t cache)
{
    mutex_lock(&db->mutex);
    db->shared = DB_SHARED_UNKNOWN;
    if (db->tuning.is_cache_fixed)
        block_cache_set_capacity(db->cache, (size_t)cache);
    else
        db_share_memory(db);
    db->work_due = true;
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
}

byron_status byron_set_options(byron_db *db, const struct byron_options *given)
{
    byron_status status;
    struct byron_options derived;
    TRY(db_derive_options(given, db->os->dir_path(db->dir), &derived));
    mutex_lock(&db->tuning_mutex);
    tuning_set(db, given, &derived);
    file_pool_set_mapping(db->pool, derived.map_files);
    share_anew(db, derived.cache);
    if (derived.inline_work)
        tuning_stop_thread(db);
    else
        status = tuning_start_thread(db);
    mutex_unlock(&db->tuning_mutex);
out:
    return status;
}
