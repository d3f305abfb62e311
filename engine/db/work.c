#include "db/work.h"

#include "base/alloc.h"
#include "compaction/table_settings.h"
#include "db/db_state.h"
#include "db/orphans.h"
#include "db/pace.h"
#include "db/tuning.h"
#include "memtable/memtable_iter.h"

/* Level 0 is due for compaction at so many runs. */
#define LEVEL0_RUNS 4
/* A table that has held tombstones for so long is rewritten. */
#define TOMBSTONE_AGE_S (24 * 3600)
/* Without a flush for so long, the store counts as one that nobody writes. */
#define QUIET_US 5000000
/* After a failure no work for so long: space may come back. */
#define RETRY_US 250000
/* And for so long none that is due only because nobody writes: it can wait, and
 * would fill what is left of a full disk each time. */
#define QUIET_RETRY_US 60000000

static uint64_t expired_before(uint64_t now_ms)
{
    return now_ms > TIMED_GRACE_MS ? now_ms - TIMED_GRACE_MS : 0;
}

static bool is_quiet(const struct byron_db *db)
{
    uint64_t now = db->os->now_us(db->os);
    return db->settlers > 0 ||
           (now - db->flushed_us >= QUIET_US && now >= db->quiet_us);
}

void db_picker_options(const struct byron_db *db, struct picker_options *out)
{
    uint64_t now_ms = db->os->wall_ms(db->os);
    *out = (struct picker_options){
        /* A third of a memtable is nodes and heads, and a flush compresses
         * the rest. */
        .memtable_bytes = db->tuning.memtable / 2,
        .file_size = db->tuning.file_size,
        .fanout = db->tuning.fanout,
        .level0_runs = LEVEL0_RUNS,
        .now_s = now_ms / 1000,
        .expired_ms = expired_before(now_ms),
        .tombstone_age_s = TOMBSTONE_AGE_S,
        .oldest_point = db->window,
        .is_quiet = is_quiet(db),
    };
}

static uint64_t take_number(void *context)
{
    return db_take_number(context);
}

static uint64_t take_run(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    uint64_t run = db->next_run++;
    mutex_unlock(&db->mutex);
    return run;
}

/* Whether the tables written now get a hash index. */
static bool wants_hash_index(struct byron_db *db)
{
    int choice = db->tuning.hash_index;
    uint64_t entries = 0;
    if (choice != BYRON_HASH_INDEX_AUTO)
        return choice == BYRON_HASH_INDEX_ON;
    mutex_lock(&db->mutex);
    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &db->read_state->version->levels[l];
        entries += level->entries - level->tombstones;
    }
    mutex_unlock(&db->mutex);
    return table_settings_hash_index_fits(entries, db->tuning.memory);
}

void db_output_options(struct byron_db *db, uint32_t level, uint64_t run,
                       struct table_output_options *out)
{
    struct table_options table = tuning_table_options(db);
    *out = (struct table_output_options){
        .os = db->os,
        .dir = db->dir,
        .pool = db->pool,
        .cache = db->cache,
        .table = table_settings_at(&table, level),
        .file_size = db->tuning.file_size,
        .level = level,
        .run = run,
        .take_number = take_number,
        .context = db,
    };
    out->table.hash_index = wants_hash_index(db);
}

/* Everything newer than this may still be asked for. Commits that only older
 * versions could show are unknown from now on. */
static uint64_t take_window(struct byron_db *db)
{
    uint64_t retain_us = (uint64_t)db->options.retain_ms * 1000;
    uint64_t now = db->os->now_us(db->os);
    mutex_lock(&db->mutex);
    uint64_t window =
        commit_ring_forget(&db->ring, now > retain_us ? now - retain_us : 0);
    db->window = window;
    mutex_unlock(&db->mutex);
    return window;
}

/* Adds a table that exists already: its file stays, its place is new. */
static byron_status add_table(struct version_edit *edit, uint32_t level,
                              uint64_t run, struct table_meta *meta)
{
    byron_status status;
    struct table_facts facts;
    TRY(db_copy_facts(&meta->facts, &facts));
    TRY(version_edit_add(edit, level, run, meta->number, meta->created_s,
                         &facts));
    edit->adds[edit->add_count - 1].meta = meta;
out:
    return status;
}

