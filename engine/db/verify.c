#include <stdio.h>

#include "base/alloc.h"
#include "base/patience.h"
#include "db/db.h"
#include "db/sources.h"
#include "db/wal_record.h"
#include "log/log_reader.h"
#include "merge/merge_iter.h"

/* Entries between two questions whether to go on. */
#define STEPS 4096

struct verify {
    struct byron_db *db;
    const struct byron_patience *patience;
    void (*report)(void *context, const char *words);
    void *context;
    uint64_t damages;
};

/* Damage is counted and told; anything else ends the walk. */
static byron_status judge(struct verify *verify, byron_status status)
{
    if (status != BYRON_CORRUPT && status != BYRON_MISSING &&
        status != BYRON_IO && status != BYRON_NEWER_FORMAT)
        return status;
    verify->damages++;
    if (verify->report)
        verify->report(verify->context, error_last()->words);
    return BYRON_OK;
}

static byron_status verify_tables(struct verify *verify,
                                  struct table_meta *const *tables,
                                  size_t count)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < count; i++) {
        struct table_reader *reader;
        TRY(patience_ask(verify->patience));
        status = table_meta_reader(tables[i], &reader);
        if (status == BYRON_OK)
            status = table_reader_verify(reader, verify->patience);
        if (status == BYRON_CORRUPT)
            atomic_store(&tables[i]->is_corrupt, true);
        TRY(judge(verify, status));
    }
out:
    return status;
}

static byron_status verify_version(struct verify *verify,
                                   const struct version *version)
{
    byron_status status;
    struct byron_db *db = verify->db;
    TRY(judge(verify, version_check(version, db->os->dir_path(db->dir))));
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++)
            TRY(verify_tables(verify, version->levels[l].runs[r].tables,
                              version->levels[l].runs[r].count));
out:
    return status;
}

/* Every record of one log up to end. */
static byron_status read_log(struct byron_db *db, enum file_kind kind,
                             uint64_t number, uint64_t end)
{
    byron_status status;
    struct log_reader *reader = NULL;
    struct log_record record;
    struct wal_record commit;
    bool found = true;
    status = log_reader_open(db->os, db->dir, kind, number, db->state.store_id,
                             end, &reader);
    while (status == BYRON_OK && found) {
        status = log_reader_next(reader, &record, &found);
        if (status == BYRON_OK && found && kind == FILE_WAL)
            status =
                wal_record_decode(&record, log_reader_path(reader), &commit);
    }
    log_reader_close(reader);
    /* One that is gone was flushed meanwhile; one without a header was never
     * used. */
    if (status == BYRON_NOT_FOUND || status == BYRON_MISSING)
        return BYRON_OK;
    return status;
}

/* The WAL in use is read as far as commits are published: beyond, the writer
 * may be in the middle of a record. */
static byron_status verify_wals(struct verify *verify)
{
    byron_status status = BYRON_OK;
    struct byron_db *db = verify->db;
    mutex_lock(&db->mutex);
    size_t count = db->wal_count;
    uint64_t told_wal = db->told_wal;
    uint64_t told_end = db->told_end;
    uint64_t *wals = alloc_bytes((count + 1) * sizeof *wals);
    if (wals && count > 0)
        memcpy(wals, db->wals, count * sizeof *wals);
    mutex_unlock(&db->mutex);
    if (!wals)
        return error_no_memory();
    for (size_t i = 0; i < count; i++) {
        uint64_t end = wals[i] == told_wal ? told_end : UINT64_MAX;
        TRY(patience_ask(verify->patience));
        TRY(judge(verify, read_log(db, FILE_WAL, wals[i], end)));
    }
out:
    alloc_free(wals);
    return status;
}

static byron_status verify_logs(struct verify *verify)
{
    byron_status status;
    struct byron_db *db = verify->db;
    TRY(verify_wals(verify));
    /* While no work is done, the manifest does not grow. */
    mutex_lock(&db->work_mutex);
    status =
        read_log(db, FILE_MANIFEST, manifest_number(db->manifest), UINT64_MAX);
    mutex_unlock(&db->work_mutex);
    TRY(judge(verify, status));
out:
    return status;
}

/* All sources merged must be in strict order: no entry twice. */
static byron_status verify_order(struct verify *verify,
                                 struct read_state *state)
{
    byron_status status;
    struct iter *merged = NULL;
    struct buf last = {0};
    uint64_t last_sequence = 0;
    uint64_t steps = 0;
    size_t room = sources_count(state);
    size_t count = 0;
    struct iter **made = alloc_zeroed(2 * room, sizeof(struct iter *));
    if (!made)
        return error_no_memory();
    TRY(sources_add_iters(state, slice_of(NULL, 0), slice_of(NULL, 0), NULL,
                          made, made + room, &count));
    TRY(merge_iter_new_lent(room, &merged));
    merge_iter_lend(merged, made + room, count);
    TRY(iter_first(merged));
    while (merged->valid) {
        if (steps > 0 && entry_compare(buf_slice(&last), last_sequence,
                                       merged->key, merged->sequence) >= 0) {
            status = error_corrupt(verify->db->os->dir_path(verify->db->dir),
                                   BYRON_NO_OFFSET,
                                   "two levels hold the same version of a key");
            goto out;
        }
        buf_clear(&last);
        TRY(buf_add(&last, merged->key.data, merged->key.size));
        last_sequence = merged->sequence;
        if (++steps % STEPS == 0)
            TRY(patience_ask(verify->patience));
        TRY(iter_next(merged));
    }
out:
    iter_free(merged);
    for (size_t i = 0; i < room; i++)
        iter_free(made[i]);
    alloc_free(made);
    buf_deinit(&last);
    return status;
}

byron_status
byron_verify_within(byron_db *db, const struct byron_patience *patience,
                    void (*report)(void *context, const char *words),
                    void *context, uint64_t *damages)
{
    byron_status status;
    struct verify verify = {
        .db = db, .patience = patience, .report = report, .context = context};
    mutex_lock(&db->mutex);
    struct read_state *state = read_state_ref(db->read_state);
    mutex_unlock(&db->mutex);
    TRY(verify_version(&verify, state->version));
    for (size_t i = 0; i < state->frozen_count; i++)
        TRY(verify_tables(&verify, state->frozen[i]->run.tables,
                          state->frozen[i]->run.count));
    TRY(verify_logs(&verify));
    /* Damaged tables would only be told a second time. */
    if (verify.damages == 0)
        TRY(judge(&verify, verify_order(&verify, state)));
out:
    *damages = verify.damages;
    read_state_unref(state);
    return status;
}
