#include "db/db.h"
#include "db/snapshot.h"
#include "db/work.h"
#include "sstable/file_pool.h"

static void level_stats(struct byron_db *db, const struct version *version,
                        struct byron_stats *out)
{
    struct picker_options options;
    uint64_t targets[BYRON_LEVELS];
    mutex_lock(&db->mutex);
    db_picker_options(db, &options);
    mutex_unlock(&db->mutex);
    picker_targets(version, &options, targets);
    out->debt_bytes = picker_debt(version, &options);
    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &version->levels[l];
        struct byron_level_stats *stats = &out->level[l];
        stats->runs = level->count;
        stats->bytes = level->bytes;
        stats->entries = level->entries;
        stats->tombstones = level->tombstones;
        stats->target_bytes = targets[l];
        for (size_t r = 0; r < level->count; r++)
            stats->files += level->runs[r].count;
    }
}

struct disk_size {
    struct byron_db *db;
    uint64_t wal_bytes, all_bytes;
};

static byron_status add_size(void *context, const char *name)
{
    struct disk_size *disk = context;
    struct byron_db *db = disk->db;
    struct os_file *file;
    enum file_kind kind;
    uint64_t number;
    uint64_t size = 0;
    /* A file may go while it is looked at. */
    if (!file_name_parse(name, &kind, &number) ||
        db->os->file_open(db->dir, name, &file) != BYRON_OK)
        return BYRON_OK;
    byron_status status = db->os->file_size(file, &size);
    db->os->file_close(file);
    if (status != BYRON_OK)
        return BYRON_OK;
    disk->all_bytes += size;
    if (kind == FILE_WAL)
        disk->wal_bytes += size;
    return BYRON_OK;
}

static void memtable_stats(const struct read_state *state,
                           struct byron_stats *out)
{
    out->memtable_bytes = memtable_footprint(state->live);
    out->memtable_entries = memtable_count(state->live);
    out->frozen_count = state->frozen_count;
    for (size_t i = 0; i < state->frozen_count; i++)
        if (state->frozen[i]->memtable)
            out->frozen_bytes += memtable_footprint(state->frozen[i]->memtable);
}

void byron_stats(byron_db *db, struct byron_stats *out)
{
    struct block_cache_stats cache;
    struct disk_size disk = {.db = db};
    mutex_lock(&db->mutex);
    snapshots_renew(db);
    *out = db->stats;
    out->wal_files = db->wal_count;
    out->wal_bytes_written = atomic_load(&db->wal_bytes_written);
    out->snapshots = db->open_snapshots;
    out->sequence = db->last_sequence;
    struct read_state *state = read_state_ref(db->read_state);
    mutex_unlock(&db->mutex);
    level_stats(db, state->version, out);
    memtable_stats(state, out);
    read_state_unref(state);
    block_cache_stats(db->cache, &cache);
    out->cache_capacity = cache.capacity;
    out->cache_bytes = cache.bytes;
    out->cache_hits = cache.hits;
    out->cache_misses = cache.misses;
    out->mapped_bytes = file_pool_mapped(db->pool);
    out->memory = db->tuning.memory;
    byron_status ignored = db->os->dir_list(db->dir, add_size, &disk);
    (void)ignored;
    out->disk_bytes = disk.all_bytes;
    out->wal_bytes = disk.wal_bytes;
}