/* The tables of a large transaction are finished: they only need listing. */
static byron_status adopt_run(struct byron_db *db, struct frozen *frozen,
                              struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    /* Runs of level 0 are numbered as they get in: that is their age. */
    uint64_t run = take_run(db);
    for (size_t i = 0; i < frozen->run.count; i++)
        TRY(add_table(edit, 0, run, frozen->run.tables[i]));
out:
    return status;
}

/* Removes tables that an edit took over and that did not get in. */
static void remove_added(struct byron_db *db, const struct version_edit *edit)
{
    for (size_t i = 0; i < edit->add_count; i++)
        /* Else not made by this job: something else names it. */
        if (!edit->adds[i].meta)
            db_remove_file(db, FILE_TABLE, edit->adds[i].number);
}

static byron_status install_flush(struct byron_db *db, struct frozen *frozen,
                                  struct version_edit *edit)
{
    byron_status status;
    edit->wal_floor = frozen->wal_floor;
    edit->last_sequence = frozen->last_sequence;
    edit->has_tip = true;
    edit->tip = frozen->tip;
    edit->alias = frozen->alias;
    /* From here on the host's commits cannot be undone any more. */
    status = db_barrier(db);
    if (status != BYRON_OK) {
        remove_added(db, edit);
        return status;
    }
    mutex_lock(&db->mutex);
    db->flushed_us = db->os->now_us(db->os);
    mutex_unlock(&db->mutex);
    /* Once it is sent, the manifest may name the tables, whatever it answers:
     * they stay. */
    return db_install(db, edit, 1);
}

static byron_status start_flush(struct byron_db *db, struct frozen *frozen)
{
    byron_status status;
    struct iter *source;
    struct table_output_options output;
    struct range_deletes deletes = {0};
    uint64_t window = take_window(db);
    struct job_points points = {&window, 1,
                                expired_before(db->os->wall_ms(db->os))};
    db_output_options(db, 0, take_run(db), &output);
    TRY(range_set_collect(memtable_ranges(frozen->memtable), UINT64_MAX,
                          &deletes));
    TRY(memtable_iter_new(frozen->memtable, &source));
    TRY(job_new_flush(source, &deletes, &db->state, &points, &output,
                      &db->flush));
out:
    range_deletes_deinit(&deletes);
    return status;
}

static byron_status step_flush(struct byron_db *db, struct frozen *frozen,
                               uint64_t budget)
{
    byron_status status;
    struct version_edit edit = {0};
    bool done = false;
    if (!db->flush)
        TRY(start_flush(db, frozen));
    TRY(job_step(db->flush, budget, &done));
    if (!done)
        return BYRON_OK;
    mutex_lock(&db->mutex);
    db->stats.flush_bytes += job_bytes_written(db->flush);
    db->stats.flushes++;
    mutex_unlock(&db->mutex);
    TRY(job_take_edit(db->flush, &edit));
    TRY(install_flush(db, frozen, &edit));
out:
    job_free(db->flush);
    db->flush = NULL;
    version_edit_deinit(&edit);
    return status;
}

static byron_status flush_oldest(struct byron_db *db, struct frozen *frozen,
                                 uint64_t budget)
{
    byron_status status;
    struct version_edit edit = {0};
    if (frozen->memtable)
        return step_flush(db, frozen, budget);
    TRY(adopt_run(db, frozen, &edit));
    TRY(install_flush(db, frozen, &edit));
out:
    version_edit_deinit(&edit);
    return status;
}

/* JOB_MOVE and JOB_DELETE need no reading. */
static byron_status run_simple(struct byron_db *db, struct job_spec *spec)
{
    byron_status status = BYRON_OK;
    struct version_edit edit = {0};
    for (size_t i = 0; i < spec->input_count; i++)
        for (size_t t = 0; t < spec->inputs[i].count; t++) {
            struct table_meta *meta = spec->inputs[i].tables[t];
            TRY(version_edit_remove(&edit, meta->number));
            if (spec->kind == JOB_DELETE)
                continue;
            TRY(add_table(&edit, spec->output_level, 0, meta));
        }
    TRY(db_install(db, &edit, 0));
    mutex_lock(&db->mutex);
    db->stats.compactions++;
    mutex_unlock(&db->mutex);
out:
    version_edit_deinit(&edit);
    return status;
}

