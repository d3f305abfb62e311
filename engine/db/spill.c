#include "db/spill.h"

#include "base/alloc.h"
#include "db/db_state.h"
#include "db/orphans.h"
#include "db/spill_iter.h"
#include "db/work.h"
#include "memtable/memtable_iter.h"

/* A small one would not fill a huge page. */
#define LARGE_MEMTABLE ((uint64_t)16 * 1024 * 1024)

/* iter whose entries all carry one sequence: that of the commit. */
struct stamp_iter {
    struct iter base;
    struct iter *child;
    uint64_t sequence;
};

static byron_status stamp_show(struct stamp_iter *stamp, byron_status status)
{
    stamp->base.valid = stamp->child->valid;
    stamp->base.kind = stamp->child->kind;
    stamp->base.key = stamp->child->key;
    stamp->base.sequence = stamp->sequence;
    return status;
}

static byron_status stamp_first(struct iter *iter)
{
    struct stamp_iter *stamp = (struct stamp_iter *)iter;
    return stamp_show(stamp, iter_first(stamp->child));
}

static byron_status stamp_next(struct iter *iter)
{
    struct stamp_iter *stamp = (struct stamp_iter *)iter;
    return stamp_show(stamp, iter_next(stamp->child));
}

static byron_status stamp_value(struct iter *iter, struct slice *out)
{
    return iter_value(((struct stamp_iter *)iter)->child, out);
}

static void stamp_free(struct iter *iter)
{
    iter_free(((struct stamp_iter *)iter)->child);
    alloc_free(iter);
}

static byron_status forward_only(void)
{
    return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                     "this iterator moves forward only");
}

static byron_status stamp_seek(struct iter *iter, struct slice key,
                               uint64_t sequence)
{
    (void)iter, (void)key, (void)sequence;
    return forward_only();
}

static byron_status stamp_seek_before(struct iter *iter, struct slice key)
{
    (void)iter, (void)key;
    return forward_only();
}

static byron_status stamp_back(struct iter *iter)
{
    (void)iter;
    return forward_only();
}

static const struct iter_ops stamp_ops = {
    .seek = stamp_seek,
    .seek_before = stamp_seek_before,
    .first = stamp_first,
    .last = stamp_back,
    .next = stamp_next,
    .prev = stamp_back,
    .value = stamp_value,
    .free = stamp_free,
};

/* Takes child (even on failure). */
static byron_status stamp_iter_new(struct iter *child, uint64_t sequence,
                                   struct iter **out)
{
    struct stamp_iter *stamp = alloc_zeroed(1, sizeof *stamp);
    if (!stamp) {
        iter_free(child);
        return error_no_memory();
    }
    stamp->base.ops = &stamp_ops;
    stamp->child = child;
    stamp->sequence = sequence;
    *out = &stamp->base;
    return BYRON_OK;
}

/* The files go with the last reference. */
static void discard(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        atomic_store(&run->tables[i]->is_obsolete, true);
        table_meta_unref(run->tables[i]);
    }
    alloc_free(run->tables);
    *run = (struct run){0};
}

/*
 * A host can bring back a commit that it reported as failed, out of its own
 * log, so the tables of a prepared record stay as long as the record does.
 */
static void keep_file(struct byron_db *db, struct table_meta *meta,
                      uint64_t wal)
{
    mutex_lock(&db->work_mutex);
    /* What finds no room on the list is an orphan of the next open. */
    byron_status ignored = db_add_orphan(db, FILE_TABLE, meta->number, wal);
    (void)ignored;
    mutex_unlock(&db->work_mutex);
}

/* Whose files are somebody else's. */
static void let_go(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        table_meta_unref(run->tables[i]);
    alloc_free(run->tables);
    *run = (struct run){0};
}

