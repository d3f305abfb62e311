#include "base/alloc.h"
#include "base/hash.h"
#include "compaction/job.h"
#include "db/db_state.h"
#include "db/snapshot.h"
#include "db/work.h"
#include "memtable/memtable_iter.h"
#include "merge/limit_iter.h"

/*
 * A copy is at one commit, and what it shows must not depend on what the store
 * has become since. A snapshot pins all that is needed: tables up to its commit
 * get into the copy as they are, memtables are written as tables without what
 * came later. A table that mixes older and newer commits would have to be
 * rewritten; but nobody who opened the snapshot when its commit was the newest
 * has such a table in it, so that is refused, and a newer snapshot will do.
 */

/* Between two of them the caller is asked whether to go on. */
#define PIECE_SIZE ((size_t)1 << 20)
/* Tables are read back once, one at a time. */
#define OPEN_FILES 4

struct copy {
    struct byron_db *db;
    const byron_snapshot *snapshot;
    struct byron_copy_options options;
    struct byron_copied copied;
    struct os_dir *dir;
    bool is_ours; /* The directory was not there before. */
    struct file_pool *pool;
    struct table_env env;
    struct store_state state; /* Of the copy. */
    uint64_t next_run;
};

static byron_status go_on(struct copy *copy)
{
    if (!copy->options.progress ||
        copy->options.progress(copy->options.context, &copy->copied))
        return BYRON_OK;
    return error_set(BYRON_INTERRUPTED, copy->db->os->dir_path(copy->dir),
                     BYRON_NO_OFFSET, 0, "the copy was interrupted");
}

/* --- the directory --- */

static byron_status refuse_existing(const char *path)
{
    return error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                     "the directory exists already; a copy needs a new one");
}

static byron_status refuse_name(void *context, const char *name)
{
    struct copy *copy = context;
    if (strcmp(name, "LOCK") == 0)
        return BYRON_OK;
    copy->is_ours = false;
    return refuse_existing(copy->db->os->dir_path(copy->dir));
}

/* Passes on the status that made it necessary. */
static byron_status remove_empty(struct copy *copy, byron_status status)
{
    struct byron_error first = *error_last();
    byron_status ignored = copy->db->os->dir_remove(copy->dir);
    (void)ignored;
    (void)error_restore(&first);
    return status;
}

static byron_status make_dir(struct copy *copy, const char *path)
{
    byron_status status;
    struct byron_os *os = copy->db->os;
    status = os->dir_open(os, path, false, &copy->dir);
    if (status == BYRON_OK)
        return refuse_existing(path);
    if (status != BYRON_MISSING)
        return status;
    TRY(os->dir_open(os, path, true, &copy->dir));
    if (copy->db->options.like)
        os->dir_match(copy->dir, copy->db->options.like);
    /* Two may have found it missing. The lock says whose it is. */
    status = os->dir_lock(copy->dir, true, true);
    if (status == BYRON_BUSY)
        return refuse_existing(path);
    if (status != BYRON_OK)
        return remove_empty(copy, status);
    copy->is_ours = true;
    status = os->dir_list(copy->dir, refuse_name, copy);
out:
    return status;
}

static byron_status remove_one(void *context, const char *name)
{
    struct copy *copy = context;
    enum file_kind kind;
    uint64_t number;
    if (file_name_parse(name, &kind, &number) || strcmp(name, "LOCK") == 0) {
        byron_status ignored = copy->db->os->file_remove(copy->dir, name);
        (void)ignored;
    }
    return BYRON_OK;
}

/* Nothing of a copy that failed stays. HEAD goes first: without it the rest is
 * no store, should this be cut short. */
static void remove_dir(struct copy *copy)
{
    struct byron_os *os = copy->db->os;
    struct byron_error first = *error_last();
    byron_status ignored = os->file_remove(copy->dir, "HEAD");
    ignored = os->dir_sync(copy->dir);
    ignored = os->dir_list(copy->dir, remove_one, copy);
    ignored = os->dir_remove(copy->dir);
    (void)ignored;
    (void)error_restore(&first);
}

/* --- files that never change --- */

static byron_status refuse_damaged(const struct copy *copy, const char *name)
{
    return error_corrupt(copy->db->os->dir_path(copy->db->dir), BYRON_NO_OFFSET,
                         "table %s is damaged; a copy of it would be, too",
                         name);
}