/* Chooses what is due. Needs work_mutex. */
static byron_status choose(struct byron_db *db, struct job_spec *spec,
                           bool *is_manual)
{
    struct picker_options options;
    take_window(db);
    mutex_lock(&db->mutex);
    db_picker_options(db, &options);
    bool has_compact = db->has_compact;
    mutex_unlock(&db->mutex);
    *is_manual = has_compact;
    if (!has_compact)
        return picker_choose(&db->state, &options, spec);
    struct slice lower = db->compact_has_lower ? buf_slice(&db->compact_lower)
                                               : slice_of(NULL, 0);
    struct slice upper = db->compact_has_upper ? buf_slice(&db->compact_upper)
                                               : slice_of(NULL, 0);
    byron_status status =
        picker_choose_range(&db->state, &options, lower, upper, spec);
    if (status != BYRON_OK || spec->kind == JOB_NONE) {
        mutex_lock(&db->mutex);
        db->has_compact = false;
        if (status != BYRON_OK)
            db_keep_error(status, &db->compact_status, &db->compact_error);
        condition_wake_all(&db->changed);
        mutex_unlock(&db->mutex);
    }
    return status;
}

/* A level holds at least some eight files, or what moves on from it would be
 * most of it. */
static uint64_t level_file_size(struct byron_db *db, uint32_t level)
{
    struct picker_options options;
    uint64_t targets[BYRON_LEVELS];
    uint64_t most = db->tuning.file_size;
    uint64_t least = most / 16;
    mutex_lock(&db->mutex);
    db_picker_options(db, &options);
    picker_targets(db->state.version, &options, targets);
    mutex_unlock(&db->mutex);
    uint64_t size = targets[level] / 8;
    if (size < least)
        return least;
    return size < most ? size : most;
}

static byron_status start_job(struct byron_db *db, bool *did_some)
{
    byron_status status;
    struct job_spec spec = {0};
    struct table_output_options output;
    bool is_manual;
    TRY(choose(db, &spec, &is_manual));
    *did_some = spec.kind != JOB_NONE;
    if (spec.kind == JOB_MOVE || spec.kind == JOB_DELETE)
        TRY(run_simple(db, &spec));
    if (spec.kind == JOB_MERGE) {
        uint64_t window = take_window(db);
        struct job_points points = {&window, 1,
                                    expired_before(db->os->wall_ms(db->os))};
        db_output_options(db, spec.output_level, 0, &output);
        output.file_size = level_file_size(db, spec.output_level);
        TRY(job_new_merge(&spec, &db->state, &points, &output, &db->job));
        db->job_bytes_seen = 0;
        db->is_job_manual = is_manual;
    }
out:
    job_spec_deinit(&spec);
    return status;
}

static byron_status finish_job(struct byron_db *db)
{
    byron_status status;
    struct version_edit edit = {0};
    bool is_sent = false;
    TRY(job_take_edit(db->job, &edit));
    is_sent = true;
    TRY(db_install(db, &edit, 0));
    mutex_lock(&db->mutex);
    db->stats.compactions++;
    mutex_unlock(&db->mutex);
out:
    if (status != BYRON_OK && !is_sent)
        remove_added(db, &edit);
    version_edit_deinit(&edit);
    job_free(db->job);
    db->job = NULL;
    return status;
}

static byron_status step_job(struct byron_db *db, uint64_t budget)
{
    bool done;
    byron_status status = job_step(db->job, budget, &done);
    uint64_t written = job_bytes_written(db->job);
    mutex_lock(&db->mutex);
    db->stats.compact_bytes += written - db->job_bytes_seen;
    mutex_unlock(&db->mutex);
    db->job_bytes_seen = written;
    if (status != BYRON_OK) {
        job_free(db->job);
        db->job = NULL;
        return status;
    }
    return done ? finish_job(db) : BYRON_OK;
}