/* Makes the run of the tables that edit adds; edit keeps its own facts. */
static byron_status run_from_edit(struct byron_db *db,
                                  const struct version_edit *edit,
                                  struct run *run)
{
    byron_status status = BYRON_OK;
    run->tables = alloc_zeroed(edit->add_count + 1, sizeof *run->tables);
    if (!run->tables)
        return error_no_memory();
    for (size_t i = 0; i < edit->add_count; i++) {
        const struct edit_add *add = &edit->adds[i];
        struct table_facts facts;
        TRY(db_copy_facts(&add->facts, &facts));
        TRY(table_meta_new(&db->env, add->number, &facts, add->created_s,
                           &run->tables[i]));
        run->count = i + 1;
        run->bytes += add->facts.size;
    }
out:
    return status;
}

/* Drains source (taken) and range deletes (NULL: none) into tables: into edit
 * as adds, and into run. On failure no file stays. Passing ones are gone when
 * the transaction ends. */
static byron_status write_run(struct byron_db *db, struct iter *source,
                              const struct range_list *ranges, bool is_passing,
                              struct version_edit *edit, struct run *run)
{
    byron_status status;
    bool done = false;
    struct table_output *output = NULL;
    struct table_output_options options;
    /* The run's number comes when it gets into level 0. */
    db_output_options(db, 0, 0, &options);
    options.ranges = ranges;
    options.table.is_passing = is_passing;
    options.table.is_awaited = !is_passing;
    TRY(table_output_new(source, &options, &output));
    while (!done)
        TRY(table_output_step(output, UINT64_MAX, &done));
    mutex_lock(&db->mutex);
    db->stats.flush_bytes += table_output_bytes(output);
    mutex_unlock(&db->mutex);
    TRY(table_output_take(output, edit));
    status = run_from_edit(db, edit, run);
out:
    table_output_free(output);
    if (status != BYRON_OK) {
        /* Taken files are ours to remove: by number, as orphans are. */
        for (size_t i = run->count; i < edit->add_count; i++)
            db_remove_file(db, FILE_TABLE, edit->adds[i].number);
        discard(run);
    }
    return status;
}

/* --- Out of memory -------------------------------------------------------- */

static byron_status reserve_spills(struct byron_txn *txn, size_t more)
{
    size_t capacity = txn->spill_capacity ? txn->spill_capacity : 8;
    while (capacity < txn->spill_count + more)
        capacity *= 2;
    if (capacity == txn->spill_capacity)
        return BYRON_OK;
    struct spill *spills = alloc_resize(txn->spills, capacity * sizeof *spills);
    if (!spills)
        return error_no_memory();
    txn->spills = spills;
    txn->spill_capacity = capacity;
    return BYRON_OK;
}

/* Whether all of it was rolled back. Requires: it is final. */
static bool is_dead(const struct byron_txn *txn, const struct spill *spill)
{
    const struct dead_span *span =
        dead_spans_meet(&txn->dead, spill->after, spill->up_to);
    return span && span->after <= spill->after && span->up_to >= spill->up_to;
}

/* The table of the last that lives; NULL: none does. Requires: all are final.
 */
static const struct table_meta *last_table(const struct byron_txn *txn)
{
    for (size_t i = txn->spill_count; i-- > 0;)
        if (!is_dead(txn, &txn->spills[i]))
            return txn->spills[i].final;
    return NULL;
}

/* Whether what source shows first lies behind all that is spilled and lives. */
static byron_status is_behind(const struct byron_txn *txn, struct iter *source,
                              bool *answer)
{
    byron_status status;
    const struct table_meta *last = last_table(txn);
    TRY(iter_first(source));
    *answer =
        !source->valid || !last || table_meta_ends_before(last, source->key);
out:
    return status;
}

/* Whether the writes in memory may leave it as the commit needs them, should
 * no rollback reach back to them. */