/* Piece by piece; what is read is compared with what was once written. */
static byron_status copy_pieces(struct copy *copy, const char *name,
                                const struct table_facts *facts,
                                struct os_file *from, struct os_file *to)
{
    byron_status status;
    struct byron_os *os = copy->db->os;
    struct hash_stream *hash = NULL;
    uint8_t *piece = alloc_bytes(PIECE_SIZE);
    if (!piece)
        return error_no_memory();
    TRY(hash_stream_new(facts->uid, &hash));
    for (uint64_t at = 0; at < facts->size;) {
        uint64_t left = facts->size - at;
        size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
        TRY(os->file_read(from, at, piece, size));
        TRY(os->file_append(to, piece, size));
        hash_stream_add(hash, slice_of(piece, size));
        at += size;
        copy->copied.bytes += size;
        TRY(go_on(copy));
    }
    if (hash_stream_value(hash) != facts->file_hash)
        TRY(refuse_damaged(copy, name));
    TRY(os->file_sync(to));
out:
    hash_stream_free(hash);
    alloc_free(piece);
    return status;
}

static byron_status copy_bytes(struct copy *copy, const char *name,
                               const struct table_facts *facts)
{
    byron_status status;
    struct byron_os *os = copy->db->os;
    struct os_file *from = NULL;
    struct os_file *to = NULL;
    TRY(os->file_open(copy->db->dir, name, &from));
    TRY(os->file_create(copy->dir, name, &to));
    TRY(copy_pieces(copy, name, facts, from, to));
out:
    os->file_close(from);
    os->file_close(to);
    return status;
}

static byron_status copy_table(struct copy *copy, const struct table_meta *meta)
{
    byron_status status;
    char name[OS_NAME_MAX];
    file_name_format(FILE_TABLE, meta->number, name);
    if (atomic_load(&meta->is_corrupt))
        return refuse_damaged(copy, name);
    status = copy->db->os->file_link(copy->db->dir, name, copy->dir);
    if (status == BYRON_OK)
        copy->copied.bytes += meta->facts.size;
    else if (status == BYRON_NOT_FOUND)
        status = copy_bytes(copy, name, &meta->facts);
    if (status == BYRON_OK) {
        copy->copied.files++;
        status = go_on(copy);
    }
    return status;
}

/* The tables of a run that hold anything that the snapshot shows. */
static byron_status copy_run(struct copy *copy, const struct run *run,
                             uint32_t level, uint64_t id,
                             struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    uint64_t limit = copy->snapshot->sequence;
    for (size_t i = 0; i < run->count; i++) {
        const struct table_meta *meta = run->tables[i];
        struct table_facts facts;
        if (meta->facts.min_sequence > limit)
            continue;
        if (meta->facts.max_sequence > limit)
            return error_set(
                BYRON_BUSY_SNAPSHOT, copy->db->os->dir_path(copy->db->dir),
                BYRON_NO_OFFSET, 0,
                "newer commits are in one file with those to copy; copy a "
                "newer state");
        TRY(copy_table(copy, meta));
        TRY(db_copy_facts(&meta->facts, &facts));
        TRY(version_edit_add(edit, level, id, meta->number, meta->created_s,
                             &facts));
    }
out:
    return status;
}

/* --- the state of the copy --- */

static byron_status apply(struct copy *copy, const struct version_edit *edit)
{
    return store_state_apply(&copy->state, edit, &copy->env);
}

/* Ranges that were given up before the snapshot's commit. One that was given
 * up in the time of the commit's own log may be younger, and then the host's
 * copy still has what lies in it. */
static byron_status add_drops(struct copy *copy, struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    struct byron_db *db = copy->db;
    mutex_lock(&db->mutex);
    for (size_t i = 0; i < db->state.drop_count && status == BYRON_OK; i++) {
        const struct drop_range *drop = &db->state.drops[i];
        if (drop->wal < copy->snapshot->commit >> 32)
            status = version_edit_drop(edit, drop->wal, buf_slice(&drop->lower),
                                       buf_slice(&drop->upper));
    }
    mutex_unlock(&db->mutex);
    return status;
}

