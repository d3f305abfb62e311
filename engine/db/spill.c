#include "base/alloc.h"
#include "db/txn.h"
#include "db/db_state.h"
#include "db/orphans.h"
#include "db/work.h"
#include "memtable/memtable_iter.h"

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

void txn_spill_discard(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        atomic_store(&run->tables[i]->is_obsolete, true);
        table_meta_unref(run->tables[i]);
    }
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
        txn_spill_discard(run);
    }
    return status;
}

static byron_status reserve_spill(struct byron_txn *txn)
{
    if (txn->spill_count < txn->spill_capacity)
        return BYRON_OK;
    size_t capacity = txn->spill_capacity ? 2 * txn->spill_capacity : 8;
    struct run *spills = alloc_resize(txn->spills, capacity * sizeof *spills);
    if (!spills)
        return error_no_memory();
    txn->spills = spills;
    txn->spill_capacity = capacity;
    return BYRON_OK;
}

byron_status txn_spill(struct byron_txn *txn)
{
    byron_status status;
    struct iter *source;
    struct memtable *fresh = NULL;
    struct version_edit edit = {0};
    struct run run = {0};
    TRY(reserve_spill(txn));
    TRY(memtable_new(&fresh));
    /* Every position goes along, the dead ones too: they are told apart when
     * they are read, and a rollback may kill more of them later. */
    TRY(memtable_iter_new(txn->writes, &source));
    TRY(write_run(txn->db, source, NULL, true, &edit, &run));
    txn->spills[txn->spill_count++] = run;
    memtable_unref(txn->writes);
    txn->writes = fresh;
    fresh = NULL;
out:
    memtable_unref(fresh);
    version_edit_deinit(&edit);
    return status;
}

/* The newest live version of key in one run. */
static byron_status get_from_spill(struct byron_txn *txn, const struct run *run,
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

byron_status txn_spill_get(struct byron_txn *txn, struct slice key,
                           struct table_found *out)
{
    for (size_t i = txn->spill_count; i-- > 0;) {
        byron_status status = get_from_spill(txn, &txn->spills[i], key, out);
        if (status != BYRON_NOT_FOUND)
            return status;
    }
    return BYRON_NOT_FOUND;
}

byron_status txn_spill_finish(struct byron_txn *txn)
{
    byron_status status;
    struct prepared *prepared = &txn->prepared;
    struct iter *live = NULL;
    struct iter *stamped = NULL;
    struct range_deletes deletes = {0};
    struct range_list ranges = {0};
    TRY(txn_take_deletes(txn, prepared->sequence, &deletes));
    TRY(range_list_build(&ranges, &deletes));
    TRY(txn_iter_new(txn, txn->position, &live));
    TRY(stamp_iter_new(live, prepared->sequence, &stamped));
    TRY(write_run(txn->db, stamped, &ranges, false, &prepared->edit,
                  &prepared->run));
out:
    range_list_deinit(&ranges);
    range_deletes_deinit(&deletes);
    return status;
}