static byron_status goes_on(const struct byron_txn *txn, bool *answer)
{
    byron_status status;
    struct iter *source = NULL;
    TRY(memtable_iter_new(txn->writes, &source));
    *answer = !txn->is_unordered && memtable_iter_is_as_written(source) &&
              /* Each position is one of them. */
              memtable_count(txn->writes) == txn->position - txn->spilled &&
              !range_set_lists(&txn->ranges) &&
              !dead_spans_meet(&txn->dead, txn->spilled, txn->position);
    if (*answer)
        TRY(is_behind(txn, source, answer));
out:
    iter_free(source);
    return status;
}

/* Takes the tables of run, each of which becomes a spill. Requires: room. */
static void add_final(struct byron_txn *txn, struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct spill *spill = &txn->spills[txn->spill_count++];
        *spill = (struct spill){.final = run->tables[i], .after = txn->spilled};
        txn->spilled += run->tables[i]->facts.entries;
        spill->up_to = txn->spilled;
    }
    alloc_free(run->tables);
    *run = (struct run){0};
}

static byron_status spill(struct byron_txn *txn)
{
    byron_status status;
    struct iter *source;
    bool is_final;
    struct memtable *fresh = NULL;
    struct version_edit edit = {0};
    struct run run = {0};
    TRY(goes_on(txn, &is_final));
    if (!is_final && db_memtable_size(txn->writes) < txn->db->tuning.memtable) {
        txn->fills_up = true;
        return BYRON_OK;
    }
    TRY(memtable_new(txn->db->tuning.memtable >= LARGE_MEMTABLE, &fresh));
    /* Every position goes along, the dead ones too: they are told apart when
     * they are read, and a rollback may kill more of them later. */
    TRY(memtable_iter_new(txn->writes, &source));
    if (is_final)
        TRY(stamp_iter_new(source, txn_sequence(txn), &source));
    TRY(write_run(txn->db, source, NULL, !is_final, &edit, &run));
    TRY(reserve_spills(txn, is_final ? run.count : 1));
    if (is_final)
        add_final(txn, &run);
    else
        txn->spills[txn->spill_count++] = (struct spill){.run = run};
    run = (struct run){0};
    txn->spilled = txn->position;
    txn->is_unordered = txn->is_unordered || !is_final;
    txn->fills_up = false;
    memtable_unref(txn->writes);
    txn->writes = fresh;
    fresh = NULL;
out:
    discard(&run);
    memtable_unref(fresh);
    version_edit_deinit(&edit);
    return status;
}

byron_status txn_spill(struct byron_txn *txn)
{
    struct byron_db *db = txn->db;
    byron_status status = spill(txn);
    bool has_room = false;
    if (status == BYRON_FULL) {
        struct byron_error first = *error_last();
        /* What others left may not have gone yet. */
        mutex_lock(&db->work_mutex);
        has_room = db_collect(db);
        mutex_unlock(&db->work_mutex);
        (void)error_restore(&first);
    }
    return has_room ? spill(txn) : status;
}

/* --- Reading -------------------------------------------------------------- */

byron_status txn_spill_iter_new(const struct spill *spill, struct iter **out)
{
    if (spill->final)
        return spill_iter_new(spill->final, spill->after, out);
    return run_iter_new(spill->run.tables, spill->run.count, 0, out);
}

/* The newest live version of key in one run. */
static byron_status get_from_run(struct byron_txn *txn, const struct run *run,
                                 struct slice key, struct table_found *out)
{
    byron_status status;
    struct table_reader *reader;
    uint64_t limit = txn->position;
    struct table_meta *meta = run_cover(run, key);
    if (!meta)
        return BYRON_NOT_FOUND;
    TRY(table_meta_reader(meta, &reader));
    for (;;) {
        TRY(table_reader_get(reader, key, table_key_hash(key), limit, out));
        if (!dead_spans_has(&txn->dead, out->sequence))
            return BYRON_OK;
        limit = out->sequence - 1;
        pin_release(&out->value);
    }
out:
    return status;
}