static byron_status copy_version(struct copy *copy)
{
    byron_status status;
    struct version_edit edit = {0};
    const struct version *version = copy->snapshot->state->version;
    TRY(add_drops(copy, &edit));
    for (uint32_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            const struct run *run = &version->levels[l].runs[r];
            TRY(copy_run(copy, run, l, run->id, &edit));
            if (l == 0 && run->id >= copy->next_run)
                copy->next_run = run->id + 1;
        }
    TRY(apply(copy, &edit));
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status new_flush(struct copy *copy, struct memtable *memtable,
                              struct job **out)
{
    byron_status status;
    struct iter *source;
    uint64_t limit = copy->snapshot->sequence;
    struct job_points points = {&limit, 1, 0};
    struct table_output_options output;
    struct range_deletes deletes = {0};
    db_output_options(copy->db, 0, copy->next_run++, &output);
    output.dir = copy->dir;
    output.pool = copy->pool;
    TRY(range_set_collect(memtable_ranges(memtable), limit, &deletes));
    TRY(memtable_iter_new(memtable, &source));
    TRY(limit_iter_new(source, limit, &source));
    TRY(job_new_flush(source, &deletes, &copy->state, &points, &output, out));
out:
    range_deletes_deinit(&deletes);
    return status;
}

/* What of it is not newer than the snapshot, as a table. */
static byron_status copy_memtable(struct copy *copy, struct memtable *memtable)
{
    byron_status status;
    struct version_edit edit = {0};
    struct job *job = NULL;
    uint64_t before = copy->copied.bytes;
    bool done = false;
    TRY(new_flush(copy, memtable, &job));
    while (!done) {
        TRY(job_step(job, PIECE_SIZE, &done));
        copy->copied.bytes = before + job_bytes_written(job);
        TRY(go_on(copy));
    }
    TRY(job_take_edit(job, &edit));
    copy->copied.files += edit.add_count;
    TRY(apply(copy, &edit));
out:
    job_free(job);
    version_edit_deinit(&edit);
    return status;
}

static byron_status copy_frozen(struct copy *copy, const struct frozen *frozen)
{
    byron_status status;
    struct version_edit edit = {0};
    if (frozen->memtable)
        return copy_memtable(copy, frozen->memtable);
    TRY(copy_run(copy, &frozen->run, 0, copy->next_run++, &edit));
    TRY(apply(copy, &edit));
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status copy_sources(struct copy *copy)
{
    byron_status status;
    const struct read_state *state = copy->snapshot->state;
    TRY(copy_version(copy));
    for (size_t i = 0; i < state->frozen_count; i++)
        TRY(copy_frozen(copy, state->frozen[i]));
    TRY(copy_memtable(copy, state->live));
out:
    return status;
}

static void count_memtable(struct copy *copy, const struct memtable *memtable)
{
    copy->copied.all_bytes += memtable_data_bytes(memtable);
}

static void count_run(struct copy *copy, const struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        copy->copied.all_bytes += run->tables[i]->facts.size;
}

static void count_all(struct copy *copy)
{
    const struct read_state *state = copy->snapshot->state;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < state->version->levels[l].count; r++)
            count_run(copy, &state->version->levels[l].runs[r]);
    for (size_t i = 0; i < state->frozen_count; i++)
        if (state->frozen[i]->memtable)
            count_memtable(copy, state->frozen[i]->memtable);
        else
            count_run(copy, &state->frozen[i]->run);
    count_memtable(copy, state->live);
}

static byron_status begin_state(struct copy *copy)
{
    byron_status status;
    struct byron_os *os = copy->db->os;
    struct store_state *state = &copy->state;
    const struct byron_commit_point *point = copy->options.commit_point;
    TRY(version_new_empty(&state->version));
    if (copy->options.id)
        memcpy(state->store_id, copy->options.id, sizeof state->store_id);
    else
        TRY(os->random(os, state->store_id, sizeof state->store_id));
    state->tip = copy->snapshot->commit;
    state->last_sequence = copy->snapshot->sequence;
    if (point && point->recent[0] != state->tip)
        state->alias = point->recent[0] ? point->recent[0] : HOST_HAS_NONE;
out:
    return status;
}

/* The copy has no log, and none of the numbers so far will come again. */
static byron_status finish_state(struct copy *copy)
{
    byron_status status;
    struct byron_db *db = copy->db;
    struct store_state *state = &copy->state;
    uint64_t bytes = 0;
    mutex_lock(&db->mutex);
    state->next_number = db->next_number;
    mutex_unlock(&db->mutex);
    state->wal_floor = state->next_number;
    TRY(db->os->dir_sync(copy->dir));
    mutex_lock(&db->work_mutex);
    status = manifest_copy(db->manifest, copy->dir, state, &bytes);
    mutex_unlock(&db->work_mutex);
    copy->copied.files += 2;
    copy->copied.bytes += bytes;
    copy->copied.all_bytes = copy->copied.bytes;
out:
    return status;
}

static byron_status build_copy(struct copy *copy, const char *path)
{
    byron_status status;
    struct byron_db *db = copy->db;
    TRY(make_dir(copy, path));
    TRY(file_pool_new(db->os, copy->dir, OPEN_FILES, &copy->pool));
    table_env_init(&copy->env, copy->pool, db->cache);
    TRY(begin_state(copy));
    count_all(copy);
    TRY(copy_sources(copy));
    TRY(finish_state(copy));
out:
    return status;
}

byron_status byron_copy(byron_snapshot *snapshot, const char *path,
                        const struct byron_copy_options *options,
                        struct byron_copied *out)
{
    struct copy copy = {.db = snapshot->db, .snapshot = snapshot};
    if (options)
        copy.options = *options;
    byron_status status = build_copy(&copy, path);
    store_state_deinit(&copy.state);
    if (copy.env.pool)
        table_env_deinit(&copy.env);
    file_pool_free(copy.pool);
    if (status != BYRON_OK && copy.is_ours)
        remove_dir(&copy);
    if (copy.dir)
        copy.db->os->dir_close(copy.dir);
    if (out)
        *out = copy.copied;
    return status;
}