/* Drops that no table and no WAL can show any more are forgotten. Only while
 * no job stands on them. */
static byron_status forget_drops(struct byron_db *db, bool *did_some)
{
    byron_status status;
    struct version_edit edit = {0};
    while (edit.forget_drops < db->state.drop_count) {
        const struct drop_range *drop = &db->state.drops[edit.forget_drops];
        uint64_t entries = 0;
        uint64_t bytes = 0;
        if (drop->wal >= db->state.wal_floor)
            break;
        /* A table that cannot be read may hold some of it. */
        status =
            version_estimate(db->state.version, buf_slice(&drop->lower),
                             buf_slice(&drop->upper), NULL, &entries, &bytes);
        if (status != BYRON_OK || bytes > 0)
            break;
        edit.forget_drops++;
    }
    status = BYRON_OK;
    if (edit.forget_drops > 0) {
        *did_some = true;
        TRY(db_install(db, &edit, 0));
    }
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status work_once(struct byron_db *db, uint64_t budget,
                              bool *did_some, bool *is_flush)
{
    byron_status status;
    struct frozen *frozen = NULL;
    *did_some = false;
    mutex_lock(&db->mutex);
    status = db->is_work_over ? error_restore(&db->work_error) : BYRON_OK;
    *is_flush = db->read_state->frozen_count > 0;
    if (status == BYRON_OK && *is_flush)
        frozen = frozen_ref(db->read_state->frozen[0]);
    mutex_unlock(&db->mutex);
    if (status != BYRON_OK)
        return status;
    *did_some = true;
    if (frozen) {
        status = flush_oldest(db, frozen, budget);
        frozen_unref(frozen);
        return status;
    }
    if (db->job)
        return step_job(db, budget);
    *did_some = false;
    TRY(db_release_orphans(db, did_some));
    if (!*did_some && db->state.drop_count > 0)
        TRY(forget_drops(db, did_some));
    if (!*did_some)
        TRY(start_job(db, did_some));
out:
    return status;
}

void db_give_up_compact(struct byron_db *db)
{
    mutex_lock(&db->work_mutex);
    if (db->job && db->is_job_manual) {
        job_free(db->job);
        db->job = NULL;
    }
    mutex_lock(&db->mutex);
    db->has_compact = false;
    mutex_unlock(&db->mutex);
    mutex_unlock(&db->work_mutex);
}

/* Needs mutex. An attempt that somebody has overtaken with a demand for a new
 * one tells nobody that it failed: the new one comes at once. */
static void note_failure(struct byron_db *db, byron_status status,
                         bool is_flush, bool is_overtaken)
{
    uint64_t now = db->os->now_us(db->os);
    db->stats.background_errors++;
    if (!is_flush)
        db->quiet_us = now + QUIET_RETRY_US;
    if (is_overtaken)
        return;
    /* Who waits for a flush need not hear of compactions. */
    db->work_status = is_flush ? status : BYRON_OK;
    db_keep_error(status, &status, &db->work_error);
    db->failures++;
    db->retry_us = now + RETRY_US;
    if (db->has_compact) {
        db->has_compact = false;
        db_keep_error(status, &db->compact_status, &db->compact_error);
    }
}

byron_status db_work(struct byron_db *db, uint64_t budget, bool *did_some)
{
    mutex_lock(&db->work_mutex);
    mutex_lock(&db->mutex);
    db->work_due = false;
    db->is_working = true;
    uint64_t demands = db->demands;
    mutex_unlock(&db->mutex);
    bool is_flush;
    byron_status status = work_once(db, budget, did_some, &is_flush);
    db_collect(db);
    mutex_lock(&db->mutex);
    db->is_working = false;
    db->work_due = db->work_due || *did_some || status != BYRON_OK;
    if (status != BYRON_OK) {
        note_failure(db, status, is_flush, demands != db->demands);
    } else {
        db->work_status = BYRON_OK;
        db_pace_measure(db);
    }
    condition_wake_all(&db->changed);
    mutex_unlock(&db->mutex);
    mutex_unlock(&db->work_mutex);
    return status;
}