/* The position of a key that is there. */
static byron_status find_position(const struct spill *spill, struct slice key,
                                  uint64_t *out)
{
    byron_status status;
    struct iter *iter;
    TRY(txn_spill_iter_new(spill, &iter));
    status = iter_seek(iter, key, SEQUENCE_MAX);
    if (status == BYRON_OK && iter->valid)
        *out = iter->sequence;
    iter_free(iter);
out:
    return status;
}

/* Where no rollback reached it, any of its positions will do. Requires: key is
 * between the ends of its table. */
static byron_status get_final(struct byron_txn *txn, const struct spill *spill,
                              struct slice key, struct table_found *out)
{
    byron_status status;
    struct table_reader *reader;
    uint64_t position = spill->up_to;
    TRY(table_meta_reader(spill->final, &reader));
    TRY(table_reader_get(reader, key, table_key_hash(key), SEQUENCE_MAX, out));
    if (dead_spans_meet(&txn->dead, spill->after, spill->up_to))
        status = find_position(spill, key, &position);
    out->sequence = position;
    if (status == BYRON_OK && dead_spans_has(&txn->dead, position))
        status = BYRON_NOT_FOUND;
    if (status != BYRON_OK)
        pin_release(&out->value);
out:
    return status;
}

byron_status txn_spill_get(struct byron_txn *txn, struct slice key,
                           struct table_found *out)
{
    for (size_t i = txn->spill_count; i-- > 0;) {
        const struct spill *spill = &txn->spills[i];
        byron_status status;
        if (!spill->final) {
            status = get_from_run(txn, &spill->run, key, out);
            if (status != BYRON_NOT_FOUND)
                return status;
        } else if (!is_dead(txn, spill)) {
            /* Those that live ascend, and before them are no others. */
            if (table_meta_ends_before(spill->final, key))
                break;
            if (slice_compare(table_meta_smallest(spill->final), key) <= 0)
                return get_final(txn, spill, key, out);
        }
    }
    return BYRON_NOT_FOUND;
}

/* --- The commit ----------------------------------------------------------- */

/* Drains live (taken) into tables of the commit. */
static byron_status write_final(struct byron_txn *txn, struct iter *live,
                                const struct range_list *ranges,
                                struct version_edit *edit, struct run *run)
{
    struct iter *stamped = NULL;
    byron_status status =
        stamp_iter_new(live, txn->prepared.sequence, &stamped);
    if (status == BYRON_OK)
        status = write_run(txn->db, stamped, ranges, false, edit, run);
    return status;
}

/* Everything is read and written again. */
static byron_status merge_spills(struct byron_txn *txn)
{
    byron_status status;
    struct prepared *prepared = &txn->prepared;
    struct iter *live = NULL;
    struct range_deletes deletes = {0};
    struct range_list ranges = {0};
    TRY(txn_take_deletes(txn, prepared->sequence, &deletes));
    TRY(range_list_build(&ranges, &deletes));
    TRY(txn_iter_new(txn, txn->position, &live));
    TRY(write_final(txn, live, &ranges, &prepared->edit, &prepared->run));
out:
    range_list_deinit(&ranges);
    range_deletes_deinit(&deletes);
    return status;
}

/* The writes that are still in memory. */
static byron_status rest_iter_new(struct byron_txn *txn, struct iter **out)
{
    byron_status status;
    struct iter *source;
    TRY(memtable_iter_new(txn->writes, &source));
    TRY(live_iter_new(source, &txn->dead, txn->position, out));
out:
    return status;
}

/* Whether the spilled tables are what the commit needs, with what is still in
 * memory behind them. */
static byron_status can_adopt(struct byron_txn *txn, bool *answer)
{
    byron_status status = BYRON_OK;
    struct iter *rest = NULL;
    *answer = !txn->is_unordered && !range_set_lists(&txn->ranges);
    for (size_t i = 0; i < txn->spill_count && *answer; i++) {
        const struct spill *spill = &txn->spills[i];
        *answer = spill->wal == 0 &&
                  (is_dead(txn, spill) ||
                   !dead_spans_meet(&txn->dead, spill->after, spill->up_to));
    }
    if (!*answer)
        return BYRON_OK;
    TRY(rest_iter_new(txn, &rest));
    TRY(is_behind(txn, rest, answer));
out:
    iter_free(rest);
    return status;
}

/* One more table of the commit. */
static byron_status add_table(struct prepared *prepared,
                              struct table_meta *meta)
{
    byron_status status;
    struct table_facts facts;
    TRY(db_copy_facts(&meta->facts, &facts));
    TRY(version_edit_add(&prepared->edit, 0, 0, meta->number, meta->created_s,
                         &facts));
    prepared->run.tables[prepared->run.count++] = table_meta_ref(meta);
    prepared->run.bytes += meta->facts.size;
out:
    return status;
}

/* The spilled tables as they are, and behind them one or more of the rest. */
static byron_status adopt_spills(struct byron_txn *txn)
{
    byron_status status;
    struct prepared *prepared = &txn->prepared;
    struct iter *rest;
    struct version_edit edit = {0};
    struct run run = {0};
    TRY(rest_iter_new(txn, &rest));
    TRY(write_final(txn, rest, NULL, &edit, &run));
    prepared->run.tables = alloc_zeroed(txn->spill_count + run.count + 1,
                                        sizeof *prepared->run.tables);
    if (!prepared->run.tables) {
        status = error_no_memory();
        goto out;
    }
    for (size_t i = 0; i < txn->spill_count; i++) {
        struct spill *spill = &txn->spills[i];
        if (is_dead(txn, spill))
            continue;
        TRY(add_table(prepared, spill->final));
        spill->is_adopted = true;
        prepared->adopted++;
    }
    for (size_t i = 0; i < run.count; i++)
        TRY(add_table(prepared, run.tables[i]));
out:
    if (status == BYRON_OK)
        let_go(&run);
    discard(&run);
    version_edit_deinit(&edit);
    return status;
}

byron_status txn_spill_finish(struct byron_txn *txn)
{
    bool adopts;
    byron_status status = can_adopt(txn, &adopts);
    if (status != BYRON_OK)
        return status;
    return adopts ? adopt_spills(txn) : merge_spills(txn);
}

void txn_spill_unfinish(struct byron_txn *txn, uint64_t wal)
{
    struct run *run = &txn->prepared.run;
    size_t adopted = txn->prepared.adopted;
    for (size_t i = 0; i < txn->spill_count; i++) {
        /* Its file is the transaction's, and is kept, if need be, when that
         * ends. */
        if (txn->spills[i].is_adopted && wal > 0)
            txn->spills[i].wal = wal;
        txn->spills[i].is_adopted = false;
    }
    for (size_t i = 0; i < run->count; i++)
        if (i >= adopted && wal > 0)
            keep_file(txn->db, run->tables[i], wal);
        else if (i >= adopted)
            atomic_store(&run->tables[i]->is_obsolete, true);
    let_go(run);
    txn->prepared.adopted = 0;
}

void txn_spill_publish(struct byron_txn *txn)
{
    txn->prepared.run = (struct run){0};
    txn->prepared.adopted = 0;
    for (size_t i = 0; i < txn->spill_count; i++) {
        struct spill *spill = &txn->spills[i];
        if (!spill->is_adopted)
            continue;
        table_meta_unref(spill->final);
        *spill = (struct spill){0};
    }
}

void txn_spill_end(struct byron_txn *txn)
{
    for (size_t i = 0; i < txn->spill_count; i++) {
        struct spill *spill = &txn->spills[i];
        discard(&spill->run);
        if (!spill->final)
            continue;
        if (spill->wal > 0)
            keep_file(txn->db, spill->final, spill->wal);
        else
            atomic_store(&spill->final->is_obsolete, true);
        table_meta_unref(spill->final);
    }
    alloc_free(txn->spills);
}
